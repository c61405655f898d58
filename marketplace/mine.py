"""What somebody takes part in: the auctions they bid on, have won or lost, or sell. The newest first."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased

from . import listings
from .accounts import Viewer
from .browsing import RUNNING
from .extensions import db
from .models import (
    Auction,
    AuctionStatus,
    Bid,
    OfferStatus,
    Order,
    Outcome,
    Reservation,
    ReservationStatus,
    SecondChanceOffer,
)
from .orders.states import CALLED_OFF


def bidding(viewer: Viewer, *, before: int | None = None, limit: int) -> list[listings.View]:
    """Running English auctions with a bid of theirs that stands: an item of a Dutch one is won when taken.

    ``before`` is the id of the last auction on the page before, here and below.
    """
    return _taking_part(
        viewer, and_(Auction.status.in_(RUNNING), listings.standing_bid(viewer.id)), before, limit
    )


def won(viewer: Viewer, *, before: int | None = None, limit: int) -> list[listings.View]:
    """Auctions they have won, at second chance too, and Dutch ones they have an item of; not those that were
    called off or not paid for."""
    return _taking_part(viewer, _won(viewer.id), before, limit)


def lost(viewer: Viewer, *, before: int | None = None, limit: int) -> list[listings.View]:
    """Auctions that ended with a bid of theirs, and somebody else's lot or nobody's."""
    over = and_(Auction.status == AuctionStatus.ENDED, listings.standing_bid(viewer.id))
    return _taking_part(viewer, and_(over, ~_won(viewer.id)), before, limit)


def selling(viewer: Viewer, *, before: int | None = None, limit: int) -> list[listings.View]:
    """What they sell: drafts too, and what is over."""
    query = listings.views().where(Auction.seller_id == viewer.id)
    if before is not None:
        query = query.where(Auction.id < before)
    rows = db.session.execute(query.order_by(Auction.id.desc()).limit(limit))
    return [listings.view(row) for row in rows]


def leads(viewer: Viewer, auction_ids: Collection[int]) -> dict[int, int]:
    """Of some auctions those in which they have the highest bid, each with how far they go."""
    query = select(Auction.id, Auction.leader_strength).where(
        Auction.id.in_(auction_ids), Auction.leader_id == viewer.id
    )
    return {auction_id: strength or 0 for auction_id, strength in db.session.execute(query)}


def _taking_part(
    viewer: Viewer, condition: ColumnElement[bool], before: int | None, limit: int
) -> list[listings.View]:
    """Of the auctions that somebody has bid on, those that they see and where the condition holds.

    Found from auction to auction, by one look into the index each: how many bids there are does not matter.
    """
    first, further = aliased(Bid), aliased(Bid)
    start = select(first.auction_id).where(first.bidder_id == viewer.id)
    if before is not None:
        start = start.where(first.auction_id < before)
    start = start.order_by(first.auction_id.desc()).limit(1)
    taking_part = select(start.subquery().c.auction_id).cte("taking_part", recursive=True)
    next_one = (
        select(further.auction_id)
        .where(further.bidder_id == viewer.id, further.auction_id < taking_part.c.auction_id)
        .order_by(further.auction_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    taking_part = taking_part.union_all(
        select(next_one).where(taking_part.c.auction_id.is_not(None)).select_from(taking_part)
    )
    query = (
        listings.views()
        .join(taking_part, taking_part.c.auction_id == Auction.id)
        .where(listings.visible_to(viewer), condition)
    )
    return [listings.view(row) for row in db.session.execute(query.order_by(Auction.id.desc()).limit(limit))]


def _won(user_id: int) -> ColumnElement[bool]:
    """Whether what was sold there is theirs: by their order, or by what came before there is one."""
    owed = select(Order.id).where(Order.auction_id == Auction.id, Order.state.not_in(CALLED_OFF))
    item = select(Reservation.seq).where(
        Reservation.auction_id == Auction.id,
        Reservation.buyer_id == user_id,
        Reservation.status == ReservationStatus.HELD,
    )
    return or_(owed.where(Order.buyer_id == user_id).exists(), item.exists(), _won_without_order(user_id))


def _won_without_order(user_id: int) -> ColumnElement[bool]:
    """Whether they have won what was sold before there were orders."""
    order = select(Order.id).where(Order.auction_id == Auction.id)
    offer = select(SecondChanceOffer.id).where(
        SecondChanceOffer.auction_id == Auction.id, SecondChanceOffer.status == OfferStatus.ACCEPTED
    )
    item = select(Reservation.seq).where(
        Reservation.auction_id == Auction.id,
        Reservation.buyer_id == user_id,
        Reservation.status == ReservationStatus.CONFIRMED,
    )
    return and_(
        ~order.exists(),
        or_(
            and_(Auction.outcome == Outcome.SOLD, Auction.leader_id == user_id, ~offer.exists()),
            offer.where(SecondChanceOffer.bidder_id == user_id).exists(),
            item.exists(),
        ),
    )
