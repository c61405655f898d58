"""How many bids a second one auction takes, beside pgbench on the same server.

    python bench/hot_auction.py [--seconds 8] [--rounds 3]

Three things in turns, each with 32 at a time on one auction:

- pgbench: BEGIN; SELECT FOR UPDATE; INSERT; UPDATE; INSERT; COMMIT in the same tables, what a bid would cost
  if nothing but the database were in its way and every bid had a transaction of its own;
- the whole HTTP path: session, origin, limit, validation, idempotency key, events;
- the desk without HTTP: 32 threads that call ``Desk.place`` in one process.

pgbench and the bare desk work in a database of their own, in which nobody sends the events; over HTTP the
whole stack runs, and the relay's work counts against the bids. PostgreSQL writes every commit to disk before
it answers (fsync and synchronous_commit on).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
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
from marketplace import create_app, listings
from marketplace.bidding import service
from marketplace.bidding.answers import BidRequest
from marketplace.bidding.desk import Desk
from marketplace.config import Config
from marketplace.dev.postgres import binary
from marketplace.dev.stack import ROOT, Stack
from marketplace.runtime import runtime

WIDTH = 32
WARM_UP_SECONDS = 1.0

#: What a bid does, without the rules: the same statements on the same tables.
TRANSACTION = """\
\\set amount random(1000000000, 2000000000)
\\set bidder random(1, 32)
BEGIN;
SELECT a.seq + 1 AS seq, a.bid_count + 1 AS bid_count, a.status, a.current_bid, a.ends_at, a.leader_id, \
(SELECT display_name FROM users WHERE users.id = a.leader_id) FROM auctions a \
WHERE a.id = 1 FOR UPDATE \\gset
INSERT INTO bids (auction_id, seq, kind, bidder_id, amount, placed_at, asked_amount, nonce, previous_hash, \
hash) VALUES (1, :seq, 'BID', :bidder, :amount, clock_timestamp(), :amount, sha256('nonce'), \
sha256('previous'), sha256(':seq'));
UPDATE auctions SET current_bid = :amount, leader_id = 1, leader_strength = :amount, \
bid_count = :bid_count, seq = :seq, last_event_at = clock_timestamp(), log_hash = sha256(':seq') WHERE id = 1;
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
        return _desk_process(options.seconds)
    report = Report("One hot auction, 32 at a time")
    with Stack.temporary(BID_RATE_LIMIT="100000 per second") as stack:
        say("starting a stack")
        stack.start()
        house = House(stack)
        bidders = house.people(WIDTH)
        bare = Bare(stack)
        for number in range(1, options.rounds + 1):
            say(f"round {number} of {options.rounds}")
            measured = {
                "pgbench": bare.pgbench(options.seconds),
                "bids over HTTP": over_http(stack.url, house.auction(), bidders, options.seconds),
            }
            house.forget_outbox()  # what is left to send must not weigh on the next
            measured["the desk alone"] = bare.desk(options.seconds)
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


class Bare:
    """A database on the same server with our tables and some people, and nobody else at work in it."""

    def __init__(self, stack: Stack) -> None:
        assert stack.postgres
        self._stack = stack
        self._url = stack.postgres.url("bare")
        stack.postgres.create_database("bare")
        schema = subprocess.run(
            [binary("pg_dump"), "--schema-only", "--no-owner", stack.env["DATABASE_URL"]],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        subprocess.run(
            [binary("psql"), "-q", "-v", "ON_ERROR_STOP=1", self._url],
            check=True, input=schema, stdout=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        stack.postgres.execute(
            "INSERT INTO users (email, display_name, password_hash)"
            " SELECT n || '@example.com', 'Bidder ' || n, '' FROM generate_series(1, 33) AS n",
            database="bare",
        )
        stack.postgres.execute(
            "INSERT INTO auctions (seller_id, status, title, currency, starting_price, min_increment,"
            " ends_at, leader_id, current_bid, leader_strength)"
            " VALUES (1, 'RUNNING', 'A watch', 'USD', 1, 1, now() + interval '1 hour', 1, 1000000000,"
            " 1000000000)",
            database="bare",
        )

    def pgbench(self, seconds: float) -> Measured:
        with tempfile.TemporaryDirectory() as directory:
            script = Path(directory, "bid.sql")
            script.write_text(TRANSACTION)
            started = time.time()
            command: list[str | Path] = [
                binary("pgbench"), "--no-vacuum", "--client", str(WIDTH), "--jobs", "2",
                "--time", str(round(WARM_UP_SECONDS + seconds)), "--file", script,
                "--log", "--log-prefix", Path(directory, "log"), self._url,
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

    def desk(self, seconds: float) -> Measured:
        """In a process of its own, which holds nothing but the desk."""
        command = [sys.executable, __file__, "--desk", "--seconds", str(seconds)]
        env = {**self._stack.env, "DATABASE_URL": self._url}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT)
        return Measured(seconds, json.loads(done.stdout))


def _desk_process(seconds: float) -> int:
    """Bid from a thread for each bidder, and print how long each accepted bid took."""
    app = create_app(Config.from_env(os.environ))
    with app.app_context():
        ends_at = datetime.now(UTC) + timedelta(hours=1)
        terms = {"title": "A watch", "description": "", "currency": "USD", "ends_at": ends_at}
        auction = listings.create(1, starting_price=STARTING_PRICE, min_increment=1, **terms)
        service.publish(auction.id, by=1)
        lot, desk = auction.id, Desk(runtime().desk.engine)
    amounts = itertools.count(STARTING_PRICE)
    latencies: list[float] = []
    first = time.perf_counter() + WARM_UP_SECONDS
    until = first + seconds

    def bid(bidder_id: int) -> None:
        while (started := time.perf_counter()) < until:
            amount = next(amounts)
            key = f"{bidder_id}-{amount}"
            answer = desk.place(BidRequest(lot, bidder_id, "Somebody", amount, idempotency_key=key))
            now = time.perf_counter()
            if answer.accepted and first <= now < until:
                latencies.append(now - started)

    with no_garbage_collection():
        threads = [threading.Thread(target=bid, args=(2 + number,)) for number in range(WIDTH)]
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
    parser.add_argument("--desk", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
