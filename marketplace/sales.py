"""Sales: several lots of one seller that close by one plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy import delete, func, select, update

from . import listings
from .accounts import Viewer
from .errors import AlreadyPublished, Invalid, LotOfASale, NotADraft, NotFound
from .extensions import db
from .models import Auction, AuctionFormat, AuctionStatus, Closing, Picture, Sale, Watch
from .tenants import require_membership
from .transactions import lock, transaction

#: Lots in one sale. An extension may move all of them in one transaction.
MAX_LOTS = 500
#: Rows that are locked are read anew, even if the session has seen them before.
_FRESH = {"populate_existing": True}


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
        TooManyDrafts: see ``listings.keep``.
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
        return listings.keep(auction)


def _last_number(sale_id: int) -> int:
    _check_not_begun(sale_id)
    last = db.session.scalar(select(func.max(Auction.lot_number)).where(Auction.sale_id == sale_id)) or 0
    if last >= MAX_LOTS:
        raise Invalid(f"A sale has at most {MAX_LOTS} lots.")
    return last


def _check_not_begun(sale_id: int) -> None:
    if _is_published(sale_id):
        raise AlreadyPublished("The sale is published; its lots stay as they are.")


def set_lots(sale_id: int, auction_ids: Sequence[int], *, by: int) -> None:
    """Say which drafts of one's own are the lots of a sale, in this order: see ``change_lots``."""
    change_lots(sale_id, lambda _: auction_ids, by=by)


def change_lots(sale_id: int, change: Callable[[list[int]], Sequence[int]], *, by: int) -> None:
    """Make other drafts of one's own the lots of a sale: what ``change`` makes of those it has, in order.

    Their times and fees follow from it. What was a lot and is not named is a draft by itself again.

    Raises:
        NotFound: there is no such sale, or no such draft, of this seller.
        AlreadyPublished, NotADraft: the sale, or one of them, is published.
        LotOfASale: one of them is a lot of another sale.
        Invalid: one is named twice, is a Dutch auction or is not for the same people; or there are too many.
    """
    with transaction():
        sale = _own_sale(sale_id, by)
        _set_lots(sale, change(_lots_of(sale_id)))


def _set_lots(sale: Sale, auction_ids: Sequence[int]) -> None:
    _check_not_begun(sale.id)
    if len({*auction_ids}) < len(auction_ids) or len(auction_ids) > MAX_LOTS:
        _refuse(f"must name each lot once, and at most {MAX_LOTS}")
    theirs = select(Auction).where(Auction.id.in_(auction_ids), Auction.seller_id == sale.seller_id)
    locked = db.session.scalars(theirs.order_by(Auction.id).with_for_update(), execution_options=_FRESH)
    lots = {auction.id: auction for auction in locked}
    if len(lots) < len(auction_ids):
        raise NotFound
    for auction in lots.values():
        _check_may_be_lot(auction, sale)
    # None of them at first: no two may have the same number at any moment.
    freed = {"sale_id": None, "lot_number": None}
    db.session.execute(update(Auction).where(Auction.sale_id == sale.id).values(freed))
    for number, auction_id in enumerate(auction_ids, start=1):
        values = {name: getattr(sale, name) for name in listings.FROM_SALE}
        values |= {"sale_id": sale.id, "lot_number": number, "ends_at": _end_of(sale, number)}
        db.session.execute(update(Auction).where(Auction.id == auction_id).values(values))


def _check_may_be_lot(auction: Auction, sale: Sale) -> None:
    if auction.status != AuctionStatus.DRAFT:
        raise NotADraft
    if auction.sale_id not in {None, sale.id}:
        raise LotOfASale
    if auction.format != AuctionFormat.ENGLISH:
        _refuse("must be English auctions: a Dutch auction is no lot of a sale")
    if auction.tenant_id != sale.tenant_id:
        _refuse("must be for the same people as the sale")


def _refuse(message: str) -> NoReturn:
    problem = {"field": "auctionIds", "message": message}
    raise Invalid("Some fields are not acceptable; see errors.", errors=[problem])


def discard(auction_id: int, *, by: int, is_admin: bool = False) -> None:
    """Delete a draft, with all that belongs to it; ``Gallery.purge`` removes the files of its pictures.

    The lots behind it in its sale move up. What it was a new listing of can be listed again.

    Raises:
        NotFound: there is no such auction of this seller.
        NotADraft: it is published.
        LotOfASale: it has just been made a lot, or one no more.
    """
    with transaction():
        # Before any lock: nobody waits for, or holds, what is not theirs.
        sale_id = _check_discardable(db.session.get(Auction, auction_id), by, is_admin=is_admin)
        # The sale first, like everybody who locks both.
        sale = None if sale_id is None else lock(Sale, sale_id)
        draft = lock(Auction, auction_id)
        if _check_discardable(draft, by, is_admin=is_admin) != sale_id:
            raise LotOfASale
        if sale is not None:
            _set_lots(sale, [lot for lot in _lots_of(sale.id) if lot != auction_id])
        _delete(draft)


def _check_discardable(auction: Auction | None, by: int, *, is_admin: bool) -> int | None:
    """Raise, unless it is a draft that they may discard; the sale it is a lot of."""
    if auction is None or (auction.seller_id != by and not is_admin):
        raise NotFound
    if auction.status != AuctionStatus.DRAFT:
        raise NotADraft
    return auction.sale_id


def _delete(draft: Auction) -> None:
    relisted = update(Auction).where(Auction.seller_id == draft.seller_id, Auction.relisted_as == draft.id)
    db.session.execute(relisted.values(relisted_as=None))
    db.session.execute(delete(Picture).where(Picture.auction_id == draft.id))
    db.session.execute(delete(Watch).where(Watch.auction_id == draft.id))
    db.session.delete(draft)


@dataclass(frozen=True, slots=True)
class Overview:
    """A sale in a list."""

    sale: Sale
    lots: int
    published: bool


def of(seller_id: int, *, limit: int) -> list[Overview]:
    """What somebody sells in sales, the latest first."""
    published = func.coalesce(func.bool_or(Auction.status != AuctionStatus.DRAFT), False)
    query = (
        select(Sale, func.count(Auction.id), published)
        .outerjoin(Auction, Auction.sale_id == Sale.id)
        .where(Sale.seller_id == seller_id)
        .group_by(Sale.id)
    )
    return [Overview(*row) for row in db.session.execute(query.order_by(Sale.id.desc()).limit(limit))]


def drafts_for(sale: Sale, *, limit: int) -> list[Auction]:
    """What its seller could make lots of a sale, the latest first."""
    query = select(Auction).where(
        Auction.seller_id == sale.seller_id,
        Auction.status == AuctionStatus.DRAFT,
        Auction.format == AuctionFormat.ENGLISH,
        Auction.sale_id.is_(None),
        Auction.tenant_id.is_not_distinct_from(sale.tenant_id),
    )
    return list(db.session.scalars(query.order_by(Auction.id.desc()).limit(limit)))


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
    return _lots_of(sale_id)


def _lots_of(sale_id: int) -> list[int]:
    query = select(Auction.id).where(Auction.sale_id == sale_id).order_by(Auction.lot_number)
    return list(db.session.scalars(query))


def _own_sale(sale_id: int, seller_id: int) -> Sale:
    # Asked before the lock: nobody shall find out that there is a sale by waiting for it.
    if db.session.scalar(select(Sale.seller_id).where(Sale.id == sale_id)) != seller_id:
        raise NotFound
    return lock(Sale, sale_id)
