"""Proving an auction from its log: chain, price, leader, count and event numbers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, text

from .bidding import chain

_BIDS = text(
    "SELECT auction_id, seq, bidder_id, amount, placed_at, previous_hash, hash FROM bids"
    " WHERE auction_id = :id ORDER BY seq"
)
_AUCTION = text(
    "SELECT current_bid, leader_id, bid_count, seq, log_hash, starting_price, min_increment, status, outcome"
    " FROM auctions WHERE id = :id"
)
_EVENTS = text(
    "SELECT count(*) AS count, coalesce(max(seq), 0) AS last,"
    " count(*) FILTER (WHERE name = 'auction:end') AS ends"
    " FROM events WHERE auction_id = :id"
)


def verify(connection: Connection, auction_id: int) -> list[str]:
    """Everything that does not follow from the log, in words; empty when all does."""
    auction = connection.execute(_AUCTION, {"id": auction_id}).one_or_none()
    if auction is None:
        return [f"there is no auction {auction_id}"]
    links = [_link(row) for row in connection.execute(_BIDS, {"id": auction_id})]
    events = connection.execute(_EVENTS, {"id": auction_id}).one()
    problems = list(chain.breaks(links, _bytes(auction.log_hash)))
    problems += _price_problems([link.entry for link in links], auction.starting_price, auction.min_increment)
    last = links[-1].entry if links else None
    expected = (last.amount, last.bidder_id) if last else (None, None)
    if (auction.current_bid, auction.leader_id) != expected:
        problems.append("price or leader is not that of the last bid")
    if auction.bid_count != len(links):
        problems.append(f"{auction.bid_count} bids are counted, {len(links)} are in the log")
    if not events.count == events.last == auction.seq:
        problems.append(
            f"{events.count} events are stored, the last is {events.last}, {auction.seq} are counted"
        )
    if events.ends != (auction.status == "ENDED"):
        problems.append(f"there are {events.ends} ends of an auction that is {auction.status}")
    return problems


def _price_problems(entries: list[chain.Entry], starting_price: int, min_increment: int) -> list[str]:
    problems = []
    minimum, leader = starting_price, None
    for entry in entries:
        if entry.amount < minimum:
            problems.append(f"bid {entry.seq} is below the minimum of {minimum}")
        if entry.bidder_id == leader:
            problems.append(f"bid {entry.seq} is by the leader")
        minimum, leader = entry.amount + min_increment, entry.bidder_id
    return problems


def _link(row: Row[Any]) -> chain.Link:
    entry = chain.Entry(row.auction_id, row.seq, row.bidder_id, row.amount, row.placed_at)
    return chain.Link(entry, _bytes(row.previous_hash), bytes(row.hash))


def _bytes(value: memoryview | bytes | None) -> bytes | None:
    return None if value is None else bytes(value)
