"""Tenants, their members, and auctions that only they see"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "tenants",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=6),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
    )
    op.create_table(
        "memberships",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint("role IN ('MEMBER', 'MANAGER')", name=op.f("ck_memberships_role")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_memberships_tenant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_memberships_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_user_id"), "memberships", ["user_id"], unique=False)
    op.add_column("auctions", sa.Column("tenant_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_auctions_tenant_id"), "auctions", "tenants", ["tenant_id"], ["id"])
    op.create_index(
        "ix_auctions_tenant",
        "auctions",
        ["tenant_id"],
        unique=False,
        postgresql_where=sa.text("tenant_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Undo. Members-only auctions would be everybody's, so there must be none."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM auctions WHERE tenant_id IS NOT NULL) THEN"
        " RAISE EXCEPTION 'there are members-only auctions; without tenants everybody would see them';"
        " END IF; END $$"
    )
    op.drop_index("ix_auctions_tenant", table_name="auctions")
    op.drop_constraint(op.f("fk_auctions_tenant_id"), "auctions", type_="foreignkey")
    op.drop_column("auctions", "tenant_id")
    op.drop_index(op.f("ix_memberships_user_id"), table_name="memberships")
    op.drop_table("memberships")
    op.drop_table("tenants")
