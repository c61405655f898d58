"""Sales with several lots, and the bidders a seller does not want."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Integer, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.extensions import Model

from .accounts import Timestamp


class Closing(StrEnum):
    """How the lots of a sale close, and what an extension of one does to the others."""

    #: One after the other; an extension moves the later lots as well.
    CASCADE = "CASCADE"
    #: One after the other; an extension moves that lot alone.
    INDIVIDUAL = "INDIVIDUAL"
    #: All at once; an extension moves them all.
    TOGETHER = "TOGETHER"


class Sale(Model):
    """Several lots of one seller that close by one plan."""

    __tablename__ = "sales"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seller_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    title: Mapped[str] = mapped_column(Text)
    closing: Mapped[str] = mapped_column(Text)
    #: Seconds between the ends of one lot and the next.
    interval: Mapped[int] = mapped_column(Integer)
    starts_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: When the first lot ends.
    ends_at: Mapped[datetime] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())

    __table_args__ = (
        CheckConstraint("closing IN ('CASCADE', 'INDIVIDUAL', 'TOGETHER')", name="closing"),
        CheckConstraint("interval >= 0", name="interval"),
    )


class BlockedBidder(Model):
    """Somebody whose bids a seller does not take."""

    __tablename__ = "blocked_bidders"

    seller_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    bidder_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())
