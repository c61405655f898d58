"""A Dutch auction worked out the slow way, to compare the real one with.

It keeps a plain list of what was taken and what became of it, and works out everything else from that list
each time it is asked. It was written from the rules as they are told to sellers and buyers, and shares no
code with them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from tests.unit.bidding.naive import Refused


@dataclass(frozen=True)
class Deal:
    """What the seller fixed."""

    seller: int
    starts_at: datetime
    due: datetime
    start: int
    floor: int
    drop: int
    every: float
    quantity: int
    hold: float
    per_buyer: int | None

    @cached_property
    def drops(self) -> list[tuple[datetime, int]]:
        """When the price drops, and to what."""
        found: list[tuple[datetime, int]] = []
        moment, price = self.starts_at, self.start
        while price > self.floor:
            moment += timedelta(seconds=self.every)
            price = max(self.floor, price - self.drop)
            found.append((moment, price))
        return found


@dataclass
class Taken:
    """Somebody took an item."""

    who: int
    price: int
    asked: int
    at: datetime
    until: datetime
    #: The number of the event that told it.
    place: int
    checked_out: bool = False
    #: Why it came back; None while it is gone.
    back: str | None = None


@dataclass
class Naive:
    """One auction."""

    deal: Deal
    taken: list[Taken] = field(default_factory=list)
    ended_at: datetime | None = None
    cancelled: bool = False

    def copy(self) -> Naive:
        return replace(self, taken=[replace(one) for one in self.taken])

    # --- how it stands ---

    @property
    def held(self) -> list[Taken]:
        """Those that come back first are first."""
        waiting = [one for one in self.taken if not one.checked_out and one.back is None]
        return sorted(waiting, key=lambda one: (one.until, one.place))

    @property
    def sold(self) -> list[Taken]:
        return [one for one in self.taken if one.checked_out and one.back is None]

    @property
    def free(self) -> int:
        return self.deal.quantity - len(self.held) - len(self.sold)

    @property
    def end(self) -> datetime:
        return self.ended_at or self.deal.due

    @property
    def outcome(self) -> str:
        return "SOLD" if self.held or self.sold else "UNSOLD"

    def overdue(self, now: datetime) -> list[Taken]:
        return [one for one in self.held if one.until <= now]

    def has(self, who: int) -> int:
        return len([one for one in [*self.held, *self.sold] if one.who == who])

    def price(self, now: datetime) -> int:
        past = [price for moment, price in self.deal.drops if moment <= min(now, self.end)]
        return past[-1] if past else self.deal.start

    def coming_drops(self, now: datetime) -> list[datetime]:
        return [moment for moment, _ in self.deal.drops if moment > min(now, self.end)]

    def status(self, now: datetime) -> str:
        """As everybody sees it who looks at ``now``."""
        if self.cancelled:
            return "CANCELLED"
        if now < self.deal.starts_at:
            return "SCHEDULED"
        if now >= self.end or not self.free:
            return "ENDED"
        return "ENDING_SOON" if now >= self.end - timedelta(seconds=60) else "RUNNING"

    # --- what people do ---

    def take(self, who: int, amount: int, now: datetime, place: int) -> Taken:
        if who == self.deal.seller:
            raise Refused("seller_cannot_bid")
        match self.status(now):
            case "CANCELLED":
                raise Refused("auction_cancelled")
            case "ENDED" if now < self.end:
                raise Refused("sold_out", remainingItems=0, heldItems=len(self.held))
            case "ENDED":
                raise Refused("auction_ended")
            case "SCHEDULED":
                raise Refused("auction_not_running")
        if self.deal.per_buyer is not None and self.has(who) >= self.deal.per_buyer:
            raise Refused("buyer_limit_reached", limit=self.deal.per_buyer)
        price = self.price(now)
        if price > amount:
            coming = self.coming_drops(now)
            raise Refused(
                "price_changed",
                currentPrice=price,
                dropsRemaining=len(coming),
                nextDropAt=coming[0] if coming and coming[0] <= self.end else None,
            )
        one = Taken(who, price, amount, now, now + timedelta(seconds=self.deal.hold), place)
        self.taken.append(one)
        return one

    def check_out(self, one: Taken, now: datetime) -> None:
        if one.checked_out or one.back or one.until <= now:
            raise Refused("reservation_over")
        one.checked_out = True

    def end_now(self, now: datetime) -> None:
        if self.status(now) not in {"RUNNING", "ENDING_SOON"}:
            raise Refused("auction_over")
        self.ended_at = now

    def cancel(self, now: datetime) -> None:
        if self.status(now) in {"ENDED", "CANCELLED"}:
            raise Refused("auction_over")
        if self.taken:
            raise Refused("has_bids")
        self.cancelled = True
