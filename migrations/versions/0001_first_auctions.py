"""Accounts, auctions, the bid log and the outbox"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "bid_answers",
        sa.Column("auction_id", sa.BigInteger(), nullable=False),
        sa.Column("bidder_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("answered_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=False),
        sa.PrimaryKeyConstraint("auction_id", "bidder_id", "key", name=op.f("pk_bid_answers")),
    )
    op.create_index("ix_bid_answers_answered_at", "bid_answers", ["answered_at"], unique=False)
    op.create_table(
        "bids",
        sa.Column("auction_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("bidder_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("auction_id", "seq", name=op.f("pk_bids")),
    )
    op.create_index("ix_bids_bidder", "bids", ["bidder_id", "auction_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("auction_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("direct", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.Column("occurred_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=False),
        sa.Column("leased_until", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=True),
        sa.Column("published_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=True),
        sa.Column("delivered_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=True),
        sa.PrimaryKeyConstraint("auction_id", "seq", name=op.f("pk_events")),
    )
    op.create_index(
        "ix_events_undelivered",
        "events",
        ["occurred_at", "auction_id", "seq"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL AND direct IS NOT NULL"),
    )
    op.create_index(
        "ix_events_unpublished",
        "events",
        ["auction_id", "seq"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=6),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=6),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_user_id"), "api_tokens", ["user_id"], unique=False)
    op.create_table(
        "auctions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.Text(), server_default="ENGLISH", nullable=False),
        sa.Column("status", sa.Text(), server_default="DRAFT", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("starting_price", sa.BigInteger(), nullable=False),
        sa.Column("min_increment", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=True),
        sa.Column("ends_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=False),
        sa.Column("extension_window", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("extension", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=6),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("closed_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=True),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=True),
        sa.Column("current_bid", sa.BigInteger(), nullable=True),
        sa.Column("leader_id", sa.BigInteger(), nullable=True),
        sa.Column("bid_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("extension_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_event_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=True),
        sa.Column("log_hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(status = 'ENDED') = (outcome IS NOT NULL)", name=op.f("ck_auctions_outcome_when_ended")
        ),
        sa.CheckConstraint("format IN ('ENGLISH', 'DUTCH')", name=op.f("ck_auctions_format")),
        sa.CheckConstraint(
            "outcome IN ('SOLD', 'UNSOLD', 'RESERVE_NOT_MET')", name=op.f("ck_auctions_outcome")
        ),
        sa.CheckConstraint(
            "status IN ('DRAFT', 'SCHEDULED', 'RUNNING', 'ENDING_SOON', 'ENDED', 'CANCELLED')",
            name=op.f("ck_auctions_status"),
        ),
        sa.CheckConstraint("(leader_id IS NULL) = (current_bid IS NULL)", name=op.f("ck_auctions_leader")),
        sa.CheckConstraint("current_bid >= starting_price", name=op.f("ck_auctions_current_bid")),
        sa.CheckConstraint("extension_window >= 0 AND extension >= 0", name=op.f("ck_auctions_extension")),
        sa.CheckConstraint("starting_price >= 0 AND min_increment > 0", name=op.f("ck_auctions_amounts")),
        sa.ForeignKeyConstraint(["leader_id"], ["users.id"], name=op.f("fk_auctions_leader_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_auctions_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auctions")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "ix_auctions_due",
        "auctions",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_auctions_seller_id"), "auctions", ["seller_id"], unique=False)
    op.create_index("ix_auctions_status_ends_at", "auctions", ["status", "ends_at", "id"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_auctions_status_ends_at", table_name="auctions")
    op.drop_index(op.f("ix_auctions_seller_id"), table_name="auctions")
    op.drop_index("ix_auctions_due", table_name="auctions", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_table("auctions")
    op.drop_index(op.f("ix_api_tokens_user_id"), table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_index("uq_users_email", table_name="users")
    op.drop_table("users")
    op.drop_index(
        "ix_events_unpublished", table_name="events", postgresql_where=sa.text("published_at IS NULL")
    )
    op.drop_index(
        "ix_events_undelivered",
        table_name="events",
        postgresql_where=sa.text("delivered_at IS NULL AND direct IS NOT NULL"),
    )
    op.drop_table("events")
    op.drop_index("ix_bids_bidder", table_name="bids")
    op.drop_table("bids")
    op.drop_index("ix_bid_answers_answered_at", table_name="bid_answers")
    op.drop_table("bid_answers")
