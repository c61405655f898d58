"""Reading the bid log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, text

from .chain import Entry, Link, Secret

_LOG = text("SELECT * FROM bids WHERE auction_id = :auction_id ORDER BY seq, part")
_LOG_AFTER = text(
    "SELECT * FROM bids WHERE auction_id = :auction_id AND (seq, part) > (:seq, :part)"
    " ORDER BY seq, part LIMIT :limit"
)


def read_log(connection: Connection, auction_id: int) -> list[Link]:
    """The whole log of an auction, in order."""
    return [_link(row) for row in connection.execute(_LOG, {"auction_id": auction_id})]


def read_log_after(
    connection: Connection, auction_id: int, place: tuple[int, int], *, limit: int
) -> list[Link]:
    """A part of the log, for those who read it bit by bit; from the first entry on after ``(0, 0)``."""
    after = {"auction_id": auction_id, "seq": place[0], "part": place[1], "limit": limit}
    return [_link(row) for row in connection.execute(_LOG_AFTER, after)]


def _link(row: Row[Any]) -> Link:
    secret = None
    if row.nonce is not None:
        secret = Secret(bytes(row.nonce), row.asked_amount, row.asked_maximum)
    entry = Entry(
        auction_id=row.auction_id,
        seq=row.seq,
        part=row.part,
        kind=row.kind,
        bidder_id=row.bidder_id,
        amount=row.amount,
        placed_at=row.placed_at,
        secret=secret,
        refers_to=None if row.refers_to_seq is None else (row.refers_to_seq, row.refers_to_part),
        reason=row.reason,
    )
    return Link(entry, row.previous_hash and bytes(row.previous_hash), bytes(row.hash))
