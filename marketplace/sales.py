"""Sales: several lots of one seller that close by one plan."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from . import listings
from .accounts import Viewer
from .errors import AlreadyPublished, Invalid, NotFound
from .extensions import db
from .models import Auction, AuctionFormat, AuctionStatus, Closing, Sale
from .tenants import require_membership
from .transactions import lock, transaction

#: Lots in one sale. An extension may move all of them in one transaction.
MAX_LOTS = 500


def create(
    seller_id: int,
    *,
    tenant_id: int | None,
    title: str,
    closing: Closing,
    interval: timedelta,
    starts_at: datetime | None,
    ends_at: datetime,
    premium_rate: int = 0,
    tax_rate: int = 0,
    payment_days: int = 7,
) -> Sale:
    """A sale without lots; ``ends_at`` is when the first lot will end; rates are in basis points.

    Raises:
        NotFound: there is no such tenant for this seller.
    """
    if tenant_id is not None:
        require_membership(tenant_id, seller_id)
    sale = Sale(
        seller_id=seller_id,
        tenant_id=tenant_id,
        title=title,
        closing=closing.value,
        interval=int(interval.total_seconds()),
        starts_at=starts_at,
        ends_at=ends_at,
        premium_rate=premium_rate,
        tax_rate=tax_rate,
        payment_days=payment_days,
    )
    with transaction():
        db.session.add(sale)
    return sale


def add_lot(sale_id: int, *, by: int, **terms: Any) -> Auction:
    """A further lot, as a draft; its times and fees follow from the sale.

    Raises:
        NotFound: there is no such sale of this seller.
        AlreadyPublished: the sale has begun.
        Invalid: the terms do not fit together, it is a Dutch auction, or there are too many lots.
    """
    with transaction():
        sale = _own_sale(sale_id, by)
        if terms.get("format", AuctionFormat.ENGLISH) != AuctionFormat.ENGLISH:
            # An extension of one lot moves the others: what that means for a falling price, nobody knows.
            problem = {"field": "format", "message": "must be ENGLISH: a Dutch auction is no lot of a sale"}
            raise Invalid("Some fields are not acceptable; see errors.", errors=[problem])
        number = _last_number(sale_id) + 1
        inherited = {name: getattr(sale, name) for name in listings.FROM_SALE}
        inherited["ends_at"] = _end_of(sale, number)
        auction = listings.draft(by, tenant_id=sale.tenant_id, **terms, **inherited)
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


def get(sale_id: int, viewer: Viewer | None) -> Sale:
    """A sale, if this viewer may see its lots.

    Raises:
        NotFound: there is none, it is for members and the viewer is none, or it is not published.
    """
    sale = db.session.get(Sale, sale_id)
    if sale is None:
        raise NotFound
    if sale.tenant_id is not None:
        if viewer is None:
            raise NotFound
        if not viewer.is_admin and viewer.id != sale.seller_id:
            require_membership(sale.tenant_id, viewer.id)
    if not _is_published(sale_id) and (viewer is None or viewer.id != sale.seller_id):
        raise NotFound
    return sale


def _is_published(sale_id: int) -> bool:
    query = select(Auction.id).where(Auction.sale_id == sale_id, Auction.status != AuctionStatus.DRAFT)
    return db.session.execute(query.limit(1)).first() is not None


def lot_ids(sale_id: int, *, by: int) -> list[int]:
    """The lots of one's own sale, in order.

    Raises:
        NotFound: there is no such sale of this seller.
    """
    _own_sale(sale_id, by)
    query = select(Auction.id).where(Auction.sale_id == sale_id).order_by(Auction.lot_number)
    return list(db.session.scalars(query))


def _own_sale(sale_id: int, seller_id: int) -> Sale:
    # Asked before the lock: nobody shall find out that there is a sale by waiting for it.
    if db.session.scalar(select(Sale.seller_id).where(Sale.id == sale_id)) != seller_id:
        raise NotFound
    return lock(Sale, sale_id)
