"""How punctually auctions close: a thousand end within one second, and one clock worker is killed meanwhile.

    python bench/closing.py [--auctions 1000]

Two workers keep time: one works, one stands by. First in peace, which is the baseline; then the one that
works is killed (kill -9, the worker and the process that runs its job) in the middle of that second. Late is
``closed_at`` after ``ends_at``, both by the database's clock.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `python bench/closing.py`

import psutil

from bench._harness import House, Report, percentile, say, wait_until
from marketplace.dev.stack import Stack
from workers import jobs

#: The auctions end this many seconds after everything is set up, within one second.
LEAD_SECONDS = 4.0
#: PostgreSQL's advisory locks of the clock that works, and of the one that stands by.
WORKING = jobs._CLOCK_LOCK  # noqa: SLF001
STANDING_BY = WORKING + jobs._STANDBY  # noqa: SLF001
AIM_MS = 500.0


def main() -> int:
    options = _options()
    report = Report(f"{options.auctions:,} auctions that end within one second")
    with Stack.temporary() as stack:
        say("starting a stack")
        stack.start("web", "relay-1", "cron", "clock-1")
        house = House(stack)
        for subject, killed in (("in peace", False), ("one clock killed", True)):
            say(f"{subject}: making the auctions")
            lots = [house.auction() for _ in range(options.auctions)]
            with_bids = lots[::2]
            for lot in with_bids:
                house.bid(lot)
            working = _one_clock_then_another(stack, house)
            say(f"{subject}: closing them")
            house.let_end(lots, seconds=LEAD_SECONDS)
            if killed:
                time.sleep(LEAD_SECONDS + 0.5)
                if _holder(house, WORKING) != working:
                    raise RuntimeError("the clocks have changed places meanwhile; start the benchmark again")
                _kill(stack, "clock-1")
            wait_until(lambda lots=lots: _all_closed(house, lots), "all auctions are closed")  # type: ignore[misc]
            _add(report, house, subject, lots, with_bids)
            stack.stop("clock-2")
        for subject in report.figures:
            for column in ("not closed once", "early", "wrong outcome"):
                report.aim(f"{subject}: none {column}", report.median(subject, column), at_most=0)
        report.aim(
            f"one clock killed: p99 at most {AIM_MS:.0f} ms late",
            report.median("one clock killed", "p99 ms late"),
            at_most=AIM_MS,
        )
    return report.finish()


def _add(report: Report, house: House, subject: str, lots: list[int], with_bids: list[int]) -> None:
    rows = house.rows(
        "SELECT a.id, extract(epoch FROM closed_at - ends_at) * 1000, outcome,"
        " (SELECT count(*) FROM events e WHERE e.auction_id = a.id AND e.name = 'auction:end')"
        " FROM auctions a WHERE a.id = ANY(%s)",
        lots,
    )
    expected = dict.fromkeys(lots, "UNSOLD") | dict.fromkeys(with_bids, "SOLD")
    late = [float(milliseconds) for _, milliseconds, _, _ in rows]
    report.add(
        subject,
        p50_ms_late=percentile(late, 50),
        p99_ms_late=percentile(late, 99),
        worst_ms_late=max(late),
        early=sum(milliseconds < 0 for milliseconds in late),
        not_closed_once=sum(ends != 1 for *_, ends in rows),
        wrong_outcome=sum(outcome != expected[lot] for lot, _, outcome, _ in rows),
    )


def _all_closed(house: House, lots: list[int]) -> bool:
    return not house.value("SELECT count(*) FROM auctions WHERE status <> 'ENDED' AND id = ANY(%s)", lots)


def _one_clock_then_another(stack: Stack, house: House) -> int:
    """Start the clocks anew, so that clock-1 works and clock-2 stands by; returns who works."""
    stack.restart("clock-1")
    wait_until(lambda: _holder(house, WORKING) is not None, "a clock works")
    working = _holder(house, WORKING)
    stack.start("clock-2")
    wait_until(lambda: _holder(house, STANDING_BY) is not None, "another stands by")
    assert working
    return working


def _holder(house: House, lock: int) -> int | None:
    """The connection that holds an advisory lock, by its server process."""
    rows = house.rows("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted", lock)
    return rows[0][0] if rows else None


def _kill(stack: Stack, worker: str) -> None:
    """The worker, and the process that runs its job."""
    pid = stack.pid(worker)
    assert pid
    horses = psutil.Process(pid).children(recursive=True)
    stack.kill(worker)
    for horse in horses:
        horse.kill()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--auctions", type=int, default=1000)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
