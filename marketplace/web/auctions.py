"""An auction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace import listings
from marketplace.accounts import Viewer
from marketplace.api import auctions as api
from marketplace.api import schemas
from marketplace.api.security import require_viewer, viewer
from marketplace.bidding.rows import terms_of
from marketplace.bidding.withdrawal import GRACE
from marketplace.errors import MarketplaceError, NotFound, Unavailable
from marketplace.listings import PastBid
from marketplace.models import Auction, AuctionFormat, ReservationStatus
from marketplace.pictures.gallery import MAX_PICTURES

from . import dutch, english, forms, history, numbers, rules
from .offers import open_offer
from .orders import order_at
from .pages import blueprint, page
from .proof import proof_of

BIDS_SHOWN = 20

CHANGES = {"publish": api.publish_auction, "cancel": api.cancel_auction, "end": api.end_auction}


@blueprint.get("/auctions/<id:auction_id>")
def auction(
    auction_id: int,
    problem: MarketplaceError | None = None,
    *,
    bid_problem: MarketplaceError | None = None,
    picture_problem: MarketplaceError | None = None,
) -> ResponseReturnValue:
    """An auction, with its latest bids; after its end, with its proof."""
    user = viewer()
    snapshot = api.snapshot(auction_id)
    found = listings.get(auction_id, user).auction
    me = api.about_me(path=schemas.ItemPath(auction_id=auction_id)) if user else None
    past = listings.bids(found, viewer_id=user.id if user else None, limit=BIDS_SHOWN)
    # A bid placed since the snapshot was read comes to the page as an event.
    past = [each for each in past if each.bid.seq <= snapshot["seq"]]
    own = _dutch if snapshot["format"] == AuctionFormat.DUTCH else _english
    return page(
        "dutch.html" if own is _dutch else "auction.html",
        problem=bid_problem or picture_problem or problem,
        in_bid_form=bid_problem is not None,
        picture_problem=picture_problem,
        max_pictures=MAX_PICTURES,
        auction=snapshot,
        me=me,
        bids_shown=BIDS_SHOWN,
        fees=rules.fees(snapshot),
        proof=proof_of(found),
        key=_asked_again("key", bid_problem) or secrets.token_urlsafe(16),
        **own(found, snapshot, me, past, user, bid_problem),
    )


def _no_bid(me: dict[str, Any] | None) -> str:
    """Said to whoever has no bid, so that the place is taken before there is more to say."""
    if me is None:
        return gettext("You are not logged in.")
    if me["isSeller"]:
        return gettext("This is your auction.")
    return (
        gettext("The seller does not take bids from you.")
        if me["blocked"]
        else gettext("You have no bid on this.")
    )


def _asked_again(name: str, bid_problem: MarketplaceError | None) -> str | None:
    """A field of a bid that got no answer: what may have been bought is asked about, not bought again."""
    return request.form.get(name) if isinstance(bid_problem, Unavailable) else None


def _english(
    found: Auction,
    snapshot: dict[str, Any],
    me: dict[str, Any] | None,
    past: Sequence[PastBid],
    user: Viewer | None,
    bid_problem: MarketplaceError | None,
) -> dict[str, Any]:
    """What the page of an English auction shows besides."""
    has_bid = bool(me and me["hasBid"])
    no_bid = _no_bid(me)
    return {
        "has_bid": has_bid,
        "no_bid": no_bid,
        "standing": english.standing(
            snapshot, leads=bool(me and me["youLead"]), has_bid=has_bid, no_bid=no_bid
        ),
        "order": order_at(found.id, user) if user and snapshot["status"] == "ENDED" else None,
        "offer": open_offer(found.id) if has_bid and snapshot["status"] == "ENDED" else None,
        "bids": history.rows(past, found, viewer_id=user.id if user else None),
        "grace": GRACE,
        "now": datetime.now(UTC),
        "reasons": history.REASONS,
        "next_amount": _next_amount(found, snapshot, me),
        "late_bids": rules.late_bids(snapshot),
        "buy_now": rules.buy_now(snapshot, found.buy_now_price) if found.buy_now_price else None,
        # What was sent, when it was refused.
        "how": request.form.get("how", "exact"),
        "amount": request.form.get("amount") if bid_problem else None,
    }


def _dutch(
    _found: Auction,
    snapshot: dict[str, Any],
    me: dict[str, Any] | None,
    past: Sequence[PastBid],
    user: Viewer | None,
    bid_problem: MarketplaceError | None,
) -> dict[str, Any]:
    """What the page of a Dutch auction shows besides."""
    mine = me["reservations"] if me else []
    return {
        "reservations": [each for each in mine if each["status"] == ReservationStatus.HELD],
        "bought": sum(each["status"] == ReservationStatus.CONFIRMED for each in mine),
        "bids": dutch.sales(past, viewer_id=user.id if user else None),
        "falling": dutch.falling(snapshot),
        "on_top": rules.on_top(snapshot),
        "hold": numbers.duration(snapshot["holdSeconds"]),
        "next_amount": _asked_again("amount", bid_problem)
        or forms.major_units(snapshot["currentPrice"], snapshot["currency"]),
        "refusal": bid_problem and dutch.refusal(bid_problem, snapshot["currency"], agreed=_agreed(snapshot)),
    }


def _agreed(snapshot: dict[str, Any]) -> int | None:
    """The price that was in the form."""
    try:
        return forms.minor_units(request.form.get("amount", ""), snapshot["currency"], field="amount")
    except MarketplaceError:
        return None


def _next_amount(found: Auction, snapshot: dict[str, Any], me: dict[str, Any] | None) -> str:
    """What the form suggests: the least that leads; to the leader the next step above their own maximum."""
    amount = snapshot["minimumNextBid"]
    if me and me["youLead"]:
        amount = me["yourMaxAmount"]
        amount += terms_of(found).increments.after(amount)
    return forms.major_units(amount, snapshot["currency"])


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
    return to_auction(auction_id)


def to_auction(auction_id: int) -> ResponseReturnValue:
    """After a form: back to the auction."""
    return redirect(url_for("web.auction", auction_id=auction_id), 303)
