"""The terms of an auction as the sell form has them: read from what was filled in, and put into it again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from marketplace.api import schemas
from marketplace.errors import Invalid
from marketplace.increments import PRESETS
from marketplace.listings import FROM_SALE
from marketplace.models import Auction, AuctionFormat
from marketplace.money import is_currency, minor_digits

from . import forms

#: What the form offers as the time that an auction is open, in days.
DAYS = (1, 3, 5, 7, 10, 14, 30)
#: What follows from the sale of a lot, and is no part of its own form.
OF_ITS_SALE = FROM_SALE | {"tenant_id"}

_PRESETS = {preset.name: preset for preset in PRESETS}
_ENDS_AFTER = timedelta(days=7)


def of_a_new_draft(now: datetime) -> dict[str, str]:
    """What the form has in it before anybody has filled it in."""
    return {
        "format": AuctionFormat.ENGLISH,
        "category": "other",
        "currency": "USD",
        "increments": "fixed",
        "buyNowUntil": "first-bid",
        "starts": "published",
        "ends": "at",
        "endsAt": (now + _ENDS_AFTER).replace(second=0, microsecond=0).isoformat(),
        "days": "7",
        "antiSnipe": "RESET",
        "extensionWindow": "300",
        "extension": "300",
        "quantity": "1",
        "holdSeconds": "600",
        "premiumRate": "0",
        "taxRate": "0",
        "paymentDays": "7",
    }


def of_a_draft(draft: Auction) -> dict[str, str]:
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
        "starts": "at" if draft.starts_at else "published",
        "startsAt": draft.starts_at.isoformat() if draft.starts_at else "",
        "ends": "at",
        "endsAt": draft.ends_at.isoformat(),
        "days": "7",
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


def read(form: Mapping[str, str], now: datetime) -> tuple[dict[str, Any], forms.Reader]:
    """The terms under the API's names, those that cannot be read being empty, and the reader that knows why.

    ``now`` is from when a number of days is counted, for what opens when it is published.
    """
    currency = form.get("currency", "").strip().upper()
    reader = forms.Reader(form, currency)
    format_ = reader.text("format") or AuctionFormat.ENGLISH
    own = _dutch if format_ == AuctionFormat.DUTCH else _english
    terms = {
        "tenantId": reader.whole_or_none("tenantId"),
        "category": reader.text("category") or "other",
        "title": reader.text("title"),
        "description": reader.text("description"),
        "format": format_,
        "currency": currency,
        "startingPrice": reader.amount("startingPrice"),
        **own(reader, currency),
        **_times(reader, now),
        "premiumRate": reader.rate("premiumRate"),
        "taxRate": reader.rate("taxRate"),
        **({"paymentDays": reader.whole("paymentDays")} if reader.text("paymentDays") else {}),
    }
    return terms, reader


def checked(form: Mapping[str, str], now: datetime, *, is_lot: bool = False) -> dict[str, Any]:
    """The terms as ``listings`` takes them; what belongs to the other format is not even set.

    Raises:
        Invalid: names the fields that are not acceptable, in the order of the form.
    """
    terms, reader = read(form, now)
    if is_lot:
        names = {schemas.AuctionTerms.model_fields[name].alias or name for name in OF_ITS_SALE}
        terms = {name: value for name, value in terms.items() if name not in names}
    schema = schemas.LotTerms if is_lot else schemas.AuctionTerms
    return reader.checked(schema, terms).model_dump(exclude_unset=True)


def _times(reader: forms.Reader, now: datetime) -> dict[str, Any]:
    starts_at = None if reader.text("starts") == "published" else forms.moment(reader.text("startsAt"))
    if reader.text("ends") != "after":
        return {"startsAt": starts_at, "endsAt": forms.moment(reader.text("endsAt"))}
    days = reader.whole("days")
    opens = starts_at if isinstance(starts_at, datetime) else now
    ends_at = opens + timedelta(days=days) if days in DAYS else None
    return {"startsAt": starts_at, "endsAt": ends_at}


def _english(reader: forms.Reader, currency: str) -> dict[str, Any]:
    by_share = reader.text("buyNowPrice") and reader.text("buyNowUntil") == "share"
    return {
        **_increments(reader, currency),
        "reservePrice": reader.amount_or_none("reservePrice"),
        "buyNowPrice": reader.amount_or_none("buyNowPrice"),
        "buyNowShare": reader.whole("buyNowShare") if by_share else 0,
        "antiSnipe": reader.text("antiSnipe") or "RESET",
        "extensionWindow": reader.whole("extensionWindow"),
        "extension": reader.whole("extension"),
        "maxExtensions": reader.whole_or_none("maxExtensions"),
        "maxExtensionTotal": reader.whole_or_none("maxExtensionTotal"),
        "suddenDeath": reader.whole("suddenDeath"),
    }


def _dutch(reader: forms.Reader, _currency: str) -> dict[str, Any]:
    return {
        "dropAmount": reader.amount("dropAmount"),
        "dropEvery": reader.whole("dropEvery"),
        "floorPrice": reader.amount("floorPrice"),
        "quantity": reader.whole("quantity"),
        "perBuyer": reader.whole_or_none("perBuyer"),
        "holdSeconds": reader.whole("holdSeconds"),
    }


def _increments(reader: forms.Reader, currency: str) -> dict[str, Any]:
    """Either a step or a table."""
    chosen = reader.text("increments")
    if chosen in _PRESETS:
        digits = minor_digits(currency) if is_currency(currency) else 2
        return {"incrementTable": reader.read(lambda: _PRESETS[chosen].in_currency(digits))}
    if chosen == "own":
        text = reader.text("incrementTable")
        rows = reader.read(lambda: forms.table_rows(text, currency, field="incrementTable"))
        return {"incrementTable": rows}
    return {"minIncrement": reader.amount("minIncrement")}
