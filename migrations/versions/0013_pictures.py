"""Pictures of auctions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "images",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("widths", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("placeholder", sa.Text(), nullable=False),
        sa.Column("stored_at", postgresql.TIMESTAMP(timezone=True, precision=6), nullable=False),
        sa.CheckConstraint("width > 0 AND height > 0 AND size_bytes > 0", name=op.f("ck_images_size")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_images")),
    )
    op.create_index("ix_images_stored_at", "images", ["stored_at"])
    op.create_table(
        "pictures",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("auction_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("alt", sa.Text(), nullable=False),
        sa.Column("image_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["auction_id"], ["auctions.id"], name=op.f("fk_pictures_auction_id_auctions")
        ),
        sa.ForeignKeyConstraint(["image_hash"], ["images.hash"], name=op.f("fk_pictures_image_hash_images")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pictures")),
        sa.UniqueConstraint("auction_id", "image_hash", name=op.f("uq_pictures_auction_id_image_hash")),
    )
    op.create_index("ix_pictures_image", "pictures", ["image_hash"])


def downgrade() -> None:
    """Undo. The files stay where they are."""
    op.drop_table("pictures")
    op.drop_table("images")
