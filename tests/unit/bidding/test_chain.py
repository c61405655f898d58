"""The bid log as a chain."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplace.bidding.chain import Entry, Link, Secret, breaks, entry_name

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
MICROSECONDS = 1795176000123456
SECRET = Secret(bytes(range(16)), 1000, 2500)


def linked(entries: list[Entry]) -> list[Link]:
    links: list[Link] = []
    for entry in entries:
        previous = links[-1].hash if links else None
        links.append(Link(entry, previous, entry.hash(previous)))
    return links


def chain() -> list[Link]:
    """A bid, a raise, a rival's bid with the answer to it, and a retraction."""
    at = [NOW + timedelta(seconds=n) for n in range(4)]
    return linked(
        [
            Entry(7, 2, 0, "BID", 3, 1000, at[0], Secret(b"a" * 16, None, 2000)),
            Entry(7, 2, 1, "RAISE", 3, 1000, at[1], Secret(b"b" * 16, None, 3000)),
            Entry(7, 3, 0, "BID", 4, 1500, at[2], Secret(b"c" * 16, 1500, None)),
            Entry(7, 4, 0, "AUTO", 3, 1600, at[2]),
            Entry(7, 5, 0, "RETRACTION", 4, 1500, at[3], refers_to=(3, 0), reason="WRONG_AMOUNT"),
        ]
    )


def found(links: list[Link], head: bytes | None) -> list[str]:
    return list(breaks(links, head))


# --- what is hashed ---


def sha256(text: str, before: bytes = b"") -> bytes:
    return hashlib.sha256(before + text.encode()).digest()


def test_the_hash_can_be_computed_by_anyone() -> None:
    entry = Entry(7, 2, 0, "AUTO", 3, 1000, NOW)
    line = f"7|2|0|AUTO|3|1000|{MICROSECONDS}|||"
    assert entry.hash(None) == sha256(line)
    assert entry.hash(b"x" * 32) == sha256(line, b"x" * 32)


def test_a_bid_is_hashed_with_its_commitment_and_not_with_its_secret() -> None:
    entry = Entry(7, 2, 1, "BID", 3, 1000, NOW, SECRET)
    assert SECRET.commitment == hashlib.sha256(bytes(range(16)) + b"1000/2500").hexdigest()
    assert entry.hash(None) == sha256(f"7|2|1|BID|3|1000|{MICROSECONDS}|{SECRET.commitment}||")


@pytest.mark.parametrize(
    ("amount", "maximum", "text"),
    [(1000, None, "1000/"), (None, 2500, "/2500"), (1000, 2500, "1000/2500"), (0, None, "0/")],
)
def test_what_was_not_asked_for_is_empty(amount: int | None, maximum: int | None, text: str) -> None:
    nonce = secrets.token_bytes(16)
    assert Secret(nonce, amount, maximum).commitment == hashlib.sha256(nonce + text.encode()).hexdigest()


def test_the_same_maximum_is_never_committed_to_alike() -> None:
    one, other = (Secret(secrets.token_bytes(16), None, 2500).commitment for _ in range(2))
    assert one != other


def test_a_retraction_is_hashed_with_what_it_withdraws_and_why() -> None:
    reason = "wrong | amount, größer"
    entry = Entry(7, 9, 1, "RETRACTION", 3, 1000, NOW, refers_to=(4, 1), reason=reason)
    why = hashlib.sha256(reason.encode()).hexdigest()
    assert entry.hash(None) == sha256(f"7|9|1|RETRACTION|3|1000|{MICROSECONDS}||4.1|{why}")


def test_the_time_is_the_same_in_every_zone() -> None:
    entry = Entry(7, 2, 0, "AUTO", 3, 1000, NOW)
    elsewhere = replace(
        entry, placed_at=NOW.astimezone(datetime.fromisoformat("2026-01-01T00:00+05:30").tzinfo)
    )
    assert entry.hash(None) == elsewhere.hash(None)


def test_an_entry_is_named_by_its_number_and_its_part_if_it_has_one() -> None:
    assert [entry_name(12, 0), entry_name(12, 1)] == ["12", "12.1"]


# --- what is found ---


def test_a_whole_chain_has_no_breaks() -> None:
    links = chain()
    assert found(links, links[-1].hash) == []
    assert found([], None) == []


@pytest.mark.parametrize(
    "change",
    [
        {"auction_id": 8},
        {"seq": 9},
        {"part": 9},
        {"kind": "BUY_NOW"},
        {"bidder_id": 9},
        {"amount": 1},
        {"placed_at": NOW - timedelta(microseconds=1)},
        {"secret": Secret(b"z" * 16, None, 2000)},
        {"secret": Secret(b"a" * 16, None, 2001)},
        {"secret": Secret(b"a" * 16, 2000, None)},
        {"secret": None},
        {"refers_to": (1, 0)},
        {"reason": "changed"},
    ],
    ids=str,
)
def test_whatever_is_changed_is_found(change: dict[str, Any]) -> None:
    for n in range(5):
        links = chain()
        if all(getattr(links[n].entry, name) == value for name, value in change.items()):
            continue
        links[n] = replace(links[n], entry=replace(links[n].entry, **change))
        name = entry_name(*links[n].entry.place)
        assert found(links, links[-1].hash) == [f"bid {name} is not what was hashed"]


def test_a_bid_rewritten_with_its_hash_is_found_at_the_next() -> None:
    links = chain()
    entry = replace(links[2].entry, amount=1)
    links[2] = Link(entry, links[2].previous_hash, entry.hash(links[2].previous_hash))
    assert found(links, links[-1].hash) == ["bid 4 does not follow the bid before it"]


def test_a_log_rewritten_from_there_on_does_not_end_where_the_auction_remembers() -> None:
    links = chain()
    head = links[-1].hash
    entries = [link.entry for link in links]
    entries[2] = replace(entries[2], amount=1)
    assert found(linked(entries), head) == ["the log does not end where the auction says it does"]


def test_a_removed_entry_is_found() -> None:
    for n, name in enumerate(("2.1", "3", "4", "5")):
        links = chain()
        assert found(links[:n] + links[n + 1 :], links[-1].hash) == [
            f"bid {name} does not follow the bid before it"
        ]


def test_two_entries_in_the_wrong_order_are_found() -> None:
    links = chain()
    links[2], links[3] = links[3], links[2]
    assert len(found(links, links[-1].hash)) == 3


def test_an_entry_slipped_in_is_found() -> None:
    links = chain()
    entry = Entry(7, 3, 1, "BID", 9, 1550, NOW)
    links.insert(3, Link(entry, links[2].hash, entry.hash(links[2].hash)))
    assert found(links, links[-1].hash) == ["bid 4 does not follow the bid before it"]


def test_a_log_cut_at_the_end_is_found() -> None:
    links = chain()
    assert found(links[:-1], links[-1].hash) == ["the log does not end where the auction says it does"]
    assert found([], links[-1].hash) == ["the log does not end where the auction says it does"]
