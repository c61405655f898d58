"""What bidders notice when Channels cannot be reached: nothing. What pollers see: the bids, within seconds.

    python bench/outage.py [--seconds 60] [--rounds 1]

Bids come at a steady pace, on one busy auction and on quiet ones. Each minute of outage - Channels first
refuses connections, then hangs - is compared with the minute before it. Somebody polls the busy auction all
the time. Afterwards every event has to get out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGSTOP

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `python bench/outage.py`

from bench._harness import (
    STARTING_PRICE,
    BidRequests,
    Connection,
    House,
    Report,
    get_request,
    no_garbage_collection,
    percentile,
    say,
)
from marketplace.dev.stack import Stack

QUIET_AUCTIONS = 20
#: Between two bids: on the busy auction, and on each quiet one.
BUSY_PAUSE_SECONDS = 0.05
QUIET_PAUSE_SECONDS = 1.5
POLL_SECONDS = 1.5  # as the page does
AIM_GROWTH = 1.1
AIM_POLLING_SECONDS = 2.0


def main() -> int:
    options = _options()
    report = Report(f"Channels unreachable for {options.seconds:g} seconds")
    with Stack.temporary(BID_RATE_LIMIT="100000 per second") as stack:
        say("starting a stack")
        stack.start()
        house = House(stack)
        outages: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "Channels refuses": (lambda: stack.stop("channels"), lambda: stack.start("channels")),
            "Channels hangs": (
                lambda: stack.kill("channels", SIGSTOP),
                lambda: stack.kill("channels", SIGCONT),
            ),
        }
        market = Market(stack, house)
        market.run(3.0)  # to warm up
        for number in range(1, options.rounds + 1):
            for what, (break_it, mend_it) in outages.items():
                say(f"round {number} of {options.rounds}: {what}")
                before = market.run(options.seconds)
                break_it()
                during = market.run(options.seconds)
                waiting = house.outbox()
                mend_it()
                emptied_after_s = house.wait_for_empty_outbox()
                _add(report, f"before: {what}", before, waiting=0, emptied_after_s=0)
                _add(report, what, during, waiting=waiting, emptied_after_s=emptied_after_s)
        for what in outages:
            report.aim(
                f"{what}: the bid's p99 at most {AIM_GROWTH} times that of the minute before",
                report.ratio("p99 ms", what, f"before: {what}"),
                at_most=AIM_GROWTH,
            )
            report.aim(
                f"{what}: polling shows each bid within {AIM_POLLING_SECONDS:.0f} s; the slowest",
                max(report.figures[what]["polled after s"]),
                at_most=AIM_POLLING_SECONDS,
            )
            report.aim(f"{what}: bids not answered with 201", sum(report.figures[what]["failed"]), at_most=0)
    return report.finish()


@dataclass
class Seen:
    """What bidders and somebody who polls saw for a while."""

    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    #: When each bid on the busy auction was answered, and what each poll showed when.
    answered: list[tuple[float, int]] = field(default_factory=list)
    polled: list[tuple[float, int]] = field(default_factory=list)

    def seconds_until_polled(self) -> list[float]:
        """For each bid, from its answer to the first poll that shows it; infinite for one never shown."""
        return [
            min(
                (max(0.0, when - answered) for when, seen in self.polled if seen >= seq), default=float("inf")
            )
            for answered, seq in self.answered
        ]


class Market:
    """Bidders at a steady pace, and somebody who polls."""

    def __init__(self, stack: Stack, house: House) -> None:
        self._url = stack.url
        self._busy = house.auction()
        self._amounts = itertools.count(STARTING_PRICE)
        pair = house.people(2)

        def taking_turns(lots: list[int]) -> Iterator[BidRequests]:
            return itertools.cycle([BidRequests(stack.url, lot, person) for person in pair for lot in lots])

        self._on_busy = taking_turns([self._busy])
        self._on_quiet = taking_turns([house.auction() for _ in range(QUIET_AUCTIONS)])

    def run(self, seconds: float) -> Seen:
        seen = Seen()
        until = time.monotonic() + seconds
        bidders = [
            threading.Thread(target=self._bid, args=(seen, requests, pause, until))
            for requests, pause in (
                (self._on_busy, BUSY_PAUSE_SECONDS),
                (self._on_quiet, QUIET_PAUSE_SECONDS / QUIET_AUCTIONS),
            )
        ]
        stop = threading.Event()
        poller = threading.Thread(target=self._poll, args=(seen, stop))
        with no_garbage_collection():
            for thread in (poller, *bidders):
                thread.start()
            for thread in bidders:
                thread.join()
            stop.wait(AIM_POLLING_SECONDS + 1)
            stop.set()
            poller.join()
        return seen

    def _bid(self, seen: Seen, requests: Iterator[BidRequests], pause: float, until: float) -> None:
        connection = Connection(self._url)
        due = time.monotonic()
        while due < until:
            time.sleep(max(0.0, due - time.monotonic()))
            answer = connection.ask(next(requests).bid(next(self._amounts)))
            now = time.monotonic()
            # From when it was due: late because the one before took long is slow, too.
            seen.latencies.append(now - due)
            if answer.status != 201:
                seen.failed += 1
            elif requests is self._on_busy:
                seen.answered.append((now, json.loads(answer.body)["seq"]))
            due += pause
        connection.close()

    def _poll(self, seen: Seen, stop: threading.Event) -> None:
        connection, path = Connection(self._url), f"/api/auctions/{self._busy}"
        etag, seq = "", 0
        while not stop.wait(POLL_SECONDS):
            answer = connection.ask(get_request(self._url, path, If_None_Match=etag or '"none"'))
            if answer.status == 200:
                etag, seq = answer.header("etag"), json.loads(answer.body)["seq"]
            seen.polled.append((time.monotonic(), seq))
        connection.close()


def _add(report: Report, subject: str, seen: Seen, *, waiting: int, emptied_after_s: float) -> None:
    report.add(
        subject,
        bids=len(seen.latencies),
        failed=seen.failed,
        p50_ms=percentile(seen.latencies, 50) * 1000,
        p99_ms=percentile(seen.latencies, 99) * 1000,
        polled_after_s=max(seen.seconds_until_polled()),
        waiting=waiting,
        all_sent_after_s=emptied_after_s,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each outage lasts")
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
