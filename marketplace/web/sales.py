"""Sales with several lots, as their seller puts them together: which drafts, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import sales, tenants
from marketplace.api import sales as api
from marketplace.api import schemas
from marketplace.api.security import limit_creations, require_viewer
from marketplace.errors import MarketplaceError, NotFound
from marketplace.models import Closing, Sale

from . import forms
from .numbers import duration
from .pages import blueprint, page
from .selling import TENANTS_OFFERED

SALES_SHOWN = 100
DRAFTS_OFFERED = 100
_FIRST_ENDS_AFTER = timedelta(days=7)


@blueprint.get("/sell/sales")
def own_sales() -> ResponseReturnValue:
    """The sales of whoever asks, and the form for a new one."""
    ends_at = (datetime.now(UTC) + _FIRST_ENDS_AFTER).replace(second=0, microsecond=0)
    return _list_page(
        {
            "closing": Closing.CASCADE,
            "interval": "120",
            "endsAt": ends_at.isoformat(),
            "premiumRate": "0",
            "taxRate": "0",
            "paymentDays": "7",
        }
    )


@blueprint.post("/sell/sales")
@limit_creations
def make_sale() -> ResponseReturnValue:
    """A new sale; its lots are the next step."""
    seller = require_viewer()
    try:
        sale = sales.create(seller.id, **_terms())
    except MarketplaceError as problem:
        return _list_page(request.form, problem)
    return _to_sale(sale.id)


def _terms() -> dict[str, Any]:
    reader = forms.Reader(request.form, "")
    values = {
        "tenantId": reader.whole_or_none("tenantId"),
        "title": reader.text("title"),
        "closing": reader.text("closing"),
        "interval": reader.whole("interval"),
        "startsAt": forms.moment(reader.text("startsAt")),
        "endsAt": forms.moment(reader.text("endsAt")),
        "premiumRate": reader.rate("premiumRate"),
        "taxRate": reader.rate("taxRate"),
        "paymentDays": reader.whole("paymentDays"),
    }
    terms = reader.checked(schemas.SaleTerms, values)
    return terms.model_dump() | {"interval": timedelta(seconds=terms.interval)}


def _list_page(values: Mapping[str, Any], problem: MarketplaceError | None = None) -> ResponseReturnValue:
    seller = require_viewer()
    times = {name: forms.in_form(forms.moment(values.get(name, ""))) for name in ("startsAt", "endsAt")}
    return page(
        "own_sales.html",
        problem=problem,
        values={**values, **times},
        sales=sales.of(seller.id, limit=SALES_SHOWN),
        tenants=tenants.of(seller, limit=TENANTS_OFFERED),
    )


@blueprint.get("/sell/sales/<id:sale_id>")
def own_sale(sale_id: int, problem: MarketplaceError | None = None) -> ResponseReturnValue:
    """A sale with its lots, and the drafts that could be further ones."""
    sale = _own(sale_id)
    shown = api.get_sale(path=schemas.SalePath(sale_id=sale_id))
    return page(
        "own_sale.html",
        problem=problem,
        sale=shown,
        published=any(lot["status"] != "DRAFT" for lot in shown["lots"]),
        pace=duration(sale.interval),
        drafts=sales.drafts_for(sale, limit=DRAFTS_OFFERED),
    )


@blueprint.post("/sell/sales/<id:sale_id>/<sale_action>")
def change_sale(sale_id: int, sale_action: str) -> ResponseReturnValue:
    """Publish a sale, or change which drafts are its lots."""
    seller = require_viewer()
    _own(sale_id)
    path = schemas.SalePath(sale_id=sale_id)
    try:
        if sale_action == "publish":
            api.publish_sale(path=path)
        else:
            # Of the lots it has once it is locked: of two forms sent at once neither undoes the other.
            sales.change_lots(sale_id, lambda lots: _changed(lots, sale_action), by=seller.id)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return own_sale(sale_id, problem)
    return _to_sale(sale_id)


def _changed(lots: list[int], sale_action: str) -> list[int]:
    """The lots after a form was sent.

    Raises:
        NotFound: there is no such form.
        Invalid: what it names are no lots.
    """
    match sale_action:
        case "add":
            changed = [*lots, *map(forms.whole, request.form.getlist("draft"))]
        case "remove":
            changed = [lot for lot in lots if str(lot) != request.form.get("lot")]
        case "move":
            changed = [*forms.moved(lots, request.form.get("move", ""), id_of=lambda lot: lot)]
        case _:
            raise NotFound
    return forms.checked(schemas.LotOrder, {"auctionIds": changed}).auction_ids


def _own(sale_id: int) -> Sale:
    """A sale of whoever asks.

    Raises:
        NotFound: there is no such sale of theirs.
    """
    seller = require_viewer()
    sale = sales.get(sale_id, seller)
    if sale.seller_id != seller.id:
        raise NotFound
    return sale


def _to_sale(sale_id: int) -> ResponseReturnValue:
    return redirect(url_for("web.own_sale", sale_id=sale_id), 303)
