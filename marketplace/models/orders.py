"""Orders: what was sold, to whom, for how much; and the strikes of those who did not pay."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.extensions import Model

from .accounts import Timestamp


class OrderState(StrEnum):
    """Where an order is: onwards in this order, or from AWAITING_PAYMENT to one of the last two."""

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    PAID = "PAID"
    SHIPPED = "SHIPPED"
    DONE = "DONE"
    #: Called off by the seller.
    CANCELLED = "CANCELLED"
    #: Not paid in time.
    UNPAID = "UNPAID"


_STATES = ", ".join(f"'{state}'" for state in OrderState)


class Order(Model):
    """One thing sold to one buyer. Who, what and how much is fixed when it is made."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    auction_id: Mapped[int] = mapped_column(ForeignKey("auctions.id"))
    buyer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    seller_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    #: How it was won: ``win``, ``buy_now``, ``offer:ID`` of a second chance, ``take:SEQ`` of a Dutch auction.
    origin: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    #: ISO 4217. Every amount of this order is in this currency's minor unit.
    currency: Mapped[str] = mapped_column(Text)
    price: Mapped[int] = mapped_column(BigInteger)
    #: In basis points: 2500 is 25 %.
    premium_rate: Mapped[int] = mapped_column(Integer)
    tax_rate: Mapped[int] = mapped_column(Integer)
    premium: Mapped[int] = mapped_column(BigInteger)
    tax: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text, server_default=OrderState.AWAITING_PAYMENT.value)
    #: How the buyer pays, and where it goes; empty until they have checked out.
    method: Mapped[str | None] = mapped_column(Text)
    ship_to: Mapped[str | None] = mapped_column(Text)
    #: How the seller is paid, as their account said when the order was made.
    payment_details: Mapped[str | None] = mapped_column(Text)
    carrier: Mapped[str | None] = mapped_column(Text)
    tracking: Mapped[str | None] = mapped_column(Text)
    #: Why the seller called it off.
    reason: Mapped[str | None] = mapped_column(Text)
    #: When it has to be paid.
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    paid_at: Mapped[datetime | None] = mapped_column(Timestamp)
    shipped_at: Mapped[datetime | None] = mapped_column(Timestamp)
    done_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: When it was cancelled or became unpaid.
    closed_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        UniqueConstraint("auction_id", "origin"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("origin ~ '^(win|buy_now|offer:[0-9]+|take:[0-9]+)$'", name="origin"),
        CheckConstraint("price >= 0 AND premium >= 0 AND tax >= 0", name="amounts"),
        CheckConstraint("total = price + premium + tax", name="total"),
        CheckConstraint("(state IN ('CANCELLED', 'UNPAID')) = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(state IN ('PAID', 'SHIPPED', 'DONE')) = (paid_at IS NOT NULL)", name="paid"),
        CheckConstraint("(state IN ('SHIPPED', 'DONE')) = (shipped_at IS NOT NULL)", name="shipped"),
        CheckConstraint("(state = 'DONE') = (done_at IS NOT NULL)", name="done"),
        # One lot is never owed to two; of a Dutch auction there are several items.
        Index(
            "uq_orders_live",
            "auction_id",
            unique=True,
            postgresql_where=text("state NOT IN ('CANCELLED', 'UNPAID') AND origin NOT LIKE 'take:%'"),
        ),
        Index("ix_orders_buyer", "buyer_id", "id"),
        Index("ix_orders_seller", "seller_id", "id"),
        Index("ix_orders_due", "due_at", postgresql_where=text("state = 'AWAITING_PAYMENT'")),
    )


class Strike(Model):
    """That a buyer did not pay an order in time."""

    __tablename__ = "strikes"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())
    #: When the seller took it back.
    lifted_at: Mapped[datetime | None] = mapped_column(Timestamp)
