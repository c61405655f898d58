"""What one has bought and sold, and the page of an order: checking out, paying, sending, receiving."""

from __future__ import annotations

from typing import Any

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace import listings, payments
from marketplace.accounts import Viewer
from marketplace.api import orders as api
from marketplace.api import schemas
from marketplace.api.auctions import picture_shown
from marketplace.api.security import require_viewer
from marketplace.errors import MarketplaceError, NotFound
from marketplace.orders import service
from marketplace.orders.states import Party
from marketplace.runtime import runtime

from . import forms
from .pages import blueprint, page

ORDERS_A_PAGE = 20
#: What somebody does with an order by a form: the call of the API, and what it takes.
STEPS: dict[str, tuple[Any, type[schemas.Schema] | None]] = {
    "confirm-payment": (api.confirm_payment, None),
    "ship": (api.ship, schemas.Shipment),
    "received": (api.receive, None),
    "cancel": (api.cancel, schemas.OrderCancellation),
    "lift-strike": (api.lift_strike, None),
}


@blueprint.get("/orders")
def orders() -> ResponseReturnValue:
    """What one has bought."""
    return _list(Party.BUYER)


@blueprint.get("/sales")
def sales() -> ResponseReturnValue:
    """What one has sold."""
    return _list(Party.SELLER)


def _list(party: Party) -> ResponseReturnValue:
    asked = {"role": party.value, "limit": ORDERS_A_PAGE, "cursor": request.args.get("cursor")}
    found = api.list_orders(forms.checked(schemas.OrderQuery, asked))
    pictures = listings.first_pictures({each["auctionId"] for each in found["items"]})
    return page(
        "orders.html",
        role=party.value,
        pictures={auction_id: picture_shown(each).json_ready() for auction_id, each in pictures.items()},
        **found,
    )


@blueprint.get("/orders/<id:order_id>")
def order(order_id: int, problem: MarketplaceError | None = None) -> ResponseReturnValue:
    """An order, with what there is to do for whoever looks."""
    viewer = require_viewer()
    view = service.get(order_id, viewer)
    found = api.shown(view).json_ready()
    return page(
        "order.html",
        problem=problem,
        order=found,
        role=view.party(viewer),
        moments=_moments(found),
        methods=payments.methods(runtime().config).values(),
        values=request.form,
    )


def _moments(order: dict[str, Any]) -> list[tuple[str, str | None]]:
    """The life of an order in words, and when each part of it began, if it has."""
    sold = (gettext("Sold"), order["createdAt"])
    match order["state"]:
        case "CANCELLED":
            return [sold, (gettext("Called off"), order["closedAt"])]
        case "UNPAID":
            return [sold, (gettext("Not paid in time"), order["closedAt"])]
    return [
        sold,
        (gettext("Paid"), order["paidAt"]),
        (gettext("Sent"), order["shippedAt"]),
        (gettext("Received"), order["doneAt"]),
    ]


@blueprint.post("/orders/<id:order_id>/checkout")
def check_out(order_id: int) -> ResponseReturnValue:
    """Say where it goes and how it is paid; then on to where to pay, if that is elsewhere."""
    require_viewer()
    try:
        body = forms.checked(schemas.Checkout, forms.fields("shipTo", "method"))
        answer = api.check_out(path=schemas.OrderPath(order_id=order_id), body=body)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return order(order_id, problem)
    if answer["redirectUrl"] is None:
        return redirect(url_for("web.order", order_id=order_id), 303)
    return leave_for(answer["redirectUrl"])


def leave_for(url: str) -> ResponseReturnValue:
    """On to where to pay."""
    # Not a redirect: the policy on forms lets none lead to another site, not even by way of us.
    answer = make_response(page("leaving.html", url=url))
    answer.headers["Refresh"] = f"0; url={url}"
    return answer


@blueprint.post("/orders/<id:order_id>/<step>")
def take_step(order_id: int, step: str) -> ResponseReturnValue:
    """Take a step with an order."""
    require_viewer()
    if step not in STEPS:
        raise NotFound
    call, schema = STEPS[step]
    try:
        fields = {} if schema is None else {"body": forms.checked(schema, _own_fields(schema))}
        call(path=schemas.OrderPath(order_id=order_id), **fields)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return order(order_id, problem)
    return redirect(url_for("web.order", order_id=order_id), 303)


def order_at(auction_id: int, viewer: Viewer) -> dict[str, Any] | None:
    """The viewer's latest order from an auction, as its buyer or as its seller."""
    for party in Party:
        for view in service.find(viewer, party, auction_id=auction_id, limit=1):
            return api.shown(view).json_ready()
    return None


def _own_fields(schema: type[schemas.Schema]) -> dict[str, str]:
    return forms.fields(*(field.alias or name for name, field in schema.model_fields.items()))
