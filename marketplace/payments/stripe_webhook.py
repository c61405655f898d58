"""What Stripe reports of its Checkout Sessions: paid, on its way, failed.

An event is taken in one transaction with what it changes, and answered after the commit: until then Stripe
sends it again, for up to three days (https://docs.stripe.com/webhooks). Events come in any order.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import stripe
from sqlalchemy.dialects.postgresql import insert

from marketplace.errors import NotFound, WebhookNotGenuine
from marketplace.extensions import db
from marketplace.models import Order, StripeEvent, StripeSession
from marketplace.transactions import database_now, lock, transaction

from .receiving import Money, receive
from .stripe_amounts import from_stripe, to_stripe

log = logging.getLogger(__name__)

#: Stripe signs each delivery anew, so an older one is somebody else's repetition.
TOLERANCE_SECONDS = 300

_COMPLETED = "checkout.session.completed"
_SUCCEEDED = "checkout.session.async_payment_succeeded"
_FAILED = "checkout.session.async_payment_failed"

#: As in a path of ours.
_ID = re.compile("[1-9][0-9]{0,17}")


#: So long at least a payment that takes days may take before its order counts as not paid. The slowest are
#: bank debits: https://docs.stripe.com/payments/bank-debits
UNDER_WAY = timedelta(days=14)
#: So long at least a buyer has to pay in another way when one failed.
ANOTHER_WAY = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Report:
    """An event about a Checkout Session."""

    kind: str
    session_id: str
    #: Of the session's metadata; None when it is not one of ours.
    order_id: int | None
    #: Whether the money has come; otherwise it is on its way, or will not come.
    is_paid: bool
    #: As Stripe counts.
    amount: int
    currency: str
    #: Stripe's name for the payment.
    reference: str


def take(body: bytes, signature: str, *, secret: str) -> bool:
    """Take a webhook.

    Args:
        body: the raw body, which is what is signed.
        signature: the header ``Stripe-Signature``.
        secret: the signing secret of the endpoint.

    Returns:
        False if it was taken before.

    Raises:
        WebhookNotGenuine: Stripe has not signed it, or not in the last five minutes.
    """
    event = _genuine(body, signature, secret)
    report = _report(event)
    if report is None:
        return True
    with transaction():
        taken = db.session.execute(
            # A repetition that comes at the same time waits here until the first is committed.
            insert(StripeEvent).values(id=event["id"]).on_conflict_do_nothing().returning(StripeEvent.id)
        ).first()
        if taken is None:
            return False
        _apply(report)
    return True


def _genuine(body: bytes, signature: str, secret: str) -> dict[str, Any]:
    try:
        event = stripe.Webhook.construct_event(body, signature, secret, tolerance=TOLERANCE_SECONDS)
        return dict(event.to_dict())
    # The library lets a header or a body that makes no sense end in errors of its own parts.
    except (stripe.SignatureVerificationError, ValueError, TypeError, AttributeError) as error:
        raise WebhookNotGenuine from error


def _report(event: dict[str, Any]) -> Report | None:
    """What an event says, if it is one that matters here."""
    kind = event["type"]
    if kind not in {_COMPLETED, _SUCCEEDED, _FAILED}:
        return None
    session = event["data"]["object"]
    order_id = str((session.get("metadata") or {}).get("order_id", ""))
    return Report(
        kind=kind,
        session_id=session["id"],
        order_id=int(order_id) if _ID.fullmatch(order_id) else None,
        is_paid=kind != _FAILED and session["payment_status"] == "paid",
        amount=session["amount_total"] or 0,
        currency=(session["currency"] or "").upper(),
        reference=session.get("payment_intent") or session["id"],
    )


def _apply(report: Report) -> None:
    order = _order(report)
    if order is None:
        # Of another application on the same account, perhaps. Sent again, it would be no better.
        log.warning("Stripe reports %s of %s, which is for no order here", report.kind, report.session_id)
    elif report.is_paid:
        money = Money(
            "stripe", report.reference, from_stripe(report.amount, report.currency), report.currency
        )
        receive(order, money, as_due=_is_due(order, report))
    elif report.kind == _COMPLETED:
        _note_under_way(order, report)
    elif report.kind == _FAILED:
        _note_failed(order, report)


def _order(report: Report) -> Order | None:
    try:
        return lock(Order, report.order_id) if report.order_id is not None else None
    except NotFound:
        return None


def _is_due(order: Order, report: Report) -> bool:
    return report.currency == order.currency and report.amount == to_stripe(order.total, order.currency)


def _note_under_way(order: Order, report: Report) -> None:
    """Note that the money is on its way: until it is there, nobody has failed to pay."""
    session = _session(report)
    if session is None or session.under_way_at is not None:
        return
    session.under_way_at = now = database_now()
    session.due_before = order.due_at
    order.due_at = max(order.due_at, now + UNDER_WAY)


def _note_failed(order: Order, report: Report) -> None:
    """Note that no money comes, and that the buyer may pay anew.

    The session is forgotten, so that an event about it that comes late changes nothing.
    """
    session = _session(report)
    if session is None:
        return
    now = database_now()
    if session.due_before is not None:
        order.due_at = max(session.due_before, now + ANOTHER_WAY)
    session.session_id = session.url = session.under_way_at = session.due_before = None
    session.expires_at = now


def _session(report: Report) -> StripeSession | None:
    """The session that is reported on, locked; None when it is not the order's any more."""
    session = db.session.get(StripeSession, report.order_id, with_for_update=True, populate_existing=True)
    return session if session is not None and session.session_id == report.session_id else None
