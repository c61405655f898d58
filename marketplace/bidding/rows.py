"""The rows of auctions: locked and read into books, and written back.

No ORM here: this is the path of every bid (docs/decisions/bidding-desk.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, TextualSelect, column, text

from marketplace.errors import NotFound, WrongFormat
from marketplace.increments import Increments
from marketplace.orders import making
from marketplace.realtime import outbox
from marketplace.transactions import Statement, binary, execute_together, recordset

from . import chain, dutch, english
from .answers import FACTS, facts_about
from .book import Book, Lot
from .dutch_book import DutchBook, Item
from .english_book import EnglishBook
from .insiders import insiders

#: Items that one transaction takes back at most; the clock goes on with the others.
MAX_RETURNED = 500

# What a book needs, from the auction ``a``.
_PLAIN = (
    "id, seller_id, tenant_id, status, outcome, title, currency, starting_price, min_increment,"
    " increment_table, reserve_price, buy_now_price, buy_now_share, starts_at, ends_at, scheduled_end,"
    " anti_snipe, extension_window, extension, max_extensions, max_extension_total, sudden_death,"
    " current_bid, leader_id, leader_strength, bid_count, extension_count, seq, log_part, last_event_at,"
    " log_hash, closed_at, sale_id, lot_number, format, floor_price, drop_amount, drop_every, quantity, held,"
    " sold, hold_seconds, per_buyer, due_at"
)
# The name by a subquery, not by a join: after waiting for the lock, PostgreSQL looks at the latest version of
# the locked row only, and would join it with the user who led before the wait.
_COLUMNS = {name: f"a.{name}" for name in _PLAIN.split(", ")} | {
    "closing": "(SELECT closing FROM sales WHERE sales.id = a.sale_id)",
    "leader_name": "(SELECT display_name FROM users WHERE users.id = a.leader_id)",
    "next_expiry": """
        CASE WHEN a.held > 0 THEN (SELECT min(expires_at) FROM reservations
        WHERE reservations.auction_id = a.id AND reservations.status = 'HELD') END
    """,
}


def _read(columns: Mapping[str, str], rest: str, *, before: str = "") -> TextualSelect:
    """What reads columns of auctions. That their names are known here spares SQLAlchemy to look each time."""
    listed = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    sql = text(f"{before} SELECT {listed} FROM auctions a {rest}")  # noqa: S608
    return sql.columns(*map(column, columns))


# NO KEY: what refers to an auction by its id - an offer, a suspicion - need not wait for its bids.
_LOCK_AUCTION = "SELECT FROM auctions WHERE id = :auction_id FOR NO KEY UPDATE;"
_TRY_LOCK = text("SELECT id FROM auctions WHERE id = :auction_id FOR NO KEY UPDATE SKIP LOCKED")
# statement_timestamp(): clock_timestamp() changes while a statement runs, so no index can be asked for it.
# SKIP LOCKED: an auction somebody else is busy with is advanced by them, or found again in the next round.
_LOCK_DUE = text(
    """
    SELECT id FROM auctions WHERE due_at <= statement_timestamp()
    ORDER BY due_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    """
)
# Read by a statement of its own, after the lock: one that waits for it sees the row as it is after the wait,
# but reservations as they were before.
_LOCK_ONE = _read(_COLUMNS, "WHERE a.id = :auction_id", before=_LOCK_AUCTION)
_READ_LOCKED = _read(_COLUMNS, "WHERE a.id = ANY(:ids ::bigint[]) ORDER BY a.due_at")
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
_OVERDUE = text(
    """
    SELECT seq, buyer_id, price, expires_at FROM reservations
    WHERE auction_id = :auction_id AND status = 'HELD' AND expires_at <= :now
    ORDER BY expires_at, seq LIMIT :limit
    """
)
_NEXT_EXPIRY = text(
    """
    SELECT min(expires_at) FROM reservations
    WHERE auction_id = :auction_id AND status = 'HELD' AND seq <> ALL(:seqs ::bigint[])
    """
)
_HAS = text(
    """
    SELECT buyer_id, count(*) AS items FROM reservations
    WHERE auction_id = :auction_id AND buyer_id = ANY(:buyers ::bigint[]) AND status IN ('HELD', 'CONFIRMED')
    AND seq <> ALL(:overdue ::bigint[]) GROUP BY buyer_id
    """
)
# All in one trip. Each statement sees what was committed when it begins: the last one sees what the lock was
# waited for, and reads the clock after it.
_LOCK_SALE = "SELECT FROM sales WHERE id = :sale_id FOR UPDATE;"
_BEGIN_WITH_AUCTION, _BEGIN_WITH_SALE = (
    _read(_COLUMNS | FACTS, "WHERE a.id = :auction_id", before=f"BEGIN; {locks}")
    for locks in (_LOCK_AUCTION, _LOCK_SALE + _LOCK_AUCTION)
)


def open_book(connection: Connection, auction_id: int) -> Book[Any]:
    """Lock an auction, then read the clock.

    Raises:
        NotFound: there is no such auction.
    """
    row = lock_row(connection, auction_id)
    # A statement of its own, after the lock: the time a bid is judged by must not be older than its turn.
    return book_of(connection, row, connection.execute(_CLOCK).scalar_one())


def open_english_book(connection: Connection, auction_id: int) -> EnglishBook:
    """``open_book``, for what is done in English auctions only.

    Raises:
        NotFound: there is no such auction.
        WrongFormat: it is of another format.
    """
    book = open_book(connection, auction_id)
    if not isinstance(book, EnglishBook):
        raise WrongFormat
    return book


def try_open_book(connection: Connection, auction_id: int) -> Book[Any] | None:
    """The book of an auction if nobody else holds its lock just now."""
    if connection.execute(_TRY_LOCK, {"auction_id": auction_id}).one_or_none() is None:
        return None
    row = connection.execute(_READ_LOCKED, {"ids": [auction_id]}).one()
    return book_of(connection, row, connection.execute(_CLOCK).scalar_one())


def open_due_books(connection: Connection, limit: int) -> list[Book[Any]]:
    """Lock the auctions that have a step due, longest overdue first.

    All together take back ``MAX_RETURNED`` items; those that have more stay due.
    """
    ids = connection.execute(_LOCK_DUE, {"limit": limit}).scalars().all()
    if not ids:
        return []
    rows = connection.execute(_READ_LOCKED, {"ids": ids}).all()
    now = connection.execute(_CLOCK).scalar_one()
    books: list[Book[Any]] = []
    left = MAX_RETURNED
    for row in rows:
        book = book_of(connection, row, now, max_returned=left)
        left -= len(book.overdue) if isinstance(book, DutchBook) else 0
        books.append(book)
    return books


def open_other_lots(connection: Connection, book: Book[Any]) -> list[EnglishBook]:
    """Lock the lots that an extension of this one moves with it: the later ones, or all."""
    if book.lot is None or book.lot.closing == "INDIVIDUAL":
        return []
    after = book.lot.number if book.lot.closing == "CASCADE" else 0
    others = {"sale_id": book.lot.sale_id, "number": book.lot.number, "after": after}
    books = [book_of(connection, row, book.now) for row in connection.execute(_LOCK_OTHERS, others)]
    return [other for other in books if isinstance(other, EnglishBook)]


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


def book_of(
    connection: Connection, row: Row[Any], now: datetime, *, max_returned: int = MAX_RETURNED
) -> Book[Any]:
    """The book of a locked row; it and ``now`` were read after the lock."""
    common: dict[str, Any] = {
        "auction_id": row.id,
        "tenant_id": row.tenant_id,
        "title": row.title,
        "currency": row.currency,
        # Empty only in a draft that shall start when it is published.
        "starts_at": row.starts_at or now,
        "outcome": row.outcome,
        "seq": row.seq,
        "part": row.log_part,
        "log_hash": row.log_hash and bytes(row.log_hash),
        "last_event_at": row.last_event_at,
        "closed_at": row.closed_at,
        "lot": None if row.sale_id is None else Lot(row.sale_id, row.lot_number, row.closing),
        "now": now,
    }
    if row.format == "DUTCH":
        overdue, next_expiry = _expiries(connection, row, now, max_returned)
        return DutchBook(
            **common,
            standing=dutch_standing_of(row, now),
            overdue=overdue,
            next_expiry=next_expiry,
            stored_due_at=row.due_at,
        )
    return EnglishBook(**common, standing=standing_of(row), leader_name=row.leader_name)


def _expiries(
    connection: Connection, row: Row[Any], now: datetime, limit: int
) -> tuple[list[Item], datetime | None]:
    """The items whose hold is over, longest overdue first, and when the next one's is."""
    if row.next_expiry is None or row.next_expiry > now:
        return [], row.next_expiry
    held = connection.execute(_OVERDUE, {"auction_id": row.id, "now": now, "limit": limit}).all()
    items = [Item(each.seq, each.buyer_id, each.price, each.expires_at) for each in held]
    after = connection.execute(_NEXT_EXPIRY, {"auction_id": row.id, "seqs": [item.seq for item in items]})
    return items, after.scalar_one()


def look_up_buyers(connection: Connection, book: Book[Any], buyers: Iterable[int]) -> None:
    """Find out how many items of an auction these people have, where one may not have any number.

    What ``advance`` is about to take back they do not have any more.
    """
    if isinstance(book, DutchBook) and book.standing.terms.per_buyer is not None:
        overdue = [item.seq for item in book.overdue]
        asked = {"auction_id": book.auction_id, "buyers": list(buyers), "overdue": overdue}
        found = connection.execute(_HAS, asked)
        book.has = {each.buyer_id: each.items for each in found}


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


def dutch_standing_of(row: Any, now: datetime) -> dutch.Standing:
    """The standing of a Dutch auction in a row of ``auctions``, or in the model."""
    terms = dutch.Terms(
        seller_id=row.seller_id,
        starting_price=row.starting_price,
        floor=row.floor_price,
        drop_amount=row.drop_amount,
        drop_every=timedelta(seconds=row.drop_every),
        quantity=row.quantity,
        hold=timedelta(seconds=row.hold_seconds),
        per_buyer=row.per_buyer,
    )
    return dutch.Standing(
        terms=terms,
        status=row.status,
        # Empty only in a draft that shall start when it is published.
        starts_at=row.starts_at or now,
        ends_at=row.ends_at,
        held=row.held,
        sold=row.sold,
        bid_count=row.bid_count,
    )


def standing_of(row: Any) -> english.Standing:
    """The standing of an English auction in a row of ``auctions``, or in the model."""
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
        last_event_at = b.last_event_at, log_hash = b.log_hash, held = b.held, sold = b.sold
    FROM json_to_recordset(:standings) AS b(id bigint, status text, outcome text, starts_at timestamptz,
        ends_at timestamptz, scheduled_end timestamptz, due_at timestamptz, closed_at timestamptz,
        current_bid bigint, leader_id bigint, leader_strength bigint, bid_count integer,
        extension_count integer, seq bigint, log_part integer, last_event_at timestamptz, log_hash bytea,
        held integer, sold integer)
    WHERE auctions.id = b.id
"""
_INSERT_RESERVATIONS = """
    INSERT INTO reservations (auction_id, seq, buyer_id, price, expires_at, created_at)
    SELECT * FROM json_to_recordset(:reservations) AS r(auction_id bigint, seq bigint, buyer_id bigint,
        price bigint, expires_at timestamptz, created_at timestamptz)
"""
_SETTLE = """
    UPDATE reservations SET status = s.status, settled_at = s.settled_at
    FROM json_to_recordset(:settlements)
    AS s(auction_id bigint, seq bigint, status text, settled_at timestamptz)
    WHERE reservations.auction_id = s.auction_id AND reservations.seq = s.seq
"""


def save(connection: Connection, books: Sequence[Book[Any]]) -> None:
    """Write what happened: the log, events, the new standing of each auction."""
    execute_together(connection, changes(connection, books))


def changes(connection: Connection, books: Sequence[Book[Any]]) -> list[Statement]:
    """What writes down what happened; may read, and leaves the writing to the caller."""
    changed = [book for book in books if book.changed]
    for book in changed:
        if book.tenant_id is not None:
            _tell_only_insiders(connection, book)
    sold = [sold for book in changed for sold in book.new_sales]
    return [*_changes(changed), *making.statements(connection, sold)] if changed else []


def look_up(connection: Connection, book: Book[Any], people: Iterable[int]) -> None:
    """Find out which of these people may see a members-only auction, for ``hidden_from``."""
    people = list(people)
    if book.tenant_id is not None and people:
        book.insiders = insiders(connection, book.tenant_id, people)


def _tell_only_insiders(connection: Connection, book: Book[Any]) -> None:
    """Somebody who led may have been removed since: from then on they hear nothing of the auction."""
    look_up(connection, book, {to["userId"] for event in book.new_events for to in event.direct})
    book.new_events = [
        replace(event, direct=[to for to in event.direct if not book.hidden_from(to["userId"])])
        for event in book.new_events
    ]


def _changes(books: Sequence[Book[Any]]) -> Iterator[Statement]:
    links = [link for book in books for link in book.new_entries]
    if links:
        yield Statement(_INSERT_ENTRIES, {"entries": recordset(map(_entry, links))})
    recorded = [event for book in books for event in book.new_events]
    if recorded:
        yield outbox.record(recorded, at=books[0].now, leased=all(book.leased for book in books))
    dutch_books = [book for book in books if isinstance(book, DutchBook)]
    taken = [_reservation(book, item) for book in dutch_books for item in book.taken]
    if taken:
        yield Statement(_INSERT_RESERVATIONS, {"reservations": recordset(taken)})
    settled = [_settlement(book, seq) for book in dutch_books for seq in book.settled]
    if settled:
        yield Statement(_SETTLE, {"settlements": recordset(settled)})
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


def _reservation(book: DutchBook, item: Item) -> dict[str, Any]:
    return {
        "auction_id": book.auction_id,
        "seq": item.seq,
        "buyer_id": item.buyer_id,
        "price": item.price,
        "expires_at": item.expires_at,
        "created_at": book.now,
    }


def _settlement(book: DutchBook, seq: int) -> dict[str, Any]:
    return {
        "auction_id": book.auction_id,
        "seq": seq,
        "status": book.settled[seq],
        "settled_at": book.now,
    }


def _standing(book: Book[Any]) -> dict[str, Any]:
    row = {
        "id": book.auction_id,
        "status": book.standing.status,
        "outcome": book.outcome,
        "starts_at": book.starts_at,
        "ends_at": book.standing.ends_at,
        "due_at": book.due_at,
        "closed_at": book.closed_at,
        "bid_count": book.standing.bid_count,
        "seq": book.seq,
        "log_part": book.part,
        "last_event_at": book.now if book.new_events else book.last_event_at,
        "log_hash": binary(book.log_hash),
    }
    if isinstance(book, DutchBook):
        return row | {"held": book.standing.held, "sold": book.standing.sold, "extension_count": 0}
    return row | _english_standing(book.standing)


def _english_standing(standing: english.Standing) -> dict[str, Any]:
    price = standing.price
    return {
        "scheduled_end": standing.end.scheduled,
        "current_bid": price and price.amount,
        "leader_id": price and price.leader_id,
        "leader_strength": price and price.strength,
        "extension_count": standing.end.extensions,
        "held": 0,
        "sold": 0,
    }
