"""Browsing: finding auctions by their words, their category and the rest, in one of several orders, by pages.

Pages neither repeat nor skip an auction, however it changes while somebody reads: they are sorted by how
things stood when the first page was read. What has changed since is looked up in the auction's events. No
index has the price or the number of bids, which every bid would have to update, so those orders and that of
relevance are of the ``MAX_CANDIDATES`` newest auctions that match. See docs/decisions/search.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    tuple_,
    union_all,
)
from sqlalchemy import Text as TextType

from . import categories, listings
from .accounts import Viewer
from .errors import Invalid
from .extensions import db
from .models import END, Auction, AuctionFormat, AuctionStatus, Event, SearchDocument
from .models.accounts import Timestamp
from .transactions import database_now

#: So many auctions that match, or that have the words, are sorted by what no index has: the newest of them.
MAX_CANDIDATES = 5_000
#: How old the first page may be when another is asked for: what has changed since has to be looked up.
CURSOR_LIFETIME = timedelta(hours=1)
#: Shorter words are looked for as they are, others also as the beginnings of words.
SHORTEST_BEGINNING = 3

#: Statuses in which an auction runs towards its end.
RUNNING = (AuctionStatus.RUNNING, AuctionStatus.ENDING_SOON)

_END: ColumnElement[datetime] = literal_column(END.text, Timestamp)
#: Events after which an auction ends at another moment than before.
_ENDS = ("auction:extend", "auction:end")


class Sort(StrEnum):
    """In which order."""

    ENDING = "ending"
    NEWEST = "newest"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    BIDS = "bids"
    RELEVANCE = "relevance"


_DESCENDING = frozenset({Sort.NEWEST, Sort.PRICE_DESC, Sort.BIDS, Sort.RELEVANCE})
_BY_PRICE = frozenset({Sort.PRICE_ASC, Sort.PRICE_DESC})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which auctions; what is None or empty does not matter."""

    #: As people type it: ``"leica lens" -broken``. See ``websearch_to_tsquery``.
    words: str | None = None
    #: A category stands for those in it too.
    category: str | None = None
    format: AuctionFormat | None = None
    statuses: Sequence[str] = ()
    currency: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    ending_within: timedelta | None = None
    seller_id: int | None = None
    sale_id: int | None = None
    tenant_id: int | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended."""

    #: When the first page was read.
    as_of: datetime
    #: What the last auction was sorted by: when it ends, or a number.
    key: datetime | int
    auction_id: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some auctions, and where they ended if there are more."""

    views: list[listings.View]
    end: Position | None


def find(
    viewer: Viewer | None,
    filters: Filters,
    *,
    sort: Sort = Sort.ENDING,
    after: Position | None = None,
    limit: int,
) -> Page:
    """Auctions this viewer may see; after the page that ended at ``after``, if given.

    Raises:
        Invalid: filters and order do not go together, there is no such category, or the page before is older
            than ``CURSOR_LIFETIME``.
    """
    check(filters, sort)
    now = database_now()
    if after is not None and now - after.as_of > CURSOR_LIFETIME:
        _refuse(("cursor", "is too old; start again without one"))
    having = _having(_query(filters.words), ranked=sort == Sort.RELEVANCE) if filters.words else None
    order = _Order(sort, after.as_of if after else now, having)
    matching = _matching(viewer, filters, having)
    found = order.page(matching, after, limit + 1).subquery()
    query = listings.views().add_columns(found.c.key).join(found, found.c.id == Auction.id)
    rows = db.session.execute(query.order_by(*order.by(found.c.key, found.c.id))).all()
    end = None
    if len(rows) > limit:
        last = rows[limit - 1]
        end = Position(order.as_of, last.key, last.Auction.id)
    return Page([listings.view(row) for row in rows[:limit]], end)


def check(filters: Filters, sort: Sort) -> None:
    """Raise ``Invalid`` with every combination that makes no sense."""
    problems = list(_problems(filters, sort))
    if problems:
        _refuse(*problems)


def _problems(filters: Filters, sort: Sort) -> Iterator[tuple[str, str]]:
    prices = {"minPrice": filters.min_price, "maxPrice": filters.max_price}
    if filters.currency is None:
        message = "needs a currency: amounts in different ones cannot be compared"
        yield from ((name, message) for name, price in prices.items() if price is not None)
        if sort in _BY_PRICE:
            yield "sort", f"{sort} {message}"
    if None not in prices.values() and prices["minPrice"] > prices["maxPrice"]:  # type: ignore[operator]
        yield "maxPrice", "must not be below minPrice"
    if sort == Sort.RELEVANCE and not filters.words:
        yield "sort", "relevance needs words to look for, in q"
    if filters.ending_within is not None and not set(filters.statuses) <= set(RUNNING):
        yield "endingWithin", "is for running auctions: status must be absent, RUNNING or ENDING_SOON"
    if filters.category is not None and not categories.exists(filters.category):
        yield "category", "must be one of GET /api/categories"


def _refuse(*problems: tuple[str, str]) -> None:
    errors = [{"field": field, "message": message} for field, message in problems]
    raise Invalid("Some fields are not acceptable together; see errors.", errors=errors)


# --- which -------------------------------------------------------------------------------------------------


def _matching(viewer: Viewer | None, filters: Filters, having: CTE | None) -> Select[Any]:
    query: Select[Any] = select(Auction.id).where(listings.visible_to(viewer))
    for column, wanted in (
        (Auction.format, filters.format),
        (Auction.currency, filters.currency),
        (Auction.seller_id, filters.seller_id),
        (Auction.sale_id, filters.sale_id),
        (Auction.tenant_id, filters.tenant_id),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    statuses = filters.statuses or (RUNNING if filters.ending_within is not None else ())
    if statuses:
        query = query.where(Auction.status.in_(statuses))
    if filters.ending_within is not None:
        query = query.where(func.statement_timestamp() + filters.ending_within >= _END)
    if filters.category is not None:
        query = query.where(Auction.category.in_(categories.within(filters.category)))
    if filters.min_price is not None:
        query = query.where(price_at(func.statement_timestamp()) >= filters.min_price)
    if filters.max_price is not None:
        query = query.where(price_at(func.statement_timestamp()) <= filters.max_price)
    if having is not None:
        query = query.join(having, having.c.auction_id == Auction.id)
    return query


def _having(words: ColumnElement[Any], *, ranked: bool) -> CTE:
    """The newest auctions that have these words, and, if asked, how well they match (``rank``).

    By themselves, because PostgreSQL takes the beginning of a word for more common than it is - never rarer
    than one in fifty - and would rather read all auctions than look at those found.
    """
    query: Select[Any] = select(SearchDocument.auction_id)
    if ranked:
        # 1: long descriptions weigh less. In millionths: a cursor carries it exactly.
        rank = func.ts_rank(SearchDocument.document, words, 1) * 1_000_000
        query = query.add_columns(cast(rank, BigInteger).label("rank"))
    query = query.where(SearchDocument.document.bool_op("@@")(words))
    query = query.order_by(SearchDocument.auction_id.desc()).limit(MAX_CANDIDATES)
    return query.cte("having_words").prefix_with("MATERIALIZED")


def price_at(moment: Any, *, bid: ColumnElement[int | None] | None = None) -> ColumnElement[int]:
    """What an auction costs: in an English one the highest bid; in a Dutch one the price at a moment.

    The same as ``bidding.dutch.price_at``, for many auctions at once.
    """
    highest = Auction.current_bid if bid is None else bid
    elapsed = func.extract("epoch", func.least(moment, Auction.ends_at) - Auction.starts_at)
    drops = func.greatest(func.floor(elapsed / Auction.drop_every), 0)
    price = func.greatest(Auction.starting_price - drops * Auction.drop_amount, Auction.floor_price)
    return case(
        # Cast last: what would have been dropped without the floor may be more than a number holds.
        (Auction.format == AuctionFormat.DUTCH, cast(price, BigInteger)),
        else_=func.coalesce(highest, Auction.starting_price),
    )


def _query(words: str) -> ColumnElement[Any]:
    """What to look for, as PostgreSQL reads it, each longer word also as the beginning of one.

    A word that is to be left out (``-art``) is just that: artists stay.

    Raises:
        Invalid: there is no word in it.
    """
    # A word that is quoted within is left as it is: the quotes of the query would not be told from its own.
    beginnings = func.regexp_replace(
        cast(func.websearch_to_tsquery(literal_column("'words'"), words), TextType),
        rf"(?<![!'])'([^' ]{{{SHORTEST_BEGINNING},}})'(?!')",
        r"'\1':*",
        "g",
    )
    # Read first, then put in: the planner knows how rare the words are that it sees.
    found: str = db.session.execute(select(beginnings)).scalar_one()
    if not found:
        _refuse(("q", "must have a word in it"))
    return literal(found).op("::")(literal_column("tsquery"))


# --- in which order ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Order:
    """An order, as things stood at a moment."""

    sort: Sort
    as_of: datetime
    #: The auctions that have the words, if any are looked for.
    having: CTE | None

    def page(self, matching: Select[Any], after: Position | None, limit: int) -> Select[Any]:
        """The ids of a page, and what they are sorted by (``key``)."""
        if self.sort == Sort.NEWEST:
            return self._cut(matching.add_columns(Auction.id.label("key")), Auction.id, after, limit)
        if self.sort == Sort.ENDING and self.having is None:
            return self._by_end(matching, after, limit)
        # Sorted from outside: PostgreSQL computes the key of the candidates alone.
        candidates = matching.add_columns(self._key().label("key"))
        found = candidates.order_by(Auction.id.desc()).limit(MAX_CANDIDATES).subquery().c
        return self._cut(select(found.id, found.key), found.key, after, limit, auction_id=found.id)

    def by(self, key: Any, auction_id: Any) -> tuple[Any, Any]:
        """What to sort by."""
        return (key.desc(), auction_id.desc()) if self.sort in _DESCENDING else (key, auction_id)

    def _cut(
        self,
        query: Select[Any],
        key: Any,
        after: Position | None,
        limit: int,
        *,
        auction_id: Any = Auction.id,
    ) -> Select[Any]:
        if after is not None:
            place, end = tuple_(key, auction_id), tuple_(after.key, after.auction_id)
            query = query.where(place < end if self.sort in _DESCENDING else place > end)
        return query.order_by(*self.by(key, auction_id)).limit(limit)

    def _by_end(self, matching: Select[Any], after: Position | None, limit: int) -> Select[Any]:
        """By an index, except for the few auctions whose end has moved since the first page was read."""
        still = matching.add_columns(_END.label("key"))
        if after is None:
            return self._cut(still, _END, None, limit)
        moved, then = self._moved(), self._end()
        others = matching.add_columns(then.label("key")).where(Auction.id.in_(moved))
        both = union_all(
            self._cut(still.where(Auction.id.not_in(moved)), _END, after, limit).subquery().select(),
            self._cut(others, then, after, limit).subquery().select(),
        ).subquery()
        return select(both.c.id, both.c.key).order_by(both.c.key, both.c.id).limit(limit)

    def _end(self) -> ColumnElement[datetime]:
        """When an auction was to end, by the last event that told it."""
        told = self._told("endsAt", ("auction:status", "auction:extend"), Timestamp)
        return func.coalesce(told, _END, type_=Timestamp)

    def _moved(self) -> Select[Any]:
        """The auctions whose end may be another by now."""
        return select(Event.auction_id).where(Event.name.in_(_ENDS), Event.occurred_at > self.as_of)

    def _key(self) -> ColumnElement[Any]:
        changed = Auction.last_event_at > self.as_of
        bids = ("bid:new", "bid:retracted")
        match self.sort:
            case Sort.RELEVANCE:
                return self.having.c.rank  # type: ignore[union-attr]  # checked: there are words
            case Sort.ENDING:
                return case((Auction.id.in_(self._moved()), self._end()), else_=_END)
            case Sort.BIDS:
                taken_since = (
                    select(func.count())
                    .where(
                        Event.auction_id == Auction.id,
                        Event.name == "item:sold",
                        Event.occurred_at > self.as_of,
                    )
                    .scalar_subquery()
                )
                then = case(
                    (Auction.format == AuctionFormat.DUTCH, Auction.bid_count - taken_since),
                    else_=func.coalesce(self._told("bidCount", bids, BigInteger()), 0),
                )
                return case((changed, then), else_=Auction.bid_count)
            case _:
                bid = case((changed, self._told("currentBid", bids, BigInteger())), else_=Auction.current_bid)
                return price_at(self.as_of, bid=bid)

    def _told(self, name: str, events: Sequence[str], kind: Any) -> ColumnElement[Any]:
        """What the last event of these that had happened by then told of an auction."""
        return (
            select(cast(Event.data.op("->>")(name), kind))
            .where(
                Event.auction_id == Auction.id,
                Event.name.in_(events),
                Event.occurred_at <= self.as_of,
            )
            .order_by(Event.seq.desc())
            .limit(1)
            .scalar_subquery()
        )
