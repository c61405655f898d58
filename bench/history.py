"""Whether a bid costs more on an auction with a long history, or in a marketplace with many auctions.

    python bench/history.py [--bids 300] [--rounds 3]

Two pairs, in turns, on one PostgreSQL server: an auction with 100,000 bids beside one with 100; and an
auction in a database of 100,000 auctions beside one in a database of 100. Each bid goes through
``Desk.place``, one at a time; what counts is the median of a bid's time.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import create_engine, text

from bench._harness import Report, no_garbage_collection, say
from marketplace.bidding.answers import BidRequest
from marketplace.bidding.desk import Desk
from marketplace.dev.stack import Stack
from marketplace.transactions import self_committing_engine

FEW, MANY = 100, 100_000
#: Amounts of bids placed here start above all that history has.
FIRST_AMOUNT = 10_000_001

_PEOPLE = """
INSERT INTO users (email, display_name, password_hash)
SELECT 'p' || n || '@example.com', 'Person ' || n, '' FROM generate_series(1, 10) AS n
"""
_AUCTIONS = """
INSERT INTO auctions (seller_id, status, title, currency, starting_price, min_increment, starts_at, ends_at,
    due_at)
SELECT 1, 'RUNNING', 'Lot ' || n, 'USD', 1, 1, now(), now() + interval '1 day', now() + interval '1 day'
FROM generate_series(1, :auctions) AS n
"""
# What a history of so many bids leaves behind: log, events and answers, all of it sent.
_BIDS = """
INSERT INTO bids (auction_id, seq, kind, bidder_id, amount, placed_at, asked_amount, nonce, hash)
SELECT :auction, n, 'BID', 2 + n % 8, n, now(), n, sha256('nonce'), sha256(n::text::bytea)
FROM generate_series(1, :bids) AS n;
INSERT INTO events (auction_id, seq, name, data, direct, occurred_at, published_at, delivered_at)
SELECT :auction, n, 'bid:new', json_build_object('seq', n), '[]', now(), now(), now()
FROM generate_series(1, :bids) AS n;
INSERT INTO bid_answers (auction_id, bidder_id, key, fingerprint, answer, answered_at)
SELECT :auction, 2 + n % 8, 'key-' || n, sha256('asked'), json_build_object('accepted', n), now()
FROM generate_series(1, :bids) AS n;
UPDATE auctions SET seq = :bids, bid_count = :bids, current_bid = :bids, leader_id = 2,
    leader_strength = :bids, log_hash = sha256('head') WHERE id = :auction
"""


class Place:
    """Where bids are placed: an auction in a database."""

    def __init__(self, url: str, auction_id: int) -> None:
        url = url.replace("postgresql://", "postgresql+psycopg2://")
        self._desk = Desk(self_committing_engine(url, 1))
        self._auction_id = auction_id
        self._amounts = itertools.count(FIRST_AMOUNT)

    def bid(self) -> float:
        """Place one bid; how long it took, in seconds."""
        amount = next(self._amounts)
        request = BidRequest(self._auction_id, 2 + amount % 8, "Person", amount, idempotency_key=f"k{amount}")
        started = time.perf_counter()
        answer = self._desk.place(request)
        taken = time.perf_counter() - started
        assert answer.accepted, answer
        return taken


def _for_psycopg2(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg2://")


def _fill(url: str, *, auctions: int, history: dict[int, int]) -> None:
    engine = create_engine(_for_psycopg2(url))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(_PEOPLE))
        connection.execute(text(_AUCTIONS), {"auctions": auctions})
        for auction_id, bids in history.items():
            connection.execute(text(_BIDS), {"auction": auction_id, "bids": bids})
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _turns(one: Place, other: Place, bids: int) -> tuple[list[float], list[float]]:
    """Bids on both, one here and one there, so that both see the same machine."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(bids):
        taken[0].append(one.bid())
        taken[1].append(other.bid())
    return taken


def main() -> int:
    """Measure and report."""
    options = _options()
    say("starting PostgreSQL, filling two databases")
    with Stack.temporary() as stack, no_garbage_collection():
        stack.start("postgres", "redis")
        stack.migrate()
        assert stack.postgres
        for name in ("small", "large"):
            stack.postgres.create_database(name, template="marketplace")
        small, large = stack.postgres.url("small"), stack.postgres.url("large")
        _fill(small, auctions=FEW, history={1: FEW, 2: MANY, 3: FEW})
        _fill(large, auctions=MANY, history={3: FEW})
        pairs = {
            "history": (Place(small, 1), Place(small, 2), f"{FEW} bids", f"{MANY:,} bids"),
            "auctions": (Place(small, 3), Place(large, 3), f"{FEW} auctions", f"{MANY:,} auctions"),
        }
        report = Report("A bid, one at a time")
        ratios: dict[str, list[float]] = {pair: [] for pair in pairs}
        for one, other, *_names in pairs.values():
            _turns(one, other, 50)
        for number in range(options.rounds):
            say(f"round {number + 1} of {options.rounds}")
            for pair, (one, other, one_name, other_name) in pairs.items():
                here, there = _turns(one, other, options.bids)
                report.add(one_name, p50_ms=statistics.median(here) * 1000)
                report.add(other_name, p50_ms=statistics.median(there) * 1000)
                ratios[pair].append(statistics.median(there) / statistics.median(here))
        for pair, many in (("history", "bids on the auction"), ("auctions", "auctions in the table")):
            report.aim(
                f"p50 with {MANY:,} {many} at most 1.2 times that with {FEW}",
                statistics.median(ratios[pair]),
                at_most=1.2,
            )
    return report.finish()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bids", type=int, default=300, help="bids on each, in each round")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
