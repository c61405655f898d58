"""Bids, and what is answered to them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, RootModel, model_validator

from marketplace.bidding.withdrawal import RetractionReason

from .base import Amount, Line, Moment, PageSize, QueryNumber, Schema


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
