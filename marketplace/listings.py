"""Listings: creating and editing drafts, and reading an auction. Finding them is in ``browsing.py``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, literal, or_, select, tuple_
from sqlalchemy.orm import aliased

from . import categories, orders
from .accounts import Viewer
from .errors import Invalid, LotOfASale, NotADraft, NotFound, NotUnsold, OfferBinds, TooManyDrafts
from .extensions import db
from .increments import Increments
from .models import (
    Auction,
    AuctionFormat,
    AuctionStatus,
    AuctionViewers,
    Bid,
    BlockedBidder,
    Event,
    Image,
    Membership,
    OfferStatus,
    Outcome,
    Picture,
    SecondChanceOffer,
    User,
)
from .money import MAX_AMOUNT, is_currency
from .realtime.events import camel
from .tenants import require_membership
from .transactions import database_now, lock, transaction

#: Of one account: two of the largest sales.
MAX_DRAFTS = 1_000
#: An auction runs at least and at most this long.
SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=366)
#: The longest of the spans that are given in seconds: a day.
MAX_SECONDS = 86_400

#: Items in a Dutch auction: each can become a few entries of a log that is read as a whole to verify it.
MAX_QUANTITY = 10_000
#: How often a price may drop: whoever lists the steps of the clock, in a page or an export, can.
MAX_DROPS = 10_000

#: What belongs to one format only.
FORMAT_TERMS = {
    AuctionFormat.ENGLISH: frozenset(
        {
            "min_increment",
            "increment_table",
            "reserve_price",
            "buy_now_price",
            "buy_now_share",
            "anti_snipe",
            "extension_window",
            "extension",
            "max_extensions",
            "max_extension_total",
            "sudden_death",
        }
    ),
    AuctionFormat.DUTCH: frozenset(
        {"floor_price", "drop_amount", "drop_every", "quantity", "hold_seconds", "per_buyer"}
    ),
}
#: What a seller may set, and change while it is a draft. The format is fixed when the draft is made: its
#: other terms hang on it.
TERMS = frozenset(
    {
        "tenant_id",
        "category",
        "title",
        "description",
        "currency",
        "starting_price",
        "starts_at",
        "ends_at",
        "premium_rate",
        "tax_rate",
        "payment_days",
    }
).union(*FORMAT_TERMS.values())

#: What a lot takes from its sale.
FROM_SALE = frozenset({"starts_at", "ends_at", "premium_rate", "tax_rate", "payment_days"})

Seller = aliased(User)
Leader = aliased(User)


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture of an auction, and the image it shows; see ``models.Picture`` and ``models.Image``."""

    id: int
    alt: str
    image_hash: str
    width: int
    height: int
    widths: list[int]
    placeholder: str


@dataclass(frozen=True, slots=True)
class View:
    """An auction as it is shown: with the names of its people, and whether a step of its life is overdue."""

    auction: Auction
    seller_name: str
    leader_name: str | None
    overdue: bool
    active_viewers: int
    #: The database's clock: a price that falls is the price at a moment.
    now: datetime
    #: In order; in lists only the first.
    pictures: tuple[ShownPicture, ...]


def create(seller_id: int, **terms: Any) -> Auction:
    """A new draft.

    Raises:
        NotFound, Invalid: see ``draft``.
        TooManyDrafts: see ``keep``.
    """
    with transaction():
        return keep(draft(seller_id, **terms))


def keep(auction: Auction) -> Auction:
    """Add a new draft to those of its seller.

    Raises:
        TooManyDrafts: they have ``MAX_DRAFTS``.
    """
    # One at a time, or two would both be the last. Not FOR UPDATE, for which the user's bids would wait.
    seller = select(User.id).where(User.id == auction.seller_id)
    db.session.execute(seller.with_for_update(key_share=True))
    theirs = select(func.count()).where(
        Auction.seller_id == auction.seller_id, Auction.status == AuctionStatus.DRAFT
    )
    if (db.session.scalar(theirs) or 0) >= MAX_DRAFTS:
        raise TooManyDrafts(maximum=MAX_DRAFTS)
    db.session.add(auction)
    db.session.flush()
    return auction


def draft(seller_id: int, **terms: Any) -> Auction:
    """A draft with checked terms, not yet added to the session.

    Raises:
        NotFound: there is no such tenant for this seller.
        Invalid: the terms do not fit together; carries ``errors``.
    """
    if terms.get("tenant_id") is not None:
        # First of all: no other problem may tell that there is such a tenant.
        require_membership(terms["tenant_id"], seller_id)
    format_ = AuctionFormat(terms.pop("format", AuctionFormat.ENGLISH))
    _check_format(format_, terms)
    _check_category(terms)
    auction = Auction(seller_id=seller_id, format=format_.value, **_with_table(terms))
    _check(auction, database_now())
    return auction


def relist(auction_id: int, *, by: int, ends_at: datetime) -> Auction:
    """A new draft with the terms of a lot that was not sold or not paid for; Dutch: for the items left.

    What comes back later - an order is cancelled, say - stays with the old auction.

    Raises:
        NotFound: there is no such auction of this seller.
        NotUnsold: it was sold, is not over, or holds items for buyers who may not check out.
        OfferBinds: it was listed again already, or is offered to a bidder.
        Invalid: the terms do not fit the new end; carries ``errors``.
        TooManyDrafts: see ``keep``.
    """
    with transaction():
        old = lock(Auction, auction_id)
        if old.seller_id != by:
            raise NotFound
        check_unsold(old)
        if old.relisted_as is not None or is_offered(auction_id):
            raise OfferBinds
        auction = keep(draft(by, **_terms_again(old), ends_at=ends_at))
        old.relisted_as = auction.id
        _show_pictures_again(old.id, auction.id)
    return auction


def check_unsold(auction: Auction) -> None:
    """Whether there is something left to list again.

    Raises:
        NotUnsold, OfferBinds: see ``relist``.
    """
    if auction.format == AuctionFormat.DUTCH:
        _check_items_left(auction)
    elif not is_over(auction):
        raise NotUnsold
    elif orders.is_sold(db.session.connection(), auction.id):
        # To its winner, or to whom it was offered afterwards.
        raise NotUnsold if auction.outcome == Outcome.SOLD else OfferBinds


def _check_items_left(auction: Auction) -> None:
    if auction.outcome is not None and auction.held:
        raise NotUnsold("Items are held for buyers; wait until they are checked out or come back.")
    unsold = auction.outcome in {Outcome.UNSOLD, Outcome.RESERVE_NOT_MET}
    some_left = auction.outcome is not None and 0 < auction.sold < auction.quantity
    if auction.status != AuctionStatus.CANCELLED and not unsold and not some_left:
        raise NotUnsold


def _terms_again(auction: Auction) -> dict[str, Any]:
    """The terms of an auction for another one like it; its times are another's."""
    format_ = AuctionFormat(auction.format)
    names = TERMS - _foreign_terms(format_) - {"starts_at", "ends_at"}
    terms = {name: getattr(auction, name) for name in names}
    if terms.get("increment_table") is not None:
        terms["min_increment"] = None
    if format_ == AuctionFormat.DUTCH:
        terms["quantity"] = auction.quantity - auction.sold
    return terms | {"format": format_}


def _show_pictures_again(old_id: int, new_id: int) -> None:
    """The same images; their files are not copied."""
    theirs = select(literal(new_id), Picture.position, Picture.alt, Picture.image_hash)
    columns = ["auction_id", "position", "alt", "image_hash"]
    db.session.execute(insert(Picture).from_select(columns, theirs.where(Picture.auction_id == old_id)))


def is_offered(auction_id: int) -> bool:
    """Whether a second-chance offer of this lot can still be accepted."""
    query = select(SecondChanceOffer.id).where(
        SecondChanceOffer.auction_id == auction_id,
        SecondChanceOffer.status == OfferStatus.OPEN,
        SecondChanceOffer.expires_at > func.clock_timestamp(),
    )
    return db.session.execute(query).first() is not None


def blocked_bidders(seller_id: int) -> list[tuple[BlockedBidder, str]]:
    """Whose bids a seller does not take, with their names, latest first."""
    query = select(BlockedBidder, User.display_name).join(User, User.id == BlockedBidder.bidder_id)
    query = query.where(BlockedBidder.seller_id == seller_id).order_by(BlockedBidder.created_at.desc())
    return [(blocked, name) for blocked, name in db.session.execute(query)]


def unblock_bidder(seller_id: int, bidder_id: int) -> None:
    """Take bids from somebody again.

    Raises:
        NotFound: they are not blocked.
    """
    with transaction():
        blocked = db.session.get(BlockedBidder, (seller_id, bidder_id))
        if blocked is None:
            raise NotFound
        db.session.delete(blocked)


def is_blocked(auction: Auction, user_id: int) -> bool:
    """Whether the seller of an auction takes no bids from somebody."""
    return db.session.get(BlockedBidder, (auction.seller_id, user_id)) is not None


def edit(auction_id: int, *, by: int, **changes: Any) -> Auction:
    """Change a draft.

    Raises:
        NotFound: there is no such draft of this seller, or no such tenant for them.
        NotADraft: it is published.
        LotOfASale: its times and fees follow from its sale.
        Invalid: the terms do not fit together, or the format shall change; carries ``errors``.
    """
    wanted_format = changes.pop("format", None)
    unknown = changes.keys() - TERMS
    if unknown:
        raise ValueError(f"not terms of an auction: {sorted(unknown)}")
    with transaction():
        auction = lock(Auction, auction_id)
        if auction.seller_id != by:
            raise NotFound
        if auction.status != AuctionStatus.DRAFT:
            raise NotADraft
        if wanted_format not in {None, auction.format}:
            _refuse(("format", "is fixed when the draft is made; make another one"))
        _check_format(AuctionFormat(auction.format), changes)
        _check_category(changes)
        if changes.get("tenant_id", auction.tenant_id) != auction.tenant_id:
            _check_new_tenant(auction, changes["tenant_id"])
        if auction.sale_id is not None and changes.keys() & FROM_SALE:
            raise LotOfASale
        for name, value in _with_table(changes).items():
            setattr(auction, name, value)
        _check(auction, database_now())
    return auction


def _check_new_tenant(auction: Auction, tenant_id: int | None) -> None:
    if tenant_id is not None:
        require_membership(tenant_id, auction.seller_id)
    if auction.sale_id is not None:
        _refuse(("tenantId", "must be that of the sale"))


def _check_format(format_: AuctionFormat, terms: Mapping[str, Any]) -> None:
    """Raise ``Invalid`` for every term that another format has. One that is set to nothing does no harm."""
    foreign = _foreign_terms(format_)
    given = [name for name, value in terms.items() if name in foreign and value is not None]
    if given:
        _refuse(*((camel(name), f"is not a term of {format_.title()} auctions") for name in given))


def _check_category(terms: Mapping[str, Any]) -> None:
    # Before the terms are in the session, which would write them before it reads anything.
    if terms.get("category") is not None and not categories.exists(terms["category"]):
        _refuse(("category", "must be one of GET /api/categories"))


def _foreign_terms(format_: AuctionFormat) -> set[str]:
    return {name for other, names in FORMAT_TERMS.items() if other != format_ for name in names}


def _refuse(*problems: tuple[str, str]) -> NoReturn:
    """Raise ``Invalid`` with problems: the field, and what is wrong with it."""
    errors = [{"field": field, "message": message} for field, message in problems]
    raise Invalid("Some fields are not acceptable together; see errors.", errors=errors)


def _check(auction: Auction, now: datetime) -> None:
    """Raise ``Invalid`` with every problem, unless the terms fit together."""
    checks = [_check_price, _check_times]
    if auction.format == AuctionFormat.DUTCH:
        checks += [_check_drops, _check_items]
    else:
        checks += [_check_amounts, _check_increments, _check_extensions]
    problems = [problem for check in checks for problem in check(auction, now)]
    if problems:
        _refuse(*problems)


def _check_price(auction: Auction, _now: datetime) -> Iterator[tuple[str, str]]:
    if not is_currency(auction.currency):
        yield "currency", "is not a currency code such as USD"
    least = 1 if auction.format == AuctionFormat.DUTCH else 0
    if not least <= auction.starting_price <= MAX_AMOUNT:
        yield "startingPrice", f"must be from {least} to {MAX_AMOUNT}"


def _check_drops(auction: Auction, _now: datetime) -> Iterator[tuple[str, str]]:
    """The end may come before the floor does: then the price just never gets there."""
    floor, amount = auction.floor_price, auction.drop_amount
    if floor is None or not 0 <= floor <= auction.starting_price:
        yield "floorPrice", "must be from 0 to startingPrice"
    if amount is None or not 0 < amount <= MAX_AMOUNT:
        yield "dropAmount", f"must be from 1 to {MAX_AMOUNT}"
    elif floor is not None and auction.starting_price - floor > MAX_DROPS * amount:
        yield "dropAmount", f"must be larger: the floor must be reached in at most {MAX_DROPS} drops"
    if auction.drop_every is None or not 0 < auction.drop_every <= MAX_SECONDS:
        yield "dropEvery", f"must be from 1 to {MAX_SECONDS} seconds"


def _check_items(auction: Auction, _now: datetime) -> Iterator[tuple[str, str]]:
    # What is absent in a new draft is what the table has by default.
    for field, number, most in (
        ("quantity", auction.quantity, MAX_QUANTITY),
        ("perBuyer", auction.per_buyer, MAX_QUANTITY),
        ("holdSeconds", auction.hold_seconds, MAX_SECONDS),
    ):
        if number is not None and not 0 < number <= most:
            yield field, f"must be from 1 to {most}"


def _check_amounts(auction: Auction, _now: datetime) -> Iterator[tuple[str, str]]:
    least = auction.starting_price
    if auction.reserve_price is not None and not least < auction.reserve_price <= MAX_AMOUNT:
        yield "reservePrice", "must be above startingPrice"
    if auction.buy_now_price is not None:
        if not max(least, auction.reserve_price or 0) <= auction.buy_now_price <= MAX_AMOUNT:
            yield "buyNowPrice", "must not be below startingPrice or reservePrice"
    elif auction.buy_now_share:
        yield "buyNowShare", "needs a buyNowPrice"


def _check_increments(auction: Auction, _now: datetime) -> Iterator[tuple[str, str]]:
    if not 0 < (auction.min_increment or 0) <= MAX_AMOUNT:
        yield "minIncrement", f"must be from 1 to {MAX_AMOUNT}, or an incrementTable be given"


def _check_times(auction: Auction, now: datetime) -> Iterator[tuple[str, str]]:
    if auction.ends_at <= now:
        yield "endsAt", "must be in the future"
    length = auction.ends_at - max(auction.starts_at or now, now)
    if not SHORTEST <= length <= LONGEST:
        yield "endsAt", "must be after startsAt, and at most 366 days after it"


def _check_extensions(auction: Auction, _now: datetime) -> Iterator[tuple[str, str]]:
    if (auction.extension_window or 0) > 0 and (auction.extension or 0) == 0:
        yield "extension", "must be more than 0 when there is an extensionWindow"
    if auction.sudden_death and auction.sudden_death >= (auction.extension_window or 0):
        yield "suddenDeath", "must be shorter than extensionWindow, or no bid would ever extend"


def _with_table(terms: dict[str, Any]) -> dict[str, Any]:
    """The terms with either a fixed step or a table of them, as they are stored.

    Raises:
        Invalid: the table is not acceptable, or both are given.
    """
    table, step = terms.get("increment_table"), terms.get("min_increment")
    if table is None:
        # A fixed step replaces a table that was there before.
        return terms | {"increment_table": None} if step is not None else terms
    if step is not None:
        _refuse(("minIncrement", "must not be given together with incrementTable"))
    rows = Increments.table(table).rows
    return terms | {"increment_table": [list(row) for row in rows], "min_increment": rows[0][1]}


def get(auction_id: int, viewer: Viewer | None) -> View:
    """An auction, if this viewer may see it.

    Raises:
        NotFound: there is none, or none that this viewer may see.
    """
    row = db.session.execute(
        views(all_pictures=True).where(Auction.id == auction_id, visible_to(viewer))
    ).one_or_none()
    if row is None:
        raise NotFound
    return view(row)


def visible_to(viewer: Viewer | None) -> ColumnElement[bool]:
    """Which auctions someone may see: no drafts of others, and members-only ones as a member."""
    published = Auction.status != AuctionStatus.DRAFT
    if viewer is not None and viewer.is_admin:
        return or_(published, Auction.seller_id == viewer.id)
    open_to_all = Auction.tenant_id.is_(None)
    if viewer is None:
        return and_(published, open_to_all)
    tenants = select(Membership.tenant_id).where(Membership.user_id == viewer.id)
    for_them = or_(open_to_all, Auction.tenant_id.in_(tenants))
    return or_(and_(published, for_them), Auction.seller_id == viewer.id)


def may_see(auction_id: int, viewer: Viewer | None, *, members_only: bool | None = None) -> bool:
    """Whether there is such an auction for this viewer, and, if asked, whether it is a members-only one."""
    kind = _kind(auction_id, viewer)
    return kind is not None and members_only in {None, kind.members_only}


@dataclass(frozen=True, slots=True)
class _Kind:
    published: bool
    members_only: bool


def _kind(auction_id: int, viewer: Viewer | None) -> _Kind | None:
    query = select(Auction.status != AuctionStatus.DRAFT, Auction.tenant_id.is_not(None)).where(
        Auction.id == auction_id, visible_to(viewer)
    )
    # Not in the request's session: a request that goes on to wait, for the bidding desk or for a lock, must
    # not keep a connection from the pool meanwhile.
    with db.engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    return _Kind(*row) if row else None


class Doorkeeper:
    """Turns away whoever may not see an auction, before anything of it is touched.

    Otherwise a stranger could tell a hidden auction from none by how long its lock is waited for. What is
    published for everybody stays so: each process looks once, and bids on open auctions cost no query.
    """

    MAX_REMEMBERED = 100_000

    def __init__(self) -> None:
        self._open: set[int] = set()

    def check(self, auction_id: int, viewer: Viewer) -> None:
        """Let the viewer pass.

        Raises:
            NotFound: there is no such auction for this viewer.
        """
        # Administrators see every auction; what they may do to a draft, the services say.
        if auction_id in self._open or viewer.is_admin:
            return
        kind = _kind(auction_id, viewer)
        if kind is None:
            raise NotFound
        if kind.published and not kind.members_only:
            if len(self._open) >= self.MAX_REMEMBERED:
                self._open.clear()
            self._open.add(auction_id)


def views(*, all_pictures: bool = False) -> Any:
    """A query of auctions as they are shown, for ``view`` to read; in lists with the first picture only."""
    overdue = and_(Auction.due_at.is_not(None), Auction.due_at <= func.clock_timestamp())
    return (
        select(
            Auction,
            Seller.display_name,
            Leader.display_name,
            overdue,
            func.coalesce(AuctionViewers.viewers, 0),
            func.clock_timestamp(),
            _pictures(None if all_pictures else 1),
        )
        .join(Seller, Seller.id == Auction.seller_id)
        .outerjoin(Leader, Leader.id == Auction.leader_id)
        .outerjoin(AuctionViewers, AuctionViewers.auction_id == Auction.id)
    )


def first_pictures(auction_ids: Collection[int]) -> dict[int, ShownPicture]:
    """The first picture of each auction that has one, for those who have bought or sold there."""
    query = select(Auction.id, _pictures(1)).where(Auction.id.in_(auction_ids))
    return {
        auction_id: ShownPicture(**pictures[0])
        for auction_id, pictures in db.session.execute(query)
        if pictures
    }


def _pictures(most: int | None) -> ColumnElement[list[dict[str, Any]] | None]:
    """The pictures of an auction as JSON, in the query that reads it: with a poll comes no further one."""
    theirs = (
        select(
            Picture.id,
            Picture.alt,
            Picture.image_hash,
            Image.width,
            Image.height,
            Image.widths,
            Image.placeholder,
        )
        .join(Image, Image.hash == Picture.image_hash)
        .where(Picture.auction_id == Auction.id)
        .correlate(Auction)
        .order_by(Picture.position, Picture.id)
        .limit(most)
        .subquery("picture")
    )
    return select(func.json_agg(theirs.table_valued())).scalar_subquery()


def view(row: Row[Auction, str, str | None, bool, int, datetime, list[dict[str, Any]] | None]) -> View:
    """A row of ``views``, which may have further columns."""
    return View(
        auction=row[0],
        seller_name=row[1],
        leader_name=row[2],
        overdue=bool(row[3]),
        active_viewers=row[4],
        now=row[5],
        pictures=tuple(ShownPicture(**picture) for picture in row[6] or ()),
    )


@dataclass(frozen=True, slots=True)
class PastBid:
    """An entry of the log with the name of its bidder, and whether it was withdrawn."""

    bid: Bid
    bidder_name: str
    withdrawn: bool


#: The place of an entry in the log: its ``seq`` and ``part``.
Place = tuple[int, int]

#: No entry's ``part`` is larger.
MAX_PART = 2**31 - 1
_Withdrawal = aliased(Bid)


def bids(
    auction: Auction,
    *,
    since: Place | None = None,
    since_time: datetime | None = None,
    before: Place | None = None,
    viewer_id: int | None = None,
    limit: int,
) -> list[PastBid]:
    """The log of an auction: forward from ``since``, or else the newest, backward from ``before``.

    With ``viewer_id`` the viewer's own raises are in it, which nobody else is shown before the end.
    """
    query = _past_bids(auction, viewer_id)
    place = tuple_(Bid.seq, Bid.part)
    if since is not None:
        query = query.where(place > since)
    if since_time is not None:
        query = query.where(func.date_trunc("milliseconds", Bid.placed_at) > since_time)
    if before is not None:
        query = query.where(place < before)
    forward = since is not None or since_time is not None
    order = (Bid.seq, Bid.part) if forward else (Bid.seq.desc(), Bid.part.desc())
    return [PastBid(*row) for row in db.session.execute(query.order_by(*order).limit(limit))]


def bids_from(auction: Auction, position: int, *, limit: int) -> list[PastBid]:
    """The log from an entry on, oldest first, by how many come before it.

    The log only grows, so an entry keeps its position until the end, when the raises become visible.
    """
    # In a query of its own, which looks nothing else up about the entries that it passes over.
    place = _log(auction).order_by(Bid.seq, Bid.part).offset(position).limit(1)
    first = db.session.execute(place).one_or_none()
    if first is None:
        return []
    query = _past_bids(auction).where(tuple_(Bid.seq, Bid.part) >= tuple_(*first))
    rows = db.session.execute(query.order_by(Bid.seq, Bid.part).limit(limit))
    return [PastBid(*row) for row in rows]


def count_bids(auction: Auction) -> int:
    """How many entries the log has, withdrawals and withdrawn bids included."""
    return db.session.scalar(select(func.count()).select_from(_log(auction).subquery())) or 0


def _log(auction: Auction) -> Select[int, int]:
    return select(Bid.seq, Bid.part).where(Bid.auction_id == auction.id, *_shown_to(auction, None))


def withdrawals(auction_id: int, places: Sequence[Place]) -> list[Bid]:
    """The entries that take others back."""
    target = tuple_(Bid.refers_to_seq, Bid.refers_to_part)
    return list(db.session.scalars(select(Bid).where(Bid.auction_id == auction_id, target.in_(places))))


def bid(auction: Auction, place: Place) -> PastBid:
    """One entry of the log.

    Raises:
        NotFound: there is none.
    """
    query = _past_bids(auction).where(Bid.seq == place[0], Bid.part == place[1])
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return PastBid(*row)


@dataclass(frozen=True, slots=True)
class Bidder:
    """Somebody who has bid on an auction, as its seller sees them."""

    id: int
    name: str
    #: How often they bid, or took an item; what was withdrawn counts, too.
    bids: int
    #: Of the latest of them.
    place: Place
    latest_at: datetime
    blocked: bool


#: What somebody did themselves and everybody can see.
_VISIBLE_KINDS = ("BID", "TAKE")


def bidders(auction: Auction, *, limit: int) -> list[Bidder]:
    """Who has bid on an auction, whoever bid last first; for its seller."""
    theirs = (
        select(
            Bid.bidder_id,
            func.count().label("bids"),
            func.max(Bid.seq).label("seq"),
            func.max(Bid.placed_at).label("latest_at"),
        )
        .where(Bid.auction_id == auction.id, Bid.kind.in_(_VISIBLE_KINDS))
        .group_by(Bid.bidder_id)
        .subquery()
    )
    blocked = select(BlockedBidder.bidder_id).where(
        BlockedBidder.seller_id == auction.seller_id, BlockedBidder.bidder_id == User.id
    )
    query = select(
        User.id, User.display_name, theirs.c.bids, theirs.c.seq, theirs.c.latest_at, blocked.exists()
    ).join(theirs, theirs.c.bidder_id == User.id)
    rows = db.session.execute(query.order_by(theirs.c.seq.desc()).limit(limit))
    return [Bidder(id_, name, bids, (seq, 0), latest, is_) for id_, name, bids, seq, latest, is_ in rows]


def _past_bids(auction: Auction, viewer_id: int | None = None) -> Any:
    return (
        select(Bid, User.display_name, _withdrawn())
        .join(User, User.id == Bid.bidder_id)
        .where(Bid.auction_id == auction.id, *_shown_to(auction, viewer_id))
    )


def _shown_to(auction: Auction, viewer_id: int | None) -> list[ColumnElement[bool]]:
    """That the leader raised their maximum, or took that back, is nobody's business before the end."""
    if is_over(auction):
        return []
    # Only a raise has a ``part``.
    public = and_(Bid.kind != "RAISE", func.coalesce(Bid.refers_to_part, 0) == 0)
    return [or_(public, Bid.bidder_id == viewer_id)]


def _withdrawn() -> ColumnElement[bool]:
    """Whether a later entry takes this one back; of an item that was taken: whether it came back."""
    return (
        select(_Withdrawal.seq)
        .where(
            _Withdrawal.auction_id == Bid.auction_id,
            _Withdrawal.refers_to_seq == Bid.seq,
            _Withdrawal.refers_to_part == Bid.part,
        )
        .exists()
    )


def is_over(auction: Auction) -> bool:
    """Whether nothing will happen to the auction any more."""
    return auction.status in {AuctionStatus.ENDED, AuctionStatus.CANCELLED}


def has_standing_bid(auction_id: int, user_id: int) -> bool:
    """Whether the user has bid here and has not taken everything back."""
    return bool(db.session.scalar(select(standing_bid(user_id)).where(Auction.id == auction_id)))


def standing_bid(user_id: int) -> ColumnElement[bool]:
    """Whether the user has bid on an auction and has not taken everything back."""
    return (
        select(Bid.seq)
        .where(
            Bid.bidder_id == user_id,
            Bid.auction_id == Auction.id,
            Bid.kind.in_(("BID", "RAISE", "BUY_NOW")),
            ~_withdrawn(),
        )
        .correlate(Auction)
        .exists()
    )


def last_bid_of(auction_id: int, user_id: int) -> tuple[int, int] | None:
    """The place in the log of the user's latest bid that stands; raises of it come after it."""
    query = select(Bid.seq, Bid.part).where(
        Bid.auction_id == auction_id, Bid.bidder_id == user_id, Bid.kind == "BID", ~_withdrawn()
    )
    found = db.session.execute(query.order_by(Bid.seq.desc(), Bid.part.desc()).limit(1)).first()
    return (found.seq, found.part) if found else None


def events_after(auction_id: int, seq: int, *, limit: int) -> list[Event]:
    """The public events of an auction after ``seq``, in order."""
    query = select(Event).where(Event.auction_id == auction_id, Event.seq > seq).order_by(Event.seq)
    return list(db.session.scalars(query.limit(limit)))
