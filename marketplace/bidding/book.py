"""The book of an auction: its locked row, what happens to it in one transaction, and writing that down.

Every change of an auction's standing goes through a book:

    book = open_book(connection, auction_id)   # lock, then clock
    book.place(...)                            # or advance, withdraw, buy, cancel, end
    save(connection, [book])

No ORM here: this is the path of every bid (docs/decisions/bidding-desk.md).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from marketplace.errors import AuctionOver, HasBids, NotFound
from marketplace.increments import Increments
from marketplace.realtime import events, outbox
from marketplace.times import iso
from marketplace.transactions import Statement, execute_together

from . import chain, english, lifecycle
from .insiders import insiders


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
    part: int
    log_hash: bytes | None
    last_event_at: datetime | None
    closed_at: datetime | None
    #: The database's clock, read after the lock.
    now: datetime
    new_entries: list[chain.Link] = field(default_factory=list)
    new_events: list[outbox.Recorded] = field(default_factory=list)
    #: The sale it is a lot of, and how that closes; see ``lots.py``.
    lot: Lot | None = None
    #: By how much late bids have moved the end, in this transaction.
    extended_by: timedelta = timedelta(0)
    #: Whose members alone see it; None: everybody does.
    tenant_id: int | None = None
    #: Those who may see a members-only auction, among those who have been looked up.
    insiders: frozenset[int] = frozenset()
    #: Whether the process that holds the book will send ``new_events`` itself, after the commit.
    leased: bool = False

    @property
    def quiet(self) -> bool:
        """Whether nothing has happened here for a while, so that what happens now can be told at once."""
        return self.last_event_at is None or self.now - self.last_event_at >= outbox.WINDOW

    @property
    def due_at(self) -> datetime | None:
        """When the clock has to look at this auction next."""
        return lifecycle.next_due(
            self.standing.status,
            starts_at=self.starts_at,
            ends_at=self.standing.end.at,
            extension_window=self.standing.terms.anti_snipe.window,
        )

    def hidden_from(self, user_id: int) -> bool:
        """Whether there is no such auction for somebody: a draft of another, or for members they are not."""
        if user_id == self.standing.terms.seller_id:
            return False
        closed = self.tenant_id is not None and user_id not in self.insiders
        return closed or self.standing.status == "DRAFT"

    # --- its life ---

    def advance(self) -> None:
        """Take every step of the auction's life that is due: open, warn, close."""
        standing = self.standing
        for status in lifecycle.steps(
            standing.status,
            starts_at=self.starts_at,
            ends_at=standing.end.at,
            extension_window=standing.terms.anti_snipe.window,
            now=self.now,
        ):
            if status == "ENDED":
                self._close("time_up")
            else:
                self._enter(status)

    def publish(self) -> None:
        """Leave the draft: scheduled, or running at once if its start has come."""
        status = "SCHEDULED" if self.now < self.starts_at else "RUNNING"
        self.starts_at = max(self.starts_at, self.now)
        self._enter(status)
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
        self.standing = replace(self.standing, end=replace(self.standing.end, at=self.now))
        self._close(reason)

    # --- bids ---

    def place(self, bid: english.Bid, *, bidder_name: str) -> dict[str, Any]:
        """Accept a bid and answer it, or raise the refusal of the rules.

        Raises:
            NotFound: the bidder may not see the auction.
            MarketplaceError: see ``english.accept``.
        """
        if self.hidden_from(bid.bidder_id):
            raise NotFound
        before = self.standing
        after, steps = english.accept(before, bid, self.now)
        names = {before.price.leader_id: self.leader_name or ""} if before.price else {}
        names[bid.bidder_id] = bidder_name
        secret = chain.Secret(os.urandom(16), bid.amount, bid.maximum)
        extended = after.end.at if after.end != before.end else None
        places = []
        for step in steps:
            self.leader_name = names[step.price.leader_id]
            if step.kind is not english.StepKind.RAISE:
                last = step is steps[-1]
                self._tell_bid(
                    step.kind,
                    step.price,
                    extended=extended if last else None,
                    direct=self._direct(step.price, bid, before) if last else (),
                )
            else:
                # Told to nobody: it stands in the log under the number of what was told last.
                self.part += 1
            places.append((self.seq, self.part))
            own = None if step.kind is english.StepKind.AUTO else secret
            self._log(step.kind, step.price.leader_id, step.price.amount, own)
        self.standing = after
        if extended:
            self.extended_by += extended - before.end.at
            self._tell(events.AuctionExtended(ends_at=extended, extension_count=after.end.extensions))
        return self._answer(places[0], steps[0].price.amount, bid)

    def follow(self, moved: timedelta) -> None:
        """Move the end because that of another lot has moved."""
        end = self.standing.end
        end = replace(end, at=end.at + moved, scheduled=end.scheduled + moved)
        self.standing = replace(self.standing, end=end)
        self._tell(events.AuctionExtended(ends_at=end.at, extension_count=end.extensions))

    def buy(self, *, buyer_id: int, buyer_name: str) -> dict[str, Any]:
        """Sell the lot at its buy-now price and end the auction.

        Raises:
            NotFound: the buyer may not see the auction.
            MarketplaceError: see ``english.buy``.
        """
        if self.hidden_from(buyer_id):
            raise NotFound
        after = english.buy(self.standing, buyer_id=buyer_id, now=self.now)
        self.leader_name = buyer_name
        price = after.price
        assert price is not None
        seq = self._tell_bid("BUY_NOW", price, extended=None, direct=())
        self._log("BUY_NOW", buyer_id, price.amount, chain.Secret(os.urandom(16), price.amount, None))
        self.standing = after
        self._close("bought")
        return {
            "bidId": bid_id(self.auction_id, seq, 0),
            "auctionId": self.auction_id,
            "seq": seq,
            "amount": price.amount,
            "currency": self.currency,
            "endsAt": iso(self.now),
        }

    def withdraw(self, entries: Sequence[chain.Entry], kind: str, reason: str | None, after: Recount) -> None:
        """Take bids out of the standing: a retraction by the bidder or a cancellation by the seller."""
        before = self.standing
        self.standing = replace(before, price=after.price, bid_count=after.bid_count)
        self.leader_name = after.leader_name
        # Raises last: others do not see those, nor that there are more entries than they see.
        ordered = sorted(entries, key=lambda entry: entry.kind == english.StepKind.RAISE)
        if self._looks_like(before) and ordered[0].kind == english.StepKind.RAISE:
            # What nobody saw come nobody sees go.
            self.part += 1
        else:
            self._tell(self._retracted_event(before.price))
        first = self.part
        for part, entry in enumerate(ordered, start=first):
            self.part = part
            self._append(
                chain.Entry(
                    self.auction_id,
                    self.seq,
                    part,
                    kind,
                    entry.bidder_id,
                    entry.amount,
                    self.now,
                    refers_to=entry.place,
                    reason=reason,
                )
            )

    def _looks_like(self, before: english.Standing) -> bool:
        """Whether everybody but the leader sees the same standing as before."""
        old, new = before.price, self.standing.price
        return (
            old is not None
            and new is not None
            and (old.amount, old.leader_id, before.bid_count)
            == (new.amount, new.leader_id, self.standing.bid_count)
        )

    def _tell_bid(
        self,
        kind: str,
        price: english.Price,
        *,
        extended: datetime | None,
        direct: tuple[events.Direct, ...],
    ) -> int:
        self.standing = replace(self.standing, price=price, bid_count=self.standing.bid_count + 1)
        return self._tell(
            events.BidNew(
                kind=str(kind),
                current_bid=price.amount,
                currency=self.currency,
                bidder_name=self.leader_name or "",
                bid_count=self.standing.bid_count,
                minimum_next_bid=self.standing.minimum_next_bid,
                reserve_met=self.standing.reserve_met,
                extended_end_time=extended,
                direct=direct,
            )
        )

    def _direct(
        self, price: english.Price, bid: english.Bid, before: english.Standing
    ) -> tuple[events.Direct, ...]:
        """Who leads after a bid and who does not: the bidder, and who led before."""
        concerned = {bid.bidder_id} | ({before.price.leader_id} if before.price else set())
        winning = events.BidWinning(
            bid_id=bid_id(self.auction_id, self.seq + 1, 0), current_bid=price.amount, currency=self.currency
        )
        outbid = events.BidOutbid(
            current_bid=price.amount,
            currency=self.currency,
            minimum_next_bid=english.minimum_after(before.terms, price),
        )
        return tuple(
            events.Direct(user_id, winning if user_id == price.leader_id else outbid)
            for user_id in sorted(concerned)
        )

    def _retracted_event(self, before: english.Price | None) -> events.BidRetracted:
        price = self.standing.price
        direct: tuple[events.Direct, ...] = ()
        if price is not None and (before is None or price.leader_id != before.leader_id):
            winning = events.BidWinning(bid_id=None, current_bid=price.amount, currency=self.currency)
            direct = (events.Direct(price.leader_id, winning),)
        return events.BidRetracted(
            current_bid=price.amount if price else None,
            currency=self.currency,
            bidder_name=self.leader_name,
            bid_count=self.standing.bid_count,
            minimum_next_bid=self.standing.minimum_next_bid,
            reserve_met=self.standing.reserve_met,
            direct=direct,
        )

    def _answer(self, place: tuple[int, int], amount: int, bid: english.Bid) -> dict[str, Any]:
        standing = self.standing
        assert standing.price is not None
        return {
            "bidId": bid_id(self.auction_id, *place),
            "auctionId": self.auction_id,
            "seq": place[0],
            "amount": amount,
            "maxAmount": bid.maximum,
            "currency": self.currency,
            "currentBid": standing.price.amount,
            "youLead": standing.price.leader_id == bid.bidder_id,
            "minimumNextBid": standing.minimum_next_bid,
            "receivedAt": iso(self.now),
            "endsAt": iso(standing.end.at),
        }

    def tell_second_chance(self, status: str, user_id: int, told: events.SecondChance) -> None:
        """Tell that the lot is offered to somebody, or what they answered; and whom it concerns the terms."""
        self._tell(events.AuctionSecondChance(status=status, direct=(events.Direct(user_id, told),)))

    # --- telling and logging ---

    def _enter(self, status: str) -> None:
        self.standing = replace(self.standing, status=status)
        self._tell(
            events.AuctionStatusChanged(status=status, starts_at=self.starts_at, ends_at=self.standing.end.at)
        )

    def _close(self, reason: str) -> None:
        self.standing = replace(self.standing, status="ENDED")
        self.outcome = english.outcome(self.standing)
        self.closed_at = self.now
        price = self.standing.price if self.outcome == "SOLD" else None
        direct: tuple[events.Direct, ...] = ()
        if price is not None:
            won = events.AuctionWon(title=self.title, winning_bid=price.amount, currency=self.currency)
            direct = (events.Direct(price.leader_id, won),)
        self._tell(
            events.AuctionEnded(
                outcome=self.outcome,
                reason=reason,
                winner_name=self.leader_name if price else None,
                winning_bid=price.amount if price else None,
                currency=self.currency,
                direct=direct,
            )
        )

    def _tell(self, event: events.AuctionEvent) -> int:
        self.seq += 1
        self.part = 0
        members_only = self.tenant_id is not None
        self.new_events.append(
            outbox.numbered(self.auction_id, self.seq, event, self.now, members_only=members_only)
        )
        return self.seq

    def _log(self, kind: str, bidder_id: int, amount: int, secret: chain.Secret | None) -> None:
        self._append(
            chain.Entry(self.auction_id, self.seq, self.part, str(kind), bidder_id, amount, self.now, secret)
        )

    def _append(self, entry: chain.Entry) -> None:
        link = chain.Link(entry, self.log_hash, entry.hash(self.log_hash))
        self.new_entries.append(link)
        self.log_hash = link.hash


@dataclass(frozen=True, slots=True)
class Lot:
    """An auction's place in a sale."""

    sale_id: int
    number: int
    #: CASCADE, INDIVIDUAL or TOGETHER.
    closing: str


@dataclass(frozen=True, slots=True)
class Recount:
    """The standing without the bids that are withdrawn."""

    price: english.Price | None
    bid_count: int
    leader_name: str | None


def bid_id(auction_id: int, seq: int, part: int) -> str:
    """The public id of a bid: it names the auction, so that looking it up does too."""
    return f"{auction_id}-{chain.entry_name(seq, part)}"


# The name by a subquery, not by a join: after waiting for the lock, PostgreSQL looks at the latest version of
# the locked row only, and would join it with the user who led before the wait.
_COLUMNS = """
    SELECT a.id, a.seller_id, a.tenant_id, a.status, a.outcome, a.title, a.currency, a.starting_price,
        a.min_increment, a.increment_table, a.reserve_price, a.buy_now_price, a.buy_now_share, a.starts_at,
        a.ends_at, a.scheduled_end, a.anti_snipe, a.extension_window, a.extension, a.max_extensions,
        a.max_extension_total, a.sudden_death, a.current_bid, a.leader_id, a.leader_strength, a.bid_count,
        a.extension_count, a.seq, a.log_part, a.last_event_at, a.log_hash, a.closed_at, a.sale_id,
        a.lot_number,
        (SELECT closing FROM sales WHERE sales.id = a.sale_id) AS closing,
        (SELECT display_name FROM users WHERE users.id = a.leader_id) AS leader_name
    FROM auctions a
"""
# NO KEY: what refers to an auction by its id - an offer, a suspicion - need not wait for its bids.
_LOCK_ONE = text(_COLUMNS + "WHERE a.id = :auction_id FOR NO KEY UPDATE")
_TRY_LOCK_ONE = text(_COLUMNS + "WHERE a.id = :auction_id FOR NO KEY UPDATE SKIP LOCKED")
# statement_timestamp(): clock_timestamp() changes while a statement runs, so no index can be asked for it.
# SKIP LOCKED: an auction somebody else is busy with is advanced by them, or found again in the next round.
_LOCK_DUE = text(
    _COLUMNS
    + "WHERE a.due_at <= statement_timestamp() ORDER BY a.due_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED"
)
#: The other lots of a sale that an extension of this one moves, always locked in the same order.
_LOCK_OTHERS = text(
    _COLUMNS
    + """
    WHERE a.sale_id = :sale_id AND a.status IN ('SCHEDULED', 'RUNNING', 'ENDING_SOON')
    AND a.lot_number > :after AND a.lot_number <> :number
    ORDER BY a.lot_number FOR NO KEY UPDATE
    """
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
    SELECT * FROM unnest(:bid_auctions ::bigint[], :bid_seqs ::bigint[], :bid_parts ::integer[],
        :bid_kinds ::text[], :bid_bidders ::bigint[], :bid_amounts ::bigint[], :bid_times ::timestamptz[],
        :bid_asked_amounts ::bigint[], :bid_asked_maxima ::bigint[], :bid_nonces ::bytea[],
        :bid_refers_to_seqs ::bigint[], :bid_refers_to_parts ::integer[], :bid_reasons ::text[],
        :bid_previous ::bytea[], :bid_hashes ::bytea[])
"""
_UPDATE = """
    UPDATE auctions SET status = b.status, outcome = b.outcome, starts_at = b.starts_at, ends_at = b.ends_at,
        scheduled_end = b.scheduled_end, due_at = b.due_at, closed_at = b.closed_at,
        current_bid = b.current_bid, leader_id = b.leader_id, leader_strength = b.leader_strength,
        bid_count = b.bid_count, extension_count = b.extension_count, seq = b.seq, log_part = b.log_part,
        last_event_at = b.last_event_at, log_hash = b.log_hash
    FROM unnest(:ids ::bigint[], :status ::text[], :outcome ::text[], :starts_at ::timestamptz[],
        :ends_at ::timestamptz[], :scheduled_end ::timestamptz[], :due_at ::timestamptz[],
        :closed_at ::timestamptz[], :current_bid ::bigint[], :leader_id ::bigint[],
        :leader_strength ::bigint[], :bid_count ::integer[], :extension_count ::integer[], :seq ::bigint[],
        :log_part ::integer[], :last_event_at ::timestamptz[], :log_hash ::bytea[])
    AS b(id, status, outcome, starts_at, ends_at, scheduled_end, due_at, closed_at, current_bid, leader_id,
        leader_strength, bid_count, extension_count, seq, log_part, last_event_at, log_hash)
    WHERE auctions.id = b.id
"""


def save(connection: Connection, books: Sequence[Book], *others: Statement) -> None:
    """Write what happened - the log, events, the new standing of each auction - and ``others`` with it."""
    changed = [book for book in books if book.new_events or book.new_entries]
    for book in changed:
        if book.tenant_id is not None:
            _tell_only_insiders(connection, book)
    statements = list(others)
    if changed:
        statements += _changes(changed)
    execute_together(connection, statements)


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
        yield _entries(links)
    recorded = [event for book in books for event in book.new_events]
    if recorded:
        yield outbox.record(recorded, at=books[0].now, leased=all(book.leased for book in books))
    yield _standings(books)


def _entries(links: Sequence[chain.Link]) -> Statement:
    entries = [link.entry for link in links]
    secrets = [entry.secret for entry in entries]
    return Statement(
        _INSERT_ENTRIES,
        {
            "bid_auctions": [entry.auction_id for entry in entries],
            "bid_seqs": [entry.seq for entry in entries],
            "bid_parts": [entry.part for entry in entries],
            "bid_kinds": [entry.kind for entry in entries],
            "bid_bidders": [entry.bidder_id for entry in entries],
            "bid_amounts": [entry.amount for entry in entries],
            "bid_times": [entry.placed_at for entry in entries],
            "bid_asked_amounts": [secret and secret.amount for secret in secrets],
            "bid_asked_maxima": [secret and secret.maximum for secret in secrets],
            "bid_nonces": [secret and secret.nonce for secret in secrets],
            "bid_refers_to_seqs": [entry.refers_to and entry.refers_to[0] for entry in entries],
            "bid_refers_to_parts": [entry.refers_to and entry.refers_to[1] for entry in entries],
            "bid_reasons": [entry.reason for entry in entries],
            "bid_previous": [link.previous_hash for link in links],
            "bid_hashes": [link.hash for link in links],
        },
    )


def _standings(books: Sequence[Book]) -> Statement:
    standings = [book.standing for book in books]
    prices = [standing.price for standing in standings]
    return Statement(
        _UPDATE,
        {
            "ids": [book.auction_id for book in books],
            "status": [standing.status for standing in standings],
            "outcome": [book.outcome for book in books],
            "starts_at": [book.starts_at for book in books],
            "ends_at": [standing.end.at for standing in standings],
            "scheduled_end": [standing.end.scheduled for standing in standings],
            "due_at": [book.due_at for book in books],
            "closed_at": [book.closed_at for book in books],
            "current_bid": [price and price.amount for price in prices],
            "leader_id": [price and price.leader_id for price in prices],
            "leader_strength": [price and price.strength for price in prices],
            "bid_count": [standing.bid_count for standing in standings],
            "extension_count": [standing.end.extensions for standing in standings],
            "seq": [book.seq for book in books],
            "log_part": [book.part for book in books],
            "last_event_at": [book.now if book.new_events else book.last_event_at for book in books],
            "log_hash": [book.log_hash for book in books],
        },
    )
