"""The rules of a Dutch auction: the price falls on a clock, and whoever takes an item first has it. Pure:
time is an argument.

The price is a function of the terms and the moment; nothing is written when it drops. Amounts are integers in
the minor unit of the auction's currency.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from marketplace.errors import (
    AuctionCancelled,
    AuctionEnded,
    AuctionNotRunning,
    BuyerLimitReached,
    PriceChanged,
    SellerCannotBid,
    SoldOut,
)
from marketplace.times import iso

#: Statuses in which an auction sells.
OPEN = frozenset({"RUNNING", "ENDING_SOON"})


@dataclass(frozen=True, slots=True)
class Terms:
    """What the seller fixed before the auction opened."""

    seller_id: int
    starting_price: int
    #: The price never falls under it.
    floor: int
    drop_amount: int
    drop_every: timedelta
    quantity: int
    #: For how long an item is held while its buyer checks out.
    hold: timedelta
    #: So many items one buyer may hold and have bought; None for any number.
    per_buyer: int | None = None

    @property
    def drops(self) -> int:
        """How often the price drops until it is at the floor; the last drop may be a smaller one."""
        return -(-(self.starting_price - self.floor) // self.drop_amount)


@dataclass(frozen=True, slots=True)
class Price:
    """The price at a moment."""

    amount: int
    drops_remaining: int
    #: None at the floor, or when the end comes first.
    next_drop_at: datetime | None


def price_at(terms: Terms, starts_at: datetime, now: datetime) -> Price:
    """The price at ``now`` of an auction that opened, or will open, at ``starts_at``."""
    due = max((now - starts_at) // terms.drop_every, 0)
    done = min(due, terms.drops)
    amount = max(terms.starting_price - done * terms.drop_amount, terms.floor)
    remaining = terms.drops - done
    return Price(amount, remaining, starts_at + (done + 1) * terms.drop_every if remaining else None)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the sale stands: a summary of the log so far."""

    terms: Terms
    status: str
    starts_at: datetime
    ends_at: datetime
    #: Items somebody has taken and not yet checked out.
    held: int = 0
    #: Items that are checked out.
    sold: int = 0
    #: How often an item was taken, those that came back included.
    bid_count: int = 0

    @property
    def free(self) -> int:
        """Items that can be taken."""
        return self.terms.quantity - self.held - self.sold

    def price_at(self, now: datetime) -> Price:
        """The price at ``now``; after the end it stays what it was then, and no drop is due after it."""
        price = price_at(self.terms, self.starts_at, min(now, self.ends_at))
        if price.next_drop_at is not None and price.next_drop_at > self.ends_at:
            return replace(price, next_drop_at=None)
        return price


def take(standing: Standing, *, buyer_id: int, amount: int, has: int, now: datetime) -> Price:
    """The price at which the buyer, who saw ``amount`` and has ``has`` items already, takes one at ``now``.

    Never more than ``amount``: the price may have dropped since it was seen.

    Raises:
        SellerCannotBid: the buyer is the seller.
        AuctionNotRunning, AuctionEnded, AuctionCancelled: it sells nothing now.
        SoldOut: every item is taken; held ones may come back.
        BuyerLimitReached: the buyer has as many as one may have.
        PriceChanged: the price is above ``amount``; carries the price now.
    """
    terms = standing.terms
    if buyer_id == terms.seller_id:
        raise SellerCannotBid
    check_open(standing, now)
    if terms.per_buyer is not None and has >= terms.per_buyer:
        raise BuyerLimitReached(limit=terms.per_buyer)
    price = standing.price_at(now)
    if amount < price.amount:
        raise PriceChanged(
            currentPrice=price.amount,
            dropsRemaining=price.drops_remaining,
            nextDropAt=iso(price.next_drop_at) if price.next_drop_at else None,
        )
    return price


def check_open(standing: Standing, now: datetime) -> None:
    """Raise unless there is something to take at ``now``.

    The end is judged by the clock, whatever the status says: a late closing job lets nobody in.
    """
    if standing.status == "CANCELLED":
        raise AuctionCancelled
    if standing.free == 0 and now < standing.ends_at:
        raise SoldOut(remainingItems=0, heldItems=standing.held)
    if standing.status == "ENDED" or (standing.status in OPEN and now >= standing.ends_at):
        raise AuctionEnded
    if standing.status not in OPEN:
        raise AuctionNotRunning


def outcome(standing: Standing) -> str:
    """How the auction has ended, as far as it can be said now: a held item may still come back."""
    return "SOLD" if standing.held + standing.sold else "UNSOLD"
