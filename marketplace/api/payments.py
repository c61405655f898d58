"""Payments: what came for an order, what has to go back, and what payment services report."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_openapi import APIBlueprint, Tag

from marketplace.errors import Forbidden, NotFound
from marketplace.models import Payment, PaymentState
from marketplace.orders import service as orders
from marketplace.payments import receiving
from marketplace.runtime import runtime

from . import paging, schemas
from .security import require_viewer

blueprint = APIBlueprint("payments", __name__, abp_tags=[Tag(name="Orders")])


@blueprint.get("/api/orders/<id:order_id>/payments", responses={200: schemas.PaymentList})
def list_payments(path: schemas.OrderPath) -> dict[str, Any]:
    """What payment services took for an order of yours, the earliest first.

    What was transferred to the seller directly is not among it.
    """
    order = orders.get(path.order_id, require_viewer()).order
    items = [_shown(payment) for payment in receiving.payments_of(order.id)]
    return schemas.PaymentList(items=items).json_ready()


@blueprint.get("/api/refunds", responses={200: schemas.PaymentPage})
def list_refunds(query: schemas.PaymentQuery) -> dict[str, Any]:
    """Payments that have to go back, the latest first; for administrators, who can send them."""
    if not require_viewer().is_admin:
        raise Forbidden("Only an administrator may do this.")
    before = paging.decode(query.cursor, int)[0] if query.cursor else None
    found = receiving.to_refund(before=before, limit=query.limit + 1)
    page = found[: query.limit]
    cursor = paging.encode(page[-1].id) if len(found) > query.limit else None
    return schemas.PaymentPage(items=[_shown(payment) for payment in page], next_cursor=cursor).json_ready()


@blueprint.post("/payments/stripe/webhook", doc_ui=False)
def stripe_webhook() -> dict[str, str]:
    """Take what Stripe reports: who has paid."""
    secret = runtime().config.stripe_webhook_secret
    if not secret:
        raise NotFound
    # Stripe's library takes a while to import, and where it is not used nobody waits for it.
    from marketplace.payments import stripe_webhook as webhook

    new = webhook.take(request.get_data(), request.headers.get("Stripe-Signature", ""), secret=secret)
    # A repetition is answered like the first, or Stripe would go on repeating it.
    return {"status": "taken" if new else "taken before"}


def _shown(payment: Payment) -> schemas.PaymentView:
    return schemas.PaymentView(
        id=payment.id,
        order_id=payment.order_id,
        method=payment.method,
        reference=payment.reference,
        amount=payment.amount,
        currency=payment.currency,
        state=PaymentState(payment.state),
        reason=payment.reason,
        received_at=payment.received_at,
    )
