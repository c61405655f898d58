"""A whole marketplace to break, and people who use it meanwhile.

All tests here share one stack: two web servers, two clocks, two relays. Each leaves it whole again.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest

pytest.register_assert_rewrite("tests.faults.bidding")  # before it is imported

from marketplace.dev.stack import Stack  # noqa: E402
from tests.clients import House, wait_until  # noqa: E402
from tests.faults.bidding import check_closed_once  # noqa: E402
from tests.faults.watching import Watcher  # noqa: E402

#: What the tests of this folder need of a stack; ``default`` and ``simulate`` have no part in it.
PARTS = ("web", "cron", "clock-1", "clock-2", "relay-1", "relay-2")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with Stack.temporary(BID_RATE_LIMIT="100000 per second") as stack:
        stack.start(*PARTS)
        yield stack


@pytest.fixture(scope="session")
def house(stack: Stack) -> House:
    return House(stack)


@pytest.fixture(scope="session")
def urls(stack: Stack) -> list[str]:
    """Both web servers: ``web`` and ``web-2``."""
    return [stack.url, stack.start_web()]


@pytest.fixture(autouse=True)
def whole(request: pytest.FixtureRequest) -> None:
    """The stack works before each test, whatever the one before did to it."""
    if "stack" in request.fixturenames:
        stack, house = request.getfixturevalue("stack"), request.getfixturevalue("house")
        request.getfixturevalue("urls")
        # Not the workers: their part asks whether Redis knows them, and a Redis that lost its data does not,
        # although they work on.
        stack.wait_ready("postgres", "redis", "channels", "web", "web-2")
        check_closed_once(house, lot := house.auction(lasts=1.5))
        wait_until(lambda: house.unsent(lot) == 0, "clock and relay work")


@pytest.fixture
def chance() -> random.Random:
    """Chance that can be had again: ``FAULTS_SEED=123 script/test tests/faults``."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(100_000))
    print(f"FAULTS_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def watch(stack: Stack, urls: list[str]) -> Iterator[Callable[[int], Watcher]]:
    """Somebody who watches an auction from now on: ``watcher = watch(auction_id)``."""
    watchers: list[Watcher] = []

    def start(auction_id: int) -> Watcher:
        watcher = Watcher(stack.env, urls, auction_id)
        watchers.append(watcher)
        watcher.start()
        return watcher

    yield start
    for watcher in watchers:
        watcher.stop()
