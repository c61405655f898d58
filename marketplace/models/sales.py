"""Sales with several lots, and the bidders a seller does not want."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.extensions import Model

from .accounts import Timestamp
from .auctions import FEES


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
    #: As of its lots: whose members alone see them.
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenants.id"))
    title: Mapped[str] = mapped_column(Text)
    closing: Mapped[str] = mapped_column(Text)
    #: Seconds between the ends of one lot and the next.
    interval: Mapped[int] = mapped_column(Integer)
    starts_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: When the first lot ends.
    ends_at: Mapped[datetime] = mapped_column(Timestamp)
    #: As of its lots, see there.
    premium_rate: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    tax_rate: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    payment_days: Mapped[int] = mapped_column(Integer, server_default=text("7"))
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())

    __table_args__ = (
        CheckConstraint("closing IN ('CASCADE', 'INDIVIDUAL', 'TOGETHER')", name="closing"),
        CheckConstraint("interval >= 0", name="interval"),
        CheckConstraint(FEES, name="fees"),
    )


class BlockedBidder(Model):
    """Somebody whose bids a seller does not take."""

    __tablename__ = "blocked_bidders"

    seller_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    bidder_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())


class OfferStatus(StrEnum):
    """What became of a second-chance offer. One that nobody answered in time is OPEN and past its end."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"


class SecondChanceOffer(Model):
    """A lot that was not sold, or not paid for, offered to the next bidder at their last bid."""

    __tablename__ = "second_chance_offers"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    auction_id: Mapped[int] = mapped_column(ForeignKey("auctions.id"))
    bidder_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    price: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Text, server_default=OfferStatus.OPEN.value)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    answered_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        UniqueConstraint("auction_id", "bidder_id"),
        CheckConstraint("status IN ('OPEN', 'ACCEPTED', 'DECLINED')", name="status"),
    )


class Suspicion(Model):
    """A pattern that an administrator should look at; proves nothing by itself."""

    __tablename__ = "suspicions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    #: The auction it was noticed on; empty for what spans several.
    auction_id: Mapped[int | None] = mapped_column(ForeignKey("auctions.id"))
    detail: Mapped[str] = mapped_column(Text)
    noticed_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())

    __table_args__ = (UniqueConstraint("kind", "user_id", "auction_id", postgresql_nulls_not_distinct=True),)


class AccountAddress(Model):
    """An internet address from which an account was used, kept for a while to notice shill bidding."""

    __tablename__ = "account_addresses"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    address: Mapped[str] = mapped_column(Text, primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(Timestamp, index=True)
