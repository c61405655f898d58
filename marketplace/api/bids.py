"""Bids: placing them, and the log."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import Response, request
from flask_openapi import APIBlueprint, Tag

from marketplace import listings, prices, suspicions
from marketplace.accounts import Viewer
from marketplace.bidding import service
from marketplace.bidding.answers import Answer, BidRequest
from marketplace.bidding.book import bid_id
from marketplace.errors import Invalid, Malformed, OtherAccount
from marketplace.models import Auction, AuctionFormat
from marketplace.realtime.channels import valid_socket_id
from marketplace.realtime.events import to_json
from marketplace.runtime import runtime

from . import paging, schemas
from .auctions import answer_with, bid_place, caching
from .errors import marketplace_problem
from .security import require_viewer, viewer

blueprint = APIBlueprint("bids", __name__, url_prefix="/api", abp_tags=[Tag(name="Bids")])

#: Visible ASCII, up to 200: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@blueprint.post("/auctions/<id:auction_id>/bids", responses={201: schemas.BidAnswer})
def place_bid(path: schemas.ItemPath, body: schemas.BidIn) -> Response:
    """Place a bid; in a Dutch auction, take an item at the price now, which is not above your `amount`.

    Send an `Idempotency-Key` header with a value of your own, and send it again with the same body if you do
    not hear back: the same key gets the same answer, for at least a day, with `Idempotent-Replayed: true`.

    With the id of your own connection to Channels in an `X-Socket-Id` header, that connection is not sent the
    `item:sold` that you caused. With the id of the user you take yourself for in `X-User-Id`, nothing is
    placed for anybody else (409 `other_account`), should another tab have logged in as somebody else.
    """
    bidder = require_viewer()
    if request.headers.get("X-User-Id", str(bidder.id)) != str(bidder.id):
        raise OtherAccount
    suspicions.note_address(bidder.id, request.remote_addr)
    answer = runtime().desk.place(
        BidRequest(
            auction_id=path.auction_id,
            bidder_id=bidder.id,
            bidder_name=bidder.display_name,
            amount=body.amount,
            maximum=body.max_amount,
            idempotency_key=checked_key(request.headers.get("Idempotency-Key")),
            socket_id=_socket_id(),
        )
    )
    return _told(answer)


@blueprint.get("/auctions/<id:auction_id>/bids", responses={200: schemas.BidPage})
def list_bids(path: schemas.ItemPath, query: schemas.BidQuery) -> dict[str, Any]:
    """The bids of an auction: newest first, or from `since` or `position` on oldest first."""
    reader = viewer()
    auction = listings.get(path.auction_id, reader).auction
    if query.position is not None:
        past = listings.bids_from(auction, query.position, limit=query.limit)
        total = listings.count_bids(auction) if query.count else None
        items = [_shown(each, auction, reader) for each in past]
        return schemas.BidPage(items=items, next_cursor=None, total=total).json_ready()
    since, since_time = _since(query.since)
    before = None if query.before is None else (query.before, 0)
    if query.cursor:
        position = paging.decode(query.cursor, int, int)
        if query.since is None:
            before = position
        else:
            since, since_time = position, None
    found = listings.bids(auction, since=since, since_time=since_time, before=before, limit=query.limit + 1)
    page = found[: query.limit]
    cursor = paging.encode(page[-1].bid.seq, page[-1].bid.part) if len(found) > query.limit else None
    items = [_shown(past, auction, reader) for past in page]
    return schemas.BidPage(items=items, next_cursor=cursor).json_ready()


@blueprint.get("/auctions/<id:auction_id>/prices", responses={200: schemas.PriceHistory, 304: None})
def list_prices(path: schemas.ItemPath) -> Response:
    """How the price went, in at most 500 points: for a chart. Send the `ETag` back as `If-None-Match`."""
    auction = listings.get(path.auction_id, viewer()).auction
    # Prices change with events only: who has those up to this one need not have the log read again.
    etag = f"prices-{auction.seq}"
    # Weak, too: what it is behind a proxy that compresses.
    if request.if_none_match.contains_weak(etag):
        answer = Response(status=304)
    else:
        points = [
            schemas.PricePoint(at=point.at, price=point.price) for point in prices.of_auction(auction.id)
        ]
        found = schemas.PriceHistory(
            auction_id=auction.id, seq=auction.seq, currency=auction.currency, points=points
        )
        answer = Response(to_json(found.json_ready()), mimetype="application/json")
    answer.set_etag(etag)
    answer.headers["Cache-Control"] = caching(auction)
    return answer


@blueprint.get("/bids/<bid_id>", responses={200: schemas.BidView})
def get_bid(path: schemas.BidPath) -> dict[str, Any]:
    """One bid."""
    auction_id, place = bid_place(path.bid_id)
    reader = viewer()
    auction = listings.get(auction_id, reader).auction
    return _shown(listings.bid(auction, place), auction, reader).json_ready()


@blueprint.delete("/bids/<bid_id>", responses={200: schemas.AuctionView})
def retract_bid(path: schemas.BidPath, body: schemas.Retraction) -> dict[str, Any]:
    """Retract a bid: within 30 seconds freely, later with a reason and as the rules of the sale allow."""
    bidder = require_viewer()
    auction_id, place = _seen_place(path.bid_id, bidder)
    service.retract(place, auction_id, by=bidder.id, reason=body.reason)
    return answer_with(auction_id)


@blueprint.post("/bids/<bid_id>/cancel", responses={200: schemas.AuctionView})
def cancel_bid(path: schemas.BidPath, body: schemas.BidCancellation) -> dict[str, Any]:
    """Cancel somebody's bid on your auction, with a reason."""
    seller = require_viewer()
    auction_id, place = _seen_place(path.bid_id, seller)
    service.cancel_bid(place, auction_id, by=seller.id, reason=body.reason)
    return answer_with(auction_id)


@blueprint.post("/auctions/<id:auction_id>/buy-now", responses={201: schemas.Purchase})
def buy_now(path: schemas.ItemPath) -> tuple[dict[str, Any], int]:
    """Buy the lot at its buy-now price; this ends the auction."""
    buyer = require_viewer()
    sold = service.buy_now(path.auction_id, buyer_id=buyer.id, buyer_name=buyer.display_name)
    runtime().polls.forget(path.auction_id)
    return sold, 201


def _seen_place(bid_id: str, user: Viewer) -> tuple[int, listings.Place]:
    """The auction and place of a bid, for whoever may see it; asked before the auction is locked."""
    auction_id, place = bid_place(bid_id)
    runtime().doorkeeper.check(auction_id, user)
    return auction_id, place


def checked_key(key: str | None) -> str | None:
    """A bidder's own key of a bid, if it is one; from whatever form the bid came in.

    Raises:
        Malformed: it is none.
    """
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Malformed("Idempotency-Key must be 1 to 200 visible ASCII characters.")
    return key


def _socket_id() -> str | None:
    socket_id = request.headers.get("X-Socket-Id")
    if socket_id is not None and not valid_socket_id(socket_id):
        raise Malformed("X-Socket-Id must be the id of a connection, such as 1234.5678; or leave it out.")
    return socket_id


def _told(answer: Answer) -> Response:
    if answer.refusal is not None:
        told = marketplace_problem(answer.refusal)
    else:
        told = Response(to_json(answer.accepted), 201, content_type="application/json")
    if answer.replayed:
        told.headers["Idempotent-Replayed"] = "true"
    return told


def _since(text: str | None) -> tuple[listings.Place | None, datetime | None]:
    if text is None:
        return None, None
    if text.isascii() and text.isdigit() and len(text) <= 18:
        # Everything under that number is known to whoever names it.
        return (int(text), listings.MAX_PART), None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is None or not 2000 <= moment.year <= 2200:
            raise ValueError
    except ValueError:
        message = "must be a seq, or an ISO 8601 time with its zone"
        raise Invalid(
            "Some fields are not acceptable; see errors.", errors=[{"field": "since", "message": message}]
        ) from None
    return None, moment


def _shown(past: listings.PastBid, auction: Auction, reader: Viewer | None) -> schemas.BidView:
    bid = past.bid
    refers_to = None
    if bid.refers_to_seq is not None:
        refers_to = bid_id(bid.auction_id, bid.refers_to_seq, bid.refers_to_part or 0)
    # The hashes commit to secrets, and show that something was logged that is not shown: not before the end.
    over = listings.is_over(auction)
    # Who buys is between the two of them; who leads is everybody's business.
    concerned = reader is not None and reader.id in {bid.bidder_id, auction.seller_id}
    named = concerned or auction.format != AuctionFormat.DUTCH
    return schemas.BidView(
        bid_id=bid_id(bid.auction_id, bid.seq, bid.part),
        auction_id=bid.auction_id,
        seq=bid.seq,
        kind=bid.kind,
        amount=bid.amount,
        currency=auction.currency,
        bidder_name=past.bidder_name if named else None,
        mine=reader is not None and reader.id == bid.bidder_id,
        placed_at=bid.placed_at,
        withdrawn=past.withdrawn,
        refers_to=refers_to,
        reason=bid.reason,
        hash=bid.hash.hex() if over else None,
        previous_hash=bid.previous_hash.hex() if over and bid.previous_hash else None,
    )
