"""Automatic bids, increment tables, reserve, buy now, ways to extend, withdrawn bids"""

from __future__ import annotations

import hashlib
import os

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    timestamp = postgresql.TIMESTAMP(timezone=True, precision=6)
    for column in (
        sa.Column("increment_table", postgresql.JSON()),
        sa.Column("reserve_price", sa.BigInteger()),
        sa.Column("buy_now_price", sa.BigInteger()),
        sa.Column("buy_now_share", sa.Integer(), server_default="0", nullable=False),
        sa.Column("scheduled_end", timestamp),
        sa.Column("anti_snipe", sa.Text(), server_default="RESET", nullable=False),
        sa.Column("max_extensions", sa.Integer()),
        sa.Column("max_extension_total", sa.Integer()),
        sa.Column("sudden_death", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leader_strength", sa.BigInteger()),
        sa.Column("log_part", sa.Integer(), server_default="0", nullable=False),
    ):
        op.add_column("auctions", column)
    for column in (
        sa.Column("part", sa.Integer(), server_default="0", nullable=False),
        sa.Column("kind", sa.Text(), server_default="BID", nullable=False),
        sa.Column("asked_amount", sa.BigInteger()),
        sa.Column("asked_maximum", sa.BigInteger()),
        sa.Column("nonce", sa.LargeBinary()),
        sa.Column("refers_to_seq", sa.BigInteger()),
        sa.Column("refers_to_part", sa.Integer()),
        sa.Column("reason", sa.Text()),
    ):
        op.add_column("bids", column)
    op.alter_column("bids", "kind", server_default=None)
    op.drop_constraint("pk_bids", "bids")
    op.create_primary_key("pk_bids", "bids", ["auction_id", "seq", "part"])
    op.create_index(
        "ix_bids_withdrawals",
        "bids",
        ["auction_id", "refers_to_seq", "refers_to_part"],
        unique=True,
        postgresql_where=sa.text("refers_to_seq IS NOT NULL"),
    )
    op.execute("UPDATE auctions SET leader_strength = current_bid, scheduled_end = ends_at")
    _hash_anew()
    op.drop_constraint("ck_auctions_leader", "auctions")
    for name, condition in (
        (
            "leader",
            "(leader_id IS NULL) = (current_bid IS NULL) AND (leader_id IS NULL) = (leader_strength IS NULL)",
        ),
        ("leader_strength", "leader_strength >= current_bid"),
        ("buy_now_share", "buy_now_share BETWEEN 0 AND 100"),
        ("anti_snipe", "anti_snipe IN ('OFF', 'RESET', 'FIXED')"),
    ):
        op.create_check_constraint(op.f(f"ck_auctions_{name}"), "auctions", condition)


def _hash_anew() -> None:
    """Log entries say more than before, so their hashes are made anew, as ``bidding/chain.py`` does today."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT * FROM bids ORDER BY auction_id, seq")).all()
    previous: dict[int, bytes] = {}
    for row in rows:
        nonce = os.urandom(16)
        commitment = hashlib.sha256(nonce + f"{row.amount}/".encode()).hexdigest()
        since = row.placed_at - row.placed_at.fromisoformat("1970-01-01T00:00:00+00:00")
        micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        line = f"{row.auction_id}|{row.seq}|0|BID|{row.bidder_id}|{row.amount}|{micros}|{commitment}||"
        before = previous.get(row.auction_id)
        previous[row.auction_id] = hashlib.sha256((before or b"") + line.encode()).digest()
        connection.execute(
            sa.text(
                "UPDATE bids SET asked_amount = amount, nonce = :nonce, previous_hash = :before, hash = :hash"
                " WHERE auction_id = :auction_id AND seq = :seq"
            ),
            {
                "nonce": nonce,
                "before": before,
                "hash": previous[row.auction_id],
                "auction_id": row.auction_id,
                "seq": row.seq,
            },
        )
    for auction_id, head in previous.items():
        connection.execute(
            sa.text("UPDATE auctions SET log_hash = :head WHERE id = :id"), {"head": head, "id": auction_id}
        )


def downgrade() -> None:
    """Undo is not possible: the log has entries that the version before does not know."""
    raise NotImplementedError("restore a backup instead")
