"""One's own pages: what one bids on, has won or lost, watches and sells."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from marketplace import mine
from marketplace.api import mine as api
from marketplace.api import orders as orders_api
from marketplace.api import schemas
from marketplace.api.reservations import list_reservations
from marketplace.api.security import require_viewer
from marketplace.models import ReservationStatus
from marketplace.orders import service as orders

from .forms import checked
from .offers import open_offers
from .pages import blueprint, page

LOTS_A_PAGE = 20
#: The lists, by what they are called in the address. The first has none: it is the page itself.
LISTS = {
    "bidding": api.list_bidding,
    "won": api.list_won,
    "lost": api.list_lost,
    "watching": api.list_watching,
    "selling": api.list_selling,
}


@blueprint.get("/me", endpoint="mine")
def own() -> ResponseReturnValue:
    """What one takes part in now: what is offered to one or held, and where one bids."""
    return _list("bidding")


@blueprint.get(f"/me/<any({', '.join(LISTS)}):which>")
def mine_list(which: str) -> ResponseReturnValue:
    """One of the lists."""
    return _list(which)


def _list(name: str) -> ResponseReturnValue:
    viewer = require_viewer()
    asked = {"limit": LOTS_A_PAGE, "cursor": request.args.get("cursor")}
    found = LISTS[name](query=checked(schemas.PageQuery, asked))
    lots = [lot["id"] for lot in found["items"]]
    bought = orders.bought_at(viewer, lots) if name == "won" else {}
    return page(
        "mine.html",
        current=name,
        held=_held() if name in {"bidding", "won"} else [],
        offers=open_offers() if name in {"bidding", "lost"} else [],
        leads=mine.leads(viewer, lots),
        orders={lot: orders_api.shown(view).json_ready() for lot, view in bought.items()},
        strikes=orders.strikes(viewer.id),
        **found,
    )


def _held() -> list[dict[str, Any]]:
    """What is held for the viewer, to be checked out."""
    query = schemas.ReservationQuery(status=ReservationStatus.HELD, limit=schemas.MAX_PAGE)
    items: list[dict[str, Any]] = list_reservations(query)["items"]
    return items
