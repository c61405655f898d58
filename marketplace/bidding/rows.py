"""The rows of auctions: locked and read into books, and written back.

No ORM here: this is the path of every bid (docs/decisions/bidding-desk.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, TextualSelect, column, text

from marketplace.errors import NotFound
from marketplace.increments import Increments
from marketplace.orders import making
from marketplace.realtime import outbox
from marketplace.transactions import Statement, binary, execute_together, recordset

from . import chain, english
from .answers import FACTS, facts_about
from .book import Book, Lot
from .insiders import insiders

# What a book needs, from the auction ``a``.
_PLAIN = (
    "id, seller_id, tenant_id, status, outcome, title, currency, starting_price, min_increment,"
    " increment_table, reserve_price, buy_now_price, buy_now_share, starts_at, ends_at, scheduled_end,"
    " anti_snipe, extension_window, extension, max_extensions, max_extension_total, sudden_death,"
    " current_bid, leader_id, leader_strength, bid_count, extension_count, seq, log_part, last_event_at,"
    " log_hash, closed_at, sale_id, lot_number"
)
# The name by a subquery, not by a join: after waiting for the lock, PostgreSQL looks at the latest version of
# the locked row only, and would join it with the user who led before the wait.
_COLUMNS = {name: f"a.{name}" for name in _PLAIN.split(", ")} | {
    "closing": "(SELECT closing FROM sales WHERE sales.id = a.sale_id)",
    "leader_name": "(SELECT display_name FROM users WHERE users.id = a.leader_id)",
}


def _read(columns: Mapping[str, str], rest: str, *, before: str = "") -> TextualSelect:
    """What reads columns of auctions. That their names are known here spares SQLAlchemy to look each time."""
    listed = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    sql = text(f"{before} SELECT {listed} FROM auctions a {rest}")  # noqa: S608
    return sql.columns(*map(column, columns))


# NO KEY: what refers to an auction by its id - an offer, a suspicion - need not wait for its bids.
_LOCK_ONE = _read(_COLUMNS, "WHERE a.id = :auction_id FOR NO KEY UPDATE")
_TRY_LOCK_ONE = _read(_COLUMNS, "WHERE a.id = :auction_id FOR NO KEY UPDATE SKIP LOCKED")
# statement_timestamp(): clock_timestamp() changes while a statement runs, so no index can be asked for it.
# SKIP LOCKED: an auction somebody else is busy with is advanced by them, or found again in the next round.
_LOCK_DUE = _read(
    _COLUMNS,
    "WHERE a.due_at <= statement_timestamp() ORDER BY a.due_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED",
)
#: The other lots of a sale that an extension of this one moves, always locked in the same order.
_LOCK_OTHERS = _read(
    _COLUMNS,
    """
    WHERE a.sale_id = :sale_id AND a.status IN ('SCHEDULED', 'RUNNING', 'ENDING_SOON')
    AND a.lot_number > :after AND a.lot_number <> :number
    ORDER BY a.lot_number FOR NO KEY UPDATE
    """,
)
_CLOCK = text("SELECT clock_timestamp()")
# All in one trip. Each statement sees what was committed when it begins: the last one sees what the lock was
# waited for, and reads the clock after it.
_LOCK_SALE = "SELECT FROM sales WHERE id = :sale_id FOR UPDATE;"
_LOCK_AUCTION = "SELECT FROM auctions WHERE id = :auction_id FOR NO KEY UPDATE;"
_BEGIN_WITH_AUCTION, _BEGIN_WITH_SALE = (
    _read(_COLUMNS | FACTS, "WHERE a.id = :auction_id", before=f"BEGIN; {locks}")
    for locks in (_LOCK_AUCTION, _LOCK_SALE + _LOCK_AUCTION)
)


def open_book(connection: Connection, auction_id: int) -> Book:
    """Lock an auction, then read the clock.

    Raises:
        NotFound: there is no such auction.
    """
    row = lock_row(connection, auction_id)
    # A statement of its own, after the lock: the time a bid is judged by must not be older than its turn.
    return book_of(row, connection.execute(_CLOCK).scalar_one())


def try_open_book(connection: Connection, auction_id: int) -> Book | None:
    """The book of an auction if nobody else holds its lock just now."""
    row = connection.execute(_TRY_LOCK_ONE, {"auction_id": auction_id}).one_or_none()
    return None if row is None else book_of(row, connection.execute(_CLOCK).scalar_one())


def open_due_books(connection: Connection, limit: int) -> list[Book]:
    """Lock the auctions that have a step due, longest overdue first."""
    rows = connection.execute(_LOCK_DUE, {"limit": limit}).all()
    if not rows:
        return []
    now = connection.execute(_CLOCK).scalar_one()
    return [book_of(row, now) for row in rows]


def open_other_lots(connection: Connection, book: Book) -> list[Book]:
    """Lock the lots that an extension of this one moves with it: the later ones, or all."""
    if book.lot is None or book.lot.closing == "INDIVIDUAL":
        return []
    after = book.lot.number if book.lot.closing == "CASCADE" else 0
    others = {"sale_id": book.lot.sale_id, "number": book.lot.number, "after": after}
    return [book_of(row, book.now) for row in connection.execute(_LOCK_OTHERS, others)]


def begin_and_lock(
    connection: Connection, auction_id: int, asked: Sequence[tuple[int, str]], *, sale_id: int | None = None
) -> Row[Any]:
    """Begin a transaction, lock an auction - its sale before it - and read both it and the desk's facts.

    Raises:
        NotFound: there is no such auction.
    """
    parameters: dict[str, Any] = {"auction_id": auction_id, **facts_about(asked)}
    if sale_id is None:
        row = connection.execute(_BEGIN_WITH_AUCTION, parameters).one_or_none()
    else:
        row = connection.execute(_BEGIN_WITH_SALE, parameters | {"sale_id": sale_id}).one_or_none()
    if row is None:
        raise NotFound
    return row


def lock_row(connection: Connection, auction_id: int) -> Row[Any]:
    """Lock an auction: the first half of ``open_book``.

    Raises:
        NotFound: there is no such auction.
    """
    row = connection.execute(_LOCK_ONE, {"auction_id": auction_id}).one_or_none()
    if row is None:
        raise NotFound
    return row


def book_of(row: Row[Any], now: datetime) -> Book:
    """The book of a locked row; ``now`` was read after the lock."""
    return Book(
        auction_id=row.id,
        tenant_id=row.tenant_id,
        title=row.title,
        currency=row.currency,
        # Empty only in a draft that shall start when it is published.
        starts_at=row.starts_at or now,
        standing=standing_of(row),
        leader_name=row.leader_name,
        outcome=row.outcome,
        seq=row.seq,
        part=row.log_part,
        log_hash=row.log_hash and bytes(row.log_hash),
        last_event_at=row.last_event_at,
        closed_at=row.closed_at,
        lot=None if row.sale_id is None else Lot(row.sale_id, row.lot_number, row.closing),
        now=now,
    )


def terms_of(row: Any) -> english.Terms:
    """The terms in a row of ``auctions``, or in the model."""
    return english.Terms(
        seller_id=row.seller_id,
        starting_price=row.starting_price,
        increments=Increments.stored(row.min_increment, row.increment_table),
        anti_snipe=english.AntiSnipe(
            policy=english.SnipePolicy(row.anti_snipe),
            window=timedelta(seconds=row.extension_window),
            extension=timedelta(seconds=row.extension),
            max_count=row.max_extensions,
            max_total=None if row.max_extension_total is None else timedelta(seconds=row.max_extension_total),
            sudden_death=timedelta(seconds=row.sudden_death),
        ),
        reserve=row.reserve_price,
        buy_now_price=row.buy_now_price,
        buy_now_share=row.buy_now_share,
    )


def standing_of(row: Any) -> english.Standing:
    """The standing in a row of ``auctions``, or in the model."""
    price = None
    if row.leader_id is not None:
        price = english.Price(row.current_bid, row.leader_id, row.leader_strength)
    return english.Standing(
        terms=terms_of(row),
        status=row.status,
        end=english.End(row.ends_at, row.scheduled_end or row.ends_at, row.extension_count),
        price=price,
        bid_count=row.bid_count,
    )


_INSERT_ENTRIES = """
    INSERT INTO bids (auction_id, seq, part, kind, bidder_id, amount, placed_at, asked_amount, asked_maximum,
        nonce, refers_to_seq, refers_to_part, reason, previous_hash, hash)
    SELECT * FROM json_to_recordset(:entries) AS e(auction_id bigint, seq bigint, part integer, kind text,
        bidder_id bigint, amount bigint, placed_at timestamptz, asked_amount bigint, asked_maximum bigint,
        nonce bytea, refers_to_seq bigint, refers_to_part integer, reason text, previous_hash bytea,
        hash bytea)
"""
_UPDATE = """
    UPDATE auctions SET status = b.status, outcome = b.outcome, starts_at = b.starts_at, ends_at = b.ends_at,
        scheduled_end = b.scheduled_end, due_at = b.due_at, closed_at = b.closed_at,
        current_bid = b.current_bid, leader_id = b.leader_id, leader_strength = b.leader_strength,
        bid_count = b.bid_count, extension_count = b.extension_count, seq = b.seq, log_part = b.log_part,
        last_event_at = b.last_event_at, log_hash = b.log_hash
    FROM json_to_recordset(:standings) AS b(id bigint, status text, outcome text, starts_at timestamptz,
        ends_at timestamptz, scheduled_end timestamptz, due_at timestamptz, closed_at timestamptz,
        current_bid bigint, leader_id bigint, leader_strength bigint, bid_count integer,
        extension_count integer, seq bigint, log_part integer, last_event_at timestamptz, log_hash bytea)
    WHERE auctions.id = b.id
"""


def save(connection: Connection, books: Sequence[Book]) -> None:
    """Write what happened: the log, events, the new standing of each auction."""
    execute_together(connection, changes(connection, books))


def changes(connection: Connection, books: Sequence[Book]) -> list[Statement]:
    """What writes down what happened; may read, and leaves the writing to the caller."""
    changed = [book for book in books if book.new_events or book.new_entries]
    for book in changed:
        if book.tenant_id is not None:
            _tell_only_insiders(connection, book)
    sold = [sold for book in changed for sold in book.new_sales]
    return [*_changes(changed), *making.statements(connection, sold)] if changed else []


def look_up(connection: Connection, book: Book, people: Iterable[int]) -> None:
    """Find out which of these people may see a members-only auction, for ``hidden_from``."""
    people = list(people)
    if book.tenant_id is not None and people:
        book.insiders = insiders(connection, book.tenant_id, people)


def _tell_only_insiders(connection: Connection, book: Book) -> None:
    """Somebody who led may have been removed since: from then on they hear nothing of the auction."""
    look_up(connection, book, {to["userId"] for event in book.new_events for to in event.direct})
    book.new_events = [
        replace(event, direct=[to for to in event.direct if not book.hidden_from(to["userId"])])
        for event in book.new_events
    ]


def _changes(books: Sequence[Book]) -> Iterator[Statement]:
    links = [link for book in books for link in book.new_entries]
    if links:
        yield Statement(_INSERT_ENTRIES, {"entries": recordset(map(_entry, links))})
    recorded = [event for book in books for event in book.new_events]
    if recorded:
        yield outbox.record(recorded, at=books[0].now, leased=all(book.leased for book in books))
    yield Statement(_UPDATE, {"standings": recordset(map(_standing, books))})


def _entry(link: chain.Link) -> dict[str, Any]:
    entry, secret = link.entry, link.entry.secret
    refers_to_seq, refers_to_part = entry.refers_to or (None, None)
    return {
        "auction_id": entry.auction_id,
        "seq": entry.seq,
        "part": entry.part,
        "kind": entry.kind,
        "bidder_id": entry.bidder_id,
        "amount": entry.amount,
        "placed_at": entry.placed_at,
        "asked_amount": secret and secret.amount,
        "asked_maximum": secret and secret.maximum,
        "nonce": secret and binary(secret.nonce),
        "refers_to_seq": refers_to_seq,
        "refers_to_part": refers_to_part,
        "reason": entry.reason,
        "previous_hash": binary(link.previous_hash),
        "hash": binary(link.hash),
    }


def _standing(book: Book) -> dict[str, Any]:
    standing, price = book.standing, book.standing.price
    return {
        "id": book.auction_id,
        "status": standing.status,
        "outcome": book.outcome,
        "starts_at": book.starts_at,
        "ends_at": standing.end.at,
        "scheduled_end": standing.end.scheduled,
        "due_at": book.due_at,
        "closed_at": book.closed_at,
        "current_bid": price and price.amount,
        "leader_id": price and price.leader_id,
        "leader_strength": price and price.strength,
        "bid_count": standing.bid_count,
        "extension_count": standing.end.extensions,
        "seq": book.seq,
        "log_part": book.part,
        "last_event_at": book.now if book.new_events else book.last_event_at,
        "log_hash": binary(book.log_hash),
    }
