"""Describing what one sells: the form for a new draft, and for changing one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from marketplace import accounts, listings, tenants
from marketplace.api.categories import list_categories
from marketplace.api.security import limit_creations, require_viewer
from marketplace.errors import MarketplaceError, NotADraft, NotFound
from marketplace.increments import PRESETS
from marketplace.models import AuctionStatus

from . import forms, preview, terms
from .auctions import to_auction
from .pages import blueprint, page

#: Of a seller who belongs to more, the form offers the oldest; the API takes them all.
TENANTS_OFFERED = 100


@blueprint.get("/sell")
def sell_form() -> ResponseReturnValue:
    """Where people describe what they sell."""
    require_viewer()
    return _form_page(terms.of_a_new_draft(_now()))


@blueprint.post("/sell")
@limit_creations
def sell() -> ResponseReturnValue:
    """A new draft; publishing it is the next step, on its own page."""
    seller = require_viewer()
    try:
        given = terms.checked(request.form, _now())
        if "preview" in request.form:
            listings.draft(seller.id, **given)
            return _form_page(request.form)
        draft = listings.create(seller.id, **given)
    except MarketplaceError as problem:
        return _form_page(request.form, problem=problem)
    return to_auction(draft.id)


@blueprint.post("/sell/preview")
def preview_rules() -> ResponseReturnValue:
    """The rules of the sale as the form has them at the moment: a part of the page, for its script."""
    require_viewer()
    return render_template("_preview.html", preview=preview.of(terms.read(request.form, _now())[0]))


@blueprint.get("/auctions/<id:auction_id>/edit")
def edit_form(auction_id: int) -> ResponseReturnValue:
    """Where the seller changes a draft."""
    view = _own_draft(auction_id)
    return _form_page(terms.of_a_draft(view.auction), draft=view)


@blueprint.post("/auctions/<id:auction_id>/edit")
def edit(auction_id: int) -> ResponseReturnValue:
    """Change a draft."""
    view = _own_draft(auction_id)
    is_lot = view.auction.sale_id is not None
    try:
        given = terms.checked(request.form, _now(), is_lot=is_lot)
        if "preview" in request.form:
            as_it_is = {name: getattr(view.auction, name) for name in terms.OF_ITS_SALE}
            listings.draft(view.auction.seller_id, **as_it_is | given)
            return _form_page(request.form, draft=view)
        listings.edit(auction_id, by=view.auction.seller_id, **given)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return _form_page(request.form, problem=problem, draft=view)
    return to_auction(auction_id)


def _own_draft(auction_id: int) -> listings.View:
    """A draft of whoever asks.

    Raises:
        NotFound: there is no such auction of theirs.
        NotADraft: it is published.
    """
    seller = require_viewer()
    view = listings.get(auction_id, seller)
    if view.auction.seller_id != seller.id:
        raise NotFound
    if view.auction.status != AuctionStatus.DRAFT:
        raise NotADraft
    return view


def _form_page(
    values: Mapping[str, Any],
    *,
    problem: MarketplaceError | None = None,
    draft: listings.View | None = None,
) -> ResponseReturnValue:
    """The form with these values; of a draft that exists already with its pictures."""
    seller = require_viewer()
    times = {name: forms.in_form(forms.moment(values.get(name, ""))) for name in ("startsAt", "endsAt")}
    return page(
        "sell.html",
        problem=problem,
        values={**values, **times},
        draft=draft,
        is_lot=draft is not None and draft.auction.sale_id is not None,
        currencies=forms.CURRENCIES,
        days=terms.DAYS,
        categories=list_categories()["items"],
        presets=PRESETS,
        tenants=tenants.of(seller, limit=TENANTS_OFFERED),
        can_be_paid=accounts.payment_details(seller.id) is not None,
        preview=preview.of(terms.read(values, _now())[0]),
    )


def _now() -> datetime:
    """Right to the minute is enough: what is checked by it, the database's clock checks again."""
    return datetime.now(UTC)
