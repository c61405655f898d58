"""Money that a payment service reports: it pays the order, or it has to go back. None of it gets lost."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from marketplace.errors import OrderNotAwaitingPayment
from marketplace.extensions import db
from marketplace.models import Order, OrderState, Payment, PaymentState
from marketplace.orders import service as orders
from marketplace.realtime import user_events
from marketplace.realtime.events import PaymentToRefund
from marketplace.transactions import database_now, execute_together


@dataclass(frozen=True, slots=True)
class Money:
    """What came, and the service's name for it."""

    method: str
    reference: str
    amount: int
    currency: str


#: Why money has to go back, by the state in which it finds the order.
_REASONS = {OrderState.CANCELLED: "order_cancelled", OrderState.UNPAID: "order_unpaid"}


def receive(order: Order, money: Money, *, as_due: bool) -> None:
    """Write down money that came for an order, and make the order PAID if it is what was due.

    In the caller's transaction, which holds the lock of the order. The same money, by its reference, is taken
    once, whatever is reported how often.

    Args:
        order: what it was paid for.
        money: what came.
        as_due: whether it is the order's total in the order's currency, exactly.
    """
    same = select(Payment.id).where(Payment.method == money.method, Payment.reference == money.reference)
    if db.session.execute(same).first() is not None:
        return
    reason = _pay(order, money.method) if as_due else "other_amount"
    state = PaymentState.TO_REFUND if reason else PaymentState.RECEIVED
    db.session.add(
        Payment(
            order_id=order.id,
            method=money.method,
            reference=money.reference,
            amount=money.amount,
            currency=money.currency,
            state=state.value,
            reason=reason,
        )
    )
    if reason:
        _tell_seller(order, money, reason)


def payments_of(order_id: int) -> list[Payment]:
    """The payments of an order, the earliest first. The caller has checked who asks."""
    return list(db.session.scalars(select(Payment).where(Payment.order_id == order_id).order_by(Payment.id)))


def to_refund(*, before: int | None, limit: int) -> list[Payment]:
    """What has to go back, the latest first; ``before`` is the last id of the page before."""
    query = select(Payment).where(Payment.state == PaymentState.TO_REFUND)
    if before is not None:
        query = query.where(Payment.id < before)
    return list(db.session.scalars(query.order_by(Payment.id.desc()).limit(limit)))


def _pay(order: Order, method: str) -> str | None:
    """Make the order PAID; returns why not, if it does not await payment."""
    try:
        orders.pay(order, method=method)
    except OrderNotAwaitingPayment:
        return _REASONS.get(OrderState(order.state), "paid_before")
    return None


def _tell_seller(order: Order, money: Money, reason: str) -> None:
    event = PaymentToRefund(
        order_id=order.id, title=order.title, amount=money.amount, currency=money.currency, reason=reason
    )
    told = user_events.Told(order.seller_id, event, database_now())
    execute_together(db.session.connection(), [user_events.record([told])])
