"""Where a seller is paid: on the account, and as it was when an order was made"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply."""
    for table in ("users", "orders"):
        op.add_column(table, sa.Column("payment_details", sa.Text()))


def downgrade() -> None:
    """Undo; where sellers are paid is not known any more."""
    for table in ("orders", "users"):
        op.drop_column(table, "payment_details")
