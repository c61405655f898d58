"""Bids: placing them, and the log."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import Response, request
from flask_openapi import APIBlueprint, Tag

from marketplace import listings
from marketplace.bidding.answers import Answer, BidRequest
from marketplace.bidding.book import bid_id
from marketplace.errors import Invalid, Malformed, NotFound
from marketplace.models import Auction
from marketplace.realtime.events import to_json
from marketplace.runtime import runtime

from . import paging, schemas
from .errors import marketplace_problem
from .security import require_viewer, viewer

blueprint = APIBlueprint("bids", __name__, url_prefix="/api", abp_tags=[Tag(name="Bids")])

#: Visible ASCII, up to 200: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_BID_ID = re.compile(r"([1-9][0-9]{0,17})-([1-9][0-9]{0,17})")


@blueprint.post("/auctions/<id:auction_id>/bids", responses={201: schemas.BidAnswer})
def place_bid(path: schemas.ItemPath, body: schemas.BidIn) -> Response:
    """Place a bid.

    Send an `Idempotency-Key` header with a value of your own, and send it again with the same body if you do
    not hear back: the same key gets the same answer, for at least a day, with `Idempotent-Replayed: true`.
    """
    bidder = require_viewer()
    answer = runtime().desk.place(
        BidRequest(
            auction_id=path.auction_id,
            bidder_id=bidder.id,
            bidder_name=bidder.display_name,
            amount=body.amount,
            idempotency_key=_idempotency_key(),
        )
    )
    return _told(answer)


@blueprint.get("/auctions/<id:auction_id>/bids", responses={200: schemas.BidPage})
def list_bids(path: schemas.ItemPath, query: schemas.BidQuery) -> dict[str, Any]:
    """The bids of an auction: newest first, or from `since` on oldest first."""
    auction = listings.get(path.auction_id, viewer()).auction
    since_seq, since_time = _since(query.since)
    before = query.before
    if query.cursor:
        [position] = paging.decode(query.cursor, int)
        if query.since is None:
            before = position
        else:
            since_seq, since_time = position, None
    found = listings.bids(
        auction.id, since_seq=since_seq, since_time=since_time, before=before, limit=query.limit + 1
    )
    page = found[: query.limit]
    cursor = paging.encode(page[-1].bid.seq) if len(found) > query.limit else None
    return schemas.BidPage(items=[_shown(past, auction) for past in page], next_cursor=cursor).json_ready()


@blueprint.get("/bids/<bid_id>", responses={200: schemas.BidView})
def get_bid(path: schemas.BidPath) -> dict[str, Any]:
    """One bid."""
    match = _BID_ID.fullmatch(path.bid_id)
    if match is None:
        raise NotFound
    auction = listings.get(int(match[1]), viewer()).auction
    return _shown(listings.bid(auction.id, int(match[2])), auction).json_ready()


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Malformed("Idempotency-Key must be 1 to 200 visible ASCII characters.")
    return key


def _told(answer: Answer) -> Response:
    if answer.refusal is not None:
        told = marketplace_problem(answer.refusal)
    else:
        told = Response(to_json(answer.accepted), 201, content_type="application/json")
    if answer.replayed:
        told.headers["Idempotent-Replayed"] = "true"
    return told


def _since(text: str | None) -> tuple[int | None, datetime | None]:
    if text is None:
        return None, None
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text), None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is None:
            raise ValueError
    except ValueError:
        message = "must be a seq, or an ISO 8601 time with its zone"
        raise Invalid(
            "Some fields are not acceptable; see errors.", errors=[{"field": "since", "message": message}]
        ) from None
    return None, moment


def _shown(past: listings.PastBid, auction: Auction) -> schemas.BidView:
    bid = past.bid
    return schemas.BidView(
        bid_id=bid_id(bid.auction_id, bid.seq),
        auction_id=bid.auction_id,
        seq=bid.seq,
        amount=bid.amount,
        currency=auction.currency,
        bidder_name=past.bidder_name,
        placed_at=bid.placed_at,
        hash=bid.hash.hex(),
        previous_hash=bid.previous_hash.hex() if bid.previous_hash else None,
    )
