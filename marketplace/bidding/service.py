"""Everything but a bid that changes an auction's standing: publishing, cancelling, ending, and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from marketplace import sales
from marketplace.errors import (
    AlreadyPublished,
    AuctionOver,
    BidderBlocked,
    BuyNowGone,
    Forbidden,
    Invalid,
    LotOfASale,
    NotFound,
)
from marketplace.extensions import db
from marketplace.models import Bid, BlockedBidder, User
from marketplace.transactions import transaction

from .book import Book
from .chain import Entry
from .english import OPEN
from .english_book import EnglishBook, Recount
from .log import read_log
from .rows import look_up, open_book, open_due_books, open_english_book, save, try_open_book
from .withdrawal import ASKED, RetractionReason, fold, standing_bids, to_cancel, to_retract

#: Auctions that the clock advances in one transaction.
CLOCK_BATCH = 100
#: The bids that everybody can see.
VISIBLE = frozenset({"BID", "TAKE"})


def publish(auction_id: int, *, by: int) -> None:
    """Put a draft up for sale: it is scheduled, or opens at once if its start has come.

    Raises:
        NotFound: there is no such auction, or it is somebody else's draft.
        AlreadyPublished: it is no draft any more.
        Forbidden: it is for members, and the seller is none any more.
        Invalid: its end has passed.
    """
    with transaction():
        book = _own_book(auction_id, by)
        _check_seller_belongs(book)
        if book.standing.status != "DRAFT":
            raise AlreadyPublished
        if book.lot is not None:
            raise LotOfASale
        if book.standing.ends_at <= max(book.now, book.starts_at):
            raise Invalid("The end of the auction has passed; choose a later one.", field="endsAt")
        book.publish()
        save(db.session.connection(), [book])


def publish_sale(sale_id: int, *, by: int) -> None:
    """Put all lots of a sale up for sale, in one transaction.

    Raises:
        NotFound: there is no such sale of this seller.
        Invalid: it has no lots, or its end has passed.
        AlreadyPublished: it is published.
        Forbidden: it is for members, and the seller is none any more.
    """
    with transaction():
        lots = sales.lot_ids(sale_id, by=by)
        if not lots:
            raise Invalid("The sale has no lots yet.")
        books = [open_book(db.session.connection(), auction_id) for auction_id in lots]
        for book in books:
            _check_seller_belongs(book)
            if book.standing.status != "DRAFT":
                raise AlreadyPublished
            if book.standing.ends_at <= max(book.now, book.starts_at):
                raise Invalid("The end of the sale has passed; choose a later one.")
            book.publish()
        save(db.session.connection(), books)


def _check_seller_belongs(book: Book[Any]) -> None:
    seller_id = book.standing.terms.seller_id
    look_up(db.session.connection(), book, [seller_id])
    if book.tenant_id is not None and seller_id not in book.insiders:
        raise Forbidden("This auction is for the members of a tenant that you do not belong to any more.")


def block_bidder(place: tuple[int, int], auction_id: int, *, by: int, reason: str, cancel_bids: bool) -> None:
    """Take no more bids from whoever placed this one, on any of the seller's auctions; for the seller.

    With ``cancel_bids`` the bidder's standing bids on this auction are cancelled as well.

    Raises:
        NotFound: there is no such bid.
        Forbidden: the auction is somebody else's.
        AuctionOver: bids shall be cancelled, and the auction does not run any more.
    """
    with transaction():
        book = open_book(db.session.connection(), auction_id)
        if book.standing.terms.seller_id != by:
            raise Forbidden("Only the seller may do this.")
        log = [link.entry for link in read_log(db.session.connection(), auction_id)]
        bidder_id = _asked_at(log, place, VISIBLE).bidder_id
        db.session.merge(BlockedBidder(seller_id=by, bidder_id=bidder_id, reason=reason))
        theirs = [entry for entry in standing_bids(log) if entry.bidder_id == bidder_id]
        # What was taken in a Dutch auction is held or sold, and stays so.
        if cancel_bids and theirs and isinstance(book, EnglishBook):
            book.advance()
            if book.standing.status not in OPEN:
                raise AuctionOver
            _withdraw(book, log, theirs, kind="CANCELLATION", reason=reason)


def cancel(auction_id: int, *, by: int, is_admin: bool = False) -> None:
    """Call an auction off, before the first bid.

    Raises:
        NotFound: there is no such auction, or it is somebody else's draft.
        Forbidden: it is somebody else's.
        NotPublished: it is a draft; see ``sales.discard``.
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


def retract(place: tuple[int, int], auction_id: int, *, by: int, reason: RetractionReason | None) -> None:
    """Take one's own bid back, or all of them, as the rules of the sale say (``withdrawal.py``).

    Raises:
        NotFound: there is no such bid of this bidder.
        AuctionOver: the auction does not run any more.
        BidWithdrawn, RetractionNotAllowed: see ``withdrawal.to_retract``.
    """
    with transaction():
        _check_own_bid(auction_id, place, by)
        book = _running_book(auction_id)
        log = [link.entry for link in read_log(db.session.connection(), auction_id)]
        bid = _asked_at(log, place)
        gone = to_retract(bid, standing_bids(log), reason=reason, ends_at=book.standing.end.at, now=book.now)
        _withdraw(book, log, gone, kind="RETRACTION", reason=reason)


def cancel_bid(place: tuple[int, int], auction_id: int, *, by: int, reason: str) -> None:
    """Take somebody's bid out; for the seller.

    Raises:
        NotFound: there is no such bid.
        Forbidden: the auction is somebody else's.
        AuctionOver: the auction does not run any more.
        BidWithdrawn: it does not stand any more.
    """
    with transaction():
        book = _running_book(auction_id)
        if book.standing.terms.seller_id != by:
            raise Forbidden("Only the seller may do this.")
        log = [link.entry for link in read_log(db.session.connection(), auction_id)]
        # Not a raise: the seller must not find out whether there is one.
        bid = _asked_at(log, place, VISIBLE)
        gone = to_cancel(bid, standing_bids(log))
        _withdraw(book, log, gone, kind="CANCELLATION", reason=reason)


def _running_book(auction_id: int) -> EnglishBook:
    book = open_english_book(db.session.connection(), auction_id)
    book.advance()
    if book.standing.status not in OPEN:
        # What advance() found due is not lost: whoever looks next takes the step.
        raise AuctionOver
    return book


def _asked_at(log: Sequence[Entry], place: tuple[int, int], kinds: frozenset[str] = ASKED) -> Entry:
    for entry in log:
        if entry.place == place and entry.kind in kinds:
            return entry
    raise NotFound


def _check_own_bid(auction_id: int, place: tuple[int, int], user_id: int) -> None:
    """Before the lock: reading a long log under it is not for whoever names somebody else's bid."""
    seq, part = place
    query = select(Bid.bidder_id).where(Bid.auction_id == auction_id, Bid.seq == seq, Bid.part == part)
    if db.session.execute(query).scalar_one_or_none() != user_id:
        raise NotFound


def _withdraw(
    book: EnglishBook, log: Sequence[Entry], gone: Sequence[Entry], *, kind: str, reason: str | None
) -> None:
    places = {entry.place for entry in gone}
    remaining = fold(
        book.standing.terms, [entry for entry in standing_bids(log) if entry.place not in places]
    )
    name = None if remaining.price is None else _name_of(remaining.price.leader_id)
    book.withdraw(gone, kind, reason, Recount(remaining.price, remaining.steps, name))
    save(db.session.connection(), [book])


def _name_of(user_id: int) -> str:
    return db.session.execute(select(User.display_name).where(User.id == user_id)).scalar_one()


def buy_now(auction_id: int, *, buyer_id: int, buyer_name: str) -> dict[str, Any]:
    """Buy a lot at its buy-now price, which ends the auction; the answer tells the sale.

    Raises:
        NotFound: the buyer may not see the auction.
        BidderBlocked: the seller does not sell to the buyer.
        SellerCannotBid, AuctionNotRunning, AuctionEnded, AuctionCancelled, BuyNowGone: see ``english.buy``.
    """
    with transaction():
        connection = db.session.connection()
        book = open_book(connection, auction_id)
        if not isinstance(book, EnglishBook):
            raise BuyNowGone
        # After the lock: whoever was removed while waiting for it does not buy any more.
        look_up(connection, book, [buyer_id])
        blocked = db.session.get(BlockedBidder, (book.standing.terms.seller_id, buyer_id))
        if blocked is not None and not book.hidden_from(buyer_id):
            raise BidderBlocked
        book.advance()
        answer = book.buy(buyer_id=buyer_id, buyer_name=buyer_name)
        save(connection, [book])
    return answer


def catch_up(auction_id: int) -> None:
    """Take the steps of an auction that are overdue: whoever finds it late does the clock's work.

    If somebody else holds the auction just now nothing is done, and nobody who reads has to wait for them.
    """
    with transaction():
        book = try_open_book(db.session.connection(), auction_id)
        if book is not None:
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


def _own_book(auction_id: int, user_id: int, *, is_admin: bool = False) -> Book[Any]:
    book = open_book(db.session.connection(), auction_id)
    if book.standing.terms.seller_id == user_id or is_admin:
        return book
    if book.standing.status == "DRAFT":
        raise NotFound
    raise Forbidden("Only the seller may do this.")
