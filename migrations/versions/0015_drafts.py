"""Drafts: they are not searched, and an account may have so many"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

DRAFT = sa.text("status = 'DRAFT'")
# Two, because only an update has an OLD. A bid writes the status, too: for it the second compares two words,
# and the description is not even read.
TRIGGERS = """
DROP TRIGGER search_document ON auctions;
CREATE TRIGGER search_document AFTER INSERT OR UPDATE OF title, description ON auctions
FOR EACH ROW WHEN (NEW.status <> 'DRAFT') EXECUTE FUNCTION write_search_document();
CREATE TRIGGER search_document_when_published AFTER UPDATE OF status ON auctions
FOR EACH ROW WHEN (OLD.status = 'DRAFT' AND NEW.status <> 'DRAFT') EXECUTE FUNCTION write_search_document();
"""
OF_DRAFTS = """
DELETE FROM search_documents USING auctions WHERE auctions.id = auction_id AND auctions.status = 'DRAFT'
"""
TRIGGERS_BEFORE = """
DROP TRIGGER search_document_when_published ON auctions;
DROP TRIGGER search_document ON auctions;
CREATE TRIGGER search_document AFTER INSERT OR UPDATE OF title, description ON auctions
FOR EACH ROW EXECUTE FUNCTION write_search_document();
"""
OF_DRAFTS_BEFORE = """
INSERT INTO search_documents (auction_id, document)
SELECT id, setweight(to_tsvector('words', title), 'A') || setweight(to_tsvector('words', description), 'B')
FROM auctions WHERE status = 'DRAFT'
"""


def upgrade() -> None:
    """Apply."""
    op.execute(TRIGGERS)
    op.execute(OF_DRAFTS)
    op.create_index("ix_auctions_drafts", "auctions", ["seller_id"], postgresql_where=DRAFT)


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_auctions_drafts", table_name="auctions", postgresql_where=DRAFT)
    op.execute(OF_DRAFTS_BEFORE)
    op.execute(TRIGGERS_BEFORE)
