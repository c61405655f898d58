"""Sales: several lots of one seller that close by one plan."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from . import listings
from .errors import AlreadyPublished, Invalid, NotFound
from .extensions import db
from .models import Auction, AuctionStatus, Closing, Sale
from .transactions import lock, transaction

#: Lots in one sale. An extension may move all of them in one transaction.
MAX_LOTS = 500


def create(
    seller_id: int,
    *,
    title: str,
    closing: Closing,
    interval: timedelta,
    starts_at: datetime | None,
    ends_at: datetime,
) -> Sale:
    """A sale without lots; ``ends_at`` is when the first lot will end."""
    sale = Sale(
        seller_id=seller_id,
        title=title,
        closing=closing.value,
        interval=int(interval.total_seconds()),
        starts_at=starts_at,
        ends_at=ends_at,
    )
    with transaction():
        db.session.add(sale)
    return sale


def add_lot(sale_id: int, *, by: int, **terms: Any) -> Auction:
    """A further lot, as a draft; its times follow from the sale.

    Raises:
        NotFound: there is no such sale of this seller.
        AlreadyPublished: the sale has begun.
        Invalid: the terms do not fit together, or there are too many lots.
    """
    with transaction():
        sale = _own_sale(sale_id, by)
        number = _last_number(sale_id) + 1
        times = {"starts_at": sale.starts_at, "ends_at": _end_of(sale, number)}
        auction = listings.draft(by, **terms, **times)
        auction.sale_id, auction.lot_number = sale_id, number
        db.session.add(auction)
    return auction


def _last_number(sale_id: int) -> int:
    published = func.count().filter(Auction.status != AuctionStatus.DRAFT)
    query = select(func.max(Auction.lot_number), published)
    last, begun = db.session.execute(query.where(Auction.sale_id == sale_id)).one()
    last = last or 0
    if begun:
        raise AlreadyPublished("The sale is published; no lot can be added any more.")
    if last >= MAX_LOTS:
        raise Invalid(f"A sale has at most {MAX_LOTS} lots.")
    return last


def _end_of(sale: Sale, number: int) -> datetime:
    if sale.closing == Closing.TOGETHER:
        return sale.ends_at
    return sale.ends_at + timedelta(seconds=sale.interval) * (number - 1)


def get(sale_id: int) -> Sale:
    """A sale.

    Raises:
        NotFound: there is none.
    """
    sale = db.session.get(Sale, sale_id)
    if sale is None:
        raise NotFound
    return sale


def lot_ids(sale_id: int, *, by: int) -> list[int]:
    """The lots of one's own sale, in order.

    Raises:
        NotFound: there is no such sale of this seller.
    """
    _own_sale(sale_id, by)
    query = select(Auction.id).where(Auction.sale_id == sale_id).order_by(Auction.lot_number)
    return list(db.session.scalars(query))


def _own_sale(sale_id: int, seller_id: int) -> Sale:
    sale = lock(Sale, sale_id)
    if sale.seller_id != seller_id:
        raise NotFound
    return sale
