"""An English auction worked out the slow way, to compare the real one with.

It keeps a plain list of who asked for what and when, and works out everything else from the beginning each
time it is asked. It was written from the rules as they are told to sellers and bidders, and shares no code
with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


class Refused(Exception):
    """What the model would answer: the code of the refusal and its facts."""

    def __init__(self, code: str, **facts: Any) -> None:
        self.code, self.facts = code, facts
        super().__init__(code)


@dataclass(frozen=True)
class Deal:
    """What the seller fixed."""

    seller: int
    starts_at: datetime
    due: datetime
    start: int
    #: (from this price on, this step)
    steps: Sequence[tuple[int, int]]
    reserve: int | None
    buy_now: int | None
    buy_now_percent: int
    policy: str
    window: float
    extension: float
    most_extensions: int | None
    most_seconds: float | None
    sudden_death: float

    def step(self, price: int) -> int:
        return [step for start, step in self.steps if start <= price][-1]


@dataclass
class Ask:
    """Somebody asked for this, and it was accepted."""

    who: int
    amount: int | None
    maximum: int | None
    at: datetime
    #: A raise of their own maximum that nobody else got to know.
    silent: bool
    #: Where the log has it.
    place: tuple[int, int] = (0, 0)
    gone: bool = False

    @property
    def strength(self) -> int:
        return max(self.amount or 0, self.maximum or 0)


def strongest(asks: Sequence[Ask]) -> Ask | None:
    """The earliest wins a tie: ``max`` keeps the first of equals."""
    return max(asks, key=lambda ask: ask.strength, default=None)


@dataclass
class Picture:
    """What a list of asks comes to."""

    leader: int | None = None
    price: int | None = None
    strength: int | None = None
    #: Entries of the log that everybody sees.
    shown: int = 0
    #: Of these, the ones that the last ask made: who was ahead then, and at what price.
    last: list[tuple[int, int]] = field(default_factory=list)


def picture(deal: Deal, asks: Sequence[Ask]) -> Picture:
    result = Picture()
    for n, ask in enumerate(asks):
        before, top = strongest(asks[:n]), strongest(asks[: n + 1])
        assert top
        result.last = []
        # The price is the highest of everything that ever called for one.
        calls = [deal.start, result.price or 0]
        if before is None or before.who == ask.who:
            calls.append(ask.amount or 0)
        elif top is ask:
            calls += [ask.amount or 0, min(ask.strength, before.strength + deal.step(before.strength))]
        else:
            result.last.append((ask.who, ask.strength))
            calls.append(min(before.strength, ask.strength + deal.step(ask.strength)))
        if deal.reserve is not None:
            calls.append(min(top.strength, deal.reserve))
        if not (before and before.who == ask.who and max(calls) == result.price):
            result.last.append((top.who, max(calls)))
        result.price = max(calls)
        result.leader, result.strength = top.who, top.strength
        result.shown += len(result.last)
    return result


@dataclass
class Naive:
    """One auction."""

    deal: Deal
    asks: list[Ask] = field(default_factory=list)
    #: When a bid was accepted that everybody saw.
    bid_times: list[datetime] = field(default_factory=list)
    buyer: int | None = None
    #: Bought, ended by an administrator, or called off.
    over_since: datetime | None = None
    cancelled: bool = False
    #: The last picture, and of how many asks with how many gone it is: it is asked for many times a step.
    _seen: tuple[tuple[int, int], Picture] | None = None

    # --- how it stands ---

    @property
    def standing(self) -> list[Ask]:
        return [ask for ask in self.asks if not ask.gone]

    @property
    def now_at(self) -> Picture:
        key = len(self.asks), len(self.standing)
        if self._seen is None or self._seen[0] != key:
            self._seen = key, picture(self.deal, self.standing)
        found = self._seen[1]
        if self.buyer is not None:
            price = self.deal.buy_now
            return Picture(self.buyer, price, price, found.shown + 1)
        return found

    @property
    def minimum(self) -> int:
        return self.minimum_over(self.now_at.price)

    def minimum_over(self, price: int | None) -> int:
        return self.deal.start if price is None else price + self.deal.step(price)

    def reserve_met_at(self, price: int | None) -> bool | None:
        return None if self.deal.reserve is None else price is not None and price >= self.deal.reserve

    @property
    def end(self) -> tuple[datetime, int]:
        """When it ends or ended, after how many extensions."""
        end, count = self.end_by_the_clock
        return self.over_since or end, count

    @property
    def end_by_the_clock(self) -> tuple[datetime, int]:
        """When its time is up, after how many extensions."""
        deal = self.deal
        end, count = deal.due, 0
        for at in self.bid_times:
            left = (end - at).total_seconds()
            if deal.policy == "OFF" or left > deal.window or left <= deal.sudden_death:
                continue
            if count == deal.most_extensions:
                continue
            moved = (end if deal.policy == "FIXED" else at) + timedelta(seconds=deal.extension)
            if deal.most_seconds is not None:
                moved = min(moved, deal.due + timedelta(seconds=deal.most_seconds))
            if moved > end:
                end, count = moved, count + 1
        return end, count

    def is_over(self, now: datetime) -> bool:
        return now >= self.end[0]

    def may_be_bought(self, now: datetime) -> bool:
        if self.deal.buy_now is None or self.is_over(now):
            return False
        price = self.now_at.price
        return price is None or price < self.deal.buy_now * self.deal.buy_now_percent / 100

    @property
    def outcome(self) -> str:
        price = self.now_at.price
        if price is None:
            return "UNSOLD"
        return "RESERVE_NOT_MET" if self.reserve_met_at(price) is False else "SOLD"

    # --- what people do ---

    def _check_open(self, who: int, now: datetime) -> None:
        if who == self.deal.seller:
            raise Refused("seller_cannot_bid")
        if self.cancelled:
            raise Refused("auction_cancelled")
        if self.is_over(now):
            raise Refused("auction_ended", currentBid=self.now_at.price)

    def bid(self, who: int, amount: int | None, maximum: int | None, now: datetime) -> Ask:
        self._check_open(who, now)
        at = self.now_at
        if who == at.leader and amount is None:
            assert maximum is not None
            assert at.strength is not None
            if maximum <= at.strength:
                raise Refused("maximum_not_raised")
        else:
            asked = amount if amount is not None else maximum
            assert asked is not None
            if asked < self.minimum:
                raise Refused("bid_too_low", minimumNextBid=self.minimum, currentBid=at.price)
            if who == at.leader:
                raise Refused("already_leading", currentBid=at.price)
        ask = Ask(who, amount, maximum, now, silent=False)
        self.asks.append(ask)
        ask.silent = not self.now_at.last
        if not ask.silent:
            self.bid_times.append(now)
        return ask

    def buy(self, who: int, now: datetime) -> None:
        self._check_open(who, now)
        if not self.may_be_bought(now):
            raise Refused("buy_now_gone")
        self.buyer, self.over_since = who, now

    def retract(self, ask: Ask, now: datetime, *, with_reason: bool) -> list[Ask]:
        """Returns what goes."""
        gone = self._with_its_raises(ask, now)
        own = [other for other in self.standing if other.who == ask.who]
        age = now - ask.at
        if age > timedelta(seconds=30):
            if not with_reason:
                raise Refused("retraction_not_allowed", needs="reason")
            if self.end[0] - now > timedelta(hours=12):
                gone = own
            elif own[-1] not in gone or age > timedelta(hours=1):
                raise Refused("retraction_not_allowed")
        return self._withdraw(gone)

    def cancel_bid(self, ask: Ask, now: datetime) -> list[Ask]:
        """Returns what goes."""
        return self._withdraw(self._with_its_raises(ask, now))

    def _with_its_raises(self, ask: Ask, now: datetime) -> list[Ask]:
        if self.is_over(now):
            raise Refused("auction_over")
        if ask.gone:
            raise Refused("bid_withdrawn")
        gone = [ask]
        for other in self.standing[self.standing.index(ask) + 1 :]:
            if other.who == ask.who:
                if not other.silent:
                    break
                gone.append(other)
        return gone

    def _withdraw(self, gone: list[Ask]) -> list[Ask]:
        for ask in gone:
            ask.gone = True
        return gone

    def end_now(self, now: datetime) -> None:
        if self.is_over(now):
            raise Refused("auction_over")
        self.over_since = now

    def cancel(self, now: datetime) -> None:
        if self.is_over(now):
            raise Refused("auction_over")
        if self.standing:
            raise Refused("has_bids")
        self.over_since, self.cancelled = now, True
