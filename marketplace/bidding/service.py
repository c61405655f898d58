"""Everything but a bid that changes an auction's standing: publishing, cancelling, ending, and the clock."""

from __future__ import annotations

from marketplace.errors import AlreadyPublished, Forbidden, Invalid, NotFound
from marketplace.extensions import db
from marketplace.transactions import transaction

from .book import Book, open_book, open_due_books, save

#: Auctions that the clock advances in one transaction.
CLOCK_BATCH = 100


def publish(auction_id: int, *, by: int) -> None:
    """Put a draft up for sale: it is scheduled, or opens at once if its start has come.

    Raises:
        NotFound: there is no such auction, or it is somebody else's draft.
        AlreadyPublished: it is no draft any more.
        Invalid: its end has passed.
    """
    with transaction():
        book = _own_book(auction_id, by)
        if book.standing.status != "DRAFT":
            raise AlreadyPublished
        if book.standing.ends_at <= max(book.now, book.starts_at):
            raise Invalid("The end of the auction has passed; choose a later one.", field="endsAt")
        book.publish()
        save(db.session.connection(), [book])


def cancel(auction_id: int, *, by: int, is_admin: bool = False) -> None:
    """Call an auction off, before the first bid.

    Raises:
        NotFound: there is no such auction, or it is somebody else's draft.
        Forbidden: it is somebody else's.
        AuctionOver, HasBids: it is too late.
    """
    with transaction():
        book = _own_book(auction_id, by, is_admin=is_admin)
        book.advance()
        book.cancel()
        save(db.session.connection(), [book])


def end(auction_id: int) -> None:
    """End a running auction now; for administrators.

    Raises:
        NotFound: there is no such auction.
        AuctionOver: it is not running.
    """
    with transaction():
        book = open_book(db.session.connection(), auction_id)
        book.advance()
        book.end("ended_by_administrator")
        save(db.session.connection(), [book])


def catch_up(auction_id: int) -> None:
    """Take the steps of an auction that are overdue: whoever finds it late does the clock's work."""
    with transaction():
        book = open_book(db.session.connection(), auction_id)
        book.advance()
        save(db.session.connection(), [book])


def tick() -> int:
    """Advance the auctions that have a step due; returns how many. Safe to run anywhere, and often."""
    with transaction():
        connection = db.session.connection()
        books = open_due_books(connection, CLOCK_BATCH)
        for book in books:
            book.advance()
        save(connection, books)
    return len(books)


def _own_book(auction_id: int, user_id: int, *, is_admin: bool = False) -> Book:
    book = open_book(db.session.connection(), auction_id)
    if book.standing.terms.seller_id == user_id or is_admin:
        return book
    if book.standing.status == "DRAFT":
        raise NotFound
    raise Forbidden("Only the seller may do this.")
