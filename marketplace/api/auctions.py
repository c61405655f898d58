"""Auctions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Response, request
from flask_openapi import APIBlueprint, Tag

from marketplace import browsing, listings, sales, suspicions, watching
from marketplace.bidding import reservations, service
from marketplace.bidding.book import bid_id
from marketplace.bidding.rows import dutch_standing_of, standing_of
from marketplace.errors import Forbidden, Invalid, NotFound
from marketplace.increments import PRESETS
from marketplace.models import Auction, AuctionFormat, AuctionStatus, Outcome, ReservationStatus, SnipePolicy
from marketplace.orders import service as orders
from marketplace.pictures.gallery import file_name
from marketplace.realtime.events import to_json
from marketplace.runtime import runtime

from . import paging, schemas
from .security import limit_creations, require_viewer, viewer

_BID_ID = re.compile(r"([1-9][0-9]{0,17})-([1-9][0-9]{0,17})(?:\.([1-9][0-9]{0,8}))?")
#: Statuses before bidding, in which a buy-now price is shown though nobody can use it yet.
_BEFORE = frozenset({AuctionStatus.DRAFT, AuctionStatus.SCHEDULED})

blueprint = APIBlueprint("auctions", __name__, url_prefix="/api", abp_tags=[Tag(name="Auctions")])


@blueprint.get("/auctions", responses={200: schemas.AuctionPage})
def list_auctions(query: schemas.AuctionQuery) -> dict[str, Any]:
    """Auctions you may see. Pages neither repeat nor skip one, whatever happens to it meanwhile.

    They are sorted by how things stood when the first page was read. A price, or a number of bids, that is to
    sort by, and relevance, are looked for among the 5,000 newest auctions that match; see `category` and the
    other filters to have fewer. Drafts of your own have no words yet.
    """
    sort = query.sort or (browsing.Sort.RELEVANCE if query.q else browsing.Sort.ENDING)
    filters = browsing.Filters(
        words=query.q,
        category=query.category,
        format=query.format,
        statuses=_statuses(query.status),
        currency=query.currency,
        min_price=query.min_price,
        max_price=query.max_price,
        ending_within=timedelta(seconds=query.ending_within) if query.ending_within else None,
        seller_id=query.seller_id,
        tenant_id=query.tenant_id,
    )
    after = _position(query.cursor, sort) if query.cursor else None
    page = browsing.find(viewer(), filters, sort=sort, after=after, limit=query.limit)
    return shown_page(page.views, _cursor(page.end, sort) if page.end else None)


def _cursor(end: browsing.Position, sort: browsing.Sort) -> str:
    key = end.key.isoformat() if isinstance(end.key, datetime) else end.key
    return paging.encode(str(sort), end.as_of.isoformat(), key, end.auction_id)


def _position(cursor: str, sort: browsing.Sort) -> browsing.Position:
    kind = datetime if sort == browsing.Sort.ENDING else int
    begun_as, *position = paging.decode(cursor, str, datetime, kind, int)
    if begun_as != sort:
        problem = {"field": "cursor", "message": "is of a list in another order; start again without one"}
        raise Invalid("Some fields are not acceptable; see errors.", errors=[problem])
    return browsing.Position(*position)


def shown_page(views: Sequence[listings.View], cursor: str | None) -> dict[str, Any]:
    """A page of auctions, each after every step that is due."""
    items = [shown(current(view)) for view in views]
    return schemas.AuctionPage(items=items, next_cursor=cursor).json_ready()


@blueprint.get("/increment-tables", responses={200: schemas.IncrementPresetList})
def list_increment_tables() -> dict[str, Any]:
    """Tables of increments from the trade, with their sources, to be used as `incrementTable`."""
    items = [
        schemas.IncrementPreset(name=each.name, source=each.source, rows=[list(row) for row in each.rows])
        for each in PRESETS
    ]
    return schemas.IncrementPresetList(items=items).json_ready()


@blueprint.post("/auctions", responses={201: schemas.AuctionView})
@limit_creations
def create_auction(body: schemas.AuctionTerms) -> tuple[dict[str, Any], int]:
    """A new auction, as a draft that only you see until you publish it."""
    seller = require_viewer()
    # What is absent is as the table has it by default: terms of the other format are not even set.
    auction = listings.create(seller.id, **body.model_dump(exclude_unset=True))
    return shown(listings.get(auction.id, seller)).json_ready(), 201


@blueprint.get("/auctions/<id:auction_id>", responses={200: schemas.AuctionView, 304: None})
def get_auction(path: schemas.ItemPath) -> Response:
    """The snapshot of an auction. Send its `ETag` back as `If-None-Match` to poll cheaply."""
    view = current(listings.get(path.auction_id, viewer()))
    body = to_json(shown(view).json_ready())
    answer = Response(body, mimetype="application/json")
    answer.set_etag(hashlib.sha256(body.encode()).hexdigest()[:24])
    answer.headers["Cache-Control"] = caching(view.auction)
    if is_public(view.auction):
        runtime().polls.remember(path.auction_id, answer.headers["ETag"])
    answer.make_conditional(request)
    return answer


@blueprint.patch("/auctions/<id:auction_id>", responses={200: schemas.AuctionView})
def edit_auction(path: schemas.ItemPath, body: schemas.AuctionChanges) -> dict[str, Any]:
    """Change a draft."""
    seller = require_viewer()
    listings.edit(path.auction_id, by=seller.id, **body.model_dump(exclude_unset=True))
    return answer_with(path.auction_id)


@blueprint.delete("/auctions/<id:auction_id>", responses={204: None})
def discard_draft(path: schemas.ItemPath) -> tuple[str, int]:
    """Discard a draft, with its pictures. A lot leaves its sale."""
    user = require_viewer()
    sales.discard(path.auction_id, by=user.id, is_admin=user.is_admin)
    return "", 204


@blueprint.post("/auctions/<id:auction_id>/publish", responses={200: schemas.AuctionView})
def publish_auction(path: schemas.ItemPath) -> dict[str, Any]:
    """Put a draft up for sale."""
    seller = require_viewer()
    suspicions.note_address(seller.id, request.remote_addr)
    service.publish(path.auction_id, by=seller.id)
    return answer_with(path.auction_id)


@blueprint.post("/auctions/<id:auction_id>/cancel", responses={200: schemas.AuctionView})
def cancel_auction(path: schemas.ItemPath) -> dict[str, Any]:
    """Call an auction off, after it was published and before its first bid."""
    user = require_viewer()
    service.cancel(path.auction_id, by=user.id, is_admin=user.is_admin)
    return answer_with(path.auction_id)


@blueprint.post("/auctions/<id:auction_id>/end", responses={200: schemas.AuctionView})
def end_auction(path: schemas.ItemPath) -> dict[str, Any]:
    """End a running auction now, with the winner it has now; for administrators."""
    _require_admin(path.auction_id)
    service.end(path.auction_id)
    return answer_with(path.auction_id)


@blueprint.post("/auctions/<id:auction_id>/status", responses={200: schemas.AuctionView})
def change_status(path: schemas.ItemPath, body: schemas.StatusChange) -> dict[str, Any]:
    """The same three under one address: SCHEDULED or RUNNING publishes, CANCELLED cancels, ENDED ends."""
    user = require_viewer()
    match body.status:
        case "CANCELLED":
            service.cancel(path.auction_id, by=user.id, is_admin=user.is_admin)
        case "ENDED":
            _require_admin(path.auction_id)
            service.end(path.auction_id)
        case _:
            service.publish(path.auction_id, by=user.id)
    return answer_with(path.auction_id)


@blueprint.post("/auctions/<id:auction_id>/relist", responses={201: schemas.AuctionView})
@limit_creations
def relist_auction(path: schemas.ItemPath, body: schemas.Relisting) -> tuple[dict[str, Any], int]:
    """A new draft with the terms of a lot that was not sold or paid for; Dutch: for the items left."""
    seller = require_viewer()
    orders.close_overdue_of(path.auction_id)
    auction = listings.relist(path.auction_id, by=seller.id, ends_at=body.ends_at)
    return shown(listings.get(auction.id, seller)).json_ready(), 201


@blueprint.post("/auctions/<id:auction_id>/blocked", responses={200: schemas.AuctionView})
def block_bidder(path: schemas.ItemPath, body: schemas.Blocking) -> dict[str, Any]:
    """Take no more bids, on any of your auctions, from whoever placed a bid on this one."""
    auction_id, place = bid_place(body.bid_id)
    if auction_id != path.auction_id:
        raise NotFound
    service.block_bidder(
        place, auction_id, by=require_viewer().id, reason=body.reason, cancel_bids=body.cancel_bids
    )
    return answer_with(auction_id)


@blueprint.get("/blocked", responses={200: schemas.BlockedList})
def list_blocked() -> dict[str, Any]:
    """Whose bids you do not take."""
    return schemas.BlockedList(
        items=[
            schemas.Blocked(
                bidder=schemas.Person(id=blocked.bidder_id, display_name=name),
                reason=blocked.reason,
                blocked_at=blocked.created_at,
            )
            for blocked, name in listings.blocked_bidders(require_viewer().id)
        ]
    ).json_ready()


@blueprint.delete("/blocked", responses={204: None})
def unblock_bidder(body: schemas.Unblocking) -> tuple[str, int]:
    """Take somebody's bids again."""
    listings.unblock_bidder(require_viewer().id, body.bidder_id)
    return "", 204


@blueprint.get("/auctions/<id:auction_id>/me", responses={200: schemas.AboutMe})
def about_me(path: schemas.ItemPath) -> dict[str, Any]:
    """What concerns you about an auction."""
    user = require_viewer()
    auction = current(listings.get(path.auction_id, user)).auction
    is_seller, blocked = auction.seller_id == user.id, listings.is_blocked(auction, user.id)
    watches = watching.is_watched(auction.id, user)
    if auction.format == AuctionFormat.DUTCH:
        mine = reservations.of(user, auction_id=auction.id, limit=schemas.MAX_PAGE)
        return schemas.AboutMeInDutch(
            is_seller=is_seller,
            blocked=blocked,
            watching=watches,
            may_take=0 if is_seller or blocked else reservations.may_take(auction, user.id),
            reservations=[reservation_shown(each) for each in mine],
        ).json_ready()
    return schemas.AboutMeInEnglish(
        you_lead=auction.leader_id == user.id,
        your_max_amount=auction.leader_strength if auction.leader_id == user.id else None,
        has_bid=listings.has_standing_bid(auction.id, user.id),
        is_seller=is_seller,
        blocked=blocked,
        watching=watches,
        reserve_price=auction.reserve_price if is_seller else None,
    ).json_ready()


def reservation_shown(mine: reservations.Mine) -> schemas.ReservationView:
    held = mine.reservation
    return schemas.ReservationView(
        reservation_id=bid_id(held.auction_id, held.seq, 0),
        auction_id=held.auction_id,
        title=mine.title,
        price=held.price,
        currency=mine.currency,
        status=ReservationStatus(held.status),
        expires_at=held.expires_at,
        created_at=held.created_at,
        settled_at=held.settled_at,
    )


def snapshot(auction_id: int) -> dict[str, Any]:
    """The auction as the API shows it, after every step that is due.

    Raises:
        NotFound: there is none that whoever asks may see.
    """
    return shown(current(listings.get(auction_id, viewer()))).json_ready()


def _require_admin(auction_id: int) -> None:
    user = require_viewer()
    listings.get(auction_id, user)
    if not user.is_admin:
        raise Forbidden("Only an administrator may do this.")


def bid_place(text: str) -> tuple[int, listings.Place]:
    """The auction that the public id of a bid names, and the bid's place in its log.

    Raises:
        NotFound: there is no such bid.
    """
    match = _BID_ID.fullmatch(text)
    if match is None:
        raise NotFound
    return int(match[1]), (int(match[2]), int(match[3] or 0))


def answer_with(auction_id: int) -> dict[str, Any]:
    runtime().polls.forget(auction_id)
    return snapshot(auction_id)


def is_public(auction: Auction) -> bool:
    """Whether everybody may see it."""
    return auction.tenant_id is None and auction.status != AuctionStatus.DRAFT


def caching(auction: Auction) -> str:
    """Who may keep what is told of an auction, to be asked about each time it is used."""
    return "no-cache" if is_public(auction) else "private, no-cache"


def current(view: listings.View) -> listings.View:
    """The auction after every step that is due: whoever finds it late does the clock's work."""
    if not view.overdue:
        return view
    service.catch_up(view.auction.id)
    return listings.get(view.auction.id, viewer())


def _statuses(text: str | None) -> list[str]:
    wanted = text.split(",") if text else []
    if not set(wanted) <= set(AuctionStatus):
        raise Invalid(
            "Some fields are not acceptable; see errors.",
            errors=[{"field": "status", "message": "must be one or more of " + ", ".join(AuctionStatus)}],
        )
    return wanted


def shown(view: listings.View) -> schemas.AuctionView:
    is_dutch = view.auction.format == AuctionFormat.DUTCH
    return schemas.AuctionView(_shown_dutch(view) if is_dutch else _shown_english(view))


def _shown_anyway(view: listings.View) -> dict[str, Any]:
    auction = view.auction
    return {
        "id": auction.id,
        "tenant_id": auction.tenant_id,
        "sale_id": auction.sale_id,
        "lot_number": auction.lot_number,
        "category": auction.category,
        "status": AuctionStatus(auction.status),
        "outcome": Outcome(auction.outcome) if auction.outcome else None,
        "title": auction.title,
        "description": auction.description,
        "currency": auction.currency,
        "seller": schemas.Person(id=auction.seller_id, display_name=view.seller_name),
        "starts_at": auction.starts_at,
        "ends_at": auction.ends_at,
        "starting_price": auction.starting_price,
        "premium_rate": auction.premium_rate,
        "tax_rate": auction.tax_rate,
        "payment_days": auction.payment_days,
        "bid_count": auction.bid_count,
        "seq": auction.seq,
        "active_viewers": view.active_viewers,
        "pictures": [picture_shown(picture) for picture in view.pictures],
    }


def _shown_dutch(view: listings.View) -> schemas.DutchAuction:
    auction = view.auction
    standing = dutch_standing_of(auction, view.now)
    price = standing.price_at(view.now)
    # A draft that shall start when it is published has no moment yet at which its price drops.
    next_drop_at = price.next_drop_at if auction.starts_at else None
    return schemas.DutchAuction(
        **_shown_anyway(view),
        floor_price=standing.terms.floor,
        drop_amount=standing.terms.drop_amount,
        drop_every=int(standing.terms.drop_every.total_seconds()),
        current_price=price.amount,
        drops_remaining=price.drops_remaining,
        next_drop_at=next_drop_at,
        quantity=auction.quantity,
        remaining_items=standing.free,
        held_items=auction.held,
        sold_items=auction.sold,
        hold_seconds=auction.hold_seconds,
        per_buyer=auction.per_buyer,
    )


def _shown_english(view: listings.View) -> schemas.EnglishAuction:
    auction = view.auction
    standing = standing_of(auction)
    return schemas.EnglishAuction(
        **_shown_anyway(view),
        min_increment=auction.min_increment,
        increment_table=auction.increment_table,
        reserve_met=standing.reserve_met,
        buy_now_price=auction.buy_now_price if standing.buy_now_open or auction.status in _BEFORE else None,
        buy_now_share=auction.buy_now_share,
        anti_snipe=SnipePolicy(auction.anti_snipe),
        max_extensions=auction.max_extensions,
        max_extension_total=auction.max_extension_total,
        sudden_death=auction.sudden_death,
        extension_window=auction.extension_window,
        extension=auction.extension,
        extension_count=auction.extension_count,
        current_bid=auction.current_bid,
        minimum_next_bid=standing.minimum_next_bid,
        bidder_name=view.leader_name,
    )


def picture_shown(picture: listings.ShownPicture) -> schemas.PictureView:
    return schemas.PictureView(
        id=picture.id,
        alt=picture.alt,
        width=picture.width,
        height=picture.height,
        sizes=[
            schemas.PictureSize(width=width, url=f"/media/{file_name(picture.image_hash, width)}")
            for width in picture.widths
        ],
        placeholder=picture.placeholder,
    )
