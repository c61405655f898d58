"""The bidding desk: takes the bids that arrived while the previous commit ran, and decides all those for one
auction in one transaction (group commit).

A route hands in a bid and waits for its answer. A few writer threads decide: each takes one auction with
everything that waits for it, so one that is stuck behind a lock holds up nobody else's. Groups are decided in
order of arrival, the bids of a group as bids of the same moment (``english.turns``). Every wait is bounded.

Every bid is stored under a key (the client's Idempotency-Key or one made up here), so the desk may simply try
a batch again after a lost connection: what had been committed is found, and answered, not placed twice.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from typing import Any

import psycopg2.errors
from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from marketplace.errors import (
    BidderBlocked,
    DeskBusy,
    IdempotencyKeyReused,
    MarketplaceError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unavailable,
)
from marketplace.limits import SharedLimit
from marketplace.models import Closing
from marketplace.realtime.courier import Courier
from marketplace.realtime.outbox import user_messages
from marketplace.transactions import (
    COMMIT,
    TRANSACTION_TIMEOUT_SECONDS,
    Statement,
    execute_together,
    is_lost,
    short_connection,
)

from . import english
from .answers import Answer, BidRequest, Facts, facts_of, store
from .book import Book
from .english_book import EnglishBook
from .rows import begin_and_lock, book_of, changes, look_up_buyers, open_other_lots

log = logging.getLogger(__name__)

#: Bids decided in one transaction. More would make the first wait for the last.
MAX_BATCH = 100
#: Bids that may wait in this process; one more is refused as busy.
MAX_WAITING = 1_000
#: Auctions decided at the same time in this process.
WRITERS = 4
#: How long a bid waits for its answer before its outcome counts as unknown: the transaction's own bound,
#: and a little for the answer to come back.
PATIENCE_SECONDS = TRANSACTION_TIMEOUT_SECONDS + 2
RETRY_SECONDS = 0.1
#: Lots of sales that close together whose sale is remembered.
MAX_TOGETHER = 10_000


@dataclass(slots=True, eq=False)
class _Waiting:
    request: BidRequest
    key: str
    future: Future[Answer] = field(default_factory=Future)
    #: Over the bidder's limit: seconds to wait before the next bid.
    wait_seconds: float = 0.0

    @property
    def identity(self) -> tuple[int, str]:
        """The same for repetitions of a request."""
        return self.request.bidder_id, self.key


class _LockSaleFirst(Exception):
    """This auction is a lot of a sale that closes together: lock the sale, then the lot."""


class Desk:
    """One per process; ``engine`` is a ``self_committing_engine``."""

    def __init__(
        self,
        engine: Engine,
        courier: Courier | None = None,
        *,
        limit: SharedLimit | None = None,
        writers: int = WRITERS,
        on_change: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.engine = engine
        self._courier = courier
        #: How many bids a bidder may place; None for any number.
        self.limit = limit
        self._writers = writers
        #: Called with the auction after a commit that changed it: in-process caches forget it.
        self._on_change = on_change
        self._waiting: OrderedDict[int, deque[_Waiting]] = OrderedDict()
        self._busy: set[int] = set()
        #: Lots of sales that close together, by sale. Any bid there may move every lot, so their bids lock
        #: the sale first, or two of them would wait for each other's lots.
        self._together: dict[int, int] = {}
        self._count = 0
        self._threads: list[threading.Thread] = []
        self._state = threading.Condition()

    def place(self, request: BidRequest) -> Answer:
        """Place a bid and wait for the answer; accepted or refused by the rules, it is the final one.

        Raises:
            RateLimited: the bidder has placed too many; a repetition is answered all the same.
            DeskBusy: too many bids wait, or the auction's lock could not be had; the bid was not placed.
            Unavailable: the database could not be reached; the bid was not placed.
            OutcomeUnknown: nobody can tell; the same key finds out.
            IdempotencyKeyReused: the key belongs to another request.
        """
        waiting = _Waiting(request, request.idempotency_key or uuid.uuid4().hex)
        self._enqueue(waiting)
        try:
            return waiting.future.result(timeout=PATIENCE_SECONDS)
        except FutureTimeout:
            if waiting.future.cancel():
                raise DeskBusy from None
            raise OutcomeUnknown from None

    # --- the queue ---

    def _enqueue(self, waiting: _Waiting) -> None:
        auction_id = waiting.request.auction_id
        with self._state:
            if self._count >= MAX_WAITING:
                raise DeskBusy
            self._count += 1
            self._waiting.setdefault(auction_id, deque()).append(waiting)
            if auction_id not in self._busy:
                self._ensure_writers()
                self._state.notify()

    def _ensure_writers(self) -> None:
        if len(self._threads) < self._writers:
            # Started by the first bids and not at import: threads do not survive a fork.
            thread = threading.Thread(target=self._write, name="desk-writer", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _take(self) -> tuple[int, list[_Waiting]]:
        """Wait for an auction that has bids and no writer; take its bids, oldest auction first."""
        with self._state:
            while True:
                for auction_id, bids in self._waiting.items():
                    if auction_id not in self._busy:
                        batch = [bids.popleft() for _ in range(min(len(bids), MAX_BATCH))]
                        self._count -= len(batch)
                        if not bids:
                            del self._waiting[auction_id]
                        else:
                            self._waiting.move_to_end(auction_id)
                        self._busy.add(auction_id)
                        return auction_id, batch
                self._state.wait()

    def _release(self, auction_id: int) -> None:
        with self._state:
            self._busy.discard(auction_id)
            if auction_id in self._waiting:
                self._state.notify()

    def _write(self) -> None:
        while True:
            auction_id, batch = self._take()
            try:
                self._settle(auction_id, batch)
            except BaseException as error:
                log.exception("the desk failed on auction %s", auction_id)
                _answer_all(batch, error if isinstance(error, MarketplaceError) else OutcomeUnknown())
            finally:
                self._release(auction_id)

    # --- deciding ---

    def _settle(self, auction_id: int, batch: list[_Waiting]) -> None:
        # A bid whose client has given up is not placed: it was told so.
        batch = [waiting for waiting in batch if waiting.future.set_running_or_notify_cancel()]
        if not batch:
            return
        self._admit(batch)
        for waiting in batch:
            if waiting.wait_seconds and waiting.request.idempotency_key is None:
                # Without a key it cannot be a repetition, so nothing needs to be looked up.
                waiting.future.set_exception(_too_many(waiting))
        self._decide_all(auction_id, [waiting for waiting in batch if not waiting.future.done()])

    def _decide_all(self, auction_id: int, batch: list[_Waiting]) -> None:
        if not batch:
            return
        try:
            book, answers = self._decide_until_known(auction_id, batch)
        except MarketplaceError as error:
            _answer_all(batch, error)
            return
        except (IntegrityError, DataError, ValueError):
            # One of them cannot be stored: its account is gone, say, or psycopg2 refuses a text (ValueError).
            # The others must not suffer for it.
            log.exception("auction %s: a group of %d bids cannot be stored", auction_id, len(batch))
            self._decide_apart(auction_id, batch)
            return
        if book is not None and book.changed:
            self._on_change(auction_id)
        for waiting, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Answer):
                waiting.future.set_result(answer)
            else:
                waiting.future.set_exception(answer)
        if book is not None and self._courier is not None:
            self._hand_over(book, self._courier)

    @staticmethod
    def _hand_over(book: Book[Any], courier: Courier) -> None:
        if book.leased:
            courier.send(book.new_events)
        if book.rejections:
            courier.tell(user_messages(book.rejections, book.auction_id, book.seq, book.now))

    def _decide_apart(self, auction_id: int, batch: list[_Waiting]) -> None:
        if len(batch) == 1:
            _answer_all(batch, Unavailable("This bid cannot be taken; it was not placed."))
            return
        for waiting in batch:
            self._decide_all(auction_id, [waiting])

    def _admit(self, batch: Sequence[_Waiting]) -> None:
        """Count the bids against their bidders' limits, a repeated key once, before anything is locked."""
        if self.limit is None:
            return
        bids = list(dict.fromkeys(waiting.identity for waiting in batch))
        waits = dict(zip(bids, self.limit.take_each([str(bidder) for bidder, _ in bids]), strict=True))
        for waiting in batch:
            waiting.wait_seconds = waits[waiting.identity]

    def _decide_until_known(
        self, auction_id: int, batch: Sequence[_Waiting]
    ) -> tuple[Book[Any] | None, list[Answer | MarketplaceError]]:
        """Decide in a transaction; again after a lost connection, until the time is up.

        Trying again is safe even if the connection was lost in the commit: with the auction locked, either
        the answers are there, or they never will be.
        """
        deadline = time.monotonic() + TRANSACTION_TIMEOUT_SECONDS
        unknown = False
        while True:
            committing = False
            try:
                with short_connection(self.engine) as connection:
                    book, answers, writes = self._decide(connection, auction_id, batch)
                    committing = True
                    execute_together(connection, [*writes, COMMIT])
                return book, answers
            except _LockSaleFirst:
                continue
            except (IntegrityError, DataError):
                raise
            except (DBAPIError, PoolTimeout) as error:
                unknown = unknown or (committing and is_lost(error))
                cause = getattr(error, "orig", None)
                if isinstance(cause, psycopg2.errors.LockNotAvailable) and not unknown:
                    raise DeskBusy from error
                if not _worth_another_try(error) or time.monotonic() + RETRY_SECONDS > deadline:
                    log.warning("auction %s: %d bids could not be decided: %s", auction_id, len(batch), error)
                    raise (OutcomeUnknown if unknown else Unavailable) from error
                time.sleep(RETRY_SECONDS)

    def _decide(
        self, connection: Connection, auction_id: int, batch: Sequence[_Waiting]
    ) -> tuple[Book[Any] | None, list[Answer | MarketplaceError], list[Statement]]:
        """Lock, read and decide: the book, the answers, and what is to be written with the commit."""
        asked = [waiting.identity for waiting in batch]
        try:
            row = self._begin(connection, auction_id, asked)
        except NotFound as error:
            return None, [error for _ in batch], []
        facts = facts_of(row)
        book = book_of(connection, row, row.now)
        look_up_buyers(connection, book, [bidder_id for bidder_id, _ in asked])
        book.insiders = facts.insiders
        if all(book.hidden_from(bidder_id) for bidder_id, _ in asked):
            return None, [NotFound() for _ in batch], []
        book.advance()
        answers = self._answers(book, facts, batch)
        book.leased = len(batch) == 1 and not facts.backlog and self._may_lease(book)
        worth_storing = [
            (waiting.request, waiting.key, answer)
            for waiting, answer in zip(batch, answers, strict=True)
            if isinstance(answer, Answer) and _is_worth_storing(waiting, answer)
        ]
        writes = [store(auction_id, book.now, worth_storing)] if worth_storing else []
        moved = self._other_lots(connection, book)
        return book, answers, writes + changes(connection, [book, *moved])

    def _begin(self, connection: Connection, auction_id: int, asked: Sequence[tuple[int, str]]) -> Row[Any]:
        sale_id = self._together.get(auction_id)
        row = begin_and_lock(connection, auction_id, asked, sale_id=sale_id)
        if row.closing == Closing.TOGETHER and sale_id is None:
            if len(self._together) >= MAX_TOGETHER:
                self._together.clear()
            self._together[auction_id] = row.sale_id
            raise _LockSaleFirst
        return row

    def _other_lots(self, connection: Connection, book: Book[Any]) -> list[EnglishBook]:
        """The lots that move because this one was extended, moved."""
        if not book.extended_by:
            return []
        others = open_other_lots(connection, book)
        for other in others:
            # One that is over, though nobody has closed it yet, is not revived.
            other.advance()
            if other.standing.status not in {"ENDED", "CANCELLED"}:
                other.follow(book.extended_by)
        book.leased = book.leased and not others
        return others

    def _answers(
        self, book: Book[Any], facts: Facts, batch: Sequence[_Waiting]
    ) -> list[Answer | MarketplaceError]:
        # All of these arrived while the commit before them ran: at the same moment, as far as anybody can
        # tell. Threads have shuffled what order there was.
        bids = [_bid(waiting.request) for waiting in batch]
        answers = {n: self._answer(book, facts, batch[n]) for n in book.turns(bids)}
        return [answers[n] for n in range(len(batch))]

    def _answer(self, book: Book[Any], facts: Facts, waiting: _Waiting) -> Answer | MarketplaceError:
        request = waiting.request
        if book.hidden_from(request.bidder_id):
            # Before all else, and not kept: the answer to a stranger is that to an id that never was.
            return NotFound()
        known = facts.known.get(waiting.identity)
        if known is not None:
            fingerprint, answer = known
            if fingerprint != request.fingerprint:
                return IdempotencyKeyReused()
            return Answer(answer.accepted, answer.refusal, replayed=True)
        if request.bidder_id in facts.blocked:
            return BidderBlocked()
        if waiting.wait_seconds:
            return _too_many(waiting)
        answer = _place(book, request)
        # The same key may stand in this batch again.
        facts.known[waiting.identity] = (request.fingerprint, answer)
        return answer

    def _may_lease(self, book: Book[Any]) -> bool:
        """Whether this process sends the events itself: a quiet auction, and Channels well."""
        if self._courier is None or not self._courier.ready:
            return False
        return bool(book.new_events) and book.quiet


def _too_many(waiting: _Waiting) -> RateLimited:
    return RateLimited(retryAfter=math.ceil(waiting.wait_seconds))


def _place(book: Book[Any], request: BidRequest) -> Answer:
    try:
        accepted = book.place(_bid(request), bidder_name=request.bidder_name, socket_id=request.socket_id)
    except MarketplaceError as refusal:
        return Answer(None, refusal)
    return Answer(accepted)


def _bid(request: BidRequest) -> english.Bid:
    return english.Bid(request.bidder_id, request.amount, request.maximum)


def _is_worth_storing(waiting: _Waiting, answer: Answer) -> bool:
    """A refusal is kept only for those who asked for it to be repeatable."""
    if answer.replayed:
        return False
    return answer.accepted is not None or waiting.request.idempotency_key is not None


def _worth_another_try(error: Exception) -> bool:
    """Whether a fresh attempt can succeed: the connection or the server went away, not the statement."""
    if isinstance(error, PoolTimeout) or is_lost(error):
        return True
    return isinstance(error, DBAPIError) and isinstance(error.orig, psycopg2.errors.DeadlockDetected)


def _answer_all(batch: Sequence[_Waiting], error: MarketplaceError) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(error)
