"""Proving an auction from its log: chain, every price, leader, outcome, count and event numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from .bidding import chain, english
from .bidding.log import read_log
from .bidding.rows import standing_of
from .bidding.withdrawal import WITHDRAWALS, asked, fold, standing_bids

_AUCTION = text("SELECT * FROM auctions WHERE id = :id")
_EVENTS = text(
    "SELECT count(*) AS count, coalesce(max(seq), 0) AS last,"
    " count(*) FILTER (WHERE name = 'auction:end') AS ends"
    " FROM events WHERE auction_id = :id"
)


def verify(connection: Connection, auction_id: int) -> list[str]:
    """Everything that does not follow from the log, in words; empty when all does."""
    auction = connection.execute(_AUCTION, {"id": auction_id}).one_or_none()
    if auction is None:
        return [f"there is no auction {auction_id}"]
    links = read_log(connection, auction_id)
    events = connection.execute(_EVENTS, {"id": auction_id}).one()
    problems = list(chain.breaks(links, auction.log_hash and bytes(auction.log_hash)))
    problems += Recomputation(standing_of(auction).terms).problems([link.entry for link in links])
    problems += _standing_problems(auction, [link.entry for link in links])
    if not events.count == events.last == auction.seq:
        problems.append(
            f"{events.count} events are stored, the last is {events.last}, {auction.seq} are counted"
        )
    if events.ends != (auction.status == "ENDED"):
        problems.append(f"there are {events.ends} ends of an auction that is {auction.status}")
    return problems


def _standing_problems(auction: Row[Any], log: Sequence[chain.Entry]) -> Iterator[str]:
    standing = standing_of(auction)
    bought = [entry for entry in log if entry.kind == "BUY_NOW"]
    result = fold(standing.terms, standing_bids(log))
    expected = result.price
    if standing.bid_count != result.steps + len(bought):
        yield f"{standing.bid_count} bids are counted, the log makes {result.steps + len(bought)}"
    if bought:
        expected = english.Price(bought[-1].amount, bought[-1].bidder_id, bought[-1].amount)
    if standing.price != expected:
        yield f"the auction stands at {standing.price}, its log makes {expected}"
    if auction.status == "ENDED" and auction.outcome != english.outcome(standing):
        yield f"the outcome is {auction.outcome}, and should be {english.outcome(standing)}"


class Recomputation:
    """Goes through a log entry by entry and says where one is not what the rules make of those before it."""

    def __init__(self, terms: english.Terms) -> None:
        self._terms = terms
        self._price: english.Price | None = None
        self._expected: list[english.Step] = []

    def problems(self, log: Sequence[chain.Entry]) -> Iterator[str]:
        """Every entry that does not follow."""
        for n, entry in enumerate(log):
            name = chain.entry_name(*entry.place)
            if n and log[n - 1].kind == "BUY_NOW":
                yield f"bid {name} came after the lot was bought"
            if entry.kind in WITHDRAWALS:
                yield from self._withdrawal(entry, name, log[:n])
                self._price = fold(self._terms, standing_bids(log[: n + 1])).price
            elif entry.kind == "BUY_NOW":
                yield from self._purchase(entry, name)
            else:
                yield from self._step(entry, name)
        if self._expected:
            yield "the log ends before an automatic answer"

    def _withdrawal(self, entry: chain.Entry, name: str, before: Sequence[chain.Entry]) -> Iterator[str]:
        standing = {bid.place: bid for bid in standing_bids(before)}
        bid = standing.get(entry.refers_to) if entry.refers_to else None
        if bid is None or (bid.bidder_id, bid.amount) != (entry.bidder_id, entry.amount):
            yield f"bid {name} withdraws what does not stand"

    def _purchase(self, entry: chain.Entry, name: str) -> Iterator[str]:
        if entry.amount != self._terms.buy_now_price:
            yield f"bid {name} is not at the buy-now price"
        if not english.buy_now_offered(self._terms, self._price):
            yield f"bid {name} came after the lot could be bought at once"
        if entry.bidder_id == self._terms.seller_id:
            yield f"bid {name} is by the seller"
        self._price = english.Price(entry.amount, entry.bidder_id, entry.amount)

    def _step(self, entry: chain.Entry, name: str) -> Iterator[str]:
        if entry.kind != "AUTO":
            yield from self._asked(entry, name)
        step = self._expected.pop(0) if self._expected else None
        found = (entry.kind, entry.bidder_id, entry.amount)
        if step is None or found != (step.kind, step.price.leader_id, step.price.amount):
            yield f"bid {name} does not follow from the bids before it"

    def _asked(self, entry: chain.Entry, name: str) -> Iterator[str]:
        if self._expected:
            yield f"bid {name} came before an automatic answer was logged"
        bid = asked(entry)
        leads = self._price is not None and self._price.leader_id == bid.bidder_id
        minimum = english.minimum_after(self._terms, self._price)
        if bid.bidder_id == self._terms.seller_id:
            yield f"bid {name} is by the seller"
        least = bid.strength if bid.amount is None else bid.amount
        if leads and bid.amount is not None:
            yield f"bid {name} is by the leader"
        if leads and self._price is not None and bid.strength <= self._price.strength:
            yield f"bid {name} raises nothing"
        if not leads and least < minimum:
            yield f"bid {name} is below the minimum of {minimum}"
        self._expected = list(english.meet(self._terms, self._price, bid))
        self._price = self._expected[-1].price
