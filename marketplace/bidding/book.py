"""The book of an auction: its locked row, what happens to it in one transaction, and writing that down.

Every change of an auction's standing goes through a book:

    book = open_book(connection, auction_id)   # lock, then clock
    book.place(...)                            # or advance, cancel, end
    save(connection, [book])

No ORM here: this is the path of every bid (docs/decisions/).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from marketplace.errors import AuctionOver, HasBids, NotFound
from marketplace.realtime import events, outbox
from marketplace.times import iso
from marketplace.transactions import Statement, execute_together

from . import chain, english, lifecycle


@dataclass(slots=True)
class Book:
    """An auction while its lock is held."""

    auction_id: int
    title: str
    currency: str
    starts_at: datetime
    standing: english.Standing
    leader_name: str | None
    outcome: str | None
    seq: int
    log_hash: bytes | None
    last_event_at: datetime | None
    closed_at: datetime | None
    #: The database's clock, read after the lock.
    now: datetime
    new_bids: list[chain.Link] = field(default_factory=list)
    new_events: list[outbox.Recorded] = field(default_factory=list)
    #: Whether the process that holds the book will send ``new_events`` itself, after the commit.
    leased: bool = False

    @property
    def quiet(self) -> bool:
        """Whether nothing has happened here for a while, so that what happens now can be told at once."""
        return self.last_event_at is None or self.now - self.last_event_at >= outbox.WINDOW

    def advance(self) -> None:
        """Take every step of the auction's life that is due: open, warn, close."""
        standing = self.standing
        for status in lifecycle.steps(
            standing.status,
            starts_at=self.starts_at,
            ends_at=standing.ends_at,
            extension_window=standing.terms.anti_snipe.window,
            now=self.now,
        ):
            if status == "ENDED":
                self._close("time_up")
            else:
                self._enter(status)

    def place(self, *, bidder_id: int, bidder_name: str, amount: int) -> dict[str, Any]:
        """Accept a bid and answer it, or raise the refusal of the rules.

        Raises:
            NotFound: the bidder may not see the auction.
            MarketplaceError: see ``english.accept``.
        """
        before = self.standing
        if before.status == "DRAFT" and bidder_id != before.terms.seller_id:
            raise NotFound
        after = english.accept(before, bidder_id=bidder_id, amount=amount, now=self.now)
        self.standing = after
        self.leader_name = bidder_name
        extended = after.ends_at != before.ends_at
        seq = self._tell_bid(before.leader_id, bidder_id, extended)
        self._log_bid(seq, bidder_id, amount)
        if extended:
            self._tell(events.AuctionExtended(ends_at=after.ends_at, extension_count=after.extension_count))
        return self._answer(seq)

    def publish(self) -> None:
        """Leave the draft: scheduled, or running at once if its start has come."""
        self._enter("SCHEDULED" if self.now < self.starts_at else "RUNNING")
        self.advance()

    def cancel(self) -> None:
        """Call the auction off.

        Raises:
            AuctionOver: it has ended or was cancelled before.
            HasBids: somebody has bid; from then on it runs to its end.
        """
        if self.standing.status in {"ENDED", "CANCELLED"}:
            raise AuctionOver
        if self.standing.bid_count:
            raise HasBids
        self._enter("CANCELLED")
        self.closed_at = self.now

    def end(self, reason: str) -> None:
        """End the auction now, before its time.

        Raises:
            AuctionOver: it is not running.
        """
        if self.standing.status not in english.OPEN:
            raise AuctionOver
        self.standing = replace(self.standing, ends_at=self.now)
        self._close(reason)

    @property
    def due_at(self) -> datetime | None:
        """When the clock has to look at this auction next."""
        return lifecycle.next_due(
            self.standing.status,
            starts_at=self.starts_at,
            ends_at=self.standing.ends_at,
            extension_window=self.standing.terms.anti_snipe.window,
        )

    def _enter(self, status: str) -> None:
        self.standing = replace(self.standing, status=status)
        self._tell(
            events.AuctionStatusChanged(
                status=status, starts_at=self.starts_at, ends_at=self.standing.ends_at
            )
        )

    def _close(self, reason: str) -> None:
        self.standing = replace(self.standing, status="ENDED")
        self.outcome = english.outcome(self.standing)
        self.closed_at = self.now
        winner_id, price = self.standing.leader_id, self.standing.current_bid
        direct: tuple[events.Direct, ...] = ()
        if self.outcome == "SOLD" and winner_id is not None and price is not None:
            won = events.AuctionWon(title=self.title, winning_bid=price, currency=self.currency)
            direct = (events.Direct(winner_id, won),)
        self._tell(
            events.AuctionEnded(
                outcome=self.outcome,
                reason=reason,
                winner_name=self.leader_name if direct else None,
                winning_bid=price if direct else None,
                currency=self.currency,
                direct=direct,
            )
        )

    def _tell(self, event: events.AuctionEvent) -> int:
        self.seq += 1
        self.new_events.append(outbox.numbered(self.auction_id, self.seq, event, self.now))
        return self.seq

    def _tell_bid(self, outbid_id: int | None, bidder_id: int, extended: bool) -> int:
        standing = self.standing
        price, minimum = standing.current_bid or 0, standing.minimum_next_bid
        winning = events.BidWinning(
            bid_id=bid_id(self.auction_id, self.seq + 1), current_bid=price, currency=self.currency
        )
        direct: tuple[events.Direct, ...] = (events.Direct(bidder_id, winning),)
        if outbid_id is not None:
            outbid = events.BidOutbid(current_bid=price, currency=self.currency, minimum_next_bid=minimum)
            direct += (events.Direct(outbid_id, outbid),)
        return self._tell(
            events.BidNew(
                current_bid=price,
                currency=self.currency,
                bidder_name=self.leader_name or "",
                bid_count=standing.bid_count,
                minimum_next_bid=minimum,
                extended_end_time=standing.ends_at if extended else None,
                direct=direct,
            )
        )

    def _log_bid(self, seq: int, bidder_id: int, amount: int) -> None:
        entry = chain.Entry(self.auction_id, seq, bidder_id, amount, self.now)
        link = chain.Link(entry, self.log_hash, entry.hash(self.log_hash))
        self.new_bids.append(link)
        self.log_hash = link.hash

    def _answer(self, seq: int) -> dict[str, Any]:
        standing = self.standing
        return {
            "bidId": bid_id(self.auction_id, seq),
            "auctionId": self.auction_id,
            "seq": seq,
            "amount": standing.current_bid,
            "currency": self.currency,
            "currentBid": standing.current_bid,
            "youLead": True,
            "minimumNextBid": standing.minimum_next_bid,
            "receivedAt": iso(self.now),
            "endsAt": iso(standing.ends_at),
        }


def bid_id(auction_id: int, seq: int) -> str:
    """The public id of a bid: it names the auction, so that looking it up does too."""
    return f"{auction_id}-{seq}"


# The name by a subquery, not by a join: after waiting for the lock, PostgreSQL looks at the latest version of
# the locked row only, and would join it with the user who led before the wait.
_COLUMNS = """
    SELECT a.id, a.seller_id, a.status, a.outcome, a.title, a.currency, a.starting_price, a.min_increment,
        a.starts_at, a.ends_at, a.extension_window, a.extension, a.current_bid, a.leader_id, a.bid_count,
        a.extension_count, a.seq, a.last_event_at, a.log_hash, a.closed_at,
        (SELECT display_name FROM users WHERE users.id = a.leader_id) AS leader_name
    FROM auctions a
"""
_LOCK_ONE = text(_COLUMNS + "WHERE a.id = :auction_id FOR UPDATE")
# SKIP LOCKED: an auction somebody else is busy with is advanced by them, or found again in the next round.
_LOCK_DUE = text(
    _COLUMNS + "WHERE a.due_at <= clock_timestamp() ORDER BY a.due_at LIMIT :limit FOR UPDATE SKIP LOCKED"
)
_CLOCK = text("SELECT clock_timestamp()")


def open_book(connection: Connection, auction_id: int) -> Book:
    """Lock an auction, then read the clock.

    Raises:
        NotFound: there is no such auction.
    """
    row = lock_row(connection, auction_id)
    # A statement of its own, after the lock: the time a bid is judged by must not be older than its turn.
    return book_of(row, connection.execute(_CLOCK).scalar_one())


def open_due_books(connection: Connection, limit: int) -> list[Book]:
    """Lock the auctions that have a step due, longest overdue first."""
    rows = connection.execute(_LOCK_DUE, {"limit": limit}).all()
    if not rows:
        return []
    now = connection.execute(_CLOCK).scalar_one()
    return [book_of(row, now) for row in rows]


def lock_row(connection: Connection, auction_id: int) -> Row[Any]:
    """Lock an auction: the first half of ``open_book``, for those who read more than the clock.

    Raises:
        NotFound: there is no such auction.
    """
    row = connection.execute(_LOCK_ONE, {"auction_id": auction_id}).one_or_none()
    if row is None:
        raise NotFound
    return row


def book_of(row: Row[Any], now: datetime) -> Book:
    """The book of a locked row; ``now`` was read after the lock."""
    terms = english.Terms(
        seller_id=row.seller_id,
        starting_price=row.starting_price,
        increments=english.Increments(row.min_increment),
        anti_snipe=english.AntiSnipe(
            timedelta(seconds=row.extension_window), timedelta(seconds=row.extension)
        ),
    )
    standing = english.Standing(
        terms=terms,
        status=row.status,
        ends_at=row.ends_at,
        current_bid=row.current_bid,
        leader_id=row.leader_id,
        bid_count=row.bid_count,
        extension_count=row.extension_count,
    )
    return Book(
        auction_id=row.id,
        title=row.title,
        currency=row.currency,
        # Empty only in a draft that shall start when it is published.
        starts_at=row.starts_at or now,
        standing=standing,
        leader_name=row.leader_name,
        outcome=row.outcome,
        seq=row.seq,
        # psycopg2 hands out bytea as memoryview.
        log_hash=None if row.log_hash is None else bytes(row.log_hash),
        last_event_at=row.last_event_at,
        closed_at=row.closed_at,
        now=now,
    )


_INSERT_BIDS = """
    INSERT INTO bids (auction_id, seq, bidder_id, amount, placed_at, previous_hash, hash)
    SELECT * FROM unnest(:bid_auctions ::bigint[], :bid_seqs ::bigint[], :bid_bidders ::bigint[],
        :bid_amounts ::bigint[], :bid_times ::timestamptz[], :bid_previous ::bytea[], :bid_hashes ::bytea[])
"""
_UPDATE = """
    UPDATE auctions SET status = b.status, outcome = b.outcome, starts_at = b.starts_at, ends_at = b.ends_at,
        due_at = b.due_at, closed_at = b.closed_at, current_bid = b.current_bid, leader_id = b.leader_id,
        bid_count = b.bid_count, extension_count = b.extension_count, seq = b.seq,
        last_event_at = b.last_event_at, log_hash = b.log_hash
    FROM unnest(:ids ::bigint[], :status ::text[], :outcome ::text[], :starts_at ::timestamptz[],
        :ends_at ::timestamptz[], :due_at ::timestamptz[], :closed_at ::timestamptz[],
        :current_bid ::bigint[], :leader_id ::bigint[], :bid_count ::integer[],
        :extension_count ::integer[], :seq ::bigint[], :last_event_at ::timestamptz[], :log_hash ::bytea[])
    AS b(id, status, outcome, starts_at, ends_at, due_at, closed_at, current_bid, leader_id, bid_count,
        extension_count, seq, last_event_at, log_hash)
    WHERE auctions.id = b.id
"""


def save(connection: Connection, books: Sequence[Book], *others: Statement) -> None:
    """Write what happened - bids, events, and the new standing of each auction - and ``others`` with it."""
    changed = [book for book in books if book.new_events]
    statements = list(others)
    if changed:
        statements += _changes(changed)
    execute_together(connection, statements)


def _changes(books: Sequence[Book]) -> Iterator[Statement]:
    links = [link for book in books for link in book.new_bids]
    if links:
        yield _bids(links)
    recorded = [event for book in books for event in book.new_events]
    yield outbox.record(recorded, at=books[0].now, leased=all(book.leased for book in books))
    yield _standings(books)


def _bids(links: Sequence[chain.Link]) -> Statement:
    return Statement(
        _INSERT_BIDS,
        {
            "bid_auctions": [link.entry.auction_id for link in links],
            "bid_seqs": [link.entry.seq for link in links],
            "bid_bidders": [link.entry.bidder_id for link in links],
            "bid_amounts": [link.entry.amount for link in links],
            "bid_times": [link.entry.placed_at for link in links],
            "bid_previous": [link.previous_hash for link in links],
            "bid_hashes": [link.hash for link in links],
        },
    )


def _standings(books: Sequence[Book]) -> Statement:
    standings = [book.standing for book in books]
    return Statement(
        _UPDATE,
        {
            "ids": [book.auction_id for book in books],
            "status": [standing.status for standing in standings],
            "outcome": [book.outcome for book in books],
            "starts_at": [book.starts_at for book in books],
            "ends_at": [standing.ends_at for standing in standings],
            "due_at": [book.due_at for book in books],
            "closed_at": [book.closed_at for book in books],
            "current_bid": [standing.current_bid for standing in standings],
            "leader_id": [standing.leader_id for standing in standings],
            "bid_count": [standing.bid_count for standing in standings],
            "extension_count": [standing.extension_count for standing in standings],
            "seq": [book.seq for book in books],
            "last_event_at": [book.now for book in books],
            "log_hash": [book.log_hash for book in books],
        },
    )
