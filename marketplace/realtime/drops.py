"""The falling prices of Dutch auctions, told now and then.

Nothing happens when a price drops: it follows from the terms and the clock, so nothing is written, numbered
or kept. Pages compute the price themselves; what is told puts them right. So a message that is lost is not
sent again, and while Channels is away nobody is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine

from .channels import auction_channel
from .events import PriceDrop, to_json
from .publisher import Message

#: Watchers of an auction are told at most this often; of the last drop at once.
TOLD_EVERY = timedelta(seconds=5)
#: How often it is looked which auctions there are, and whether drops are due: those of a fifth of a second
#: share a few requests.
LOOK_SECONDS = 1.0
ROUND_SECONDS = 0.2
#: Drops that one round tells: ten requests, so that events never wait long behind them.
MAX_TOLD = 100


@dataclass(frozen=True, slots=True)
class Falling:
    """A running auction whose price falls."""

    auction_id: int
    members_only: bool
    ends_at: datetime
    drop_every: timedelta
    price_at: Callable[[datetime], PriceDrop]


@dataclass(frozen=True, slots=True)
class Found:
    """The auctions whose prices fall, and when that was, by the database's clock."""

    at: datetime
    auctions: Sequence[Falling]


#: Reads them. An auction may still be among them for a while after its last drop.
FindFalling = Callable[[Connection], Found]


@dataclass(frozen=True, slots=True)
class Drop:
    """A drop to tell, with the price at a moment."""

    auction_id: int
    at: datetime
    message: Message


class Drops:
    """Knows which prices fall and when their watchers are to be told. For one thread."""

    def __init__(self, find: FindFalling) -> None:
        self._find = find
        self._falling: dict[int, Falling] = {}
        #: When to tell of each next; those at the floor have no more to tell.
        self._due: dict[int, datetime] = {}
        self._look_at = 0.0
        self._round_at = 0.0
        #: The database's clock was there when ``time.monotonic()`` was ``_seen_at``.
        self._database_clock = datetime.min.replace(tzinfo=UTC)
        self._seen_at = 0.0

    def due(self, engine: Engine) -> list[Drop]:
        """What watchers should be told now."""
        if time.monotonic() < self._round_at:
            return []
        # First the drops, with the auctions known so far: the next look may leave out one at its floor.
        now = self._now()
        due = [auction_id for auction_id, at in self._due.items() if at <= now][:MAX_TOLD]
        if len(due) < MAX_TOLD:
            self._round_at = time.monotonic() + ROUND_SECONDS
        if time.monotonic() >= self._look_at:
            self._look(engine)
        return [self._drop(self._falling[auction_id], now) for auction_id in due if auction_id in self._due]

    def told(self, drops: Sequence[Drop]) -> None:
        """Note that watchers have been told."""
        now = self._now()
        for drop in drops:
            del self._due[drop.auction_id]
            # From the price that was told: another drop may have come since.
            self._plan(self._falling[drop.auction_id], priced_at=drop.at, told_at=now)

    def _look(self, engine: Engine) -> None:
        self._look_at = time.monotonic() + LOOK_SECONDS
        with engine.connect() as connection:
            found = self._find(connection)
        self._database_clock, self._seen_at = found.at, time.monotonic()
        known, self._falling = self._falling, {each.auction_id: each for each in found.auctions}
        self._due = {auction_id: at for auction_id, at in self._due.items() if auction_id in self._falling}
        for auction_id, falling in self._falling.items():
            if auction_id not in known:
                # Whoever told drops before this process may have done so just now.
                self._plan(falling, priced_at=found.at, told_at=found.at)

    def _plan(self, falling: Falling, *, priced_at: datetime, told_at: datetime) -> None:
        """When to tell of the price next, after what it was at ``priced_at``."""
        price = falling.price_at(priced_at)
        if price.next_drop_at is None or price.next_drop_at >= falling.ends_at:
            return
        # The last one before the end, if that comes before the floor.
        in_time = (falling.ends_at - price.next_drop_at - timedelta.resolution) // falling.drop_every
        last = price.next_drop_at + min(price.drops_remaining - 1, in_time) * falling.drop_every
        due = min(max(price.next_drop_at, told_at + TOLD_EVERY), last)
        if due < falling.ends_at:
            self._due[falling.auction_id] = due

    @staticmethod
    def _drop(falling: Falling, now: datetime) -> Drop:
        data = falling.price_at(now).data(falling.auction_id, now)
        channel = auction_channel(falling.auction_id, members_only=falling.members_only)
        return Drop(falling.auction_id, now, Message(channel, PriceDrop.name, to_json(data)))

    def _now(self) -> datetime:
        """The database's clock, as far as it is known here: a little behind, so never ahead of a drop."""
        return self._database_clock + timedelta(seconds=time.monotonic() - self._seen_at)
