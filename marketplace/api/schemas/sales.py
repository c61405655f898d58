"""Sales of several lots, and what comes after one: second chances, relisting, blocked bidders, suspicions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from marketplace.models import Closing, OfferStatus

from .auctions import AuctionTerms, AuctionView, PaymentDays, PremiumRate, TaxRate, TenantId
from .base import Line, Moment, MomentIn, PageSize, Person, Schema, Seconds


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
