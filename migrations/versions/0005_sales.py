"""Sales with several lots, blocked bidders"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    timestamp = postgresql.TIMESTAMP(timezone=True, precision=6)
    created_at = sa.Column(
        "created_at", timestamp, server_default=sa.text("clock_timestamp()"), nullable=False
    )
    op.create_table(
        "sales",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("closing", sa.Text(), nullable=False),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("starts_at", timestamp),
        sa.Column("ends_at", timestamp, nullable=False),
        created_at.copy(),
        sa.CheckConstraint("closing IN ('CASCADE', 'INDIVIDUAL', 'TOGETHER')", name=op.f("ck_sales_closing")),
        sa.CheckConstraint("interval >= 0", name=op.f("ck_sales_interval")),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_sales_seller_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_sales_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales")),
    )
    op.create_index(op.f("ix_sales_seller_id"), "sales", ["seller_id"])
    op.create_table(
        "blocked_bidders",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("bidder_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        created_at.copy(),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_blocked_bidders_seller_id")),
        sa.ForeignKeyConstraint(["bidder_id"], ["users.id"], name=op.f("fk_blocked_bidders_bidder_id")),
        sa.PrimaryKeyConstraint("seller_id", "bidder_id", name=op.f("pk_blocked_bidders")),
    )
    op.add_column("auctions", sa.Column("sale_id", sa.BigInteger()))
    op.add_column("auctions", sa.Column("lot_number", sa.Integer()))
    op.create_foreign_key(op.f("fk_auctions_sale_id"), "auctions", "sales", ["sale_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_auctions_lot"), "auctions", "(sale_id IS NULL) = (lot_number IS NULL)"
    )
    op.create_index(
        "uq_auctions_lot",
        "auctions",
        ["sale_id", "lot_number"],
        unique=True,
        postgresql_where=sa.text("sale_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Undo; sales fall apart into their lots."""
    op.drop_index("uq_auctions_lot", table_name="auctions")
    op.drop_column("auctions", "lot_number")
    op.drop_column("auctions", "sale_id")
    op.drop_table("blocked_bidders")
    op.drop_table("sales")
