"""Auctions: their terms, how they stand, lists of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel

from marketplace.browsing import Sort
from marketplace.listings import LONGEST, MAX_QUANTITY, MAX_SECONDS
from marketplace.models import AuctionFormat, AuctionStatus, Outcome, SnipePolicy
from marketplace.money import MAX_AMOUNT

from .base import (
    MAX_PAGE,
    Amount,
    Line,
    Moment,
    MomentIn,
    PageSize,
    Person,
    QueryNumber,
    Schema,
    Seconds,
    Text,
)
from .orders import ReservationView
from .pictures import PictureView

IncrementTable = Annotated[
    list[tuple[Amount, Annotated[Amount, Field(ge=1)]]],
    Field(min_length=1, max_length=30, description="English: `[[price, step], ...]`, from price 0 upwards"),
]

Percent = Annotated[int, Field(strict=True, ge=0, le=100)]

Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")]

SecretAmount = Annotated[
    Amount | None, Field(ge=1, description="English. Secret: under this price the lot is not sold")
]

BuyNowShare = Annotated[
    Percent,
    Field(description="English: percent of buyNowPrice up to which it stays open; 0: until the first bid"),
]

Window = Annotated[
    Seconds, Field(description="English: seconds before the end in which a bid extends it; 0: never")
]

Policy = Annotated[
    SnipePolicy,
    Field(description="English: a late bid moves the end to `extension` after it, by `extension`, or not"),
]

MaxExtensions = Annotated[
    int | None, Field(strict=True, ge=1, le=1000, description="English: extensions at most")
]

MaxExtensionTotal = Annotated[
    Seconds | None, Field(description="English: seconds that extensions may add in all")
]

SuddenDeath = Annotated[
    Seconds, Field(description="English: seconds before the end in which no bid extends it any more")
]

FloorPrice = Annotated[
    Amount | None, Field(description="Dutch, needed there: the price never falls under it")
]

DropAmount = Annotated[
    Amount | None,
    Field(ge=1, description="Dutch, needed there: how far each drop goes; the last may be smaller"),
]

DropEvery = Annotated[
    Seconds | None, Field(ge=1, description="Dutch, needed there: seconds from one drop to the next")
]

Items = Annotated[int, Field(strict=True, ge=1, le=MAX_QUANTITY)]

TenantId = Annotated[
    int | None,
    Field(strict=True, ge=1, le=10**18, description="whose members alone see it; absent: everybody does"),
]

PremiumRate = Annotated[
    int,
    Field(strict=True, ge=0, le=10_000, description="on the price, in hundredths of a percent: 2500 is 25 %"),
]

TaxRate = Annotated[
    int, Field(strict=True, ge=0, le=10_000, description="on price and premium, in hundredths of a percent")
]

PaymentDays = Annotated[int, Field(strict=True, ge=1, le=90, description="days that the buyer has to pay")]

Slug = Annotated[str, Field(pattern="^[a-z]+(-[a-z]+)*$", max_length=60)]


class AuctionTerms(Schema):
    """What a seller sets. What belongs to the other format is refused.

    In an English auction bids rise, by `minIncrement` or by `incrementTable`. In a Dutch one the price falls
    from `startingPrice` to `floorPrice`, and whoever takes one of the items first has it.
    """

    tenant_id: TenantId = None
    category: Annotated[Slug, Field(description="one of `GET /api/categories`")] = "other"
    title: Annotated[Line, Field(max_length=200)]
    description: Annotated[Text, Field(max_length=10_000)] = ""
    format: Annotated[AuctionFormat, Field(description="fixed once the draft is made")] = (
        AuctionFormat.ENGLISH
    )
    currency: Currency
    starting_price: Amount
    min_increment: Annotated[Amount | None, Field(ge=1, description="English: the step of bids")] = None
    increment_table: IncrementTable | None = None
    reserve_price: SecretAmount = None
    buy_now_price: Annotated[Amount | None, Field(ge=1, description="English: the price to buy at once")] = (
        None
    )
    buy_now_share: BuyNowShare = 0
    starts_at: Annotated[MomentIn | None, Field(description="absent: when it is published")] = None
    ends_at: MomentIn
    anti_snipe: Policy = SnipePolicy.RESET
    extension_window: Window = 0
    extension: Seconds = 0
    max_extensions: MaxExtensions = None
    max_extension_total: MaxExtensionTotal = None
    sudden_death: SuddenDeath = 0
    floor_price: FloorPrice = None
    drop_amount: DropAmount = None
    drop_every: DropEvery = None
    quantity: Annotated[Items, Field(description="Dutch: how many items there are")] = 1
    hold_seconds: Annotated[
        Seconds, Field(ge=1, description="Dutch: how long a taken item is held for its buyer to check out")
    ] = 600
    per_buyer: Annotated[
        Items | None, Field(description="Dutch: items that one buyer may have; absent: any number")
    ] = None
    premium_rate: PremiumRate = 0
    tax_rate: TaxRate = 0
    payment_days: PaymentDays = 7


class AuctionChanges(AuctionTerms):
    """What a seller may change in a draft; what is absent stays."""

    title: Annotated[Line, Field(max_length=200)] = ""
    currency: Currency = "USD"
    starting_price: Amount = 0
    ends_at: MomentIn = datetime(2100, 1, 1, tzinfo=UTC)


class IncrementPreset(Schema):
    """A table of increments from the trade, for `incrementTable`."""

    name: str
    source: str
    rows: Annotated[list[list[int]], Field(description="in hundredths of the currency's main unit")]


class IncrementPresetList(Schema):
    """Tables of increments from the trade."""

    items: list[IncrementPreset]
    next_cursor: None = None


class AnyAuction(Schema):
    """What an auction of any format shows."""

    id: int
    tenant_id: Annotated[int | None, Field(description="whose members alone see it; null: everybody does")]
    sale_id: Annotated[int | None, Field(description="the sale it is a lot of")]
    lot_number: int | None
    category: Annotated[str | None, Field(description="null in auctions older than the categories")]
    status: AuctionStatus
    outcome: Outcome | None
    title: str
    description: str
    currency: str
    seller: Person
    starts_at: Moment | None
    ends_at: Moment
    starting_price: int
    premium_rate: Annotated[int, Field(description="on the price, in hundredths of a percent")]
    tax_rate: Annotated[int, Field(description="on price and premium, in hundredths of a percent")]
    payment_days: int
    bid_count: int
    seq: int
    active_viewers: int
    pictures: Annotated[list[PictureView], Field(description="in order; in lists only the first")]


class EnglishAuction(AnyAuction):
    """An English auction: bids rise."""

    format: Literal[AuctionFormat.ENGLISH] = AuctionFormat.ENGLISH
    min_increment: int | None
    increment_table: list[list[int]] | None
    reserve_met: Annotated[bool | None, Field(description="null when there is no reserve")]
    buy_now_price: Annotated[int | None, Field(description="null when the lot cannot be bought at once")]
    buy_now_share: int
    anti_snipe: SnipePolicy
    extension_window: int
    extension: int
    max_extensions: int | None
    max_extension_total: int | None
    sudden_death: int
    extension_count: int
    current_bid: int | None
    minimum_next_bid: int
    bidder_name: str | None


class DutchAuction(AnyAuction):
    """A Dutch auction: the price falls, and nothing is told or stored when it does.

    It has dropped `floor((now - startsAt) / dropEvery)` times, each by `dropAmount`, and never under
    `floorPrice`; after the end it stays as it was.
    """

    format: Literal[AuctionFormat.DUTCH] = AuctionFormat.DUTCH
    floor_price: int
    drop_amount: int
    drop_every: Annotated[int, Field(description="seconds")]
    current_price: Annotated[int, Field(description="what an item costs now")]
    drops_remaining: Annotated[int, Field(description="drops until the floor")]
    next_drop_at: Annotated[Moment | None, Field(description="null when it does not drop any more")]
    quantity: int
    remaining_items: Annotated[int, Field(description="items that can be taken")]
    held_items: Annotated[int, Field(description="items held for buyers who check out")]
    sold_items: int
    hold_seconds: int
    per_buyer: Annotated[int | None, Field(description="items that one buyer may have; null: any number")]


class AuctionView(RootModel[Annotated[EnglishAuction | DutchAuction, Field(discriminator="format")]]):
    """An auction, the same for everyone who may see it."""

    def json_ready(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return self.root.json_ready()


class AuctionPage(Schema):
    """Some auctions."""

    items: list[AuctionView]
    next_cursor: str | None


class AuctionQuery(Schema):
    """Which auctions, in which order."""

    q: Annotated[
        Text | None,
        Field(
            max_length=200, description='words of the title or description: `"leica lens" or nikon -broken`'
        ),
    ] = None
    category: Annotated[Slug | None, Field(description="with those in it")] = None
    format: AuctionFormat | None = None
    status: Annotated[
        str | None, Field(pattern=r"^[A-Z_]+(,[A-Z_]+)*$", description="one status, or several with commas")
    ] = None
    currency: Annotated[str | None, Field(pattern="^[A-Z]{3}$")] = None
    min_price: Annotated[
        QueryNumber | None, Field(le=MAX_AMOUNT, description="in the minor unit; needs `currency`")
    ] = None
    max_price: Annotated[
        QueryNumber | None, Field(le=MAX_AMOUNT, description="in the minor unit; needs `currency`")
    ] = None
    ending_within: Annotated[
        QueryNumber | None, Field(ge=1, le=LONGEST.days * MAX_SECONDS, description="seconds; running ones")
    ] = None
    seller_id: Annotated[QueryNumber | None, Field(le=10**18)] = None
    tenant_id: Annotated[QueryNumber | None, Field(le=10**18)] = None
    sort: Annotated[
        Sort | None, Field(description="absent: relevance with `q`, else ending; prices need `currency`")
    ] = None
    limit: PageSize = 20
    cursor: Annotated[str | None, Field(max_length=200, description="good for an hour")] = None


class CategoryView(Schema):
    """A category."""

    slug: Annotated[str, Field(description="stable: translations can hang on it")]
    name: Annotated[str, Field(description="in English")]


class CategoryBranch(CategoryView):
    """A category of the top level."""

    children: list[CategoryView]


class CategoryTree(Schema):
    """All categories."""

    items: list[CategoryBranch]
    next_cursor: None = None


class StatusChange(Schema):
    """The status an auction shall have."""

    status: Literal["SCHEDULED", "RUNNING", "CANCELLED", "ENDED"]


class AboutMeAnywhere(Schema):
    """What concerns the asking user about an auction of any format."""

    is_seller: bool
    blocked: Annotated[bool, Field(description="the seller does not take your bids")]
    watching: bool


class AboutMeInEnglish(AboutMeAnywhere):
    """What concerns the asking user about an English auction."""

    you_lead: bool
    your_max_amount: Annotated[int | None, Field(description="how far you go, while you lead")]
    has_bid: Annotated[bool, Field(description="a bid of yours stands")]
    reserve_price: Annotated[int | None, Field(description="told to the seller alone")]


class AboutMeInDutch(AboutMeAnywhere):
    """What concerns the asking user about a Dutch auction."""

    may_take: Annotated[int, Field(description="items that you may still take, as things are")]
    reservations: Annotated[
        list[ReservationView], Field(description=f"yours here, the latest first, at most {MAX_PAGE}")
    ]


class AboutMe(RootModel[AboutMeInEnglish | AboutMeInDutch]):
    """What concerns the asking user about an auction."""
