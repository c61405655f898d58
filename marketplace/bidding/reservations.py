"""What becomes of an item that somebody took in a Dutch auction: checked out, given back, or taken back.

Holds that are over are taken back by the clock, and by whoever opens the auction's book
(``DutchBook.advance``). Everything here locks the auction first.
"""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.errors import NotFound, ReservationOver
from marketplace.extensions import db
from marketplace.models import Reservation, ReservationStatus
from marketplace.transactions import transaction

from .dutch_book import DutchBook, Item
from .rows import look_up, open_book, save


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
