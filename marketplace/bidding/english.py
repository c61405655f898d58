"""The rules of an English auction: the price rises, the highest bid leads. Pure: time is an argument.

Everything here is a function of the terms, the standing and the moment; nothing is read or written.
Amounts are integers in the minor unit of the auction's currency.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from marketplace.errors import (
    AlreadyLeading,
    AuctionCancelled,
    AuctionEnded,
    AuctionNotRunning,
    BidTooLow,
    SellerCannotBid,
)

#: Statuses in which an auction takes bids.
OPEN = frozenset({"RUNNING", "ENDING_SOON"})


@dataclass(frozen=True, slots=True)
class Increments:
    """By how much the next bid must exceed the current one."""

    fixed: int

    def after(self, amount: int) -> int:
        """The step that a bid over ``amount`` must make: the same at every price."""
        del amount
        return self.fixed


@dataclass(frozen=True, slots=True)
class AntiSnipe:
    """A bid in the last ``window`` before the end moves the end to ``extension`` after the bid."""

    window: timedelta
    extension: timedelta

    def extended(self, ends_at: datetime, now: datetime) -> datetime:
        """The end after a bid accepted at ``now``: later or the same, never earlier."""
        if ends_at - now > self.window:
            return ends_at
        return max(ends_at, now + self.extension)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the seller fixed before the auction opened."""

    seller_id: int
    starting_price: int
    increments: Increments
    anti_snipe: AntiSnipe


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the bidding stands: a summary of the log so far."""

    terms: Terms
    status: str
    ends_at: datetime
    current_bid: int | None = None
    leader_id: int | None = None
    bid_count: int = 0
    extension_count: int = 0

    @property
    def minimum_next_bid(self) -> int:
        """The least that will be accepted next."""
        if self.current_bid is None:
            return self.terms.starting_price
        return self.current_bid + self.terms.increments.after(self.current_bid)


def accept(standing: Standing, *, bidder_id: int, amount: int, now: datetime) -> Standing:
    """The standing after this bid.

    Raises:
        SellerCannotBid: the bidder is the seller.
        AuctionNotRunning, AuctionEnded, AuctionCancelled: it takes no bids now.
        BidTooLow: ``amount`` is under the minimum; carries ``minimumNextBid`` and ``currentBid``.
        AlreadyLeading: the bidder has the highest bid already.
    """
    if bidder_id == standing.terms.seller_id:
        raise SellerCannotBid
    check_open(standing, now)
    if amount < standing.minimum_next_bid:
        raise BidTooLow(minimumNextBid=standing.minimum_next_bid, currentBid=standing.current_bid)
    if bidder_id == standing.leader_id:
        raise AlreadyLeading(currentBid=standing.current_bid)
    ends_at = standing.terms.anti_snipe.extended(standing.ends_at, now)
    return replace(
        standing,
        current_bid=amount,
        leader_id=bidder_id,
        bid_count=standing.bid_count + 1,
        ends_at=ends_at,
        extension_count=standing.extension_count + (ends_at > standing.ends_at),
    )


def check_open(standing: Standing, now: datetime) -> None:
    """Raise unless the auction takes bids at ``now``.

    The end is judged by the clock, whatever the status says: a late closing job lets nobody in.
    """
    if standing.status == "CANCELLED":
        raise AuctionCancelled
    if standing.status == "ENDED" or (standing.status in OPEN and now >= standing.ends_at):
        raise AuctionEnded(currentBid=standing.current_bid)
    if standing.status not in OPEN:
        raise AuctionNotRunning


def outcome(standing: Standing) -> str:
    """How the auction ends if it ends now."""
    return "UNSOLD" if standing.leader_id is None else "SOLD"
