"""Browsing: categories, the words of auctions, watch lists, and indexes for lists"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

#: Top level, then what is in it. A slug never changes; names may, in later migrations.
CATEGORIES = {
    ("art", "Art"): [
        ("paintings", "Paintings and drawings"),
        ("prints", "Prints and posters"),
        ("photographs", "Photographs"),
        ("sculpture", "Sculpture"),
    ],
    ("antiques", "Antiques and furniture"): [
        ("furniture", "Furniture"),
        ("rugs", "Rugs and textiles"),
        ("ceramics", "Ceramics and glass"),
        ("silver", "Silver and metalware"),
        ("scientific", "Scientific and nautical"),
    ],
    ("watches-jewellery", "Watches and jewellery"): [
        ("watches", "Watches"),
        ("clocks", "Clocks"),
        ("jewellery", "Jewellery"),
        ("gemstones", "Gemstones"),
    ],
    ("collectables", "Collectables"): [
        ("coins", "Coins and banknotes"),
        ("stamps", "Stamps"),
        ("toys", "Toys and models"),
        ("memorabilia", "Memorabilia and signs"),
        ("pens", "Pens and writing"),
    ],
    ("books-music", "Books and music"): [
        ("books", "Books"),
        ("maps", "Maps and manuscripts"),
        ("records", "Records"),
        ("instruments", "Musical instruments"),
    ],
    ("electronics", "Cameras and electronics"): [
        ("cameras", "Cameras and lenses"),
        ("audio", "Audio and radio"),
        ("computers", "Computers and games"),
    ],
    ("home-garden", "Home and garden"): [
        ("kitchen", "Kitchen and tableware"),
        ("lighting", "Lighting"),
        ("tools", "Tools"),
        ("garden", "Garden"),
    ],
    ("fashion", "Fashion"): [
        ("clothing", "Clothing"),
        ("shoes", "Shoes"),
        ("bags", "Bags and accessories"),
    ],
    ("vehicles", "Vehicles"): [
        ("cars", "Cars"),
        ("motorcycles", "Motorcycles"),
        ("bicycles", "Bicycles"),
        ("parts", "Parts and accessories"),
    ],
    ("sport", "Sport and leisure"): [
        ("outdoor", "Outdoor and camping"),
        ("fitness", "Fitness and games"),
    ],
    ("food-drink", "Food and drink"): [
        ("wine", "Wine"),
        ("spirits", "Spirits"),
        ("flowers", "Flowers and produce"),
    ],
    ("other", "Everything else"): [],
}

# Words as they are, in small letters and without accents. Of no language: what is sold has names, and people
# write in all of them. unaccent is a trusted extension: the owner of the database may create it.
CONFIGURATION = """
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION words
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;
"""
# SET search_path: whoever writes to auctions may have another one than whoever made the configuration.
TRIGGER = """
CREATE FUNCTION write_search_document() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO search_documents (auction_id, document)
    VALUES (
        NEW.id,
        setweight(to_tsvector('words', NEW.title), 'A')
            || setweight(to_tsvector('words', NEW.description), 'B')
    )
    ON CONFLICT (auction_id) DO UPDATE SET document = excluded.document;
    RETURN NULL;
END $$;
CREATE TRIGGER search_document AFTER INSERT OR UPDATE OF title, description ON auctions
FOR EACH ROW EXECUTE FUNCTION write_search_document();
"""
DOCUMENTS = """
INSERT INTO search_documents (auction_id, document)
SELECT id, setweight(to_tsvector('words', title), 'A') || setweight(to_tsvector('words', description), 'B')
FROM auctions
"""

END = sa.text("date_bin('00:00:00.001'::interval, ends_at, '2000-01-01 00:00:00+00'::timestamptz)")
AHEAD = sa.text("status IN ('SCHEDULED', 'RUNNING', 'ENDING_SOON')")
ENDS = sa.text("name IN ('auction:extend', 'auction:end')")


def upgrade() -> None:
    """Apply."""
    _add_categories()
    _add_search()
    moment = postgresql.TIMESTAMP(timezone=True, precision=6)
    op.create_table(
        "watches",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("auction_id", sa.BigInteger(), nullable=False),
        sa.Column("watched_at", moment, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_watches_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "auction_id", name=op.f("pk_watches")),
    )
    op.create_index("ix_watches_latest", "watches", ["user_id", "watched_at", "auction_id"])
    op.drop_index("ix_auctions_status_ends_at", table_name="auctions")
    op.drop_index("ix_auctions_seller_id", table_name="auctions")
    op.create_index("ix_auctions_seller", "auctions", ["seller_id", "id"])
    op.create_index("ix_auctions_category", "auctions", ["category", "id"])
    op.create_index("ix_auctions_end", "auctions", [END, "id"])
    op.create_index("ix_auctions_end_ahead", "auctions", [END, "id"], postgresql_where=AHEAD)
    op.create_index("ix_events_ends", "events", ["occurred_at", "auction_id"], postgresql_where=ENDS)


def _add_categories() -> None:
    categories = op.create_table(
        "categories",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_slug", sa.Text()),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["parent_slug"], ["categories.slug"], name=op.f("fk_categories_parent_slug")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_categories")),
    )
    rows = []
    for place, ((slug, name), children) in enumerate(CATEGORIES.items()):
        rows.append({"slug": slug, "name": name, "parent_slug": None, "position": place})
        rows += [
            {"slug": child, "name": child_name, "parent_slug": slug, "position": below}
            for below, (child, child_name) in enumerate(children)
        ]
    op.bulk_insert(categories, rows)
    # First without a default: what is listed already has none.
    op.add_column("auctions", sa.Column("category", sa.Text()))
    op.alter_column("auctions", "category", server_default="other")
    op.create_foreign_key(op.f("fk_auctions_category"), "auctions", "categories", ["category"], ["slug"])


def _add_search() -> None:
    op.execute(CONFIGURATION)
    op.create_table(
        "search_documents",
        sa.Column("auction_id", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["auction_id"], ["auctions.id"], name=op.f("fk_search_documents_auction_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("auction_id", name=op.f("pk_search_documents")),
    )
    op.execute(DOCUMENTS)
    op.create_index("ix_search_documents_document", "search_documents", ["document"], postgresql_using="gin")
    op.execute(TRIGGER)


def downgrade() -> None:
    """Undo. The extension stays: others may use it by now."""
    op.drop_index("ix_events_ends", table_name="events", postgresql_where=ENDS)
    op.drop_index("ix_auctions_end_ahead", table_name="auctions", postgresql_where=AHEAD)
    for name in ("end", "category", "seller"):
        op.drop_index(f"ix_auctions_{name}", table_name="auctions")
    op.create_index("ix_auctions_seller_id", "auctions", ["seller_id"])
    op.create_index("ix_auctions_status_ends_at", "auctions", ["status", "ends_at", "id"])
    op.drop_table("watches")
    op.execute("DROP TRIGGER search_document ON auctions")
    op.execute("DROP FUNCTION write_search_document()")
    op.drop_table("search_documents")
    op.execute("DROP TEXT SEARCH CONFIGURATION words")
    op.drop_constraint(op.f("fk_auctions_category"), "auctions", type_="foreignkey")
    op.drop_column("auctions", "category")
    op.drop_table("categories")
