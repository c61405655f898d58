"""What the seller of an auction manages: its bids and bidders, and after the end what becomes of the lot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import listings
from marketplace.api import auctions as api
from marketplace.api import bids as bids_api
from marketplace.api import orders as orders_api
from marketplace.api import paging, schemas
from marketplace.api import second_chance as offers_api
from marketplace.api.security import require_viewer
from marketplace.bidding import second_chance
from marketplace.bidding.book import bid_id
from marketplace.errors import MarketplaceError, NotFound, NotUnsold, OfferBinds
from marketplace.models import Auction, AuctionFormat, AuctionStatus, OfferStatus, SecondChanceOffer
from marketplace.orders import service as orders
from marketplace.orders.states import Party

from . import forms, history
from .pages import blueprint, page
from .terms import DAYS

BIDS_A_PAGE = 50
#: Of an auction with more, those who bid last; the others can be blocked once they bid again.
BIDDERS_SHOWN = 200
ORDERS_SHOWN = 100
#: For how many hours a lot can be offered to the next bidder.
OFFER_HOURS = (24, 48, 72, 168)


@blueprint.get("/auctions/<id:auction_id>/manage")
def manage(
    auction_id: int, *, action: str = "", problem: MarketplaceError | None = None
) -> ResponseReturnValue:
    """An auction as its seller sees it; with the action that was refused, if one was."""
    seller = require_viewer()
    found = _own(auction_id)
    snapshot = api.snapshot(auction_id)
    before = request.args.get("before")
    bids, earlier = history.page_of(
        found, before=paging.decode(before, int, int) if before else None, viewer_id=None, limit=BIDS_A_PAGE
    )
    offers = [_offer(made, name) for made, name in second_chance.offers_of(auction_id)]
    offered = any(offer.state == OfferStatus.OPEN for offer in offers)
    unsold = not offered and _may_relist(found)
    return page(
        "manage.html",
        problem=problem,
        refused=action,
        sent=request.form,
        auction=snapshot,
        bids=bids,
        earlier=earlier,
        bidders=[
            (each, bid_id(found.id, *each.place)) for each in listings.bidders(found, limit=BIDDERS_SHOWN)
        ],
        blocked=listings.blocked_bidders(seller.id),
        orders=[
            orders_api.shown(view).json_ready()
            for view in orders.find(seller, Party.SELLER, auction_id=auction_id, limit=ORDERS_SHOWN)
        ],
        offers=offers,
        relisted_as=found.relisted_as,
        may_offer=unsold and found.format == AuctionFormat.ENGLISH and found.status == AuctionStatus.ENDED,
        may_relist=unsold,
        days=DAYS,
        hours=OFFER_HOURS,
    )


def _own(auction_id: int) -> Auction:
    """An auction of whoever asks.

    Raises:
        NotFound: there is no such auction of theirs; who else may see it plays no part.
    """
    seller = require_viewer()
    found = listings.get(auction_id, seller).auction
    if found.seller_id != seller.id:
        raise NotFound
    return found


def _may_relist(auction: Auction) -> bool:
    try:
        listings.check_unsold(auction)
    except (NotUnsold, OfferBinds):
        return False
    return auction.relisted_as is None


@dataclass(frozen=True, slots=True)
class Offer:
    """A second chance, as the seller sees it."""

    name: str
    price: int
    #: EXPIRED is one that nobody answered in time.
    state: str
    expires_at: datetime


def _offer(made: SecondChanceOffer, name: str) -> Offer:
    over = made.status == OfferStatus.OPEN and made.expires_at <= datetime.now(UTC)
    return Offer(name, made.price, "EXPIRED" if over else made.status, made.expires_at)


@blueprint.post("/auctions/<id:auction_id>/manage/<action>")
def take_action(auction_id: int, action: str) -> ResponseReturnValue:
    """Do something with an auction, as its seller."""
    _own(auction_id)
    if action not in ACTIONS:
        raise NotFound
    try:
        goes_on_at = ACTIONS[action](auction_id)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return manage(auction_id, action=action, problem=problem)
    return redirect(goes_on_at or url_for("web.manage", auction_id=auction_id), 303)


def _cancel(auction_id: int) -> None:
    api.cancel_auction(path=schemas.ItemPath(auction_id=auction_id))


def _discard(auction_id: int) -> str:
    api.discard_draft(path=schemas.ItemPath(auction_id=auction_id))
    return url_for("web.mine_list", which="selling")


def _cancel_bid(auction_id: int) -> None:
    body = forms.checked(schemas.BidCancellation, forms.fields("reason"))
    path = forms.checked(schemas.BidPath, {"bidId": request.form.get("bid", "")})
    if api.bid_place(path.bid_id)[0] != auction_id:
        raise NotFound
    bids_api.cancel_bid(path=path, body=body)


def _block(auction_id: int) -> None:
    given = {
        "bidId": request.form.get("bid", ""),
        "reason": request.form.get("reason", ""),
        "cancelBids": "cancelBids" in request.form,
    }
    body = forms.checked(schemas.Blocking, given)
    api.block_bidder(path=schemas.ItemPath(auction_id=auction_id), body=body)


def _unblock(_auction_id: int) -> None:
    api.unblock_bidder(
        body=forms.checked(schemas.Unblocking, {"bidderId": forms.whole(request.form.get("bidder", ""))})
    )


def _make_offer(auction_id: int) -> None:
    body = forms.checked(schemas.OfferTerms, {"hours": forms.whole(request.form.get("hours", ""))})
    offers_api.offer(path=schemas.ItemPath(auction_id=auction_id), body=body)


def _relist(auction_id: int) -> str:
    """The new draft is what the seller goes on with."""
    days = forms.whole(request.form.get("days", ""))
    ends_at = datetime.now(UTC) + timedelta(days=days) if days in DAYS else None
    body = forms.checked(schemas.Relisting, {"endsAt": ends_at})
    draft, _ = api.relist_auction(path=schemas.ItemPath(auction_id=auction_id), body=body)
    return url_for("web.auction", auction_id=draft["id"])


#: What the forms of the page do; each says where it goes on, unless here.
ACTIONS: dict[str, Callable[[int], str | None]] = {
    "cancel": _cancel,
    "discard": _discard,
    "cancel-bid": _cancel_bid,
    "block": _block,
    "unblock": _unblock,
    "offer": _make_offer,
    "relist": _relist,
}
