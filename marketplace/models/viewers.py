"""How many watch each auction, as Channels reports it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.extensions import Model

from .accounts import Timestamp


class AuctionViewers(Model):
    """The connections that subscribe to an auction's channel. Not in ``auctions``, whose rows bids lock."""

    __tablename__ = "auction_viewers"

    auction_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    viewers: Mapped[int] = mapped_column(Integer)
    #: When Channels counted; an older count never replaces a newer one.
    counted_at: Mapped[datetime] = mapped_column(Timestamp)
    #: The number that watchers were told last, and when.
    announced: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    announced_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        Index("ix_auction_viewers_changed", "announced_at", postgresql_where=text("viewers <> announced")),
    )


class WebhookDelivery(Model):
    """A webhook that was taken, so that a repetition is not taken again."""

    __tablename__ = "webhook_deliveries"

    #: SHA-256 of its signature.
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Timestamp, index=True)
