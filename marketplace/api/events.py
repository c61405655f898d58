"""The feed for catching up."""

from __future__ import annotations

from typing import Any

from flask_openapi import APIBlueprint, Tag

from marketplace import listings

from . import schemas
from .security import viewer

blueprint = APIBlueprint("events", __name__, url_prefix="/api", abp_tags=[Tag(name="Events")])


@blueprint.get("/auctions/<id:auction_id>/events", responses={200: schemas.EventPage})
def list_events(path: schemas.ItemPath, query: schemas.EventQuery) -> dict[str, Any]:
    """The events after a `seq`, in order: what a client missed. `nextCursor` is the next `after`."""
    auction = listings.get(path.auction_id, viewer()).auction
    found = listings.events_after(auction.id, query.after, limit=query.limit + 1)
    page = found[: query.limit]
    return schemas.EventPage(
        items=[schemas.EventView(seq=event.seq, event=event.name, data=event.data) for event in page],
        next_cursor=str(page[-1].seq) if len(found) > query.limit else None,
    ).json_ready()
