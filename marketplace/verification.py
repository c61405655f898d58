"""Proving an auction from its log: chain, every price, leader or stock, outcome, count and event numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from .bidding import chain, dutch, english
from .bidding.log import read_log
from .bidding.rows import dutch_standing_of, standing_of
from .bidding.withdrawal import WITHDRAWALS, asked, fold, standing_bids

_AUCTION = text("SELECT * FROM auctions WHERE id = :id")
_EVENTS = text(
    "SELECT count(*) AS count, coalesce(max(seq), 0) AS last,"
    " count(*) FILTER (WHERE name = 'auction:end') AS ends,"
    " count(*) FILTER (WHERE name = 'auction:status' AND data->>'status' = 'RUNNING') AS openings"
    " FROM events WHERE auction_id = :id"
)
_RESERVATIONS = text(
    "SELECT seq, buyer_id, price, status FROM reservations WHERE auction_id = :id ORDER BY seq"
)


def verify(connection: Connection, auction_id: int) -> list[str]:
    """Everything that does not follow from the log, in words; empty when all does."""
    auction = connection.execute(_AUCTION, {"id": auction_id}).one_or_none()
    if auction is None:
        return [f"there is no auction {auction_id}"]
    links = read_log(connection, auction_id)
    log = [link.entry for link in links]
    problems = list(chain.breaks(links, auction.log_hash and bytes(auction.log_hash)))
    if auction.format == "DUTCH":
        stock = Stock(dutch_standing_of(auction, auction.created_at))
        problems += stock.problems(log)
        problems += _stock_problems(auction, stock)
        problems += _reservation_problems(
            auction, stock, connection.execute(_RESERVATIONS, {"id": auction_id}).all()
        )
    else:
        problems += Recomputation(standing_of(auction).terms).problems(log)
        problems += _standing_problems(auction, log)
    problems += _event_problems(auction, connection.execute(_EVENTS, {"id": auction_id}).one())
    return problems


def _event_problems(auction: Row[Any], events: Row[Any]) -> Iterator[str]:
    if not events.count == events.last == auction.seq:
        yield f"{events.count} events are stored, the last is {events.last}, {auction.seq} are counted"
    ends: int = auction.status == "ENDED"
    if auction.format == "DUTCH":
        # It ends whenever it is sold out, and opens again when an item comes back.
        ends = events.openings - (auction.status in dutch.OPEN)
    if events.ends != ends:
        yield f"there are {events.ends} ends of an auction that is {auction.status}"


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


# --- Dutch auctions ---


class Stock:
    """Goes through the log of a Dutch auction and says where an item was not there, or not at its price."""

    def __init__(self, standing: dutch.Standing) -> None:
        self._standing = standing
        #: Every TAKE, by its number; and why those that came back did.
        self.taken: dict[int, chain.Entry] = {}
        self.returned: dict[int, str | None] = {}
        #: Items that came back when nothing was sold any more.
        self.late = 0
        self._has: Counter[int] = Counter()

    @property
    def out(self) -> int:
        """Items that are held or sold."""
        return len(self.taken) - len(self.returned)

    def problems(self, log: Sequence[chain.Entry]) -> Iterator[str]:
        """Every entry that the rules do not allow."""
        for entry in log:
            name = chain.entry_name(*entry.place)
            if entry.kind == "TAKE":
                yield from self._take(entry, name)
            elif entry.kind == "RETURN":
                yield from self._return(entry, name)
            else:
                yield f"bid {name} is a {entry.kind}, which no Dutch auction has"

    def _take(self, entry: chain.Entry, name: str) -> Iterator[str]:
        standing, terms = self._standing, self._standing.terms
        price = standing.price_at(entry.placed_at).amount
        asked = entry.secret.amount if entry.secret else None
        if entry.amount != price:
            yield f"bid {name} is at {entry.amount}, the price then was {price}"
        if entry.amount < terms.floor:
            yield f"bid {name} is under the floor"
        if asked is None or entry.amount > asked:
            yield f"bid {name} is above what was asked for"
        if not standing.starts_at <= entry.placed_at < standing.ends_at:
            yield f"bid {name} came when nothing was sold"
        if entry.bidder_id == terms.seller_id:
            yield f"bid {name} is by the seller"
        if self.out >= terms.quantity:
            yield f"bid {name} takes an item that is not there"
        if terms.per_buyer is not None and self._has[entry.bidder_id] >= terms.per_buyer:
            yield f"bid {name} takes more than one buyer may have"
        self.taken[entry.seq] = entry
        self._has[entry.bidder_id] += 1

    def _return(self, entry: chain.Entry, name: str) -> Iterator[str]:
        seq = entry.refers_to[0] if entry.refers_to else 0
        take = self.taken.get(seq)
        if take is None or (take.bidder_id, take.amount) != (entry.bidder_id, entry.amount):
            yield f"bid {name} returns what was not taken"
        elif seq in self.returned:
            yield f"bid {name} returns what came back before"
        else:
            self.returned[seq] = entry.reason
            self.late += entry.placed_at >= self._standing.ends_at
            self._has[entry.bidder_id] -= 1
        if entry.reason not in _STATUS_AFTER:
            yield f"bid {name} does not say why"


#: What a reservation is after its item came back, by the reason.
_STATUS_AFTER = {"expired": "EXPIRED", "released": "RELEASED", "unpaid": "RELEASED", "cancelled": "RELEASED"}


def _stock_problems(auction: Row[Any], stock: Stock) -> Iterator[str]:
    standing = dutch_standing_of(auction, auction.created_at)
    if standing.bid_count != len(stock.taken):
        yield f"{standing.bid_count} bids are counted, the log has {len(stock.taken)}"
    if standing.held + standing.sold != stock.out:
        yield f"{standing.held} items are held and {standing.sold} sold, by the log {stock.out} together"
    if auction.status == "ENDED" and auction.outcome != dutch.outcome(standing):
        yield f"the outcome is {auction.outcome}, and should be {dutch.outcome(standing)}"
    if auction.status in dutch.OPEN and not standing.free:
        yield f"the auction is {auction.status}, and nothing is left"
    if auction.status == "ENDED" and standing.free > stock.late and auction.closed_at < auction.ends_at:
        yield "the auction has ended before its time, and something is left"


def _reservation_problems(auction: Row[Any], stock: Stock, reservations: Sequence[Row[Any]]) -> Iterator[str]:
    for row in reservations:
        take = stock.taken.get(row.seq)
        if take is None or (take.bidder_id, take.amount) != (row.buyer_id, row.price):
            yield f"reservation {row.seq} is not what was taken"
        elif row.seq in stock.returned:
            if row.status != _STATUS_AFTER.get(stock.returned[row.seq] or ""):
                yield f"reservation {row.seq} is {row.status}, and its item came back"
        elif row.status not in {"HELD", "CONFIRMED"}:
            yield f"reservation {row.seq} is {row.status}, and its item never came back"
    for seq in sorted(stock.taken.keys() - {row.seq for row in reservations}):
        yield f"there is no reservation {seq}"
    statuses = Counter(row.status for row in reservations)
    if (auction.held, auction.sold) != (statuses["HELD"], statuses["CONFIRMED"]):
        yield (
            f"{auction.held} items are held and {auction.sold} sold,"
            f" by the reservations {statuses['HELD']} and {statuses['CONFIRMED']}"
        )
