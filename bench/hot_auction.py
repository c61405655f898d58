"""How many bids a second one auction takes, beside pgbench on the same server.

    python bench/hot_auction.py [--seconds 8] [--rounds 3]

Three things in turns, each with 32 at a time on one auction:

- pgbench: BEGIN; SELECT FOR UPDATE; INSERT; UPDATE; INSERT; COMMIT in the same tables, what a bid would cost
  if nothing but the database were in its way and every bid had a transaction of its own;
- the whole HTTP path: session, origin, limit, validation, idempotency key, events;
- the desk without HTTP: 32 threads that call ``Desk.place`` in one process.

The whole stack runs all the time, and the relay's sending of the events counts against the bids. PostgreSQL
writes every commit to disk before it answers (fsync and synchronous_commit on).
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `python bench/hot_auction.py`

from bench._harness import (
    STARTING_PRICE,
    BidRequests,
    Connection,
    House,
    Measured,
    Person,
    Report,
    closed_loop,
    no_garbage_collection,
    say,
)
from marketplace.dev.postgres import binary
from marketplace.dev.stack import ROOT, Stack

WIDTH = 32
WARM_UP_SECONDS = 1.0

#: What a bid does, without the rules: the same statements on the same tables.
TRANSACTION = """\
\\set amount random(1000000000, 2000000000)
\\set bidder random(1, 32)
BEGIN;
SELECT a.seq + 1 AS seq, a.bid_count + 1 AS bid_count, a.status, a.current_bid, a.ends_at, a.leader_id, \
leader.display_name FROM auctions a LEFT JOIN users leader ON leader.id = a.leader_id \
WHERE a.id = 1 FOR UPDATE OF a \\gset
INSERT INTO bids (auction_id, seq, bidder_id, amount, placed_at, previous_hash, hash) VALUES \
(1, :seq, :bidder, :amount, clock_timestamp(), sha256('previous'), sha256(':seq'));
UPDATE auctions SET current_bid = :amount, leader_id = 1, bid_count = :bid_count, seq = :seq, \
last_event_at = clock_timestamp(), log_hash = sha256(':seq') WHERE id = 1;
INSERT INTO events (auction_id, seq, name, data, direct, occurred_at) VALUES \
(1, :seq, 'bid:new', '{"auctionId":1,"seq":1,"timestamp":"2026-01-01T00:00:00.000Z","currentBid":1000000000,\
"currency":"USD","bidderName":"Bidder 1","bidCount":1,"minimumNextBid":1000000001,"extendedEndTime":null}', \
'[{"userId":1,"event":"bid:winning","data":{"auctionId":1,"seq":1,"timestamp":"2026-01-01T00:00:00.000Z",\
"bidId":"1-1","currentBid":1000000000,"currency":"USD"}}]', clock_timestamp());
COMMIT;
"""


def main() -> int:
    options = _options()
    if options.desk:
        return _desk_process(options.desk, options.bidders, options.seconds)
    report = Report("One hot auction, 32 at a time")
    with Stack.temporary(BID_RATE_LIMIT="100000 per second") as stack:
        say("starting a stack")
        stack.start()
        house = House(stack)
        bidders = house.people(WIDTH)
        pgbench = Pgbench(stack)
        for number in range(1, options.rounds + 1):
            say(f"round {number} of {options.rounds}")
            measured = {
                "pgbench": pgbench.run(options.seconds),
                "bids over HTTP": over_http(stack.url, house.auction(), bidders, options.seconds),
            }
            house.wait_for_empty_outbox()  # what one left to send must not weigh on the next
            measured["the desk alone"] = desk_alone(stack, house.auction(), bidders, options.seconds)
            house.wait_for_empty_outbox()
            for subject, result in measured.items():
                _add(report, subject, result)
        report.aim(
            "accepted bids a second over HTTP at least 1.0 times pgbench's transactions",
            report.ratio("a second", "bids over HTTP", "pgbench"),
            at_least=1.0,
        )
        report.aim(
            "p99 over HTTP at most 0.6 of pgbench's",
            report.ratio("p99 ms", "bids over HTTP", "pgbench"),
            at_most=0.6,
        )
        report.aim(
            "the desk alone at least 3 times pgbench",
            report.ratio("a second", "the desk alone", "pgbench"),
            at_least=3.0,
        )
    return report.finish()


def over_http(url: str, auction_id: int, bidders: list[Person], seconds: float) -> Measured:
    """A connection for each bidder, everyone always bidding."""
    connections = [Connection(url) for _ in bidders]
    requests = [BidRequests(url, auction_id, bidder) for bidder in bidders]
    amounts = itertools.count(STARTING_PRICE)
    measured = closed_loop(
        connections,
        lambda number: requests[number].bid(next(amounts)),
        hoped_for=201,
        seconds=seconds,
        warm_up=WARM_UP_SECONDS,
    )
    for connection in connections:
        connection.close()
    return measured


class Pgbench:
    """pgbench, in a database of its own that has our tables and one auction."""

    def __init__(self, stack: Stack) -> None:
        assert stack.postgres
        self._postgres = stack.postgres
        stack.postgres.create_database("pgbench")
        schema = subprocess.run(
            [binary("pg_dump"), "--schema-only", "--no-owner", stack.env["DATABASE_URL"]],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        subprocess.run(
            [binary("psql"), "-q", "-v", "ON_ERROR_STOP=1", stack.postgres.url("pgbench")],
            check=True, input=schema, stdout=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        stack.postgres.execute(
            "INSERT INTO users (email, display_name, password_hash)"
            " SELECT n || '@example.com', 'Bidder ' || n, '' FROM generate_series(1, 32) AS n",
            database="pgbench",
        )
        stack.postgres.execute(
            "INSERT INTO auctions (seller_id, status, title, currency, starting_price, min_increment,"
            " ends_at, leader_id, current_bid)"
            " VALUES (1, 'RUNNING', 'A watch', 'USD', 1, 1, now() + interval '1 hour', 1, 1000000000)",
            database="pgbench",
        )

    def run(self, seconds: float) -> Measured:
        with tempfile.TemporaryDirectory() as directory:
            script = Path(directory, "bid.sql")
            script.write_text(TRANSACTION)
            started = time.time()
            command: list[str | Path] = [
                binary("pgbench"), "--no-vacuum", "--client", str(WIDTH), "--jobs", "2",
                "--time", str(round(WARM_UP_SECONDS + seconds)), "--file", script,
                "--log", "--log-prefix", Path(directory, "log"), self._postgres.url("pgbench"),
            ]  # fmt: skip
            subprocess.run(command, check=True, capture_output=True, text=True)
            lines = [line for file in Path(directory).glob("log.*") for line in file.read_text().splitlines()]
        measured = Measured(seconds)
        first = started + WARM_UP_SECONDS
        for line in lines:
            _client, _number, microseconds, _script, whole, part = line.split()[:6]
            if first <= int(whole) + int(part) / 1e6 < first + seconds:
                measured.latencies.append(int(microseconds) / 1e6)
        return measured


def desk_alone(stack: Stack, auction_id: int, bidders: list[Person], seconds: float) -> Measured:
    """In a process of its own, which holds nothing but the desk."""
    ids = ",".join(str(bidder.id) for bidder in bidders)
    command = [sys.executable, __file__, "--desk", str(auction_id), "--bidders", ids]
    command += ["--seconds", str(seconds)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=stack.env, cwd=ROOT)
    return Measured(seconds, json.loads(done.stdout))


def _desk_process(auction_id: int, bidder_ids: list[int], seconds: float) -> int:
    """Bid from a thread for each bidder, and print how long each accepted bid took."""
    import os

    from marketplace import create_app
    from marketplace.bidding.answers import BidRequest
    from marketplace.config import Config
    from marketplace.runtime import runtime

    with create_app(Config.from_env(os.environ)).app_context():
        desk = runtime().desk
    amounts = itertools.count(STARTING_PRICE)
    latencies: list[float] = []
    first = time.perf_counter() + WARM_UP_SECONDS
    until = first + seconds

    def bid(bidder_id: int) -> None:
        name = f"Bidder {bidder_id}"
        while (started := time.perf_counter()) < until:
            amount = next(amounts)
            key = f"{bidder_id}-{amount}"
            answer = desk.place(BidRequest(auction_id, bidder_id, name, amount, idempotency_key=key))
            now = time.perf_counter()
            if answer.accepted and first <= now < until:
                latencies.append(now - started)

    with no_garbage_collection():
        threads = [threading.Thread(target=bid, args=(bidder_id,)) for bidder_id in bidder_ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(json.dumps(latencies))
    return 0


def _add(report: Report, subject: str, measured: Measured) -> None:
    report.add(
        subject,
        a_second=measured.rate,
        p50_ms=measured.percentile(50),
        p99_ms=measured.percentile(99),
        refused_a_second=sum(measured.refused.values()) / measured.seconds,
    )
    if measured.refused:
        say(f"  {subject}: refused {dict(measured.refused)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="each part of a round is measured this long"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--desk", type=int, help=argparse.SUPPRESS)
    parser.add_argument(
        "--bidders", type=lambda text: [int(part) for part in text.split(",")], help=argparse.SUPPRESS
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
