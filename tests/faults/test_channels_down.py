"""Channels unreachable: nobody who bids notices, nobody who polls waits, and every event comes afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from signal import SIGCONT, SIGSTOP, Signals

import psutil
import pytest

from marketplace.dev.stack import Stack
from marketplace.realtime import outbox
from tests.clients import House, wait_until
from tests.faults.bidding import Bidding, check_delivered, check_nothing_lost_or_doubled
from tests.faults.watching import Watcher

Watch = Callable[[int], Watcher]


def _refuse(stack: Stack) -> None:
    stack.stop("channels")


def _accept_again(stack: Stack) -> None:
    stack.start("channels")


def _hang(stack: Stack) -> None:
    stack.kill("channels", SIGSTOP)


def _go_on(stack: Stack) -> None:
    stack.kill("channels", SIGCONT)


@pytest.mark.parametrize(
    ("break_it", "mend_it"), [(_refuse, _accept_again), (_hang, _go_on)], ids=["refuses", "hangs"]
)
def test_without_channels_bids_are_answered_and_all_events_come_afterwards(
    stack: Stack,
    house: House,
    urls: list[str],
    watch: Watch,
    break_it: Callable[[Stack], None],
    mend_it: Callable[[Stack], None],
) -> None:
    busy, quiet = house.auction(), house.auction()
    watchers = {lot: watch(lot) for lot in (busy, quiet)}
    # On the quiet one every bid would be sent by the web server that took it.
    with (
        Bidding(house, urls, busy) as on_busy,
        Bidding(house, urls, quiet, bidders=2, pause=1.5) as on_quiet,
    ):
        on_busy.wait_for_more()
        break_it(stack)
        try:
            on_busy.wait_for_more(40)
            on_quiet.wait_for_more(4)
            wait_until(lambda: house.unsent(busy) > 0, "events wait in the outbox")
            _check_polling(house, urls, busy)
        finally:
            mend_it(stack)
        on_busy.wait_for_more()
    for lot, bidding in ((busy, on_busy), (quiet, on_quiet)):
        check_nothing_lost_or_doubled(house, bidding)
        check_delivered(house, watchers[lot], lot)


def test_a_hanging_web_server_does_not_keep_its_events(
    stack: Stack, house: House, urls: list[str], watch: Watch
) -> None:
    """Stopped between commit and sending: when its lease is over, the relay sends what it kept."""
    # One that has not learned yet that Channels may hang: it would leave everything to the relay.
    url = stack.start_web()
    name = stack.running[-1]
    lot, ann, ben = house.auction(), house.bidder("Ann"), house.bidder("Ben")
    watcher = watch(lot)
    check_delivered(house, watcher, lot)
    time.sleep(outbox.WINDOW.total_seconds())  # now it is quiet
    stack.kill("channels", SIGSTOP)
    try:
        seq = ann.bid(url, lot, 1000).json()["seq"]
        _signal_all(stack, name, SIGSTOP)
    finally:
        stack.kill("channels", SIGCONT)
    try:
        [[leased, sent]] = house.rows(
            "SELECT leased_until IS NOT NULL, published_at IS NOT NULL FROM events"
            " WHERE auction_id = %s AND seq = %s",
            *(lot, seq),
        )
        assert (leased, sent) == (True, False)
        assert ben.insist(urls, lot, 2000).status_code == 201
        check_delivered(house, watcher, lot)
    finally:
        _signal_all(stack, name, SIGCONT)
    # What the web server now sends, late, is a repetition, and so nothing to anybody.
    assert ann.insist([url], lot, 3000).status_code == 201
    check_delivered(house, watcher, lot)
    stack.stop(name)


def _check_polling(house: House, urls: list[str], lot: int) -> None:
    """Who polls the snapshot sees a bid at once, or nearly, at both servers."""
    cem, latest = house.bidder("Cem"), house.events(lot)[-1][0]
    for url in urls:
        started = time.monotonic()
        wait_until(
            lambda url=url: cem.http.get(f"{url}/api/auctions/{lot}", timeout=20).json()["seq"] >= latest,  # type: ignore[misc]
            "polling shows the bids",
        )
        print(f"polling showed seq {latest} after {time.monotonic() - started:.3f} s")


def _signal_all(stack: Stack, name: str, with_signal: Signals) -> None:
    """Send a signal to a part and to every process it has started."""
    pid = stack.pid(name)
    assert pid
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        process.send_signal(with_signal)
