"""Auctions with a long past, for tests: as many bids as somebody wants, in a second."""

from __future__ import annotations

from sqlalchemy import Connection, text

#: Between two bids, in seconds.
PAUSE = 0.5

# Bids of two people in turns, each a cent more than the one before, after whatever has happened so far; the
# last one now. Their hashes are none: nobody verifies this log.
_BIDS = text(
    """
    INSERT INTO bids (auction_id, seq, kind, bidder_id, amount, placed_at, asked_amount, nonce, hash)
    SELECT id, seq + n, 'BID', CASE n % 2 WHEN 0 THEN :ann ELSE :bob END,
        starting_price + (n - 1) * min_increment,
        clock_timestamp() - (:bids - n) * make_interval(secs => :pause),
        starting_price + (n - 1) * min_increment, sha256('nonce'), sha256(n::text::bytea)
    FROM auctions, generate_series(1, :bids) AS n WHERE id = :auction
    """
)
_STANDING = text(
    """
    UPDATE auctions SET seq = seq + :bids, bid_count = :bids, log_hash = sha256('head'),
        current_bid = starting_price + (:bids - 1) * min_increment,
        leader_id = CASE :bids % 2 WHEN 0 THEN :ann ELSE :bob END,
        leader_strength = starting_price + (:bids - 1) * min_increment
    WHERE id = :auction
    """
)


def write_bids(connection: Connection, auction_id: int, bids: int, *, ann: int, bob: int) -> None:
    """Give an auction without bids this many; the even ones are Ann's, the first is at the starting price."""
    given = {"auction": auction_id, "bids": bids, "ann": ann, "bob": bob}
    connection.execute(_BIDS, given | {"pause": PAUSE})
    connection.execute(_STANDING, given)
