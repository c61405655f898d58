"""What is yours: the auctions that you bid on, have won or lost, sell, or watch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask_openapi import APIBlueprint, Tag

from marketplace import listings, mine, watching

from . import paging, schemas
from .auctions import shown_page
from .security import require_viewer

blueprint = APIBlueprint("mine", __name__, url_prefix="/api", abp_tags=[Tag(name="Mine")])


@blueprint.get("/mine/bidding", responses={200: schemas.AuctionPage})
def list_bidding(query: schemas.PageQuery) -> dict[str, Any]:
    """Running English auctions in which a bid of yours stands, the newest first."""
    return _page(mine.bidding, query)


@blueprint.get("/mine/won", responses={200: schemas.AuctionPage})
def list_won(query: schemas.PageQuery) -> dict[str, Any]:
    """Auctions that you have won, and Dutch ones that you have an item of, the newest first."""
    return _page(mine.won, query)


@blueprint.get("/mine/lost", responses={200: schemas.AuctionPage})
def list_lost(query: schemas.PageQuery) -> dict[str, Any]:
    """Auctions that have ended without making you the buyer, though a bid of yours stands there."""
    return _page(mine.lost, query)


@blueprint.get("/mine/selling", responses={200: schemas.AuctionPage})
def list_selling(query: schemas.PageQuery) -> dict[str, Any]:
    """What you sell, drafts too, the newest first."""
    return _page(mine.selling, query)


def _page(find: Callable[..., list[listings.View]], query: schemas.PageQuery) -> dict[str, Any]:
    before = paging.decode(query.cursor, int)[0] if query.cursor else None
    found = find(require_viewer(), before=before, limit=query.limit + 1)
    page = found[: query.limit]
    cursor = paging.encode(page[-1].auction.id) if len(found) > query.limit else None
    return shown_page(page, cursor)


@blueprint.get("/watching", responses={200: schemas.AuctionPage})
def list_watching(query: schemas.PageQuery) -> dict[str, Any]:
    """What you watch, the latest that you added first."""
    before: Any = paging.decode(query.cursor, datetime, int) if query.cursor else None
    found = watching.watched(require_viewer(), before=before, limit=query.limit + 1)
    page = found[: query.limit]
    cursor = None
    if len(found) > query.limit:
        last, since = page[-1]
        cursor = paging.encode(since.isoformat(), last.auction.id)
    return shown_page([view for view, _ in page], cursor)


@blueprint.put("/auctions/<id:auction_id>/watch", responses={204: None})
def watch(path: schemas.ItemPath) -> tuple[str, int]:
    """Keep an eye on an auction. Once more changes nothing."""
    watching.watch(path.auction_id, require_viewer())
    return "", 204


@blueprint.delete("/auctions/<id:auction_id>/watch", responses={204: None})
def unwatch(path: schemas.ItemPath) -> tuple[str, int]:
    """Look away. From what you do not watch, that changes nothing."""
    watching.unwatch(path.auction_id, require_viewer())
    return "", 204
