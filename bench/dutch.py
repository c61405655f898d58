"""What running Dutch auctions cost while nobody buys: rows, WAL, and the processor time of clock and relay.

    python bench/dutch.py [--auctions 1000] [--seconds 60] [--rounds 2]

Their prices drop all the time: one auction every 10 seconds, the next every 11, and so on up to a minute. The
baseline, in turns with it, is the same stack while the same auctions are called off. Processor time is that
of a worker and of the processes that run its jobs, in percent of one core; a resident job makes way for a
fresh one every minute, which costs more than its work, so each part lasts that long and has one such change.
Rows are what PostgreSQL counts as inserted, updated or deleted.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `python bench/dutch.py`

import psutil
import requests

from bench._harness import House, Report, say
from marketplace.dev.stack import Stack
from workers.jobs import RESIDENT_SECONDS

#: What a bid, or the clock, would write.
TABLES = ("auctions", "events", "bids", "reservations")
#: The prices fall for longer than any run lasts.
STARTING_PRICE, DROPS = 1_000_000, 10_000
DROP_SECONDS = range(10, 61)
#: PostgreSQL's processes hand in what they counted once a second at most.
STATISTICS_SECONDS = 3.0
#: After the auctions were put up or called off: until all is told and the relay has looked again.
SETTLE_SECONDS = 8.0
AIM_PERCENT = 5.0
#: Housekeeping that writes WAL whenever it likes.
QUIET = {"autovacuum": "off", "checkpoint_timeout": "1h"}

_WRITTEN = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables
WHERE relname = ANY(%s)
"""
_DROPS = """
SELECT coalesce(sum(floor(extract(epoch FROM clock_timestamp() - starts_at) / drop_every)), 0)::bigint
FROM auctions WHERE format = 'DUTCH' AND status = 'RUNNING'
"""
_SWITCH = """
UPDATE auctions SET status = %s, due_at = CASE WHEN %s THEN ends_at END WHERE format = 'DUTCH' RETURNING 1
"""


def main() -> int:
    options = _options()
    report = Report(f"{options.auctions:,} running Dutch auctions of which nobody buys")
    idle, falling = "without them", "with them"
    with Stack.temporary(postgres_settings=QUIET) as stack:
        say("starting a stack")
        stack.start("web", "cron", "clock-1", "relay-1")
        house = House(stack)
        say("making the auctions")
        for number in range(options.auctions):
            _put_up(house, DROP_SECONDS[number % len(DROP_SECONDS)])
        for number in range(1, options.rounds + 1):
            say(f"round {number} of {options.rounds}")
            for subject in (idle, falling):
                _switch(house, on=subject == falling)
                _measure(report, subject, stack, house, options.seconds)
        for table in TABLES:
            report.aim(f"no row is written in {table}", report.median(falling, f"{table} rows"), at_most=0)
        report.aim(
            f"the clock takes at most {AIM_PERCENT:.0f} % of a core",
            report.median(falling, "clock %"),
            at_most=AIM_PERCENT,
        )
        say(f"the clock takes {report.ratio('clock %', falling, idle):.2f} times what it takes without them")
        say(f"the relay takes {report.ratio('relay %', falling, idle):.2f} times what it takes without them")
    return report.finish()


def _put_up(house: House, drop_every: int) -> None:
    house.auction(
        ends_at=datetime.now(UTC) + timedelta(days=100),
        format="DUTCH",
        min_increment=None,
        starting_price=STARTING_PRICE,
        floor_price=0,
        drop_amount=STARTING_PRICE // DROPS,
        drop_every=drop_every,
        quantity=10,
    )


def _switch(house: House, *, on: bool) -> None:
    """Put the auctions up, or call them off, and let the dust settle."""
    house.rows(_SWITCH, "RUNNING" if on else "CANCELLED", on)
    house.wait_for_empty_outbox()
    for table in TABLES:
        house.run(f"VACUUM ANALYZE {table}")
    time.sleep(SETTLE_SECONDS)
    # What was just switched counts as written before, not when this connection happens to hand it in.
    house.run("SELECT pg_stat_force_next_flush()")


@dataclass(frozen=True, slots=True)
class Meters:
    """What has been used so far."""

    written: dict[str, int]
    wal_bytes: int
    drops: int
    requests: int
    clock_seconds: float
    relay_seconds: float

    @classmethod
    def read(cls, stack: Stack, house: House) -> Meters:
        return cls(
            written={table: house.value(_WRITTEN, [table]) for table in TABLES},
            wal_bytes=int(house.value("SELECT pg_current_wal_insert_lsn() - '0/0'")),
            drops=house.value(_DROPS),
            requests=_requests(stack),
            clock_seconds=_processor_seconds(stack, "clock-1"),
            relay_seconds=_processor_seconds(stack, "relay-1"),
        )


def _measure(report: Report, subject: str, stack: Stack, house: House, seconds: float) -> None:
    before, started = Meters.read(stack, house), time.monotonic()
    time.sleep(seconds)
    lasted, after = time.monotonic() - started, Meters.read(stack, house)
    time.sleep(STATISTICS_SECONDS)
    written = {table: house.value(_WRITTEN, [table]) for table in TABLES}
    report.add(
        subject,
        **{f"{table}_rows": written[table] - before.written[table] for table in TABLES},
        WAL_bytes=after.wal_bytes - before.wal_bytes,
        drops=after.drops - before.drops,
        requests=after.requests - before.requests,
        **{"clock %": 100 * (after.clock_seconds - before.clock_seconds) / lasted},
        **{"relay %": 100 * (after.relay_seconds - before.relay_seconds) / lasted},
    )


def _processor_seconds(stack: Stack, worker: str) -> float:
    """Of the worker, of the job it runs, and of those it has run."""
    pid = stack.pid(worker)
    assert pid
    process = psutil.Process(pid)
    times = process.cpu_times()
    used: float = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        try:
            used += sum(child.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue  # it has just ended, and is among the children
    return used


def _requests(stack: Stack) -> int:
    """Requests that Channels has answered."""
    env = stack.env
    metrics = requests.get(f"http://{env['PUSHER_HOST']}:{env['PUSHER_PORT']}/metrics", timeout=10).text
    counts = re.findall(r"^channels_api_answers_total\S* (\S+)$", metrics, re.MULTILINE)
    return sum(int(float(count)) for count in counts)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--auctions", type=int, default=1000)
    parser.add_argument(
        "--seconds", type=float, default=RESIDENT_SECONDS, help="each part of a round is measured this long"
    )
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
