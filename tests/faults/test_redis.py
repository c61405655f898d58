"""Redis is a convenience: without it, gone or hanging, bids go on and limits hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from signal import SIGCONT, SIGSTOP

import pytest

from marketplace.dev.stack import Stack
from tests.clients import House, wait_until
from tests.faults.bidding import Bidding, check_closed_once, check_delivered, check_nothing_lost_or_doubled
from tests.faults.watching import Watcher

Watch = Callable[[int], Watcher]


@pytest.fixture
def strict(stack: Stack, urls: list[str]) -> Iterator[str]:
    """A web server with the default limit: five bids a minute."""
    generous = stack.env.pop("BID_RATE_LIMIT")
    try:
        url = stack.start_web()
    finally:
        stack.env["BID_RATE_LIMIT"] = generous
    name = stack.running[-1]
    yield url
    stack.stop(name)


def test_with_redis_killed_bids_go_through_and_limits_hold(
    stack: Stack, house: House, urls: list[str], strict: str, watch: Watch
) -> None:
    lot, closing = house.auction(), house.auction(lasts=5)
    watcher = watch(lot)
    with Bidding(house, urls, lot) as bidding:
        bidding.wait_for_more()
        stack.stop("redis")
        try:
            bidding.wait_for_more(20)
            _check_limit(house, strict)
            # The clock holds its lock in PostgreSQL; it closes auctions meanwhile.
            check_closed_once(house, closing)
        finally:
            stack.start("redis")
        bidding.wait_for_more()
    check_nothing_lost_or_doubled(house, bidding)
    check_delivered(house, watcher, lot)
    # And the limit is everybody's again.
    _check_limit(house, strict)


def test_with_redis_hanging_bids_go_through_and_limits_hold(
    stack: Stack, house: House, urls: list[str], strict: str, watch: Watch
) -> None:
    lot = house.auction()
    watcher = watch(lot)
    with Bidding(house, urls, lot) as bidding:
        bidding.wait_for_more()
        stack.kill("redis", SIGSTOP)
        try:
            bidding.wait_for_more(20)
            _check_limit(house, strict)
        finally:
            stack.kill("redis", SIGCONT)
        bidding.wait_for_more()
    check_nothing_lost_or_doubled(house, bidding)
    check_delivered(house, watcher, lot)


def test_with_redis_killed_somebody_still_gets_the_clock_back(stack: Stack, house: House) -> None:
    """Jobs are gone with Redis; the schedule starts the resident ones anew."""
    stack.kill("redis")
    for name in ("clock-1", "clock-2", "relay-1", "relay-2"):
        stack.kill(name)
    check_closed_once(house, lot := house.auction(lasts=2))
    wait_until(lambda: house.unsent(lot) == 0, "its events are sent")


def _check_limit(house: House, url: str) -> None:
    """Five bids a minute, from somebody new; six would be one too many."""
    lot, ann = house.auction(), house.bidder()
    answers = [ann.bid(url, lot, 1000 + n) for n in range(8)]
    codes = Counter(answer.json().get("code", "accepted") for answer in answers)
    assert codes == {"accepted": 1, "already_leading": 4, "rate_limited": 3}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in answers[5:])
    ann.http.close()
