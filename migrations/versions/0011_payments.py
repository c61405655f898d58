"""Payments, and what is known of Stripe's sessions and webhooks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply."""
    timestamp = postgresql.TIMESTAMP(timezone=True, precision=6)
    op.create_table(
        "payments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("received_at", timestamp, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("state IN ('RECEIVED', 'TO_REFUND')", name=op.f("ck_payments_state")),
        sa.CheckConstraint("(state = 'TO_REFUND') = (reason IS NOT NULL)", name=op.f("ck_payments_reason")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payments_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("method", "reference", name=op.f("uq_payments_method_reference")),
    )
    op.create_index(op.f("ix_payments_order_id"), "payments", ["order_id"])
    op.create_table(
        "stripe_sessions",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("expires_at", timestamp, nullable=False),
        sa.Column("session_id", sa.Text()),
        sa.Column("url", sa.Text()),
        sa.Column("under_way_at", timestamp),
        sa.Column("due_before", timestamp),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_stripe_sessions_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_stripe_sessions")),
    )
    op.create_table(
        "stripe_events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("received_at", timestamp, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_events")),
    )
    op.create_index(op.f("ix_stripe_events_received_at"), "stripe_events", ["received_at"])


def downgrade() -> None:
    """Undo; what was paid through a service is not known any more."""
    op.drop_table("stripe_events")
    op.drop_table("stripe_sessions")
    op.drop_table("payments")
