"""The book of an auction: what happens to it in one transaction, while its row is locked.

Every change of an auction's standing goes through a book; ``rows.py`` reads and writes it:

    book = open_book(connection, auction_id)   # lock, then clock
    book.place(...)                            # or advance, cancel, end, ...
    save(connection, [book])

Here is what all formats share: the life of an auction, its numbered events and its log. What bids do is in
``english_book.py`` and ``dutch_book.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from marketplace.errors import AuctionOver, HasBids, NotPublished
from marketplace.orders.making import Sold
from marketplace.realtime import events, outbox

from . import chain, dutch, english, lifecycle

Standing = TypeVar("Standing", english.Standing, dutch.Standing)


# Without slots: super() does not work in a dataclass that has them.
@dataclass(kw_only=True)
class Book(ABC, Generic[Standing]):
    """An auction while its lock is held."""

    auction_id: int
    title: str
    currency: str
    starts_at: datetime
    standing: Standing
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
    #: What was sold in this transaction, to become orders.
    new_sales: list[Sold] = field(default_factory=list)
    #: The sale it is a lot of, and how that closes; see ``lots.py``.
    lot: Lot | None = None
    #: By how much late bids have moved the end, in this transaction.
    extended_by: timedelta = timedelta(0)
    #: Whose members alone see it; None: everybody does.
    tenant_id: int | None = None
    #: Those who may see a members-only auction, among those who have been looked up.
    insiders: frozenset[int] = frozenset()
    #: What single users are told besides, without a number: nothing has happened, somebody was refused.
    rejections: list[events.Direct] = field(default_factory=list)
    #: Whether the process that holds the book will send ``new_events`` itself, after the commit.
    leased: bool = False

    @property
    def quiet(self) -> bool:
        """Whether nothing has happened here for a while, so that what happens now can be told at once."""
        return self.last_event_at is None or self.now - self.last_event_at >= outbox.WINDOW

    @property
    def changed(self) -> bool:
        """Whether there is something to write."""
        return bool(self.new_events or self.new_entries)

    @property
    def due_at(self) -> datetime | None:
        """When the clock has to look at this auction next."""
        return lifecycle.next_due(
            self.standing.status,
            starts_at=self.starts_at,
            ends_at=self.standing.ends_at,
            extension_window=self._extension_window,
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
            ends_at=standing.ends_at,
            extension_window=self._extension_window,
            now=self.now,
        ):
            if status == "ENDED":
                self._close("time_up")
            else:
                self._enter(status)

    def publish(self) -> None:
        """Leave the draft: scheduled, or running at once if its start has come."""
        status = "SCHEDULED" if self.now < self.starts_at else "RUNNING"
        self._open_at(max(self.starts_at, self.now))
        self._enter(status)
        self.advance()

    def cancel(self) -> None:
        """Call the auction off.

        Raises:
            NotPublished: it is a draft, which would be shown to everybody by that.
            AuctionOver: it has ended or was cancelled before.
            HasBids: somebody has bid; from then on it runs to its end.
        """
        if self.standing.status == "DRAFT":
            raise NotPublished
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
        self._end_now()
        self._close(reason)

    # --- what differs between formats ---

    @abstractmethod
    def turns(self, bids: Sequence[english.Bid]) -> list[int]:
        """In which order to decide bids that arrived at the same moment, as indices."""

    @abstractmethod
    def place(self, bid: english.Bid, *, bidder_name: str, socket_id: str | None = None) -> dict[str, Any]:
        """Accept a bid and answer it, or raise the refusal of the rules.

        ``socket_id`` is the bidder's own connection to Channels, which need not be told what it did.
        """

    @property
    @abstractmethod
    def _extension_window(self) -> timedelta:
        """How long before the end a bid is a late one."""

    @abstractmethod
    def _end_now(self) -> None:
        """Move the end to this moment."""

    @abstractmethod
    def _close(self, reason: str) -> None:
        """End the auction, and tell how it ended."""

    def _open_at(self, moment: datetime) -> None:
        self.starts_at = moment

    def sell(self, origin: str, buyer_id: int, price: int) -> None:
        """Make an order, written with everything else; ``origin`` says how it was won, see the model."""
        sold = Sold(auction_id=self.auction_id, buyer_id=buyer_id, price=price, origin=origin, at=self.now)
        self.new_sales.append(sold)

    # --- telling and logging ---

    def _enter(self, status: str) -> None:
        self.standing = replace(self.standing, status=status)
        self._tell(
            events.AuctionStatusChanged(
                status=status, starts_at=self.starts_at, ends_at=self.standing.ends_at
            )
        )

    def _tell(self, event: events.AuctionEvent, *, except_socket: str | None = None) -> int:
        self.seq += 1
        self.part = 0
        recorded = outbox.numbered(
            self.auction_id, self.seq, event, self.now, members_only=self.tenant_id is not None
        )
        self.new_events.append(replace(recorded, except_socket=except_socket) if except_socket else recorded)
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


def bid_id(auction_id: int, seq: int, part: int) -> str:
    """The public id of a bid: it names the auction, so that looking it up does too."""
    return f"{auction_id}-{chain.entry_name(seq, part)}"
