"""The catalogue: every event there is, what it carries and who receives it.

``flask docs events`` writes ``docs/events.md`` from these classes. On the wire the field names are camelCase
and every event of an auction also carries ``auctionId``, ``seq`` and ``timestamp``; one that belongs to no
auction's history, ``eventId`` and ``timestamp``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar

import pydantic_core

from marketplace.times import iso

#: What Channels takes as the data of one event, in bytes.
MAX_DATA_BYTES = 10_240

Money = Annotated[int, "in the currency's minor unit"]


def to_json(value: Any) -> str:
    """JSON without needless spaces: what is stored is what is sent."""
    return pydantic_core.to_json(value).decode()


def camel(name: str) -> str:
    """``bid_count`` -> ``bidCount``."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


@cache  # a class is made once, so this is computed once for each
def _wire_names(kind: type[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, camel(field.name)) for field in fields(kind) if field.name != "direct")


def _with_fields(data: dict[str, Any], event: Payload | PersonalEvent) -> dict[str, Any]:
    for attribute, key in _wire_names(type(event)):  # type: ignore[arg-type]
        value = getattr(event, attribute)
        data[key] = iso(value) if isinstance(value, datetime) else value
    return data


class Payload:
    """Something that can be put on a channel."""

    __slots__ = ()
    name: ClassVar[str]
    #: Where it goes, in words, for the documentation.
    audience: ClassVar[str]

    def data(self, auction_id: int, seq: int, at: datetime) -> dict[str, Any]:
        """What goes over the wire."""
        data: dict[str, Any] = {"auctionId": auction_id, "seq": seq, "timestamp": iso(at)}
        return _with_fields(data, self)


class UserEvent(Payload):
    """An event for one user."""

    __slots__ = ()
    audience = "private-user-{id}"


@dataclass(frozen=True, slots=True)
class Direct:
    """A user event with its addressee."""

    user_id: int
    event: UserEvent


class PersonalEvent:
    """An event for one user that belongs to no auction's history: see ``user_events.py``."""

    __slots__ = ()
    name: ClassVar[str]
    audience: ClassVar[str] = UserEvent.audience

    def data(self, at: datetime) -> dict[str, Any]:
        """What goes over the wire, but for the ``eventId`` that the queue gives it."""
        return _with_fields({"timestamp": iso(at)}, self)


class AuctionEvent(Payload):
    """An event for everybody who watches an auction, with what single users are told besides."""

    __slots__ = ()
    audience = "auction-{id} or private-auction-{id}"
    direct: tuple[Direct, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BidNew(AuctionEvent):
    """A bid was accepted."""

    name = "bid:new"
    kind: Annotated[str, "BID; AUTO when it answers a rival automatically; BUY_NOW"] = "BID"
    current_bid: Annotated[int, "the price now, in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217"]
    bidder_name: Annotated[str, "who leads now"]
    bid_count: Annotated[int, "bids so far, this one included"]
    minimum_next_bid: Annotated[int, "the least that will be accepted next"]
    reserve_met: Annotated[bool | None, "whether the reserve is met; null when there is none"]
    extended_end_time: Annotated[datetime | None, "the new end, when this bid moved it"]
    direct: tuple[Direct, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BidRetracted(AuctionEvent):
    """Bids were withdrawn by their bidder, or cancelled by the seller; the price may have fallen."""

    name = "bid:retracted"
    current_bid: Annotated[int | None, "the price now, in the currency's minor unit; null without bids"]
    currency: Annotated[str, "ISO 4217"]
    bidder_name: Annotated[str | None, "who leads now"]
    bid_count: Annotated[int, "bids that stand"]
    minimum_next_bid: Annotated[int, "the least that will be accepted next"]
    reserve_met: Annotated[bool | None, "whether the reserve is met; null when there is none"]
    direct: tuple[Direct, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuctionStatusChanged(AuctionEvent):
    """The auction was scheduled, opened, is ending soon, or was cancelled. Its end is `auction:end`."""

    name = "auction:status"
    status: Annotated[str, "SCHEDULED, RUNNING, ENDING_SOON or CANCELLED"]
    starts_at: Annotated[datetime, "when it opens or opened"]
    ends_at: Annotated[datetime, "when it ends"]
    direct: tuple[Direct, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuctionExtended(AuctionEvent):
    """A late bid moved the end. Follows the `bid:new` that caused it."""

    name = "auction:extend"
    ends_at: Annotated[datetime, "the new end"]
    extension_count: Annotated[int, "extensions so far, this one included"]
    direct: tuple[Direct, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuctionEnded(AuctionEvent):
    """The auction has ended; no bid comes after it.

    There is exactly one of these per English auction. A Dutch auction that is sold out opens again
    (`auction:status`) when an item comes back in time, and then ends once more.
    """

    name = "auction:end"
    outcome: Annotated[str, "SOLD, UNSOLD or RESERVE_NOT_MET"]
    reason: Annotated[str, "time_up, bought, sold_out, or ended_by_administrator"]
    winner_name: Annotated[str | None, "who won, if it was sold"]
    winning_bid: Annotated[int | None, "for how much, in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217"]
    direct: tuple[Direct, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuctionSecondChance(AuctionEvent):
    """After the end: the lot is offered to another bidder, or they have answered. To whom is not told."""

    name = "auction:second-chance"
    status: Annotated[str, "OFFERED, ACCEPTED or DECLINED"]
    direct: tuple[Direct, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondChance(UserEvent):
    """To the bidder: the lot is offered to you. To the seller: how the bidder answered."""

    name = "second-chance"
    offer_id: Annotated[int, "the offer"]
    status: Annotated[str, "OPEN, ACCEPTED or DECLINED"]
    title: Annotated[str, "what is offered"]
    price: Annotated[int, "the bidder's last bid, in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217"]
    expires_at: Annotated[datetime, "until when it can be accepted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BidWinning(UserEvent):
    """Your bid leads: it was accepted, it answered a rival automatically, or a rival's was withdrawn."""

    name = "bid:winning"
    bid_id: Annotated[str | None, "the bid; null when a retraction put you in the lead"]
    current_bid: Annotated[int, "your bid, in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BidOutbid(UserEvent):
    """Somebody has bid more than you."""

    name = "bid:outbid"
    current_bid: Annotated[int, "the price now, in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217"]
    minimum_next_bid: Annotated[int, "the least that would take the lead back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuctionWon(UserEvent):
    """You have won the auction."""

    name = "auction:won"
    title: Annotated[str, "what you have won"]
    winning_bid: Annotated[int, "the price, in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSold(AuctionEvent):
    """An item of a Dutch auction was taken. Not sent to the buyer's own connection (`X-Socket-Id`)."""

    name = "item:sold"
    remaining_items: Annotated[int, "items that can still be taken"]
    price: Annotated[int, "at which it was taken, in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217"]
    direct: tuple[Direct, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReturned(AuctionEvent):
    """An item of a Dutch auction is free again: not checked out in time, given back, or not paid for."""

    name = "item:returned"
    remaining_items: Annotated[int, "items that can be taken"]
    outcome: Annotated[str | None, "SOLD or UNSOLD when the auction is over; null when it goes on"]
    direct: tuple[Direct, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BidAccepted(UserEvent):
    """An item of a Dutch auction is held for you."""

    name = "bid:accepted"
    bid_id: Annotated[str, "the bid"]
    winning_price: Annotated[int, "what you pay, in the currency's minor unit; never more than you agreed to"]
    currency: Annotated[str, "ISO 4217"]
    reservation_id: Annotated[str, "what to check out"]
    expires_at: Annotated[datetime, "until when it is held"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BidRejected(UserEvent):
    """Your bid in a Dutch auction was refused. Never stored: the answer to the bid says the same."""

    name = "bid:rejected"
    bid_id: Annotated[None, "there is no bid"] = None
    reason: Annotated[str, "the code of the refusal, such as price_changed or sold_out"]
    current_price: Annotated[int, "the price now, in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217"]
    remaining_items: Annotated[int, "items that can still be taken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationExpired(UserEvent):
    """An item was held for you, and you have not checked out in time."""

    name = "reservation:expired"
    reservation_id: Annotated[str, "the reservation"]
    title: Annotated[str, "what it was"]
    price: Annotated[int, "in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdated(PersonalEvent):
    """To its buyer and its seller: an order was made, or is in another state."""

    name = "order:updated"
    order_id: Annotated[int, "the order"]
    state: Annotated[str, "AWAITING_PAYMENT, PAID, SHIPPED, DONE, CANCELLED or UNPAID"]
    title: Annotated[str, "what was sold"]
    total: Annotated[int, "what the buyer pays, in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDrop:
    """The price of a Dutch auction has dropped. At most every five seconds, and at once on the last drop.

    Without `seq` and never stored: nothing has happened, the price follows from the terms and the clock.
    """

    name: ClassVar[str] = "price:drop"
    audience: ClassVar[str] = AuctionEvent.audience
    current_price: Annotated[int, "the price now, in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217"]
    drops_remaining: Annotated[int, "drops until the floor"]
    next_drop_at: Annotated[datetime | None, "when it drops next; null at the floor"]

    def data(self, auction_id: int, at: datetime) -> dict[str, Any]:
        """What goes over the wire."""
        return {
            "auctionId": auction_id,
            "timestamp": iso(at),
            "currentPrice": self.current_price,
            "currency": self.currency,
            "dropsRemaining": self.drops_remaining,
            "nextDropAt": iso(self.next_drop_at) if self.next_drop_at else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentToRefund(PersonalEvent):
    """To the seller: money came for an order that did not need it, and has to go back to the buyer."""

    name = "payment:to-refund"
    order_id: Annotated[int, "the order"]
    title: Annotated[str, "what was sold"]
    amount: Annotated[int, "what came, in the currency's minor unit"]
    currency: Annotated[str, "ISO 4217, of the amount"]
    reason: Annotated[str, "order_cancelled, order_unpaid, paid_before or other_amount"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BidsBatch:
    """Several bids of a busy auction in one message; stands for the `bid:new` events `fromSeq` to `seq`.

    Never stored: the outbox makes it from consecutive `bid:new` events when it sends them.
    """

    name: ClassVar[str] = "bids:batch"
    audience: ClassVar[str] = AuctionEvent.audience
    from_seq: Annotated[int, "the first event it stands for"]
    bids: Annotated[list[dict[str, Any]], "the data of each `bid:new`, in order"]
    latest_bid: Annotated[dict[str, Any], "the last of them: all that a page without a bid list needs"]

    def data(self) -> dict[str, Any]:
        """What goes over the wire. The envelope is that of the last bid."""
        envelope = {key: self.latest_bid[key] for key in ("auctionId", "seq", "timestamp")}
        return {**envelope, "fromSeq": self.from_seq, "bids": self.bids, "latestBid": self.latest_bid}


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewersCount:
    """The number of viewers has changed. At most every five seconds, without `seq`, never stored."""

    name: ClassVar[str] = "viewers:count"
    audience: ClassVar[str] = AuctionEvent.audience
    active_viewers: Annotated[int, "connections that watch the auction"]

    def data(self, auction_id: int, at: datetime) -> dict[str, Any]:
        """What goes over the wire."""
        return {"auctionId": auction_id, "timestamp": iso(at), "activeViewers": self.active_viewers}


#: In the order of the documentation.
CATALOGUE: tuple[
    type[Payload] | type[PersonalEvent] | type[BidsBatch] | type[PriceDrop] | type[ViewersCount], ...
] = (
    BidNew,
    BidsBatch,
    BidRetracted,
    AuctionStatusChanged,
    AuctionExtended,
    AuctionEnded,
    AuctionSecondChance,
    PriceDrop,
    ItemSold,
    ItemReturned,
    ViewersCount,
    BidWinning,
    BidOutbid,
    BidAccepted,
    BidRejected,
    ReservationExpired,
    AuctionWon,
    SecondChance,
    OrderUpdated,
    PaymentToRefund,
)
