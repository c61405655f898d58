"""What goes in and out of the API: the schemas that validate are the ones that document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from flask_openapi import FileStorage
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    model_validator,
)
from pydantic.alias_generators import to_camel
from werkzeug.datastructures import FileStorage as WerkzeugFile

from marketplace.bidding.withdrawal import RetractionReason
from marketplace.browsing import Sort
from marketplace.client_metrics import LATENCY_BOUNDS_MS, Counter
from marketplace.listings import LONGEST, MAX_QUANTITY, MAX_SECONDS
from marketplace.models import (
    AuctionFormat,
    AuctionStatus,
    Closing,
    OfferStatus,
    OrderState,
    Outcome,
    PaymentState,
    ReservationStatus,
    Role,
    SnipePolicy,
)
from marketplace.money import MAX_AMOUNT
from marketplace.times import iso

MAX_PAGE = 100


class Schema(BaseModel):
    """Base of all: camelCase outside, unknown fields refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    def json_ready(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return self.model_dump(mode="json", by_alias=True)


def _printable(text: str) -> str:
    text = text.strip()
    # A NUL cannot be stored by PostgreSQL; the other control characters have no business in a line.
    if any(ord(character) < 32 and character not in "\n\r\t" for character in text) or not _is_unicode(text):
        raise ValueError("must not contain control characters")
    return text


def _is_unicode(text: str) -> bool:
    """JSON can spell half of a surrogate pair, which no database and no browser takes."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _one_line(text: str) -> str:
    if not text or any(character in "\n\r\t" for character in text):
        raise ValueError("must be one line of text")
    return text


def _no_break(text: str) -> str:
    return _one_line(text) if text else text


def _is_file(value: Any) -> Any:
    # What is sent in its place as text, or not sent at all.
    if not isinstance(value, WerkzeugFile) or not value.filename:
        raise ValueError("must be a file, sent as multipart/form-data")
    return value


def _within_reason(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2200:
        raise ValueError("must be between the years 2000 and 2200")
    return moment.astimezone(UTC)


def _number_from_query(value: Any) -> Any:
    # Query parameters are text; digits of other scripts and signs are not meant.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return value


Text = Annotated[str, AfterValidator(_printable)]
Line = Annotated[Text, AfterValidator(_one_line)]
#: Strict: neither a fraction nor a string is an amount.
Amount = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT, description="in the currency's minor unit")]
Moment = Annotated[datetime, PlainSerializer(iso, return_type=str, when_used="json")]
MomentIn = Annotated[AwareDatetime, AfterValidator(_within_reason)]
Seconds = Annotated[int, Field(strict=True, ge=0, le=86_400, description="seconds")]
QueryNumber = Annotated[int, BeforeValidator(_number_from_query), Field(strict=True, ge=0)]
PageSize = Annotated[int, BeforeValidator(_number_from_query), Field(strict=True, ge=1, le=MAX_PAGE)]


class Problem(Schema):
    """An error, as RFC 9457 has it; further members carry the facts that belong to the code."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None = None


# --- accounts ---


def _mail_address(text: str) -> str:
    text = text.strip()
    local, _, domain = text.rpartition("@")
    if not local or "." not in domain.strip(".") or any(c.isspace() or ord(c) < 33 for c in text):
        raise ValueError("must be an e-mail address")
    return text


Email = Annotated[str, Field(max_length=254), AfterValidator(_mail_address)]


class Registration(Schema):
    """A new account."""

    email: Email
    password: Annotated[str, Field(min_length=10, max_length=200)]
    display_name: Annotated[Line, Field(max_length=60)]


class Credentials(Schema):
    """What opens an account."""

    email: Annotated[Text, Field(max_length=254)]
    password: Annotated[str, Field(max_length=200)]


class Me(Schema):
    """Who is asking."""

    id: int
    email: str
    display_name: str
    is_admin: bool
    strikes: Annotated[int, Field(description="orders that you did not pay, unless the seller has lifted it")]
    payment_details: Annotated[
        str | None, Field(description="how buyers on invoice pay you; null: you have not said it")
    ]


class PaymentDetails(Schema):
    """How buyers on invoice pay you."""

    text: Annotated[
        Text,
        Field(max_length=1000, description="in lines, such as name, address and bank account; may be empty"),
    ]


class TokenRequest(Schema):
    """A new bearer token."""

    name: Annotated[Line, Field(max_length=60, description="what it is for")]


class TokenInfo(Schema):
    """A bearer token, without the token."""

    id: int
    name: str
    created_at: Moment


class NewToken(TokenInfo):
    """A new bearer token; this is the only time it is shown."""

    token: str


class TokenList(Schema):
    """Your tokens."""

    items: list[TokenInfo]
    next_cursor: None = None


class TokenChoice(Schema):
    """Which token."""

    id: Annotated[int, Field(strict=True, ge=1, le=10**18)]


# --- auctions ---


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


class LotTerms(AuctionTerms):
    """What a seller sets for a lot; when it starts and ends, who sees it, and what the buyer pays on top of
    the price follow from its sale."""

    tenant_id: Annotated[None, Field(exclude=True)] = None
    starts_at: Annotated[None, Field(exclude=True)] = None
    ends_at: Annotated[None, Field(exclude=True)] = None  # type: ignore[assignment]
    premium_rate: Annotated[None, Field(exclude=True)] = None  # type: ignore[assignment]
    tax_rate: Annotated[None, Field(exclude=True)] = None  # type: ignore[assignment]
    payment_days: Annotated[None, Field(exclude=True)] = None  # type: ignore[assignment]


class SaleTerms(Schema):
    """A sale: how its lots close, and what an extension of one does to the others."""

    tenant_id: TenantId = None
    title: Annotated[Line, Field(max_length=200)]
    closing: Annotated[
        Closing,
        Field(description="CASCADE moves the later lots, INDIVIDUAL that lot alone, TOGETHER all of them"),
    ]
    interval: Annotated[Seconds, Field(description="seconds from the end of one lot to the next")] = 0
    starts_at: Annotated[MomentIn | None, Field(description="absent: when it is published")] = None
    ends_at: Annotated[MomentIn, Field(description="when the first lot ends")]
    premium_rate: PremiumRate = 0
    tax_rate: TaxRate = 0
    payment_days: PaymentDays = 7


class LotOrder(Schema):
    """The lots of a sale, in order."""

    auction_ids: Annotated[
        list[Annotated[int, Field(strict=True, ge=1, le=10**18)]],
        Field(max_length=500, description="your drafts; what was a lot and is missing is none any more"),
    ]


class Relisting(Schema):
    """When a lot that was not sold shall end next time."""

    ends_at: MomentIn


class Blocking(Schema):
    """Take no more bids from whoever placed a bid."""

    bid_id: Annotated[str, Field(max_length=40)]
    reason: Annotated[Line, Field(max_length=200)]
    cancel_bids: Annotated[bool, Field(strict=True, description="cancel their bids here, too")] = False


class Person(Schema):
    """Somebody, as others see them."""

    id: int
    display_name: str


class PictureSize(Schema):
    """A file of a picture, in WebP."""

    width: int
    url: Annotated[str, Field(description="always the same file; as a path on this server")]


class PictureView(Schema):
    """A picture of an auction."""

    id: int
    alt: Annotated[str, Field(description="what it shows, for whoever does not see it; may be empty")]
    width: Annotated[int, Field(description="of the largest size, in pixels, like `height`")]
    height: int
    sizes: Annotated[list[PictureSize], Field(description="the smallest first")]
    placeholder: Annotated[str, Field(description="its average colour, `#rrggbb`")]


class PictureList(Schema):
    """The pictures of an auction, in order."""

    items: list[PictureView]
    next_cursor: None = None


Alt = Annotated[str, Field(max_length=300), AfterValidator(_printable), AfterValidator(_no_break)]


class PictureUpload(Schema):
    """A picture as a file; its kind is found out by decoding it."""

    file: Annotated[FileStorage, AfterValidator(_is_file)]
    alt: Annotated[Alt, Field(description="what it shows, for whoever does not see it")] = ""


class PlacedPicture(Schema):
    """A picture in its place."""

    id: Annotated[int, Field(strict=True, ge=1, le=10**18)]
    alt: Annotated[Alt | None, Field(description="absent: as it is")] = None


class PictureOrder(Schema):
    """All pictures of an auction, in the order they shall have."""

    items: Annotated[list[PlacedPicture], Field(max_length=100)]


class PicturePath(Schema):
    """The ids in the path."""

    auction_id: int
    picture_id: int


class MediaPath(Schema):
    """The name of a file."""

    name: Annotated[str, Field(max_length=100)]


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


class SaleView(Schema):
    """A sale and its lots."""

    id: int
    tenant_id: int | None
    title: str
    closing: Closing
    interval: int
    starts_at: Moment | None
    ends_at: Moment
    premium_rate: int
    tax_rate: int
    payment_days: int
    lots: list[AuctionView]


class Blocked(Schema):
    """Somebody whose bids a seller does not take."""

    bidder: Person
    reason: str
    blocked_at: Moment


class BlockedList(Schema):
    """Whose bids you do not take."""

    items: list[Blocked]
    next_cursor: None = None


class Unblocking(Schema):
    """Whose bids to take again."""

    bidder_id: Annotated[int, Field(strict=True, ge=1, le=10**18)]


class OfferTerms(Schema):
    """For how long a second-chance offer is open."""

    hours: Annotated[int, Field(strict=True, ge=1, le=14 * 24)] = 48


class OfferView(Schema):
    """A lot offered to the next bidder."""

    id: int
    auction_id: int
    title: str
    price: int
    currency: str
    status: OfferStatus
    expires_at: Moment


class OfferList(Schema):
    """Offers."""

    items: list[OfferView]
    next_cursor: None = None


class OfferPath(Schema):
    """The id in the path."""

    offer_id: int


class SuspicionView(Schema):
    """A pattern worth a look."""

    kind: Annotated[str, Field(description="SAME_ADDRESS or REPEATED_RETRACTIONS")]
    user: Person
    auction_id: int | None
    detail: str
    noticed_at: Moment


class SuspicionPage(Schema):
    """Patterns worth a look."""

    items: list[SuspicionView]
    next_cursor: str | None


class SuspicionQuery(Schema):
    """Which page."""

    limit: PageSize = 50
    cursor: Annotated[str | None, Field(max_length=200)] = None


class SalePath(Schema):
    """The id in the path."""

    sale_id: int


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


class PageQuery(Schema):
    """Which page."""

    limit: PageSize = 20
    cursor: Annotated[str | None, Field(max_length=200)] = None


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
    reserve_price: Annotated[int | None, Field(description="told to the seller alone")]


class ReservationView(Schema):
    """An item of a Dutch auction that you took."""

    reservation_id: Annotated[str, Field(description="the id of the bid that took it")]
    auction_id: int
    title: str
    price: Annotated[int, Field(description="what you pay for it")]
    currency: str
    status: Annotated[
        ReservationStatus,
        Field(description="HELD until you check out (CONFIRMED), give it back (RELEASED) or let it expire"),
    ]
    expires_at: Annotated[Moment, Field(description="until when it is held")]
    created_at: Moment
    settled_at: Annotated[Moment | None, Field(description="when it stopped being held")]


class AboutMeInDutch(AboutMeAnywhere):
    """What concerns the asking user about a Dutch auction."""

    may_take: Annotated[int, Field(description="items that you may still take, as things are")]
    reservations: Annotated[
        list[ReservationView], Field(description=f"yours here, the latest first, at most {MAX_PAGE}")
    ]


class AboutMe(RootModel[AboutMeInEnglish | AboutMeInDutch]):
    """What concerns the asking user about an auction."""


class ReservationPage(Schema):
    """Some of your reservations."""

    items: list[ReservationView]
    next_cursor: str | None


class ReservationQuery(Schema):
    """Which reservations."""

    status: ReservationStatus | None = None
    limit: PageSize = 20
    cursor: Annotated[str | None, Field(max_length=200)] = None


class ReservationPath(Schema):
    """The id in the path."""

    reservation_id: Annotated[str, Field(max_length=40)]


class ItemPath(Schema):
    """The id in the path."""

    auction_id: int


# --- orders ---


Origin = Annotated[
    str,
    Field(
        description="how it was won: win, buy_now, offer:ID of a second chance, take:SEQ of a Dutch auction"
    ),
]


class StrikeView(Schema):
    """That the buyer did not pay in time."""

    at: Moment
    lifted_at: Annotated[Moment | None, Field(description="when the seller took it back")]


class OrderView(Schema):
    """Something sold, as its buyer, its seller and administrators see it."""

    id: int
    auction_id: int
    origin: Origin
    title: str
    buyer: Person
    seller: Person
    currency: str
    price: int
    premium_rate: Annotated[int, Field(description="in hundredths of a percent, as taxRate")]
    premium: Annotated[int, Field(description="on the price")]
    tax_rate: int
    tax: Annotated[int, Field(description="on price and premium")]
    total: int
    state: OrderState
    method: Annotated[str | None, Field(description="how the buyer pays; null until they have checked out")]
    ship_to: str | None
    payment_details: Annotated[
        str | None,
        Field(description="how the seller was to be paid when this was sold; told to buyer and seller only"),
    ]
    carrier: str | None
    tracking: str | None
    reason: Annotated[str | None, Field(description="why the seller called it off")]
    due_at: Annotated[Moment, Field(description="until when it has to be paid")]
    created_at: Moment
    paid_at: Moment | None
    shipped_at: Moment | None
    done_at: Moment | None
    closed_at: Annotated[Moment | None, Field(description="when it was cancelled or became unpaid")]
    strike: StrikeView | None
    buyer_strikes: Annotated[
        int | None,
        Field(description="of the buyer, and not lifted; told to the seller and to administrators"),
    ]


class CheckedOutOrder(OrderView):
    """An order that was checked out."""

    redirect_url: Annotated[str | None, Field(description="where to pay; null: nothing more to do here")]


class OrderPage(Schema):
    """Some of your orders."""

    items: list[OrderView]
    next_cursor: str | None


class OrderQuery(Schema):
    """Which of your orders."""

    role: Literal["buyer", "seller"] = "buyer"
    state: OrderState | None = None
    limit: PageSize = 20
    cursor: Annotated[str | None, Field(max_length=200)] = None


class OrderPath(Schema):
    """The id in the path."""

    order_id: int


class Checkout(Schema):
    """Where it goes, and how it is paid."""

    ship_to: Annotated[Text, Field(min_length=1, max_length=1000, description="name and address, in lines")]
    method: Annotated[Line, Field(max_length=40, description="a way of paying, such as `invoice`")]


class Shipment(Schema):
    """How it is sent."""

    carrier: Annotated[Line, Field(max_length=100)]
    tracking: Annotated[
        Text, Field(max_length=200, description="the carrier's number for it; may be empty")
    ] = ""


class OrderCancellation(Schema):
    """Why a sale is called off; the buyer can read it."""

    reason: Annotated[Line, Field(max_length=200)]


# --- tenants ---


class TenantIn(Schema):
    """A new tenant."""

    name: Annotated[Line, Field(max_length=100)]


class TenantView(Schema):
    """A tenant, as one of its members sees it."""

    id: int
    name: str
    role: Annotated[Role, Field(description="yours")]
    created_at: Moment


class TenantPage(Schema):
    """Some of your tenants."""

    items: list[TenantView]
    next_cursor: str | None


class TenantQuery(Schema):
    """Which tenants, or members."""

    limit: PageSize = 50
    cursor: Annotated[str | None, Field(max_length=200)] = None


class TenantPath(Schema):
    """The id in the path."""

    tenant_id: int


class MemberIn(Schema):
    """Who shall belong to a tenant."""

    email: Email
    role: Role = Role.MEMBER


class MemberView(Schema):
    """Somebody who belongs to a tenant."""

    user: Person
    email: Annotated[str | None, Field(description="told to managers")]
    role: Role


class MemberPage(Schema):
    """Some of the members."""

    items: list[MemberView]
    next_cursor: str | None


class MemberPath(Schema):
    """The ids in the path."""

    tenant_id: int
    user_id: int


# --- bids ---


class BidIn(Schema):
    """A bid: `amount` exactly; or `maxAmount`, and only what is needed is bid up to it; or both.

    In a Dutch auction `amount` alone, the price that you saw: you never pay more.
    """

    amount: Amount | None = None
    max_amount: Amount | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> BidIn:
        if self.amount is None and self.max_amount is None:
            raise ValueError("amount or maxAmount is needed")
        if self.amount is not None and self.max_amount is not None and self.max_amount < self.amount:
            raise ValueError("maxAmount must not be below amount")
        return self


class AnyBidAnswer(Schema):
    """What the answer to any accepted bid tells."""

    bid_id: str
    auction_id: int
    seq: int
    amount: Annotated[int, Field(description="what was bid so far; in a Dutch auction: what you pay")]
    currency: str
    received_at: Moment
    ends_at: Moment


class EnglishBidAnswer(AnyBidAnswer):
    """How things stood right after the bid."""

    max_amount: int | None
    current_bid: int
    you_lead: bool
    minimum_next_bid: int


class DutchBidAnswer(AnyBidAnswer):
    """An item is held for you."""

    reservation_id: Annotated[str, Field(description="what to check out")]
    expires_at: Annotated[Moment, Field(description="until when it is held")]
    remaining_items: Annotated[int, Field(description="items that could still be taken after it")]


class BidAnswer(RootModel[EnglishBidAnswer | DutchBidAnswer]):
    """The answer to an accepted bid."""


class BidView(Schema):
    """A bid in the log."""

    bid_id: str
    auction_id: int
    seq: int
    kind: Annotated[
        str,
        Field(
            description="BID, AUTO (an answer), RAISE, BUY_NOW, RETRACTION, CANCELLATION; in a Dutch auction"
            " TAKE and RETURN"
        ),
    ]
    amount: int
    currency: str
    bidder_name: Annotated[
        str | None,
        Field(description="in a Dutch auction told to the buyer and the seller alone, null to others"),
    ]
    mine: Annotated[bool, Field(description="whether its bidder is who asks")]
    placed_at: Moment
    withdrawn: Annotated[
        bool, Field(description="retracted, cancelled by the seller, or the item that was taken came back")
    ]
    refers_to: Annotated[str | None, Field(description="the bid that this withdraws or whose item came back")]
    reason: Annotated[
        str | None, Field(description="why; of a RETURN: expired, released, unpaid or cancelled")
    ]
    hash: Annotated[str | None, Field(description="told once the auction is over")]
    previous_hash: str | None


class BidPage(Schema):
    """Some bids: from `since` or `position` on oldest first, otherwise newest first."""

    items: list[BidView]
    next_cursor: str | None
    total: Annotated[int | None, Field(description="how many there are, if `count` was asked for")] = None


class BidQuery(Schema):
    """Which bids."""

    since: Annotated[
        str | None, Field(max_length=40, description="a `seq`, or an ISO 8601 time: later bids only")
    ] = None
    before: Annotated[QueryNumber | None, Field(le=10**18, description="a `seq`: earlier bids only")] = None
    position: Annotated[
        QueryNumber | None,
        Field(
            le=10**9,
            description="skip so many of the oldest: any part of a long log at once, without a cursor, for"
            " which `since`, `before` and `cursor` are ignored. A bid keeps its position until the end, when"
            " raised maximums become visible",
        ),
    ] = None
    count: Annotated[bool, Field(description="with `position`: tell the `total`, too")] = False
    limit: PageSize = 50
    cursor: Annotated[str | None, Field(max_length=200)] = None


class PricePoint(Schema):
    """The price from a moment on."""

    at: Moment
    price: Annotated[int | None, Field(description="null when no bid stands any more")]


class PriceHistory(Schema):
    """How the price went; of a Dutch auction what was paid, item by item."""

    auction_id: int
    seq: int
    currency: str
    points: Annotated[list[PricePoint], Field(description="in order; of a long history its steps and peaks")]


class Retraction(Schema):
    """Why a bid is retracted; needed from 30 seconds after it."""

    reason: RetractionReason | None = None


class BidCancellation(Schema):
    """Why a seller cancels a bid; everybody can read it in the log."""

    reason: Annotated[Line, Field(max_length=200)]


class Purchase(Schema):
    """The answer to a purchase."""

    bid_id: str
    auction_id: int
    seq: int
    amount: int
    currency: str
    ends_at: Moment


class BidPath(Schema):
    """The id in the path."""

    bid_id: Annotated[str, Field(max_length=40)]


# --- events ---


class EventView(Schema):
    """An event as it went, or will go, over the channel."""

    seq: int
    event: str
    data: dict[str, Any]


class EventPage(Schema):
    """Events in order."""

    items: list[EventView]
    next_cursor: str | None


class EventQuery(Schema):
    """Which events."""

    after: Annotated[QueryNumber, Field(le=10**18, description="the `seq` you have")] = 0
    limit: PageSize = 100


# --- payments ---


class PaymentView(Schema):
    """Money that a payment service took for an order."""

    id: int
    order_id: int
    method: str
    reference: Annotated[str, Field(description="the payment service's name for it")]
    amount: Annotated[int, Field(description="what came, in the minor unit of its currency")]
    currency: str
    state: Annotated[PaymentState, Field(description="TO_REFUND: the order did not need it, see the reason")]
    reason: Annotated[
        str | None, Field(description="order_cancelled, order_unpaid, paid_before or other_amount")
    ]
    received_at: Moment


class PaymentList(Schema):
    """The payments of an order."""

    items: list[PaymentView]
    next_cursor: None = None


class PaymentPage(Schema):
    """Some payments."""

    items: list[PaymentView]
    next_cursor: str | None


class PaymentQuery(Schema):
    """Which page."""

    limit: PageSize = 50
    cursor: Annotated[str | None, Field(max_length=200)] = None


# --- realtime and operations ---


class ServerTime(Schema):
    """The server's clock."""

    timestamp: Annotated[int, Field(description="milliseconds since 1970")]


class RealtimeSettings(Schema):
    """What a client needs to connect to Channels."""

    key: str
    cluster: str
    ws_host: str
    ws_port: int
    # pusher-js spells it so.
    force_tls: Annotated[bool, Field(alias="forceTLS")]
    auth_endpoint: str
    user_auth_endpoint: str


Tally = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class ClientLatencies(Schema):
    """From the server's timestamp of an event to the frame that shows it."""

    counts: Annotated[
        list[Tally],
        Field(
            min_length=len(LATENCY_BOUNDS_MS) + 1,
            max_length=len(LATENCY_BOUNDS_MS) + 1,
            description=f"how many up to {', '.join(map(str, LATENCY_BOUNDS_MS))} ms, and above",
        ),
    ]
    sum_ms: Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]


class ClientMetricsIn(Schema):
    """What a page's client has counted since it told last."""

    counters: dict[Counter, Tally] = {}
    latency: ClientLatencies
    connect_ms: Annotated[
        Tally | None, Field(description="from the start of the script to the first connection")
    ] = None


class Health(Schema):
    """How a process is."""

    status: str
    checks: dict[str, str] = {}
