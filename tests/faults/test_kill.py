"""kill -9, at random moments, of everything that takes part, while bids flow."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from marketplace.dev.stack import Stack
from tests.clients import House
from tests.faults.bidding import (
    Bidding,
    check_closed_once,
    check_delivered,
    check_nothing_lost_or_doubled,
)
from tests.faults.watching import Watcher

Watch = Callable[[int], Watcher]

#: How long the auctions run, and with them the killing.
LASTS_SECONDS = 30


def test_kill_9_of_anything_at_any_moment_loses_nothing(
    stack: Stack, house: House, urls: list[str], watch: Watch, chance: random.Random
) -> None:
    """Web, Channels, relay and clock, workers and their work-horses; PostgreSQL is restarted once."""
    ends = time.monotonic() + LASTS_SECONDS
    busy, quiet, alone = (house.auction(lasts=LASTS_SECONDS) for _ in range(3))
    watchers = {lot: watch(lot) for lot in (busy, quiet, alone)}
    # One that everybody bids on; one with a bid now and then, whose events the web server sends itself; and
    # one that nobody looks at, so that only the clock can close it.
    with (
        Bidding(house, urls, busy, bidders=5, pause=0.05) as on_busy,
        Bidding(house, urls, quiet, bidders=2, pause=1.5) as on_quiet,
    ):
        for move in _moves(stack, chance):
            if time.monotonic() > ends - 3:
                break
            time.sleep(chance.uniform(0.3, 1.5))
            move()
        time.sleep(max(0.0, ends - 0.2 - time.monotonic()))
        _kill_horses(stack, "clock-1")
        stack.kill("clock-1")
        on_busy.join()
        on_quiet.join()

    assert len(on_busy.accepted) > 20
    assert on_quiet.accepted
    for lot in (busy, quiet, alone):
        check_closed_once(house, lot)
        check_delivered(house, watchers[lot], lot)
    check_nothing_lost_or_doubled(house, on_busy)
    check_nothing_lost_or_doubled(house, on_quiet)
    # Channels was killed, so connections were lost; but most came through them all the same.
    watcher = watchers[busy]
    assert watcher.connections > 1
    assert watcher.live > watcher.fetched


@pytest.mark.parametrize("how", ["SIGKILL", "SIGQUIT"])
def test_postgresql_crashes_while_bids_flow(
    stack: Stack, house: House, urls: list[str], watch: Watch, how: str
) -> None:
    """SIGQUIT is "immediate" shutdown: no checkpoint, nothing saved; it recovers from its log."""
    lot = house.auction()
    watcher = watch(lot)
    with Bidding(house, urls, lot) as bidding:
        bidding.wait_for_more()
        stack.kill("postgres", signal.Signals[how])
        bidding.wait_for_more(20)
    check_nothing_lost_or_doubled(house, bidding)
    check_delivered(house, watcher, lot)
    # The connection to Channels was never lost: everything came through it.
    assert watcher.fetched == len(house.events(lot)) - watcher.live


def _moves(stack: Stack, chance: random.Random) -> list[Callable[[], None]]:
    """Everything that shall happen, in some order."""
    killed = ["web", "web-2", "web", "web-2", "channels", "channels", "relay-1", "relay-2", "cron", "clock-2"]
    moves: list[Callable[[], None]] = [lambda name=name: stack.kill(name) for name in killed]  # type: ignore[misc]
    moves += [lambda name=name: _kill_horses(stack, name) for name in ("relay-1", "relay-2", "clock-2")]  # type: ignore[misc]
    moves.append(lambda: stack.restart("postgres"))
    chance.shuffle(moves)
    return moves


def _kill_horses(stack: Stack, worker: str) -> None:
    """Kill the process in which a worker runs its job, and not the worker."""
    pid = stack.pid(worker)
    if pid is None:
        return
    for horse in psutil.Process(pid).children(recursive=True):
        horse.kill()
