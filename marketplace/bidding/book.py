"""The book of an auction: its locked row, what happens to it in one transaction, and writing that down.

Every change of an auction's standing goes through a book:

    book = open_book(connection, auction_id)   # lock, then clock
    book.place(...)                            # or advance, withdraw, buy, cancel, end
    save(connection, [book])

No ORM here: this is the path of every bid (docs/decisions/bidding-desk.md).
"""

from __future__ import annotations

import os
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
from .increments import Increments


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
        self.standing = replace(self.standing, end=replace(self.standing.end, at=self.now))
        self._close(reason)

    # --- bids ---

    def place(self, bid: english.Bid, *, bidder_name: str) -> dict[str, Any]:
        """Accept a bid and answer it, or raise the refusal of the rules.

        Raises:
            NotFound: the bidder may not see the auction.
            MarketplaceError: see ``english.accept``.
        """
        before = self.standing
        if before.status == "DRAFT" and bid.bidder_id != before.terms.seller_id:
            raise NotFound
        after, steps = english.accept(before, bid, self.now)
        names = {bid.bidder_id: bidder_name}
        if before.price is not None:
            names.setdefault(before.price.leader_id, self.leader_name or "")
        secret = chain.Secret(os.urandom(16), bid.amount, bid.maximum)
        extended = after.end.at if after.end != before.end else None
        count, own = before.bid_count, (0, 0)
        for step in steps:
            count += step.kind is not english.StepKind.RAISE
            told = _Told(step, names[step.price.leader_id], count, extended if step is steps[-1] else None)
            place = self._log_step(told, before, bid, secret)
            if step.kind is not english.StepKind.AUTO:
                own = place
        self.standing = after
        self.leader_name = names[steps[-1].price.leader_id]
        if extended:
            self._tell(events.AuctionExtended(ends_at=extended, extension_count=after.end.extensions))
        return self._answer(own, steps, bid)

    def buy(self, *, buyer_id: int, buyer_name: str) -> dict[str, Any]:
        """Sell the lot at its buy-now price and end the auction.

        Raises:
            NotFound: the buyer may not see the auction.
            MarketplaceError: see ``english.buy``.
        """
        if self.standing.status == "DRAFT" and buyer_id != self.standing.terms.seller_id:
            raise NotFound
        self.standing = english.buy(self.standing, buyer_id=buyer_id, now=self.now)
        self.leader_name = buyer_name
        price = self.standing.price
        assert price is not None
        seq = self._tell(self._bid_event(buyer_name, price.amount, self.standing.bid_count, None, ()))
        self._log("BUY_NOW", buyer_id, price.amount, chain.Secret(os.urandom(16), price.amount, None))
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
        before = self.standing.price
        self.standing = replace(self.standing, price=after.price, bid_count=after.bid_count)
        self.leader_name = after.leader_name
        seq = self._tell(self._retracted_event(before))
        for part, entry in enumerate(entries):
            self.part = part
            self._append(
                chain.Entry(
                    self.auction_id,
                    seq,
                    part,
                    kind,
                    entry.bidder_id,
                    entry.amount,
                    self.now,
                    refers_to=entry.place,
                    reason=reason,
                )
            )

    def _log_step(
        self, told: _Told, before: english.Standing, bid: english.Bid, secret: chain.Secret
    ) -> tuple[int, int]:
        step = told.step
        if step.kind is english.StepKind.RAISE:
            # Told to nobody: it stands in the log under the number of what was told last.
            self.part += 1
            self._log(step.kind, bid.bidder_id, step.price.amount, secret)
            return self.seq, self.part
        overtaken = before.price.leader_id if before.price else None
        direct: tuple[events.Direct, ...] = ()
        if step.price.leader_id == told.leads_at_last(bid, before):
            direct = self._direct(step.price, bid.bidder_id, overtaken)
        self._tell(self._bid_event(told.name, step.price.amount, told.count, told.extended, direct))
        self._log(
            step.kind,
            step.price.leader_id,
            step.price.amount,
            None if step.kind is english.StepKind.AUTO else secret,
        )
        return self.seq, self.part

    def _direct(
        self, price: english.Price, bidder_id: int, overtaken: int | None
    ) -> tuple[events.Direct, ...]:
        minimum = english.minimum_after(self.standing.terms, price)
        winning = events.BidWinning(
            bid_id=bid_id(self.auction_id, self.seq + 1, 0), current_bid=price.amount, currency=self.currency
        )
        outbid = events.BidOutbid(
            current_bid=price.amount, currency=self.currency, minimum_next_bid=minimum
        )
        losers = {bidder_id, overtaken} - {price.leader_id, None}
        return (
            events.Direct(price.leader_id, winning),
            *(events.Direct(loser, outbid) for loser in losers if loser is not None),
        )

    def _bid_event(
        self,
        name: str,
        amount: int,
        count: int,
        extended: datetime | None,
        direct: tuple[events.Direct, ...],
    ) -> events.BidNew:
        terms = self.standing.terms
        return events.BidNew(
            current_bid=amount,
            currency=self.currency,
            bidder_name=name,
            bid_count=count,
            minimum_next_bid=amount + terms.increments.after(amount),
            reserve_met=None if terms.reserve is None else amount >= terms.reserve,
            extended_end_time=extended,
            direct=direct,
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

    def _answer(self, own: tuple[int, int], steps: Sequence[english.Step], bid: english.Bid) -> dict[str, Any]:
        standing = self.standing
        price = standing.price
        assert price is not None
        mine = next(step.price.amount for step in steps if step.kind is not english.StepKind.AUTO)
        return {
            "bidId": bid_id(self.auction_id, *own),
            "auctionId": self.auction_id,
            "seq": own[0],
            "amount": mine,
            "maxAmount": bid.maximum,
            "currency": self.currency,
            "currentBid": price.amount,
            "youLead": price.leader_id == bid.bidder_id,
            "minimumNextBid": standing.minimum_next_bid,
            "receivedAt": iso(self.now),
            "endsAt": iso(standing.end.at),
        }

    # --- telling and logging ---

    def _enter(self, status: str) -> None:
        self.standing = replace(self.standing, status=status)
        self._tell(
            events.AuctionStatusChanged(
                status=status, starts_at=self.starts_at, ends_at=self.standing.end.at
            )
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
        self.new_events.append(outbox.numbered(self.auction_id, self.seq, event, self.now))
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
class _Told:
    """A step with what is told about it."""

    step: english.Step
    name: str
    count: int
    extended: datetime | None

    def leads_at_last(self, bid: english.Bid, before: english.Standing) -> int:
        """Who leads after all steps: whom and about whom single users are told, once."""
        if self.step.kind is english.StepKind.AUTO or before.price is None:
            return self.step.price.leader_id
        return bid.bidder_id if bid.strength > before.price.strength else before.price.leader_id


@dataclass(frozen=True, slots=True)
class Recount:
    """The standing without the bids that are withdrawn."""

    price: english.Price | None
    bid_count: int
    leader_name: str | None


def bid_id(auction_id: int, seq: int, part: int) -> str:
    """The public id of a bid: it names the auction, so that looking it up does too."""
    return f"{auction_id}-{chain.entry_name(seq, part)}"
