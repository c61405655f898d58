"""The book of an English auction: what bids, purchases and withdrawals do to it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from marketplace.errors import NotFound
from marketplace.realtime import events
from marketplace.times import iso

from . import chain, english
from .book import Book, bid_id


@dataclass(kw_only=True)
class EnglishBook(Book[english.Standing]):
    """An English auction while its lock is held."""

    leader_name: str | None

    @property
    def _extension_window(self) -> timedelta:
        return self.standing.terms.anti_snipe.window

    def turns(self, bids: Sequence[english.Bid]) -> list[int]:
        """The weaker first; see ``english.turns``."""
        return english.turns(bids, self.standing.terms.increments)

    def place(
        self,
        bid: english.Bid,
        *,
        bidder_name: str,
        socket_id: str | None = None,  # noqa: ARG002 - who bids is told like everybody else
    ) -> dict[str, Any]:
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

    def _end_now(self) -> None:
        self.standing = replace(self.standing, end=replace(self.standing.end, at=self.now))

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


@dataclass(frozen=True, slots=True)
class Recount:
    """The standing without the bids that are withdrawn."""

    price: english.Price | None
    bid_count: int
    leader_name: str | None
