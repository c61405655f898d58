"""Payments: money that came for an order, and how far Stripe is with the rest."""

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
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.extensions import Model

from .accounts import Timestamp


class PaymentState(StrEnum):
    """What became of money that came in."""

    #: It paid the order.
    RECEIVED = "RECEIVED"
    #: The order did not need it: it has to go back.
    TO_REFUND = "TO_REFUND"


class Payment(Model):
    """Money that a payment provider took for an order, once for each time the buyer paid."""

    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    #: As in ``Order.method``.
    method: Mapped[str] = mapped_column(Text)
    #: The provider's name for it: of Stripe, the PaymentIntent.
    reference: Mapped[str] = mapped_column(Text)
    #: What came, which need not be what was asked for; in the minor unit of ``currency``.
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    #: Why it has to go back: ``order_cancelled``, ``order_unpaid``, ``paid_before`` or ``other_amount``.
    reason: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())

    __table_args__ = (
        UniqueConstraint("method", "reference"),
        CheckConstraint("state IN ('RECEIVED', 'TO_REFUND')", name="state"),
        CheckConstraint("(state = 'TO_REFUND') = (reason IS NOT NULL)", name="reason"),
    )


class StripeSession(Model):
    """The one Checkout Session of an order that a buyer is sent to.

    A new attempt replaces it when it is over, or when Stripe answered with an error. What the buyer paid in
    an earlier one counts all the same: a session names its order.
    """

    __tablename__ = "stripe_sessions"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    #: Counts sessions of this order; with it, a request that is sent again has the same idempotency key.
    attempt: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    #: Both empty until Stripe has answered.
    session_id: Mapped[str | None] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    #: When the buyer chose a way of paying that takes days, as a bank transfer; the money is on its way.
    under_way_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: When the order was due before that moved it.
    due_before: Mapped[datetime | None] = mapped_column(Timestamp)


class StripeEvent(Model):
    """A webhook of Stripe's that was taken, so that a repetition is not taken again."""

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(
        Timestamp, index=True, server_default=func.clock_timestamp()
    )
