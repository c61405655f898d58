"""Checking out an item of a Dutch auction that is held for whoever looks."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import payments
from marketplace.api import auctions, schemas
from marketplace.api import orders as orders_api
from marketplace.api import reservations as api
from marketplace.api.security import require_viewer
from marketplace.errors import MarketplaceError, NotFound
from marketplace.models import ReservationStatus
from marketplace.orders import fees
from marketplace.orders import service as orders
from marketplace.runtime import runtime

from . import forms
from .orders import leave_for, order
from .pages import blueprint, page


@blueprint.get("/reservations/<reservation_id>")
def reservation(reservation_id: str) -> ResponseReturnValue:
    """Where whoever had to log in for a form comes back to."""
    return redirect(url_for("web.reservation_checkout", reservation_id=reservation_id), 303)


@blueprint.get("/reservations/<reservation_id>/checkout")
def reservation_checkout(reservation_id: str, problem: MarketplaceError | None = None) -> ResponseReturnValue:
    """What it comes to, where it goes and how it is paid; afterwards its order."""
    path = _path(reservation_id)
    held = api.get_reservation(path=path)
    if held["status"] == ReservationStatus.CONFIRMED:
        return _order(reservation_id, problem)
    auction = auctions.snapshot(held["auctionId"])
    return page(
        "reservation.html",
        problem=problem,
        reservation=held,
        auction=auction,
        due=fees.lines(held["price"], premium_rate=auction["premiumRate"], tax_rate=auction["taxRate"]),
        methods=payments.methods(runtime().config).values(),
        values=request.form,
    )


@blueprint.post("/reservations/<reservation_id>/checkout")
def check_out_reservation(reservation_id: str) -> ResponseReturnValue:
    """Buy it; then on to where to pay, if that is elsewhere."""
    require_viewer()
    try:
        body = forms.checked(schemas.Checkout, forms.fields("shipTo", "method"))
        answer = orders_api.check_out_reservation(path=_path(reservation_id), body=body)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return reservation_checkout(reservation_id, problem)
    if answer["redirectUrl"] is None:
        return redirect(url_for("web.order", order_id=answer["id"]), 303)
    return leave_for(answer["redirectUrl"])


def _order(reservation_id: str, problem: MarketplaceError | None) -> ResponseReturnValue:
    """The order of an item that was checked out; with what went wrong after that, if something did."""
    auction_id, seq = api.reservation_place(reservation_id)
    order_id = orders.order_reserved(auction_id, seq, by=require_viewer())
    return order(order_id, problem) if problem else redirect(url_for("web.order", order_id=order_id), 303)


def _path(reservation_id: str) -> Any:
    return forms.checked(schemas.ReservationPath, {"reservationId": reservation_id})
