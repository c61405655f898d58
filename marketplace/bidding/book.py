"""The book of an auction: what happens to it in one transaction, while its row is locked.

Every change of an auction's standing goes through a book; ``rows.py`` reads and writes it:

    book = open_book(connection, auction_id)   # lock, then clock
    book.place(...)                            # or advance, withdraw, buy, cancel, end
    save(connection, [book])
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from marketplace.errors import AuctionOver, HasBids, NotFound
from marketplace.orders.making import Sold
from marketplace.realtime import events, outbox
from marketplace.times import iso

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

    def sell(self, origin: str, buyer_id: int, price: int) -> None:
        """Make an order, written with everything else; ``origin`` says how it was won, see the model."""
        sold = Sold(auction_id=self.auction_id, buyer_id=buyer_id, price=price, origin=origin, at=self.now)
        self.new_sales.append(sold)

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
            self.sell("buy_now" if reason == "bought" else "win", price.leader_id, price.amount)
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
