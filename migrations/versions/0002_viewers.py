"""How many watch each auction, and which webhooks were taken"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "auction_viewers",
        sa.Column("auction_id", sa.BigInteger(), nullable=False),
        sa.Column("viewers", sa.Integer(), nullable=False),
        sa.Column("counted_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=False),
        sa.Column("announced", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("announced_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=True),
        sa.PrimaryKeyConstraint("auction_id", name=op.f("pk_auction_viewers")),
    )
    op.create_index(
        "ix_auction_viewers_changed",
        "auction_viewers",
        ["announced_at"],
        unique=False,
        postgresql_where=sa.text("viewers <> announced"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_received_at"), "webhook_deliveries", ["received_at"], unique=False
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_webhook_deliveries_received_at"), table_name="webhook_deliveries")
    op.drop_table("webhook_deliveries")
    op.drop_index(
        "ix_auction_viewers_changed",
        table_name="auction_viewers",
        postgresql_where=sa.text("viewers <> announced"),
    )
    op.drop_table("auction_viewers")
