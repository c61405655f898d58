"""Reservations: the items of Dutch auctions that you took, while they are held for you and afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_openapi import APIBlueprint, Tag

from marketplace.bidding import reservations, service
from marketplace.errors import NotFound
from marketplace.runtime import runtime

from . import paging, schemas
from .auctions import bid_place, reservation_shown
from .security import require_viewer

blueprint = APIBlueprint("reservations", __name__, url_prefix="/api", abp_tags=[Tag(name="Reservations")])


@blueprint.get("/reservations", responses={200: schemas.ReservationPage})
def list_reservations(query: schemas.ReservationQuery) -> dict[str, Any]:
    """Your reservations, the latest first."""
    buyer = require_viewer()
    before = paging.decode(query.cursor, datetime, int, int) if query.cursor else None

    def page() -> list[reservations.Mine]:
        return reservations.of(buyer, status=query.status, before=before, limit=query.limit + 1)

    found = page()
    if overdue := {mine.reservation.auction_id for mine in found if mine.overdue}:
        for auction_id in sorted(overdue):
            service.catch_up(auction_id)
        found = page()
    cursor = None
    if len(found) > query.limit:
        last = found[query.limit - 1].reservation
        cursor = paging.encode(last.created_at.isoformat(), last.auction_id, last.seq)
    items = [reservation_shown(mine) for mine in found[: query.limit]]
    return schemas.ReservationPage(items=items, next_cursor=cursor).json_ready()


@blueprint.get("/reservations/<reservation_id>", responses={200: schemas.ReservationView})
def get_reservation(path: schemas.ReservationPath) -> dict[str, Any]:
    """One of your reservations."""
    buyer = require_viewer()
    auction_id, seq = reservation_place(path.reservation_id)
    mine = reservations.get(auction_id, seq, buyer)
    if mine.overdue:
        # Whoever finds it late does the clock's work.
        service.catch_up(auction_id)
        mine = reservations.get(auction_id, seq, buyer)
    return reservation_shown(mine).json_ready()


@blueprint.delete("/reservations/<reservation_id>", responses={200: schemas.ReservationView})
def release_reservation(path: schemas.ReservationPath) -> dict[str, Any]:
    """Give an item back that is held for you. Once more changes nothing."""
    buyer = require_viewer()
    auction_id, seq = reservation_place(path.reservation_id)
    reservations.release(auction_id, seq, by=buyer.id)
    runtime().polls.forget(auction_id)
    return reservation_shown(reservations.get(auction_id, seq, buyer)).json_ready()


def reservation_place(text: str) -> tuple[int, int]:
    """The auction and the number of the bid that the public id of a reservation names.

    Raises:
        NotFound: there is no such reservation.
    """
    auction_id, (seq, part) = bid_place(text)
    if part:
        raise NotFound
    return auction_id, seq
