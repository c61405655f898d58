"""Second-chance offers, suspicions, and the addresses they are noticed by"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
    timestamp = postgresql.TIMESTAMP(timezone=True, precision=6)
    op.create_table(
        "second_chance_offers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("auction_id", sa.BigInteger(), nullable=False),
        sa.Column("bidder_id", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="OPEN", nullable=False),
        sa.Column("created_at", timestamp, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("expires_at", timestamp, nullable=False),
        sa.Column("answered_at", timestamp),
        sa.CheckConstraint(
            "status IN ('OPEN', 'ACCEPTED', 'DECLINED')", name=op.f("ck_second_chance_offers_status")
        ),
        sa.ForeignKeyConstraint(
            ["auction_id"], ["auctions.id"], name=op.f("fk_second_chance_offers_auction_id")
        ),
        sa.ForeignKeyConstraint(["bidder_id"], ["users.id"], name=op.f("fk_second_chance_offers_bidder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_chance_offers")),
        sa.UniqueConstraint(
            "auction_id", "bidder_id", name=op.f("uq_second_chance_offers_auction_id_bidder_id")
        ),
    )
    op.create_index(op.f("ix_second_chance_offers_bidder_id"), "second_chance_offers", ["bidder_id"])
    op.create_table(
        "suspicions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("auction_id", sa.BigInteger()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("noticed_at", timestamp, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_suspicions_user_id")),
        sa.ForeignKeyConstraint(["auction_id"], ["auctions.id"], name=op.f("fk_suspicions_auction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspicions")),
        sa.UniqueConstraint(
            "kind",
            "user_id",
            "auction_id",
            name=op.f("uq_suspicions_kind_user_id_auction_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "account_addresses",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("seen_at", timestamp, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_account_addresses_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "address", name=op.f("pk_account_addresses")),
    )
    op.create_index(op.f("ix_account_addresses_seen_at"), "account_addresses", ["seen_at"])


def downgrade() -> None:
    """Undo."""
    op.drop_table("account_addresses")
    op.drop_table("suspicions")
    op.drop_table("second_chance_offers")
