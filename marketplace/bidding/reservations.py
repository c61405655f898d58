"""What becomes of an item that somebody took in a Dutch auction: checked out, given back, or taken back.

Holds that are over are taken back by the clock, and by whoever opens the auction's book
(``DutchBook.advance``). Everything here locks the auction first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, or_, select, tuple_

from marketplace import listings
from marketplace.accounts import Viewer
from marketplace.errors import BidRefused, NotFound, ReservationOver
from marketplace.extensions import db
from marketplace.models import Auction, Reservation, ReservationStatus
from marketplace.transactions import database_now, transaction

from .dutch import check_open
from .dutch_book import DutchBook, Item
from .rows import dutch_standing_of, look_up, open_book, save


@dataclass(frozen=True, slots=True)
class Opened:
    """A reservation while its auction is locked."""

    book: DutchBook
    reservation: Reservation

    @property
    def item(self) -> Item:
        """The item that was taken."""
        held = self.reservation
        return Item(held.seq, held.buyer_id, held.price, held.expires_at)


def open_reservation(auction_id: int, seq: int, *, by: int | None = None) -> Opened:
    """Lock an auction and read one of its reservations; ``by`` is the buyer who asks for it.

    Raises:
        NotFound: there is no such reservation of this buyer, or they do not see the auction any more.
    """
    connection = db.session.connection()
    # Before the lock: nobody waits for the lock of an auction by naming what is not theirs.
    found = db.session.get(Reservation, (auction_id, seq))
    if found is None or by not in {None, found.buyer_id}:
        raise NotFound
    book = open_book(connection, auction_id)
    assert isinstance(book, DutchBook)
    if by is not None:
        look_up(connection, book, [by])
        if book.hidden_from(by):
            raise NotFound
    db.session.refresh(found)
    return Opened(book, found)


def confirm(opened: Opened) -> None:
    """The buyer checks out: what is held is sold. The caller's transaction makes the order and commits both.

    Raises:
        ReservationOver: it is not held any more.
    """
    held = opened.reservation
    if held.status != ReservationStatus.HELD or held.expires_at <= opened.book.now:
        raise ReservationOver
    opened.book.confirm(opened.item)
    save(db.session.connection(), [opened.book])


def release(auction_id: int, seq: int, *, by: int) -> None:
    """The buyer gives back an item that is held for them. Once more does nothing.

    Raises:
        NotFound: there is no such reservation of this buyer.
        ReservationOver: it was checked out.
    """
    with transaction():
        opened = open_reservation(auction_id, seq, by=by)
        if opened.reservation.status == ReservationStatus.CONFIRMED:
            raise ReservationOver
        opened.book.advance()
        # It may just have expired, which comes to the same.
        if opened.reservation.status == ReservationStatus.HELD and seq not in opened.book.settled:
            opened.book.release(opened.item)
        save(db.session.connection(), [opened.book])


def return_item(auction_id: int, seq: int, *, reason: str) -> None:
    """An item that was checked out comes back: its order is ``unpaid`` or ``cancelled``.

    Part of the caller's transaction, which locks the auction by this before it locks the order. Once more
    does nothing.

    Raises:
        NotFound: there is no such reservation.
    """
    opened = open_reservation(auction_id, seq)
    opened.book.advance()
    if opened.reservation.status == ReservationStatus.CONFIRMED:
        opened.book.take_back(opened.item, reason)
    save(db.session.connection(), [opened.book])


# --- reading ---


@dataclass(frozen=True, slots=True)
class Mine:
    """A reservation as its buyer sees it."""

    reservation: Reservation
    title: str
    currency: str
    #: Its time is over, and nobody has taken it back yet.
    overdue: bool


def get(auction_id: int, seq: int, buyer: Viewer) -> Mine:
    """A reservation of this buyer.

    Raises:
        NotFound: there is none, or they do not see the auction any more.
    """
    place = and_(Reservation.auction_id == auction_id, Reservation.seq == seq)
    row = db.session.execute(_of(buyer).where(place)).one_or_none()
    if row is None:
        raise NotFound
    return Mine(*row)


def of(
    buyer: Viewer,
    *,
    auction_id: int | None = None,
    status: str | None = None,
    before: tuple[datetime, int, int] | None = None,
    limit: int,
) -> list[Mine]:
    """The reservations of a buyer, the latest first; ``before`` is where the page before ended."""
    position = (Reservation.created_at, Reservation.auction_id, Reservation.seq)
    query = _of(buyer).order_by(*(column.desc() for column in position)).limit(limit)
    if auction_id is not None:
        query = query.where(Reservation.auction_id == auction_id)
    if status is not None:
        query = query.where(Reservation.status == status)
    if before is not None:
        query = query.where(tuple_(*position) < before)
    return [Mine(*row) for row in db.session.execute(query)]


def _of(buyer: Viewer) -> Select[Reservation, str, str, bool]:
    held = Reservation.status == ReservationStatus.HELD
    overdue = and_(held, Reservation.expires_at <= func.clock_timestamp())
    return (
        select(Reservation, Auction.title, Auction.currency, overdue)
        .join(Auction, Auction.id == Reservation.auction_id)
        .where(Reservation.buyer_id == buyer.id, listings.visible_to(buyer))
    )


def may_take(auction: Auction, buyer_id: int) -> int:
    """How many items somebody may take now, on top of those they have."""
    now = database_now()
    standing = dutch_standing_of(auction, now)
    try:
        check_open(standing, now)
    except BidRefused:
        return 0
    if auction.per_buyer is None:
        return standing.free
    still_held = and_(Reservation.status == ReservationStatus.HELD, Reservation.expires_at > now)
    query = select(func.count()).where(
        Reservation.auction_id == auction.id,
        Reservation.buyer_id == buyer_id,
        or_(Reservation.status == ReservationStatus.CONFIRMED, still_held),
    )
    return min(standing.free, max(auction.per_buyer - db.session.execute(query).scalar_one(), 0))
