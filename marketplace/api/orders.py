"""Orders: what was sold, and what buyer and seller do with it."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_openapi import APIBlueprint, Tag

from marketplace import payments
from marketplace.errors import Invalid
from marketplace.models import OrderState
from marketplace.orders import service
from marketplace.orders.states import Party
from marketplace.runtime import runtime

from . import paging, schemas
from .reservations import reservation_place
from .security import limit_creations, require_viewer

blueprint = APIBlueprint("orders", __name__, url_prefix="/api", abp_tags=[Tag(name="Orders")])


@blueprint.get("/orders", responses={200: schemas.OrderPage})
def list_orders(query: schemas.OrderQuery) -> dict[str, Any]:
    """What you have bought, or with `role=seller` sold, the latest first."""
    before = paging.decode(query.cursor, int)[0] if query.cursor else None
    found = service.find(
        require_viewer(), Party(query.role), state=query.state, before=before, limit=query.limit + 1
    )
    page = found[: query.limit]
    cursor = paging.encode(page[-1].order.id) if len(found) > query.limit else None
    return schemas.OrderPage(items=[shown(view) for view in page], next_cursor=cursor).json_ready()


@blueprint.get("/orders/<id:order_id>", responses={200: schemas.OrderView})
def get_order(path: schemas.OrderPath) -> dict[str, Any]:
    """An order of yours."""
    return _answer(path.order_id)


@blueprint.post("/orders/<id:order_id>/checkout", responses={200: schemas.CheckedOutOrder})
@limit_creations
def check_out(path: schemas.OrderPath, body: schemas.Checkout) -> dict[str, Any]:
    """Say where your order goes and how you pay; until it is paid, you can change both."""
    return _check_out(path.order_id, body, _method(body))


@blueprint.post("/reservations/<reservation_id>/checkout", responses={200: schemas.CheckedOutOrder})
@limit_creations
def check_out_reservation(path: schemas.ReservationPath, body: schemas.Checkout) -> dict[str, Any]:
    """Buy the item that is held for you: it becomes an order. Once more answers the same order."""
    buyer = require_viewer()
    auction_id, seq = reservation_place(path.reservation_id)
    # Before anything is sold.
    method = _method(body)
    order_id = service.order_reserved(auction_id, seq, by=buyer)
    runtime().polls.forget(auction_id)
    return _check_out(order_id, body, method)


def _method(body: schemas.Checkout) -> payments.Method:
    method = payments.methods(runtime().config).get(body.method)
    if method is None:
        problem = {"field": "method", "message": "must be a way of paying that is offered here"}
        raise Invalid("Some fields are not acceptable; see errors.", errors=[problem])
    return method


def _check_out(order_id: int, body: schemas.Checkout, method: payments.Method) -> dict[str, Any]:
    buyer = require_viewer()
    # First, and outside a transaction: if a payment service is away, nothing of this has changed.
    back_to = url_for("web.order", order_id=order_id, _external=True)
    redirect_url = method.start(service.to_check_out(order_id, by=buyer), back_to=back_to)
    service.check_out(order_id, by=buyer, ship_to=body.ship_to, method=method.name)
    return {**_answer(order_id), "redirectUrl": redirect_url}


@blueprint.post("/orders/<id:order_id>/confirm-payment", responses={200: schemas.OrderView})
def confirm_payment(path: schemas.OrderPath) -> dict[str, Any]:
    """The money has come; for the seller, when the buyer pays on invoice.

    Also too late, when the order is `UNPAID`, as long as the lot is not offered, listed or sold again.
    """
    service.confirm_payment(path.order_id, by=require_viewer())
    return _answer(path.order_id)


@blueprint.post("/orders/<id:order_id>/ship", responses={200: schemas.OrderView})
def ship(path: schemas.OrderPath, body: schemas.Shipment) -> dict[str, Any]:
    """It is on its way; for the seller, who can correct the details until it has arrived."""
    service.ship(path.order_id, by=require_viewer(), carrier=body.carrier, tracking=body.tracking)
    return _answer(path.order_id)


@blueprint.post("/orders/<id:order_id>/received", responses={200: schemas.OrderView})
def receive(path: schemas.OrderPath) -> dict[str, Any]:
    """It has arrived; for the buyer."""
    service.receive(path.order_id, by=require_viewer())
    return _answer(path.order_id)


@blueprint.post("/orders/<id:order_id>/cancel", responses={200: schemas.OrderView})
def cancel(path: schemas.OrderPath, body: schemas.OrderCancellation) -> dict[str, Any]:
    """Call the sale off before it is paid; for the seller, who can then sell it to somebody else."""
    service.cancel(path.order_id, by=require_viewer(), reason=body.reason)
    return _answer(path.order_id)


@blueprint.post("/orders/<id:order_id>/lift-strike", responses={200: schemas.OrderView})
def lift_strike(path: schemas.OrderPath) -> dict[str, Any]:
    """Take back the strike that the buyer has for not paying; for the seller."""
    service.lift_strike(path.order_id, by=require_viewer())
    return _answer(path.order_id)


def _answer(order_id: int) -> dict[str, Any]:
    return shown(service.get(order_id, require_viewer())).json_ready()


def shown(view: service.View) -> schemas.OrderView:
    """An order as whoever asks sees it."""
    order = view.order
    strike = view.strike
    return schemas.OrderView(
        id=order.id,
        auction_id=order.auction_id,
        origin=order.origin,
        title=order.title,
        buyer=schemas.Person(id=order.buyer_id, display_name=view.buyer_name),
        seller=schemas.Person(id=order.seller_id, display_name=view.seller_name),
        currency=order.currency,
        price=order.price,
        premium_rate=order.premium_rate,
        premium=order.premium,
        tax_rate=order.tax_rate,
        tax=order.tax,
        total=order.total,
        state=OrderState(order.state),
        method=order.method,
        ship_to=order.ship_to,
        payment_details=view.payment_details(require_viewer()),
        carrier=order.carrier,
        tracking=order.tracking,
        reason=order.reason,
        due_at=order.due_at,
        created_at=order.created_at,
        paid_at=order.paid_at,
        shipped_at=order.shipped_at,
        done_at=order.done_at,
        closed_at=order.closed_at,
        strike=schemas.StrikeView(at=strike.created_at, lifted_at=strike.lifted_at) if strike else None,
        buyer_strikes=None if view.party(require_viewer()) is Party.BUYER else view.buyer_strikes,
    )
