"""The bid log as a chain."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from marketplace.bidding.chain import Entry, Link, breaks

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


def chain(length: int = 5) -> list[Link]:
    links: list[Link] = []
    for n in range(length):
        entry = Entry(7, seq=n + 2, bidder_id=n % 3, amount=1000 + n, placed_at=NOW + timedelta(seconds=n))
        previous = links[-1].hash if links else None
        links.append(Link(entry, previous, entry.hash(previous)))
    return links


def found(links: list[Link], head: bytes | None) -> list[str]:
    return list(breaks(links, head))


def test_the_hash_can_be_computed_by_anyone() -> None:
    entry = Entry(7, 2, 3, 1000, NOW)
    micros = 1795176000123456
    assert entry.hash(None) == hashlib.sha256(f"7|2|3|1000|{micros}".encode()).digest()
    assert entry.hash(b"x" * 32) == hashlib.sha256(b"x" * 32 + f"7|2|3|1000|{micros}".encode()).digest()


def test_a_whole_chain_has_no_breaks() -> None:
    links = chain()
    assert found(links, links[-1].hash) == []
    assert found([], None) == []


def test_a_changed_bid_is_found() -> None:
    links = chain()
    links[2] = replace(links[2], entry=replace(links[2].entry, amount=1))
    assert found(links, links[-1].hash) == ["bid 4 is not what was hashed"]


def test_a_bid_rewritten_with_its_hash_is_found_at_the_next() -> None:
    links = chain()
    entry = replace(links[2].entry, amount=1)
    links[2] = Link(entry, links[2].previous_hash, entry.hash(links[2].previous_hash))
    assert found(links, links[-1].hash) == ["bid 5 does not follow the bid before it"]


def test_a_removed_bid_is_found() -> None:
    links = chain()
    assert found(links[:2] + links[3:], links[-1].hash) == ["bid 5 does not follow the bid before it"]


def test_a_log_cut_at_the_end_is_found() -> None:
    links = chain()
    assert found(links[:-1], links[-1].hash) == ["the log does not end where the auction says it does"]
