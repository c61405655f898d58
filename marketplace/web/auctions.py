"""The list, an auction, and selling."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import listings
from marketplace.api import auctions as api
from marketplace.api import schemas
from marketplace.api.security import require_viewer, viewer
from marketplace.bidding.answers import BidRequest
from marketplace.errors import MarketplaceError, NotADraft, NotFound
from marketplace.runtime import runtime

from . import forms
from .pages import blueprint, page

#: The filters of the list: what is in the address, what it is called, the statuses.
FILTERS = (
    ("live", "Live now", "RUNNING,ENDING_SOON"),
    ("upcoming", "Opening soon", "SCHEDULED"),
    ("ended", "Ended", "ENDED"),
)
AUCTIONS_A_PAGE = 24
BIDS_SHOWN = 20

#: What the select box offers; the API takes every currency there is.
CURRENCIES = ("USD", "EUR", "GBP", "CHF", "JPY", "PLN", "PKR", "KWD", "CAD", "AUD")

CHANGES = {"publish": api.publish_auction, "cancel": api.cancel_auction, "end": api.end_auction}


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The auctions of one status: those that end soonest first; of the ended ones the newest."""
    wanted = request.args.get("status", FILTERS[0][0])
    statuses = next((statuses for name, _, statuses in FILTERS if name == wanted), None)
    if statuses is None:
        raise NotFound
    query = forms.checked(
        schemas.AuctionQuery,
        {
            "status": statuses,
            "sort": "newest" if wanted == "ended" else "endsAt",
            "limit": AUCTIONS_A_PAGE,
            "cursor": request.args.get("cursor"),
        },
    )
    found = api.list_auctions(query)
    return page("home.html", filters=FILTERS, wanted=wanted, **found)


@blueprint.get("/auctions/<id:auction_id>")
def auction(auction_id: int, problem: MarketplaceError | None = None) -> ResponseReturnValue:
    """An auction, with its latest bids."""
    user = viewer()
    snapshot = api.snapshot(auction_id)
    found = listings.bids(listings.get(auction_id, user).auction, limit=BIDS_SHOWN)
    # A bid placed since the snapshot was read comes to the page as an event.
    bids = [past for past in found if past.bid.seq <= snapshot["seq"]]
    return page(
        "auction.html",
        problem=problem,
        auction=snapshot,
        bids=bids,
        last_bid_seq=bids[0].bid.seq if bids else 0,
        my_bid_seq=(listings.last_bid_of(auction_id, user.id) or 0) if user else 0,
        bids_shown=BIDS_SHOWN,
        suggested=forms.major_units(snapshot["minimumNextBid"], snapshot["currency"]),
        amount=request.form.get("amount"),
        # Sent along, so that a form sent twice is one bid.
        key=secrets.token_urlsafe(16),
    )


@blueprint.post("/auctions/<id:auction_id>/bids")
def bid(auction_id: int) -> ResponseReturnValue:
    """Place a bid without script; with script, the page talks to the API."""
    bidder = require_viewer()
    currency = api.snapshot(auction_id)["currency"]
    try:
        given = request.form.get("amount", "")
        body = forms.checked(schemas.BidIn, {"amount": forms.minor_units(given, currency, field="amount")})
        answer = runtime().desk.place(
            BidRequest(
                auction_id,
                bidder.id,
                bidder.display_name,
                body.amount,
                idempotency_key=request.form.get("key", "")[:200] or None,
            )
        )
    except MarketplaceError as problem:
        return auction(auction_id, problem)
    if answer.refusal is not None:
        return auction(auction_id, answer.refusal)
    return _to_auction(auction_id)


@blueprint.post(f"/auctions/<id:auction_id>/<any({', '.join(CHANGES)}):change>")
def change_auction(auction_id: int, change: str) -> ResponseReturnValue:
    """Publish, cancel or end an auction."""
    require_viewer()
    try:
        CHANGES[change](path=schemas.ItemPath(auction_id=auction_id))
    except NotFound:
        raise
    except MarketplaceError as problem:
        return auction(auction_id, problem)
    return _to_auction(auction_id)


# --- selling ----------------------------------------------------------------------------------------------


@blueprint.get("/sell")
def sell_form() -> ResponseReturnValue:
    """Where people describe what they sell."""
    require_viewer()
    ends_at = (datetime.now(UTC) + timedelta(days=3)).replace(second=0, microsecond=0)
    values = {
        "currency": "USD",
        "endsAt": ends_at.isoformat(),
        "extensionWindow": "60",
        "extension": "60",
    }
    return _terms_page(values)


@blueprint.post("/sell")
def sell() -> ResponseReturnValue:
    """A new draft; publishing it is the next step, on its own page."""
    seller = require_viewer()
    try:
        draft = listings.create(seller.id, **_terms_from_form())
    except MarketplaceError as problem:
        return _terms_page(request.form, problem=problem)
    return _to_auction(draft.id)


@blueprint.get("/auctions/<id:auction_id>/edit")
def edit_form(auction_id: int) -> ResponseReturnValue:
    """Where the seller changes a draft."""
    draft = listings.get(auction_id, require_viewer()).auction
    if draft.status != "DRAFT":
        raise NotADraft
    values = {
        "title": draft.title,
        "description": draft.description,
        "currency": draft.currency,
        "startingPrice": forms.major_units(draft.starting_price, draft.currency),
        "minIncrement": forms.major_units(draft.min_increment, draft.currency),
        "startsAt": draft.starts_at.isoformat() if draft.starts_at else "",
        "endsAt": draft.ends_at.isoformat(),
        "extensionWindow": str(draft.extension_window),
        "extension": str(draft.extension),
    }
    return _terms_page(values, auction_id=auction_id)


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
    return _to_auction(auction_id)


def _terms_page(
    values: Any, *, problem: MarketplaceError | None = None, auction_id: int | None = None
) -> ResponseReturnValue:
    times = {name: _in_form(forms.moment(values.get(name, ""))) for name in ("startsAt", "endsAt")}
    return page(
        "sell.html",
        problem=problem,
        values={**values, **times},
        auction_id=auction_id,
        currencies=CURRENCIES,
    )


def _terms_from_form() -> dict[str, Any]:
    def given(name: str) -> str:
        return request.form.get(name, "").strip()

    currency = given("currency").upper()
    terms = forms.checked(
        schemas.AuctionTerms,
        {
            "title": given("title"),
            "description": given("description"),
            "currency": currency,
            "startingPrice": forms.minor_units(given("startingPrice"), currency, field="startingPrice"),
            "minIncrement": forms.minor_units(given("minIncrement"), currency, field="minIncrement"),
            "startsAt": forms.moment(given("startsAt")),
            "endsAt": forms.moment(given("endsAt")),
            "extensionWindow": forms.whole(given("extensionWindow") or "0"),
            "extension": forms.whole(given("extension") or "0"),
        },
    )
    return terms.model_dump(exclude={"format"})


def _in_form(moment: datetime | str | None) -> str:
    """As a browser takes it: in UTC, which a script turns into the seller's time."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}" if isinstance(moment, datetime) else ""


def _to_auction(auction_id: int) -> ResponseReturnValue:
    return redirect(url_for("web.auction", auction_id=auction_id), 303)
