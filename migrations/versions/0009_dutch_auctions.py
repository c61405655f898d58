"""Dutch auctions: a falling price, several items, and holding an item for its buyer"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

CHECKS = {
    "english_terms": "format <> 'ENGLISH' OR min_increment IS NOT NULL",
    "dutch_terms": (
        "format <> 'DUTCH' OR (floor_price BETWEEN 0 AND starting_price AND drop_amount > 0"
        " AND drop_every > 0 AND floor_price IS NOT NULL AND drop_amount IS NOT NULL"
        " AND drop_every IS NOT NULL)"
    ),
    "items": "quantity > 0 AND hold_seconds > 0 AND per_buyer > 0",
    "stock": "held >= 0 AND sold >= 0 AND held + sold <= quantity",
}


def upgrade() -> None:
    """Apply."""
    for name in ("floor_price", "drop_amount"):
        op.add_column("auctions", sa.Column(name, sa.BigInteger()))
    for name in ("drop_every", "per_buyer"):
        op.add_column("auctions", sa.Column(name, sa.Integer()))
    for name, default in (("quantity", "1"), ("hold_seconds", "600"), ("held", "0"), ("sold", "0")):
        column = sa.Column(name, sa.Integer(), server_default=sa.text(default), nullable=False)
        op.add_column("auctions", column)
    op.alter_column("auctions", "min_increment", nullable=True)
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_auctions_{name}"), "auctions", condition)
    op.create_index(
        "ix_auctions_falling",
        "auctions",
        ["id"],
        postgresql_where=sa.text("format = 'DUTCH' AND status IN ('RUNNING', 'ENDING_SOON')"),
    )
    op.add_column("events", sa.Column("except_socket", sa.Text()))
    moment = postgresql.TIMESTAMP(timezone=True, precision=6)
    op.create_table(
        "reservations",
        sa.Column("auction_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="HELD", nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("settled_at", moment),
        sa.CheckConstraint(
            "status IN ('HELD', 'CONFIRMED', 'EXPIRED', 'RELEASED')", name=op.f("ck_reservations_status")
        ),
        sa.CheckConstraint("(status = 'HELD') = (settled_at IS NULL)", name=op.f("ck_reservations_settled")),
        sa.PrimaryKeyConstraint("auction_id", "seq", name=op.f("pk_reservations")),
    )
    op.create_index(
        "ix_reservations_held",
        "reservations",
        ["auction_id", "expires_at"],
        postgresql_where=sa.text("status = 'HELD'"),
    )
    op.create_index("ix_reservations_buyer", "reservations", ["buyer_id", "auction_id"])


def downgrade() -> None:
    """Undo."""
    op.drop_table("reservations")
    op.drop_column("events", "except_socket")
    op.drop_index("ix_auctions_falling", "auctions")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_auctions_{name}"), "auctions")
    # What is Dutch cannot be told without these columns.
    op.execute("DELETE FROM auctions WHERE format = 'DUTCH'")
    op.alter_column("auctions", "min_increment", nullable=False)
    for name in (
        "sold", "held", "hold_seconds", "quantity", "per_buyer", "drop_every", "drop_amount", "floor_price",
    ):  # fmt: skip
        op.drop_column("auctions", name)
