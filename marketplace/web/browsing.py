"""The list: auctions as one looks for them, and what keeps an eye on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, gettext, lazy_gettext

from marketplace import watching
from marketplace.api import auctions as api
from marketplace.api import schemas
from marketplace.api.categories import list_categories
from marketplace.api.security import require_viewer, viewer
from marketplace.browsing import Sort
from marketplace.errors import Invalid, MarketplaceError, NotFound
from marketplace.models import AuctionFormat

from . import category_names, forms
from .pages import blueprint, page
from .returning import back


@dataclass(frozen=True, slots=True)
class Tab:
    """Auctions of some statuses."""

    #: As it is in the address.
    name: str
    title: LazyString
    statuses: str
    usual_sort: Sort
    #: What is said when there are none.
    nothing: LazyString


TABS = (
    Tab(
        "live",
        lazy_gettext("Live now"),
        "RUNNING,ENDING_SOON",
        Sort.ENDING,
        lazy_gettext("Nothing is running at the moment."),
    ),
    Tab(
        "upcoming",
        lazy_gettext("Opening soon"),
        "SCHEDULED",
        Sort.ENDING,
        lazy_gettext("Nothing is scheduled."),
    ),
    Tab("ended", lazy_gettext("Ended"), "ENDED", Sort.NEWEST, lazy_gettext("Nothing has ended yet.")),
)
#: What the select boxes offer.
SORTS = {
    Sort.ENDING: lazy_gettext("Ending soonest"),
    Sort.NEWEST: lazy_gettext("Newest"),
    Sort.PRICE_ASC: lazy_gettext("Lowest price"),
    Sort.PRICE_DESC: lazy_gettext("Highest price"),
    Sort.BIDS: lazy_gettext("Most bids"),
    Sort.RELEVANCE: lazy_gettext("Best match"),
}
FORMATS = {
    AuctionFormat.ENGLISH: lazy_gettext("Bidding"),
    AuctionFormat.DUTCH: lazy_gettext("Falling price"),
}
ENDING_WITHIN = {
    "3600": lazy_gettext("Within an hour"),
    "86400": lazy_gettext("Within a day"),
    "604800": lazy_gettext("Within a week"),
}
#: What the form has, as it is in the address, and what it is called. Prices are as people write them.
FIELDS = {
    "q": lazy_gettext("Search"),
    "category": lazy_gettext("Category"),
    "format": lazy_gettext("Format"),
    "currency": lazy_gettext("Currency"),
    "minPrice": lazy_gettext("Price from"),
    "maxPrice": lazy_gettext("Price to"),
    "endingWithin": lazy_gettext("Ends"),
    "sort": lazy_gettext("Sort by"),
}
#: What makes no sense without another.
_NEEDS_CURRENCY = {"minPrice", "maxPrice"}
_BY_PRICE = {Sort.PRICE_ASC, Sort.PRICE_DESC}
AUCTIONS_A_PAGE = 24
#: Of the first page, so many have a row of their own that end within...
MANY_SOON = 8
SOON = timedelta(hours=1)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The auctions of one status, as one looks for them."""
    wanted = request.args.get("status", TABS[0].name)
    tab = next((tab for tab in TABS if tab.name == wanted), None)
    if tab is None:
        raise NotFound
    values = {name: request.args[name].strip() for name in FIELDS if request.args.get(name, "").strip()}
    problem: MarketplaceError | None = None
    found: dict[str, Any] = {"items": [], "nextCursor": None}
    try:
        found = api.list_auctions(_query(values, tab))
    except Invalid as refusal:
        if any(each["field"] == "cursor" for each in refusal.facts.get("errors", [])):
            # The order that a page goes on in is known for a while only; after that it begins again.
            return redirect(_address(tab, values))
        problem = refusal
    usual = Sort.RELEVANCE if "q" in values else tab.usual_sort
    by_end = values.get("sort", usual) == Sort.ENDING and tab is TABS[0]
    soon, others = _parted(found["items"], MANY_SOON if by_end and "cursor" not in request.args else 0)
    user = viewer()
    return page(
        "home.html",
        problem=problem,
        tabs=TABS,
        tab=tab,
        wanted=wanted,
        values=values,
        labels=FIELDS,
        address=lambda **changes: _address(tab, values, **changes),
        applied=list(_applied(tab, values)),
        categories=list_categories()["items"],
        sorts=[("", SORTS[usual]), *((sort, title) for sort, title in SORTS.items() if sort != usual)],
        formats=FORMATS.items(),
        ending_within=ENDING_WITHIN.items(),
        currencies=forms.CURRENCIES,
        soon=soon,
        items=others,
        nextCursor=found["nextCursor"],
        watching=watching.watched_of(user, [each["id"] for each in found["items"]]) if user else set(),
    )


def _query(values: dict[str, str], tab: Tab) -> schemas.AuctionQuery:
    """The form of the list as the API takes it."""
    given: dict[str, Any] = {**values, "status": tab.statuses, "limit": AUCTIONS_A_PAGE}
    given |= {
        name: forms.minor_units(values[name], values.get("currency", ""), field=name)
        for name in ("minPrice", "maxPrice")
        if name in values
    }
    if "q" not in values:
        given.setdefault("sort", tab.usual_sort)
    return forms.checked(schemas.AuctionQuery, given | {"cursor": request.args.get("cursor")})


def _parted(items: list[dict[str, Any]], most: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The first ones that end soon, ``most`` at most, and the others."""
    limit = datetime.now(UTC) + SOON
    many = sum(datetime.fromisoformat(each["endsAt"]) <= limit for each in items[:most])
    return items[:many], items[many:]


# --- links to other lists -----------------------------------------------------------------------------------


def _address(tab: Tab, values: Mapping[str, str | None], **changes: str | None) -> str:
    """The list with some things otherwise; what is None is taken away, and with it what needs it.

    ``all=None`` takes everything away but the tab.
    """
    kept = {} if "all" in changes else values
    wanted: dict[str, Any] = {
        name: value for name, value in ({**kept, "status": tab.name} | changes).items() if value
    }
    if "currency" not in wanted:
        wanted = {name: value for name, value in wanted.items() if name not in _NEEDS_CURRENCY}
        if wanted.get("sort") in _BY_PRICE:
            del wanted["sort"]
    if "q" not in wanted and wanted.get("sort") == Sort.RELEVANCE:
        del wanted["sort"]
    if wanted["status"] == TABS[0].name:
        del wanted["status"]
    else:
        # When it ends is asked of what runs.
        wanted.pop("endingWithin", None)
    return url_for("web.home", **wanted)


def _applied(tab: Tab, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each filter that is applied, in words, and the list without it."""
    for name, value in values.items():
        if name != "sort":
            yield _said(name, value), _address(tab, values, **{name: None})


def _said(name: str, value: str) -> str:
    match name:
        case "q":
            return str(gettext("“%(words)s”", words=value))
        case "category":
            return category_names.of(value)
        case "format":
            return str(FORMATS.get(value, value))  # type: ignore[call-overload]  # what somebody wrote there
        case "endingWithin":
            return str(ENDING_WITHIN.get(value, value))
        case "minPrice":
            return str(gettext("From %(price)s", price=value))
        case "maxPrice":
            return str(gettext("Up to %(price)s", price=value))
        case _:
            return value


# --- watching -----------------------------------------------------------------------------------------------


@blueprint.post("/auctions/<id:auction_id>/watch")
def watch_auction(auction_id: int) -> ResponseReturnValue:
    """Keep an eye on an auction, or look away."""
    user = require_viewer()
    change = watching.unwatch if request.form.get("watch") == "no" else watching.watch
    change(auction_id, user)
    return redirect(back(otherwise=url_for("web.auction", auction_id=auction_id)), 303)
