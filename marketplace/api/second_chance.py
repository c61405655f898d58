"""Second-chance offers, and what administrators should look at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_openapi import APIBlueprint, Tag

from marketplace import listings, suspicions
from marketplace.bidding import second_chance
from marketplace.errors import Forbidden
from marketplace.models import OfferStatus, SecondChanceOffer
from marketplace.orders import service as orders

from . import paging, schemas
from .security import require_viewer

blueprint = APIBlueprint("second_chance", __name__, url_prefix="/api", abp_tags=[Tag(name="After the sale")])


@blueprint.post("/auctions/<id:auction_id>/second-chance", responses={201: schemas.OfferView})
def offer(path: schemas.ItemPath, body: schemas.OfferTerms) -> tuple[dict[str, Any], int]:
    """Offer your lot, unsold or unpaid, to the next bidder at their last bid."""
    seller = require_viewer()
    orders.close_overdue_of(path.auction_id)
    made = second_chance.offer(path.auction_id, by=seller.id, lasts=timedelta(hours=body.hours))
    return _shown(made), 201


@blueprint.get("/second-chance", responses={200: schemas.OfferList})
def list_offers() -> dict[str, Any]:
    """The offers that you can accept."""
    items = [_shown(made) for made in second_chance.open_offers(require_viewer())]
    return {"items": items, "nextCursor": None}


@blueprint.post("/second-chance/<id:offer_id>/accept", responses={200: schemas.OfferView})
def accept(path: schemas.OfferPath) -> dict[str, Any]:
    """Take the lot at the price offered."""
    return _shown(second_chance.answer(path.offer_id, by=require_viewer().id, accept=True))


@blueprint.post("/second-chance/<id:offer_id>/decline", responses={200: schemas.OfferView})
def decline(path: schemas.OfferPath) -> dict[str, Any]:
    """Leave the lot."""
    return _shown(second_chance.answer(path.offer_id, by=require_viewer().id, accept=False))


@blueprint.get("/suspicions", responses={200: schemas.SuspicionPage})
def list_suspicions(query: schemas.SuspicionQuery) -> dict[str, Any]:
    """Patterns worth a look, the latest first; for administrators."""
    if not require_viewer().is_admin:
        raise Forbidden("Only an administrator may do this.")
    before = paging.decode(query.cursor, int)[0] if query.cursor else None
    found = suspicions.recorded(before=before, limit=query.limit + 1)
    page = found[: query.limit]
    cursor = paging.encode(page[-1].suspicion.id) if len(found) > query.limit else None
    items = [
        schemas.SuspicionView(
            kind=noticed.suspicion.kind,
            user=schemas.Person(id=noticed.suspicion.user_id, display_name=noticed.user_name),
            auction_id=noticed.suspicion.auction_id,
            detail=noticed.suspicion.detail,
            noticed_at=noticed.suspicion.noticed_at,
        )
        for noticed in page
    ]
    return schemas.SuspicionPage(items=items, next_cursor=cursor).json_ready()


def _shown(made: SecondChanceOffer) -> dict[str, Any]:
    auction = listings.get(made.auction_id, require_viewer()).auction
    return schemas.OfferView(
        id=made.id,
        auction_id=made.auction_id,
        title=auction.title,
        price=made.price,
        currency=auction.currency,
        status=OfferStatus(made.status),
        expires_at=made.expires_at,
    ).json_ready()
