"""The book of a Dutch auction: items that are taken, held, checked out and returned.

At every moment ``held + sold + free`` is the quantity, and the log proves it: a TAKE for every item that
went, a RETURN for every one that came back.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from marketplace.errors import Invalid, MarketplaceError, NotFound
from marketplace.realtime import events
from marketplace.times import iso

from . import chain, dutch, english
from .book import Book, bid_id


@dataclass(frozen=True, slots=True)
class Item:
    """One item that somebody has taken."""

    #: The number of the TAKE in the log.
    seq: int
    buyer_id: int
    price: int
    expires_at: datetime


@dataclass(kw_only=True)
class DutchBook(Book[dutch.Standing]):
    """A Dutch auction while its lock is held."""

    #: When the first item that is held, and not yet overdue, comes back unless it is checked out.
    next_expiry: datetime | None = None
    #: Items whose hold is over, longest overdue first.
    overdue: Sequence[Item] = ()
    #: How many items those have who may not have any number of them.
    has: Mapping[int, int] = field(default_factory=dict)
    #: When the clock was to look at the auction next, as it is stored.
    stored_due_at: datetime | None = None
    taken: list[Item] = field(default_factory=list)
    #: What became of items, by the number of their TAKE: CONFIRMED, EXPIRED or RELEASED.
    settled: dict[int, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether there is something to write."""
        return bool(self.new_events or self.settled) or self.due_at != self.stored_due_at

    @property
    def due_at(self) -> datetime | None:
        """When the clock has to look at this auction next; at once if overdue items are left to it."""
        expiry = self.overdue[0].expires_at if self.overdue else self.next_expiry
        return min((at for at in (super().due_at, expiry) if at is not None), default=None)

    @property
    def _extension_window(self) -> timedelta:
        return timedelta(0)

    def advance(self) -> None:
        """Take back the items whose hold is over, then every step of the auction's life that is due."""
        overdue, self.overdue = self.overdue, ()
        for item in overdue:
            self.standing = replace(self.standing, held=self.standing.held - 1)
            self._return(item, "expired", "EXPIRED")
        super().advance()

    # --- items ---

    def turns(self, bids: Sequence[english.Bid]) -> list[int]:
        """In order of arrival: the price is the same for everybody."""
        return list(range(len(bids)))

    def place(
        self,
        bid: english.Bid,
        *,
        bidder_name: str,  # noqa: ARG002 - nobody is told who buys
        socket_id: str | None = None,
    ) -> dict[str, Any]:
        """Hold one item for the buyer, at the price now.

        Raises:
            NotFound: the buyer may not see the auction.
            Invalid: the bid has a maximum.
            MarketplaceError: see ``dutch.take``.
        """
        if self.hidden_from(bid.bidder_id):
            raise NotFound
        if bid.amount is None or bid.maximum is not None:
            message = "is for English auctions; send the price you saw as amount"
            problem = {"field": "maxAmount", "message": message}
            raise Invalid("Some fields are not acceptable; see errors.", errors=[problem])
        has = self.has.get(bid.bidder_id, 0) + sum(item.buyer_id == bid.bidder_id for item in self.taken)
        try:
            price = dutch.take(
                self.standing, buyer_id=bid.bidder_id, amount=bid.amount, has=has, now=self.now
            )
        except MarketplaceError as refusal:
            self._reject(bid.bidder_id, refusal)
            raise
        return self._take(bid, price, socket_id)

    def _take(self, bid: english.Bid, price: dutch.Price, socket_id: str | None) -> dict[str, Any]:
        item = Item(self.seq + 1, bid.bidder_id, price.amount, self.now + self.standing.terms.hold)
        self.standing = replace(
            self.standing, held=self.standing.held + 1, bid_count=self.standing.bid_count + 1
        )
        self._tell(
            events.ItemSold(
                remaining_items=self.standing.free,
                price=item.price,
                currency=self.currency,
                direct=(events.Direct(item.buyer_id, self._accepted(item)),),
            ),
            except_socket=socket_id,
        )
        self._log("TAKE", item.buyer_id, item.price, chain.Secret(os.urandom(16), bid.amount, None))
        self.taken.append(item)
        self.next_expiry = min(self.next_expiry or item.expires_at, item.expires_at)
        answer = self._answer(item)
        if self.standing.free == 0:
            self._close("sold_out")
        return answer

    def confirm(self, item: Item) -> None:
        """The buyer has checked out an item that is held: it is sold."""
        self.standing = replace(self.standing, held=self.standing.held - 1, sold=self.standing.sold + 1)
        self.settled[item.seq] = "CONFIRMED"

    def release(self, item: Item) -> None:
        """The buyer does not want an item that is held."""
        self.standing = replace(self.standing, held=self.standing.held - 1)
        self._return(item, "released", "RELEASED")

    def take_back(self, item: Item, reason: str) -> None:
        """An item that was checked out comes back: ``unpaid`` or ``cancelled``."""
        self.standing = replace(self.standing, sold=self.standing.sold - 1)
        self._return(item, reason, "RELEASED")

    def _return(self, item: Item, reason: str, status: str) -> None:
        over = self.standing.status == "ENDED"
        reopens = over and self.now < self.standing.ends_at
        if over:
            self.outcome = None if reopens else dutch.outcome(self.standing)
        direct: tuple[events.Direct, ...] = ()
        if status == "EXPIRED":
            direct = (events.Direct(item.buyer_id, self._expired(item)),)
        self._tell(
            events.ItemReturned(remaining_items=self.standing.free, outcome=self.outcome, direct=direct)
        )
        self._append(
            chain.Entry(
                self.auction_id,
                self.seq,
                self.part,
                "RETURN",
                item.buyer_id,
                item.price,
                self.now,
                refers_to=(item.seq, 0),
                reason=reason,
            )
        )
        self.settled[item.seq] = status
        if reopens:
            self.closed_at = None
            self._enter("RUNNING")
            super().advance()

    # --- what is told ---

    def _accepted(self, item: Item) -> events.BidAccepted:
        place = bid_id(self.auction_id, item.seq, 0)
        return events.BidAccepted(
            bid_id=place,
            winning_price=item.price,
            currency=self.currency,
            reservation_id=place,
            expires_at=item.expires_at,
        )

    def _expired(self, item: Item) -> events.ReservationExpired:
        return events.ReservationExpired(
            reservation_id=bid_id(self.auction_id, item.seq, 0),
            title=self.title,
            price=item.price,
            currency=self.currency,
        )

    def _reject(self, buyer_id: int, refusal: MarketplaceError) -> None:
        rejected = events.BidRejected(
            reason=refusal.code,
            current_price=self.standing.price_at(self.now).amount,
            currency=self.currency,
            remaining_items=self.standing.free,
        )
        self.rejections.append(events.Direct(buyer_id, rejected))

    def _answer(self, item: Item) -> dict[str, Any]:
        place = bid_id(self.auction_id, item.seq, 0)
        return {
            "bidId": place,
            "auctionId": self.auction_id,
            "seq": item.seq,
            "amount": item.price,
            "currency": self.currency,
            "reservationId": place,
            "expiresAt": iso(item.expires_at),
            "remainingItems": self.standing.free,
            "receivedAt": iso(self.now),
            "endsAt": iso(self.standing.ends_at),
        }

    # --- its end ---

    def _open_at(self, moment: datetime) -> None:
        super()._open_at(moment)
        self.standing = replace(self.standing, starts_at=moment)

    def _end_now(self) -> None:
        self.standing = replace(self.standing, ends_at=self.now)

    def _close(self, reason: str) -> None:
        self.standing = replace(self.standing, status="ENDED")
        self.outcome = dutch.outcome(self.standing)
        self.closed_at = self.now
        self._tell(
            events.AuctionEnded(
                outcome=self.outcome,
                reason=reason,
                winner_name=None,
                winning_bid=None,
                currency=self.currency,
            )
        )
