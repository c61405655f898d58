"""Sessions of an account that can all be ended"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "users", sa.Column("session_epoch", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )


def downgrade() -> None:
    """Undo."""
    op.drop_column("users", "session_epoch")
