"""Listings: creating and editing drafts, and finding auctions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from .accounts import Viewer
from .errors import Invalid, NotADraft, NotFound
from .extensions import db
from .models import Auction, AuctionStatus, AuctionViewers, Bid, Event, User
from .money import MAX_AMOUNT, is_currency
from .transactions import database_now, lock, transaction

#: An auction runs at least and at most this long.
SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=366)

#: What a seller may set, and change while it is a draft.
TERMS = frozenset(
    {
        "title",
        "description",
        "currency",
        "starting_price",
        "min_increment",
        "starts_at",
        "ends_at",
        "extension_window",
        "extension",
    }
)

Seller = aliased(User)
Leader = aliased(User)


@dataclass(frozen=True, slots=True)
class View:
    """An auction as it is shown: with the names of its people, and whether a step of its life is overdue."""

    auction: Auction
    seller_name: str
    leader_name: str | None
    overdue: bool
    active_viewers: int


def create(seller_id: int, **terms: Any) -> Auction:
    """A new draft.

    Raises:
        Invalid: the terms do not fit together; carries ``errors``.
    """
    auction = Auction(seller_id=seller_id, **terms)
    with transaction():
        _check(auction, database_now())
        db.session.add(auction)
    return auction


def edit(auction_id: int, *, by: int, **changes: Any) -> Auction:
    """Change a draft.

    Raises:
        NotFound: there is no such draft of this seller.
        NotADraft: it is published.
        Invalid: the terms do not fit together; carries ``errors``.
    """
    unknown = changes.keys() - TERMS
    if unknown:
        raise ValueError(f"not terms of an auction: {sorted(unknown)}")
    with transaction():
        auction = lock(Auction, auction_id)
        if auction.seller_id != by:
            raise NotFound
        if auction.status != AuctionStatus.DRAFT:
            raise NotADraft
        for name, value in changes.items():
            setattr(auction, name, value)
        _check(auction, database_now())
    return auction


def _check(auction: Auction, now: datetime) -> None:
    problems: list[dict[str, str]] = []

    def problem(field: str, message: str) -> None:
        problems.append({"field": field, "message": message})

    if not is_currency(auction.currency):
        problem("currency", "is not a currency code such as USD")
    if not 0 <= auction.starting_price <= MAX_AMOUNT:
        problem("startingPrice", f"must be from 0 to {MAX_AMOUNT}")
    if not 0 < auction.min_increment <= MAX_AMOUNT:
        problem("minIncrement", f"must be from 1 to {MAX_AMOUNT}")
    if auction.ends_at <= now:
        problem("endsAt", "must be in the future")
    length = auction.ends_at - max(auction.starts_at or now, now)
    if not SHORTEST <= length <= LONGEST:
        problem("endsAt", "must be after startsAt, and at most 366 days after it")
    if (auction.extension_window or 0) > 0 and (auction.extension or 0) == 0:
        problem("extension", "must be more than 0 when there is an extensionWindow")
    if problems:
        raise Invalid("Some fields are not acceptable together; see errors.", errors=problems)


def get(auction_id: int, viewer: Viewer | None) -> View:
    """An auction, if this viewer may see it.

    Raises:
        NotFound: there is none, or it is somebody else's draft.
    """
    row = db.session.execute(_views().where(Auction.id == auction_id, visible_to(viewer))).one_or_none()
    if row is None:
        raise NotFound
    return _view(row)


def visible_to(viewer: Viewer | None) -> ColumnElement[bool]:
    """Which auctions someone may see: all but other people's drafts."""
    published = Auction.status != AuctionStatus.DRAFT
    if viewer is None:
        return published
    return or_(published, Auction.seller_id == viewer.id)


def may_see(auction_id: int, viewer: Viewer | None) -> bool:
    """Whether there is such an auction for this viewer."""
    query = select(Auction.id).where(Auction.id == auction_id, visible_to(viewer))
    return db.session.execute(query).first() is not None


def find(
    viewer: Viewer | None,
    *,
    statuses: Sequence[str] = (),
    seller_id: int | None = None,
    currency: str | None = None,
    newest: bool = False,
    after: tuple[str, int] | None = None,
    limit: int,
) -> list[View]:
    """Auctions this viewer may see: those that end soonest first, or the newest first.

    ``after`` is where the page before ended: the sort value and the id of its last auction.
    """
    query = _views().where(visible_to(viewer))
    if statuses:
        query = query.where(Auction.status.in_(statuses))
    if seller_id is not None:
        query = query.where(Auction.seller_id == seller_id)
    if currency is not None:
        query = query.where(Auction.currency == currency)
    if newest:
        if after:
            query = query.where(Auction.id < after[1])
        query = query.order_by(Auction.id.desc())
    else:
        if after:
            query = query.where(
                tuple_(Auction.ends_at, Auction.id) > (datetime.fromisoformat(after[0]), after[1])
            )
        query = query.order_by(Auction.ends_at, Auction.id)
    return [_view(row) for row in db.session.execute(query.limit(limit))]


def _views() -> Any:
    overdue = and_(Auction.due_at.is_not(None), Auction.due_at <= func.clock_timestamp())
    return (
        select(
            Auction,
            Seller.display_name,
            Leader.display_name,
            overdue,
            func.coalesce(AuctionViewers.viewers, 0),
        )
        .join(Seller, Seller.id == Auction.seller_id)
        .outerjoin(Leader, Leader.id == Auction.leader_id)
        .outerjoin(AuctionViewers, AuctionViewers.auction_id == Auction.id)
    )


def _view(row: Row[Auction, str, str | None, bool, int]) -> View:
    return View(row[0], row[1], row[2], overdue=bool(row[3]), active_viewers=row[4])


@dataclass(frozen=True, slots=True)
class PastBid:
    """A bid of the log with the name of its bidder."""

    bid: Bid
    bidder_name: str


def bids(
    auction_id: int,
    *,
    since_seq: int | None = None,
    since_time: datetime | None = None,
    before: int | None = None,
    limit: int,
) -> list[PastBid]:
    """Bids of an auction: forward from ``since``, or else the newest, backward from ``before``."""
    query = (
        select(Bid, User.display_name)
        .join(User, User.id == Bid.bidder_id)
        .where(Bid.auction_id == auction_id)
    )
    if since_seq is not None:
        query = query.where(Bid.seq > since_seq)
    if since_time is not None:
        query = query.where(Bid.placed_at > since_time)
    if before is not None:
        query = query.where(Bid.seq < before)
    forward = since_seq is not None or since_time is not None
    query = query.order_by(Bid.seq if forward else Bid.seq.desc()).limit(limit)
    return [PastBid(bid, name) for bid, name in db.session.execute(query)]


def bid(auction_id: int, seq: int) -> PastBid:
    """One bid of the log.

    Raises:
        NotFound: there is none.
    """
    query = select(Bid, User.display_name).join(User, User.id == Bid.bidder_id)
    row = db.session.execute(query.where(Bid.auction_id == auction_id, Bid.seq == seq)).one_or_none()
    if row is None:
        raise NotFound
    return PastBid(*row)


def last_bid_of(auction_id: int, user_id: int) -> int | None:
    """The ``seq`` of the user's latest bid here; None if they have not bid."""
    query = select(func.max(Bid.seq)).where(Bid.bidder_id == user_id, Bid.auction_id == auction_id)
    return db.session.execute(query).scalar_one()


def events_after(auction_id: int, seq: int, *, limit: int) -> list[Event]:
    """The public events of an auction after ``seq``, in order."""
    query = select(Event).where(Event.auction_id == auction_id, Event.seq > seq).order_by(Event.seq)
    return list(db.session.scalars(query.limit(limit)))
