"""When watchers are told that a price has dropped."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.bidding import dutch
from marketplace.realtime import drops
from marketplace.realtime.drops import TOLD_EVERY, Drop, Drops, Falling, Found
from marketplace.realtime.events import PriceDrop

BEGINNING = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Database:
    """A clock, and the auctions there are; stands for the engine, too."""

    def __init__(self) -> None:
        self.now = BEGINNING
        self.auctions: list[Falling] = []
        self.looks = 0

    def connect(self) -> Any:
        return nullcontext()

    def find(self, _: Any) -> Found:
        self.looks += 1
        return Found(self.now, list(self.auctions))

    def add(
        self,
        auction_id: int,
        *,
        every: float = 60,
        steps: int = 10,
        lasts: float = 10**6,
        members_only: bool = False,
    ) -> None:
        terms = dutch.Terms(
            seller_id=1,
            starting_price=1000,
            floor=1000 - 10 * steps,
            drop_amount=10,
            drop_every=timedelta(seconds=every),
            quantity=1,
            hold=timedelta(minutes=10),
        )
        ends_at = self.now + timedelta(seconds=lasts)
        standing = dutch.Standing(terms, "RUNNING", self.now, ends_at)

        def price_at(now: datetime) -> PriceDrop:
            price = standing.price_at(now)
            return PriceDrop(
                current_price=price.amount,
                currency="USD",
                drops_remaining=price.drops_remaining,
                next_drop_at=price.next_drop_at,
            )

        self.auctions.append(Falling(auction_id, members_only, ends_at, terms.drop_every, price_at))


Told = Callable[..., list[tuple[float, int, int]]]


def watch(database: Database) -> Told:
    """Let so many seconds pass: when which auction was told at which price."""
    teller = Drops(database.find)

    def run(seconds: float, *, channels_away: bool = False) -> list[tuple[float, int, int]]:
        found = []
        teller.due(database)  # type: ignore[arg-type]
        until = database.now + timedelta(seconds=seconds)
        while database.now < until:
            database.now += timedelta(seconds=0.25)
            some: list[Drop] = teller.due(database)  # type: ignore[arg-type]
            for drop in [] if channels_away else some:
                price = json.loads(drop.message.data)["currentPrice"]
                found.append(((database.now - BEGINNING).total_seconds(), drop.auction_id, price))
            if not channels_away:
                teller.told(some)
        return found

    return run


@contextmanager
def time_standing_still() -> Iterator[Database]:
    """Time passes only when a test says so, and on both clocks alike."""
    database = Database()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: 1000 + (database.now - BEGINNING).total_seconds())
        yield database


@pytest.fixture
def database() -> Iterator[Database]:
    with time_standing_still() as database:
        yield database


@pytest.fixture
def told(database: Database) -> Told:
    return watch(database)


def test_each_drop_is_told_when_it_comes(database: Database, told: Told) -> None:
    database.add(1, every=60, steps=3)
    assert told(600) == [(60, 1, 990), (120, 1, 980), (180, 1, 970)]


def test_quick_drops_are_told_every_five_seconds_and_the_last_at_once(database: Database, told: Told) -> None:
    database.add(1, every=1, steps=12)
    # Not before five seconds have passed: somebody else may have told a drop just before.
    assert told(60) == [(5, 1, 950), (10, 1, 900), (12, 1, 880)]


@given(
    every=st.integers(4, 40).map(lambda quarters: quarters / 4),
    steps=st.integers(0, 60),
    lasts=st.integers(1, 200),
)
def test_never_two_in_five_seconds_but_for_the_last(every: float, steps: int, lasts: int) -> None:
    with time_standing_still() as database:
        database.add(1, every=every, steps=steps, lasts=lasts)
        found = watch(database)(300)
    # The last drop before the end, if that comes before the floor.
    drops = min(steps, math.ceil(lasts / every) - 1)
    for (at, _, price), (later, _, lower) in pairwise(found):
        assert lower < price
        assert later - at >= TOLD_EVERY.total_seconds() or lower == 1000 - 10 * drops
    if drops:
        assert found[-1][0] == pytest.approx(every * drops, abs=0.3), "the last one at once"
        assert found[-1][2] == 1000 - 10 * drops


def test_what_channels_did_not_take_is_told_later_at_the_price_of_then(
    database: Database, told: Told
) -> None:
    database.add(1, every=10, steps=8)
    assert told(35, channels_away=True) == []
    assert told(10) == [(35.25, 1, 970), (40.25, 1, 960)]


def test_an_auction_that_is_over_is_told_no_more_and_one_that_opens_again_is(
    database: Database, told: Told
) -> None:
    database.add(1, every=10, steps=8)
    assert told(25) == [(10, 1, 990), (20, 1, 980)]
    gone = database.auctions.pop()
    assert told(20) == []
    database.auctions.append(gone)
    # Seen again within a second, and five seconds later told.
    assert told(15) == [(51, 1, 950), (60, 1, 940)]


def test_the_database_is_asked_once_a_second(database: Database, told: Told) -> None:
    for number in range(50):
        database.add(number, every=7)
    told(60)
    assert database.looks <= 60 / drops.LOOK_SECONDS + 1


def test_one_round_tells_only_so_many(database: Database) -> None:
    for number in range(drops.MAX_TOLD + 30):
        database.add(number, every=10)
    teller = Drops(database.find)
    assert teller.due(database) == []  # type: ignore[arg-type]
    database.now += timedelta(seconds=10)
    first = teller.due(database)  # type: ignore[arg-type]
    assert len(first) == drops.MAX_TOLD
    teller.told(first)
    second = teller.due(database)  # type: ignore[arg-type]
    assert {drop.auction_id for drop in (*first, *second)} == set(range(drops.MAX_TOLD + 30))


def test_what_is_for_members_goes_to_their_channel(database: Database) -> None:
    database.add(7)
    database.add(8, members_only=True)
    teller = Drops(database.find)
    teller.due(database)  # type: ignore[arg-type]
    database.now += timedelta(seconds=60)
    found = [drop.message for drop in teller.due(database)]  # type: ignore[arg-type]
    assert [(message.channel, message.event) for message in found] == [
        ("auction-7", "price:drop"),
        ("private-auction-8", "price:drop"),
    ]
    assert json.loads(found[0].data) == {
        "auctionId": 7,
        "timestamp": "2026-11-20T12:01:00.000Z",
        "currentPrice": 990,
        "currency": "USD",
        "dropsRemaining": 9,
        "nextDropAt": "2026-11-20T12:02:00.000Z",
    }


def test_the_last_drop_before_the_end_is_told_at_once_though_the_floor_is_not_reached(
    database: Database,
) -> None:
    """Drops every second, told every five; the last one before the end comes 3 seconds after the second."""
    database.add(1, every=1, steps=100, lasts=13.5)
    told = watch(database)(20)
    assert [price for _, _, price in told][-1] == 1000 - 13 * 10
    assert told[-1][0] == pytest.approx(13, abs=0.5)
