"""What happened: at once the activity log, the outbox and the feed for catching up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.extensions import Model

from .accounts import Timestamp


class Event(Model):
    """One committed event of an auction, written in the transaction that caused it.

    ``seq`` is consecutive per auction. The public part goes to the auction's channel, the direct part to
    single users; each has its own mark, so that a flood of direct messages cannot hold up the public ones.
    """

    __tablename__ = "events"

    auction_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    #: Exactly what is sent. JSON, not JSONB: the text is kept as it was written.
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: ``[{"userId", "event", "data"}]``: what single users are told about it; empty for nobody.
    direct: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    #: The connection to Channels that caused it, and is not told the public part.
    except_socket: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(Timestamp)
    #: Until then the web process that committed it is sending it; afterwards it is the relay's.
    leased_until: Mapped[datetime | None] = mapped_column(Timestamp)
    #: When Channels had taken the public part.
    published_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: When Channels had taken the direct part.
    delivered_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        Index("ix_events_unpublished", "auction_id", "seq", postgresql_where=text("published_at IS NULL")),
        Index(
            "ix_events_undelivered",
            "occurred_at",
            "auction_id",
            "seq",
            postgresql_where=text("delivered_at IS NULL AND direct IS NOT NULL"),
        ),
        # Which auctions' ends have moved lately: see browsing.py.
        Index(
            "ix_events_ends",
            "occurred_at",
            "auction_id",
            postgresql_where=text("name IN ('auction:extend', 'auction:end')"),
        ),
    )


class UserEvent(Model):
    """Something to tell one user that is no part of an auction's history; gone once Channels has taken it."""

    __tablename__ = "user_events"

    #: Ascending for what happens to one thing, whose row is locked by whoever tells of it.
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(Text)
    #: What is sent, except for the id.
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
