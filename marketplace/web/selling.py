"""Describing what one sells: the form for a new draft, and for changing one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from marketplace import listings, tenants
from marketplace.api import schemas
from marketplace.api.categories import list_categories
from marketplace.api.security import limit_creations, require_viewer
from marketplace.errors import Invalid, MarketplaceError, NotADraft, NotFound
from marketplace.increments import PRESETS
from marketplace.models import Auction
from marketplace.money import is_currency, minor_digits

from . import forms
from .auctions import to_auction
from .pages import blueprint, page

#: Of a seller who belongs to more, the form offers the oldest; the API takes them all.
TENANTS_OFFERED = 100
_PRESETS = {preset.name: preset for preset in PRESETS}


@blueprint.get("/sell")
def sell_form() -> ResponseReturnValue:
    """Where people describe what they sell."""
    require_viewer()
    ends_at = (datetime.now(UTC) + timedelta(days=3)).replace(second=0, microsecond=0)
    values = {
        "category": "other",
        "currency": "USD",
        "increments": "fixed",
        "buyNowUntil": "first-bid",
        "endsAt": ends_at.isoformat(),
        "antiSnipe": "RESET",
        "extensionWindow": "60",
        "extension": "60",
    }
    return _terms_page(values)


@blueprint.post("/sell")
@limit_creations
def sell() -> ResponseReturnValue:
    """A new draft; publishing it is the next step, on its own page."""
    seller = require_viewer()
    try:
        draft = listings.create(seller.id, **_terms_from_form())
    except MarketplaceError as problem:
        return _terms_page(request.form, problem=problem)
    return to_auction(draft.id)


@blueprint.get("/auctions/<id:auction_id>/edit")
def edit_form(auction_id: int) -> ResponseReturnValue:
    """Where the seller changes a draft."""
    draft = listings.get(auction_id, require_viewer()).auction
    if draft.status != "DRAFT":
        raise NotADraft
    return _terms_page(_values_of(draft), auction_id=auction_id)


@blueprint.post("/auctions/<id:auction_id>/edit")
def edit(auction_id: int) -> ResponseReturnValue:
    """Change a draft."""
    seller = require_viewer()
    try:
        listings.edit(auction_id, by=seller.id, **_terms_from_form())
    except NotFound:
        raise
    except MarketplaceError as problem:
        return _terms_page(request.form, problem=problem, auction_id=auction_id)
    return to_auction(auction_id)


def _terms_page(
    values: Mapping[str, Any], *, problem: MarketplaceError | None = None, auction_id: int | None = None
) -> ResponseReturnValue:
    times = {name: _in_form(forms.moment(values.get(name, ""))) for name in ("startsAt", "endsAt")}
    return page(
        "sell.html",
        problem=problem,
        values={**values, **times},
        auction_id=auction_id,
        currencies=forms.CURRENCIES,
        categories=list_categories()["items"],
        presets=PRESETS,
        tenants=tenants.of(require_viewer(), limit=TENANTS_OFFERED),
    )


def _values_of(draft: Auction) -> dict[str, str]:
    """A draft as the form shows it."""

    def amount(number: int | None) -> str:
        return "" if number is None else forms.major_units(number, draft.currency)

    def whole(number: int | None) -> str:
        return "" if number is None else str(number)

    table = draft.increment_table
    return {
        "tenantId": whole(draft.tenant_id),
        "category": draft.category or "other",
        "title": draft.title,
        "description": draft.description,
        "currency": draft.currency,
        "startingPrice": amount(draft.starting_price),
        "increments": "fixed" if table is None else _preset_with(table, draft.currency) or "own",
        "minIncrement": amount(draft.min_increment) if table is None else "",
        "incrementTable": forms.table_text(table, draft.currency) if table else "",
        "reservePrice": amount(draft.reserve_price),
        "buyNowPrice": amount(draft.buy_now_price),
        "buyNowUntil": "share" if draft.buy_now_share else "first-bid",
        "buyNowShare": whole(draft.buy_now_share or None),
        "startsAt": draft.starts_at.isoformat() if draft.starts_at else "",
        "endsAt": draft.ends_at.isoformat(),
        "antiSnipe": draft.anti_snipe,
        "extensionWindow": whole(draft.extension_window),
        "extension": whole(draft.extension),
        "maxExtensions": whole(draft.max_extensions),
        "maxExtensionTotal": whole(draft.max_extension_total),
        "suddenDeath": whole(draft.sudden_death),
    }


def _preset_with(table: list[list[int]], currency: str) -> str | None:
    for preset in PRESETS:
        try:
            if preset.in_currency(minor_digits(currency)) == table:
                return preset.name
        except Invalid:
            continue
    return None


def _terms_from_form() -> dict[str, Any]:
    currency = _given("currency").upper()

    def amount(name: str) -> int:
        return forms.minor_units(_given(name), currency, field=name)

    def amount_or_none(name: str) -> int | None:
        return amount(name) if _given(name) else None

    bought = _given("buyNowPrice") != ""
    terms = forms.checked(
        schemas.AuctionTerms,
        {
            "tenantId": _whole("tenantId") if _given("tenantId") else None,
            "category": _given("category") or "other",
            "title": _given("title"),
            "description": _given("description"),
            "currency": currency,
            "startingPrice": amount("startingPrice"),
            **_increments_from_form(currency),
            "reservePrice": amount_or_none("reservePrice"),
            "buyNowPrice": amount_or_none("buyNowPrice"),
            "buyNowShare": _whole("buyNowShare") if bought and _given("buyNowUntil") == "share" else 0,
            "startsAt": forms.moment(_given("startsAt")),
            "endsAt": forms.moment(_given("endsAt")),
            "antiSnipe": _given("antiSnipe") or "RESET",
            "extensionWindow": _whole("extensionWindow"),
            "extension": _whole("extension"),
            "maxExtensions": _whole("maxExtensions") if _given("maxExtensions") else None,
            "maxExtensionTotal": _whole("maxExtensionTotal") if _given("maxExtensionTotal") else None,
            "suddenDeath": _whole("suddenDeath"),
        },
    )
    return terms.model_dump(exclude_unset=True, exclude={"format"})


def _increments_from_form(currency: str) -> dict[str, Any]:
    """Either a step or a table."""
    chosen = _given("increments")
    if chosen in _PRESETS:
        digits = minor_digits(currency) if is_currency(currency) else 2
        return {"incrementTable": _PRESETS[chosen].in_currency(digits)}
    if chosen == "own":
        rows = forms.table_rows(_given("incrementTable"), currency, field="incrementTable")
        return {"incrementTable": rows}
    return {"minIncrement": forms.minor_units(_given("minIncrement"), currency, field="minIncrement")}


def _given(name: str) -> str:
    return request.form.get(name, "").strip()


def _whole(name: str) -> int | str:
    return forms.whole(_given(name) or "0")


def _in_form(moment: datetime | str | None) -> str:
    """As a browser takes it: in UTC, which a script turns into the seller's time."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" if isinstance(moment, datetime) else ""
