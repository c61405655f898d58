"""What people find auctions by: categories, the words in them, and what they watch."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, func
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.extensions import Model

from .accounts import Timestamp


class Category(Model):
    """A kind of things, or a kind of kinds: the tree has two levels. Filled by migrations."""

    __tablename__ = "categories"

    #: Stable: it stands in addresses, and translations hang on it. The name may change.
    slug: Mapped[str] = mapped_column(Text, primary_key=True)
    #: In English.
    name: Mapped[str] = mapped_column(Text)
    #: Empty at the top.
    parent_slug: Mapped[str | None] = mapped_column(ForeignKey("categories.slug"))
    #: Its place among its siblings.
    position: Mapped[int] = mapped_column(Integer)


class SearchDocument(Model):
    """The words of an auction, those of its title marked A and those of its description B.

    Kept by triggers on ``auctions``; drafts have none. Not a column there: a bid that moves the end would
    have to index all words anew (docs/decisions/search.md).
    """

    __tablename__ = "search_documents"

    auction_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("auctions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    document: Mapped[str] = mapped_column(TSVECTOR)

    __table_args__ = (Index("ix_search_documents_document", "document", postgresql_using="gin"),)


class Watch(Model):
    """That somebody keeps an eye on an auction."""

    __tablename__ = "watches"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    # No foreign key: checking it would lock the row of the auction, which a thousand people may watch while
    # its bids lock it. Only drafts are ever deleted: see ``sales.discard``.
    auction_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    watched_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())

    __table_args__ = (Index("ix_watches_latest", "user_id", "watched_at", "auction_id"),)
