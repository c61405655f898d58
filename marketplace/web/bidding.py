"""Bidding without script: a bid, buying at once or at second chance, and taking back. With script, bids go to
the API."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import suspicions
from marketplace.api import auctions as auctions_api
from marketplace.api import bids as bids_api
from marketplace.api import reservations as reservations_api
from marketplace.api import schemas
from marketplace.api import second_chance as offers_api
from marketplace.api.security import require_viewer
from marketplace.bidding import second_chance
from marketplace.bidding.answers import BidRequest
from marketplace.errors import MarketplaceError, NotFound
from marketplace.extensions import db
from marketplace.models import AuctionStatus, OfferStatus
from marketplace.runtime import runtime

from . import forms
from .auctions import auction, to_auction
from .orders import order_at
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
        suspicions.note_address(bidder.id, request.remote_addr)
        # What was read is read: who waits for the desk keeps no connection.
        db.session.rollback()
        answer = runtime().desk.place(
            BidRequest(
                auction_id,
                bidder.id,
                bidder.display_name,
                body.amount,
                body.max_amount,
                idempotency_key=bids_api.checked_key(request.form.get("key") or None),
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
        bought = me["youLead"] and auctions_api.snapshot(auction_id)["status"] == AuctionStatus.ENDED
        return to_auction(auction_id) if bought else auction(auction_id, problem)
    return to_auction(auction_id)


@blueprint.post("/auctions/<id:auction_id>/accept-offer")
def accept_offer(auction_id: int) -> ResponseReturnValue:
    """Buy a lot that is offered at second chance, and on to its order."""
    refused = _answer_offer(auction_id, accept=True)
    order = order_at(auction_id, require_viewer())
    if refused or order is None:
        return refused or to_auction(auction_id)
    return redirect(url_for("web.order", order_id=order["id"]), 303)


@blueprint.post("/auctions/<id:auction_id>/decline-offer")
def decline_offer(auction_id: int) -> ResponseReturnValue:
    """Leave a lot that is offered at second chance."""
    return _answer_offer(auction_id, accept=False) or to_auction(auction_id)


def _answer_offer(auction_id: int, *, accept: bool) -> ResponseReturnValue | None:
    """Answer the offer of a lot; returns the auction with the problem, if there is one."""
    bidder = require_viewer()
    path = schemas.OfferPath(offer_id=second_chance.offer_to(auction_id, bidder).id)
    try:
        offers_api.accept(path=path) if accept else offers_api.decline(path=path)
    except NotFound:
        raise
    except MarketplaceError as problem:
        # A form sent twice: it was answered so the first time.
        answered = OfferStatus.ACCEPTED if accept else OfferStatus.DECLINED
        if second_chance.offer_to(auction_id, bidder).status != answered:
            return auction(auction_id, problem)
    return None


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
        reason = forms.checked(schemas.BidCancellation, forms.fields("reason"))
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
