"""Orders, strikes, what the buyer pays besides the price, and events to single users"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

_FEES = "premium_rate BETWEEN 0 AND 10000 AND tax_rate BETWEEN 0 AND 10000 AND payment_days BETWEEN 1 AND 90"
_STATES = "'AWAITING_PAYMENT', 'PAID', 'SHIPPED', 'DONE', 'CANCELLED', 'UNPAID'"


def upgrade() -> None:
    """Apply."""
    for table in ("auctions", "sales"):
        for name, default in (("premium_rate", "0"), ("tax_rate", "0"), ("payment_days", "7")):
            op.add_column(
                table, sa.Column(name, sa.Integer(), server_default=sa.text(default), nullable=False)
            )
        op.create_check_constraint(op.f(f"ck_{table}_fees"), table, _FEES)
    _create_orders()
    timestamp = postgresql.TIMESTAMP(timezone=True, precision=6)
    op.create_table(
        "strikes",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", timestamp, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("lifted_at", timestamp),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_strikes_order_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_strikes_user_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_strikes")),
    )
    op.create_index(op.f("ix_strikes_user_id"), "strikes", ["user_id"])
    op.create_table(
        "user_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_events_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_events")),
    )


def _create_orders() -> None:
    timestamp = postgresql.TIMESTAMP(timezone=True, precision=6)
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("auction_id", sa.BigInteger(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("premium_rate", sa.Integer(), nullable=False),
        sa.Column("tax_rate", sa.Integer(), nullable=False),
        sa.Column("premium", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="AWAITING_PAYMENT", nullable=False),
        sa.Column("method", sa.Text()),
        sa.Column("ship_to", sa.Text()),
        sa.Column("carrier", sa.Text()),
        sa.Column("tracking", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("due_at", timestamp, nullable=False),
        sa.Column("created_at", timestamp, nullable=False),
        sa.Column("paid_at", timestamp),
        sa.Column("shipped_at", timestamp),
        sa.Column("done_at", timestamp),
        sa.Column("closed_at", timestamp),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_orders_state")),
        sa.CheckConstraint(
            "origin ~ '^(win|buy_now|offer:[0-9]+|take:[0-9]+)$'", name=op.f("ck_orders_origin")
        ),
        sa.CheckConstraint("price >= 0 AND premium >= 0 AND tax >= 0", name=op.f("ck_orders_amounts")),
        sa.CheckConstraint("total = price + premium + tax", name=op.f("ck_orders_total")),
        sa.CheckConstraint(
            "(state IN ('CANCELLED', 'UNPAID')) = (closed_at IS NOT NULL)", name=op.f("ck_orders_closed")
        ),
        sa.CheckConstraint(
            "(state IN ('PAID', 'SHIPPED', 'DONE')) = (paid_at IS NOT NULL)", name=op.f("ck_orders_paid")
        ),
        sa.CheckConstraint(
            "(state IN ('SHIPPED', 'DONE')) = (shipped_at IS NOT NULL)", name=op.f("ck_orders_shipped")
        ),
        sa.CheckConstraint("(state = 'DONE') = (done_at IS NOT NULL)", name=op.f("ck_orders_done")),
        sa.ForeignKeyConstraint(["auction_id"], ["auctions.id"], name=op.f("fk_orders_auction_id")),
        sa.ForeignKeyConstraint(["buyer_id"], ["users.id"], name=op.f("fk_orders_buyer_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_orders_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("auction_id", "origin", name=op.f("uq_orders_auction_id_origin")),
    )
    op.create_index(
        "uq_orders_live",
        "orders",
        ["auction_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('CANCELLED', 'UNPAID') AND origin NOT LIKE 'take:%'"),
    )
    op.create_index("ix_orders_buyer", "orders", ["buyer_id", "id"])
    op.create_index("ix_orders_seller", "orders", ["seller_id", "id"])
    op.create_index(
        "ix_orders_due", "orders", ["due_at"], postgresql_where=sa.text("state = 'AWAITING_PAYMENT'")
    )


def downgrade() -> None:
    """Undo; what was sold is not known any more."""
    op.drop_table("user_events")
    op.drop_table("strikes")
    op.drop_table("orders")
    for table in ("auctions", "sales"):
        op.drop_constraint(op.f(f"ck_{table}_fees"), table)
        for name in ("premium_rate", "tax_rate", "payment_days"):
            op.drop_column(table, name)
