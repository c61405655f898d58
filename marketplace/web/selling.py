"""Describing what one sells: the form for a new draft, and for changing one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from marketplace import accounts, listings, tenants
from marketplace.api import schemas
from marketplace.api.categories import list_categories
from marketplace.api.security import limit_creations, require_viewer
from marketplace.bidding.rows import dutch_standing_of
from marketplace.errors import Invalid, MarketplaceError, NotADraft, NotFound
from marketplace.increments import PRESETS
from marketplace.models import Auction, AuctionFormat
from marketplace.money import is_currency, minor_digits

from . import dutch, forms
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
        "format": "ENGLISH",
        "category": "other",
        "currency": "USD",
        "increments": "fixed",
        "buyNowUntil": "first-bid",
        "endsAt": ends_at.isoformat(),
        "antiSnipe": "RESET",
        "extensionWindow": "60",
        "extension": "60",
        "quantity": "1",
        "holdSeconds": "600",
        "premiumRate": "0",
        "taxRate": "0",
        "paymentDays": "7",
    }
    return _terms_page(values)


@blueprint.post("/sell")
@limit_creations
def sell() -> ResponseReturnValue:
    """A new draft; publishing it is the next step, on its own page."""
    seller = require_viewer()
    if "preview" in request.form:
        return _preview_page()
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
    return _terms_page(_values_of(draft), auction_id=auction_id, fall=_fall_of(draft))


@blueprint.post("/auctions/<id:auction_id>/edit")
def edit(auction_id: int) -> ResponseReturnValue:
    """Change a draft."""
    seller = require_viewer()
    if "preview" in request.form:
        return _preview_page(auction_id)
    try:
        listings.edit(auction_id, by=seller.id, **_terms_from_form())
    except NotFound:
        raise
    except MarketplaceError as problem:
        return _terms_page(request.form, problem=problem, auction_id=auction_id)
    return to_auction(auction_id)


def _preview_page(auction_id: int | None = None) -> ResponseReturnValue:
    """The form as it was filled in, checked, with how the price would fall; without script."""
    try:
        draft = listings.draft(require_viewer().id, **_terms_from_form())
    except NotFound:
        raise
    except MarketplaceError as problem:
        return _terms_page(request.form, problem=problem, auction_id=auction_id)
    return _terms_page(request.form, auction_id=auction_id, fall=_fall_of(draft))


def _fall_of(draft: Auction) -> dutch.Fall | None:
    if draft.format != AuctionFormat.DUTCH:
        return None
    return dutch.fall(dutch_standing_of(draft, datetime.now(UTC)).terms, draft.currency)


def _terms_page(
    values: Mapping[str, Any],
    *,
    problem: MarketplaceError | None = None,
    auction_id: int | None = None,
    fall: dutch.Fall | None = None,
) -> ResponseReturnValue:
    currency = values.get("currency", "")
    times = {name: _in_form(forms.moment(values.get(name, ""))) for name in ("startsAt", "endsAt")}
    seller = require_viewer()
    return page(
        "sell.html",
        problem=problem,
        values={**values, **times},
        auction_id=auction_id,
        currencies=forms.CURRENCIES,
        digits={code: minor_digits(code) for code in {*forms.CURRENCIES, currency} if is_currency(code)},
        categories=list_categories()["items"],
        presets=PRESETS,
        tenants=tenants.of(seller, limit=TENANTS_OFFERED),
        can_be_paid=accounts.payment_details(seller.id) is not None,
        fall=fall,
    )


def _values_of(draft: Auction) -> dict[str, str]:
    """A draft as the form shows it."""

    def amount(number: int | None) -> str:
        return "" if number is None else forms.major_units(number, draft.currency)

    def whole(number: int | None) -> str:
        return "" if number is None else str(number)

    table = draft.increment_table
    return {
        "format": draft.format,
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
        "floorPrice": amount(draft.floor_price),
        "dropAmount": amount(draft.drop_amount),
        "dropEvery": whole(draft.drop_every),
        "quantity": whole(draft.quantity),
        "holdSeconds": whole(draft.hold_seconds),
        "perBuyer": whole(draft.per_buyer),
        "premiumRate": forms.percent(draft.premium_rate),
        "taxRate": forms.percent(draft.tax_rate),
        "paymentDays": whole(draft.payment_days),
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
    is_dutch = _given("format") == AuctionFormat.DUTCH
    terms = forms.checked(
        schemas.AuctionTerms,
        {
            "format": _given("format") or AuctionFormat.ENGLISH,
            "tenantId": _whole("tenantId") if _given("tenantId") else None,
            "category": _given("category") or "other",
            "title": _given("title"),
            "description": _given("description"),
            "currency": currency,
            "startingPrice": _amount("startingPrice", currency),
            "startsAt": forms.moment(_given("startsAt")),
            "endsAt": forms.moment(_given("endsAt")),
            "premiumRate": forms.basis_points(_given("premiumRate"), field="premiumRate"),
            "taxRate": forms.basis_points(_given("taxRate"), field="taxRate"),
            **({"paymentDays": _whole("paymentDays")} if _given("paymentDays") else {}),
            **(_dutch_terms(currency) if is_dutch else _english_terms(currency)),
        },
    )
    # What belongs to the other format is not even set.
    return terms.model_dump(exclude_unset=True)


def _english_terms(currency: str) -> dict[str, Any]:
    bought = _given("buyNowPrice") != ""
    return {
        **_increments_from_form(currency),
        "reservePrice": _amount_or_none("reservePrice", currency),
        "buyNowPrice": _amount_or_none("buyNowPrice", currency),
        "buyNowShare": _whole("buyNowShare") if bought and _given("buyNowUntil") == "share" else 0,
        "antiSnipe": _given("antiSnipe") or "RESET",
        "extensionWindow": _whole("extensionWindow"),
        "extension": _whole("extension"),
        "maxExtensions": _whole("maxExtensions") if _given("maxExtensions") else None,
        "maxExtensionTotal": _whole("maxExtensionTotal") if _given("maxExtensionTotal") else None,
        "suddenDeath": _whole("suddenDeath"),
    }


def _dutch_terms(currency: str) -> dict[str, Any]:
    return {
        "floorPrice": _amount("floorPrice", currency),
        "dropAmount": _amount("dropAmount", currency),
        "dropEvery": _whole("dropEvery"),
        "quantity": _whole("quantity"),
        "holdSeconds": _whole("holdSeconds"),
        "perBuyer": _whole("perBuyer") if _given("perBuyer") else None,
    }


def _increments_from_form(currency: str) -> dict[str, Any]:
    """Either a step or a table."""
    chosen = _given("increments")
    if chosen in _PRESETS:
        digits = minor_digits(currency) if is_currency(currency) else 2
        return {"incrementTable": _PRESETS[chosen].in_currency(digits)}
    if chosen == "own":
        rows = forms.table_rows(_given("incrementTable"), currency, field="incrementTable")
        return {"incrementTable": rows}
    return {"minIncrement": _amount("minIncrement", currency)}


def _amount(name: str, currency: str) -> int:
    return forms.minor_units(_given(name), currency, field=name)


def _amount_or_none(name: str, currency: str) -> int | None:
    return _amount(name, currency) if _given(name) else None


def _given(name: str) -> str:
    return request.form.get(name, "").strip()


def _whole(name: str) -> int | str:
    return forms.whole(_given(name) or "0")


def _in_form(moment: datetime | str | None) -> str:
    """As a browser takes it: in UTC, which a script turns into the seller's time."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" if isinstance(moment, datetime) else ""
