"""Dutch auctions: clocks die while they take items back, and checkouts race them."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psutil

from marketplace.dev.stack import Stack
from tests.clients import House, wait_until
from tests.stock import Sampler

HELD = 120
HOLD_SECONDS = 6


def test_clocks_die_while_they_take_items_back(stack: Stack, house: House, chance: random.Random) -> None:
    """Two clocks, killed one after the other: every item comes back once."""
    lot = house.auction(format="DUTCH", quantity=HELD, hold_seconds=HOLD_SECONDS)
    buyers = [house.bidder().id for _ in range(4)]
    with Sampler(stack.env["DATABASE_URL"], lot) as sampler:
        for n in range(HELD):
            assert house.place(lot, buyers[n % 4], 1000).accepted
        wait_until(lambda: _held(house, lot) < (HELD,), "the clock has begun")
        for name in ("clock-1", "clock-2", "clock-1"):
            _kill_clock(stack, name)
            time.sleep(chance.uniform(0, 0.5))
        wait_until(lambda: not any(_held(house, lot)), "everything is taken back")
    sampler.check()
    counts = "SELECT kind, count(*), count(DISTINCT refers_to_seq) FROM bids WHERE auction_id = %s GROUP BY 1"
    assert sorted(house.rows(counts, lot)) == [("RETURN", HELD, HELD), ("TAKE", HELD, 0)]
    events = house.events(lot)
    assert [seq for seq, _, _ in events] == list(range(1, len(events) + 1))
    assert sum(name == "item:returned" for _, name, _ in events) == HELD
    wait_until(lambda: house.unsent(lot) == 0, "everything is told")


def test_of_checkout_and_expiry_exactly_one_wins(stack: Stack, house: House) -> None:
    """Each item is checked out in the moment its hold ends, by the clock of another process."""
    lot = house.auction(format="DUTCH", quantity=HELD, hold_seconds=HOLD_SECONDS)
    ann = house.bidder("Ann").id
    held = {}
    for _ in range(HELD):
        accepted = house.place(lot, ann, 1000).accepted
        assert accepted
        held[accepted["seq"]] = datetime.fromisoformat(accepted["expiresAt"])

    def check_out(seq: int) -> bool:
        # From a little before the end to a little after it.
        moment = held[seq] + timedelta(milliseconds=(seq * 7) % 60 - 50)
        time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
        return house.confirm(lot, seq, ann)

    with Sampler(stack.env["DATABASE_URL"], lot) as sampler, ThreadPoolExecutor(8) as pool:
        won = dict(zip(held, pool.map(check_out, held), strict=True))
        wait_until(lambda: not any(_held(house, lot)), "nothing is held")
    sampler.check()

    query = """
        SELECT r.seq, r.status, b.seq IS NOT NULL FROM reservations r
        LEFT JOIN bids b ON b.auction_id = r.auction_id AND b.refers_to_seq = r.seq WHERE r.auction_id = %s
    """
    for seq, status, returned in house.rows(query, lot):
        assert (status, returned) == (("CONFIRMED", False) if won[seq] else ("EXPIRED", True))
    # It was a race: both won some.
    assert set(won.values()) == {True, False}
    assert house.rows("SELECT held, sold FROM auctions WHERE id = %s", lot) == [(0, sum(won.values()))]


def _held(house: House, lot: int) -> tuple[int, ...]:
    [held] = house.rows("SELECT held FROM auctions WHERE id = %s", lot)
    return held


def _kill_clock(stack: Stack, name: str) -> None:
    """Kill the process in which a worker runs the clock, and not the worker."""
    pid = stack.pid(name)
    if pid is None:
        return
    with suppress(psutil.NoSuchProcess):
        for horse in psutil.Process(pid).children(recursive=True):
            horse.kill()
