"""Bidding without script: a bid, buying at once, and taking back. With script, bids go to the API."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from marketplace.api import auctions as auctions_api
from marketplace.api import bids as bids_api
from marketplace.api import reservations as reservations_api
from marketplace.api import schemas
from marketplace.api.security import require_viewer
from marketplace.bidding.answers import BidRequest
from marketplace.errors import MarketplaceError, NotFound
from marketplace.runtime import runtime

from . import forms
from .auctions import auction, to_auction
from .pages import blueprint


@blueprint.post("/auctions/<id:auction_id>/bids")
def bid(auction_id: int) -> ResponseReturnValue:
    """Place a bid: exactly the amount, or automatically up to it. Dutch: take an item, for that at most."""
    bidder = require_viewer()
    currency = auctions_api.snapshot(auction_id)["currency"]
    field = "maxAmount" if request.form.get("how") == "automatic" else "amount"
    try:
        given = forms.minor_units(request.form.get("amount", ""), currency, field=field)
        body = forms.checked(schemas.BidIn, {field: given})
        answer = runtime().desk.place(
            BidRequest(
                auction_id,
                bidder.id,
                bidder.display_name,
                body.amount,
                body.max_amount,
                idempotency_key=request.form.get("key", "")[:200] or None,
            )
        )
    except MarketplaceError as problem:
        return auction(auction_id, bid_problem=problem)
    if answer.refusal is not None:
        return auction(auction_id, bid_problem=answer.refusal)
    return to_auction(auction_id)


@blueprint.post("/auctions/<id:auction_id>/buy-now")
def buy_now(auction_id: int) -> ResponseReturnValue:
    """Buy the lot at once."""
    require_viewer()
    try:
        bids_api.buy_now(path=schemas.ItemPath(auction_id=auction_id))
    except NotFound:
        raise
    except MarketplaceError as problem:
        me = auctions_api.about_me(path=schemas.ItemPath(auction_id=auction_id))
        # A form sent twice: it was bought the first time.
        return to_auction(auction_id) if me["youLead"] else auction(auction_id, problem)
    return to_auction(auction_id)


@blueprint.post("/auctions/<id:auction_id>/retract")
def retract(auction_id: int) -> ResponseReturnValue:
    """Take one's own bid back."""
    require_viewer()
    try:
        reason = forms.checked(schemas.Retraction, {"reason": request.form.get("reason") or None})
        bids_api.retract_bid(path=_named_bid(), body=reason)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return auction(auction_id, problem)
    return to_auction(auction_id)


@blueprint.post("/auctions/<id:auction_id>/cancel-bid")
def cancel_bid(auction_id: int) -> ResponseReturnValue:
    """Take somebody's bid out, as the seller."""
    require_viewer()
    try:
        reason = forms.checked(schemas.BidCancellation, {"reason": request.form.get("reason", "")})
        bids_api.cancel_bid(path=_named_bid(), body=reason)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return auction(auction_id, problem)
    return to_auction(auction_id)


@blueprint.post("/auctions/<id:auction_id>/release")
def release(auction_id: int) -> ResponseReturnValue:
    """Give back an item that is held for whoever asks."""
    require_viewer()
    try:
        path = forms.checked(schemas.ReservationPath, {"reservationId": request.form.get("reservation", "")})
        reservations_api.release_reservation(path=path)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return auction(auction_id, problem)
    return to_auction(auction_id)


def _named_bid() -> Any:
    return forms.checked(schemas.BidPath, {"bidId": request.form.get("bid", "")})
