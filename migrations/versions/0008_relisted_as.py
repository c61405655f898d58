"""An unsold lot is listed again once, and not offered as a second chance any more"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    op.add_column("auctions", sa.Column("relisted_as", sa.BigInteger()))


def downgrade() -> None:
    """Undo."""
    op.drop_column("auctions", "relisted_as")
