"""Second chance: a lot that was not sold, or not paid for, offered to the next bidder at their last bid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from marketplace import listings, orders
from marketplace.accounts import Viewer
from marketplace.errors import (
    BidderBlocked,
    LotSold,
    NobodyToOffer,
    NotFound,
    OfferAnswered,
    OfferExpired,
    OfferPending,
)
from marketplace.extensions import db
from marketplace.models import Auction, BlockedBidder, OfferStatus, SecondChanceOffer, User
from marketplace.realtime import events
from marketplace.transactions import database_now, lock, transaction

from .chain import Entry
from .english_book import EnglishBook
from .log import read_log
from .rows import look_up, open_english_book, save
from .withdrawal import asked, standing_bids


def offer(auction_id: int, *, by: int, lasts: timedelta) -> SecondChanceOffer:
    """Offer the lot to whoever bid most, was not offered it yet and still sees it, at their last bid.

    For the seller.

    Raises:
        NotFound: there is no such auction of this seller.
        NobodyToOffer: it is not over, or nobody is left.
        LotSold: somebody has bought it, and has paid or still may.
        OfferPending: an offer is open.
    """
    with transaction():
        book = open_english_book(db.session.connection(), auction_id)
        if book.standing.terms.seller_id != by:
            raise NotFound
        relisted = select(Auction.relisted_as).where(Auction.id == auction_id)
        if db.session.execute(relisted).scalar_one() is not None:
            raise NobodyToOffer("The lot was listed again.")
        if orders.is_sold(db.session.connection(), auction_id):
            raise LotSold
        query = select(SecondChanceOffer).where(SecondChanceOffer.auction_id == auction_id)
        earlier = list(db.session.scalars(query))
        if any(each.status == OfferStatus.OPEN and each.expires_at > book.now for each in earlier):
            raise OfferPending
        passed_over = {each.bidder_id for each in earlier} | _blocked(by)
        bidder_id, price = _next_bidder(book, passed_over)
        made = SecondChanceOffer(
            auction_id=auction_id, bidder_id=bidder_id, price=price, expires_at=book.now + lasts
        )
        db.session.add(made)
        db.session.flush()
        book.tell_second_chance("OFFERED", bidder_id, _told(made, book))
        save(db.session.connection(), [book])
    return made


def answer(offer_id: int, *, by: int, accept: bool) -> SecondChanceOffer:
    """Accept an offer, which makes an order, or decline it; for the bidder it was made to.

    Raises:
        NotFound: there is no such offer to this bidder, or they do not see the auction any more.
        OfferAnswered, OfferExpired: it is too late.
        BidderBlocked: the seller has blocked the bidder since.
    """
    with transaction():
        # The auction first, as everywhere: locks are taken in one order.
        found = db.session.get(SecondChanceOffer, offer_id)
        if found is None or found.bidder_id != by:
            raise NotFound
        book = open_english_book(db.session.connection(), found.auction_id)
        look_up(db.session.connection(), book, [by])
        if book.hidden_from(by):
            raise NotFound
        made = lock(SecondChanceOffer, offer_id)
        if made.status != OfferStatus.OPEN:
            raise OfferAnswered
        if made.expires_at <= book.now:
            raise OfferExpired
        if accept and by in _blocked(book.standing.terms.seller_id):
            raise BidderBlocked
        made.status = (OfferStatus.ACCEPTED if accept else OfferStatus.DECLINED).value
        made.answered_at = book.now
        if accept:
            book.sell(f"offer:{made.id}", by, made.price)
        book.tell_second_chance(made.status, book.standing.terms.seller_id, _told(made, book))
        save(db.session.connection(), [book])
    return made


def open_offers(bidder: Viewer) -> list[SecondChanceOffer]:
    """The offers that somebody can still accept, those that end soonest first."""
    now = database_now()
    blocked = select(BlockedBidder).where(
        BlockedBidder.seller_id == Auction.seller_id, BlockedBidder.bidder_id == bidder.id
    )
    query = (
        select(SecondChanceOffer)
        .join(Auction, Auction.id == SecondChanceOffer.auction_id)
        .where(
            SecondChanceOffer.bidder_id == bidder.id,
            SecondChanceOffer.status == OfferStatus.OPEN,
            SecondChanceOffer.expires_at > now,
            listings.visible_to(bidder),
            ~blocked.exists(),
        )
    )
    return list(db.session.scalars(query.order_by(SecondChanceOffer.expires_at)))


def offer_to(auction_id: int, bidder: Viewer) -> SecondChanceOffer:
    """The one offer of a lot that somebody has had, whatever became of it.

    Raises:
        NotFound: it was not offered to them.
    """
    query = select(SecondChanceOffer).where(
        SecondChanceOffer.auction_id == auction_id, SecondChanceOffer.bidder_id == bidder.id
    )
    made = db.session.scalars(query).one_or_none()
    if made is None:
        raise NotFound
    return made


def offers_of(auction_id: int) -> list[tuple[SecondChanceOffer, str]]:
    """To whom a lot was offered, with their names, the latest first; for its seller."""
    query = (
        select(SecondChanceOffer, User.display_name)
        .join(User, User.id == SecondChanceOffer.bidder_id)
        .where(SecondChanceOffer.auction_id == auction_id)
        .order_by(SecondChanceOffer.id.desc())
    )
    return [(made, name) for made, name in db.session.execute(query)]


def _blocked(seller_id: int) -> set[int]:
    query = select(BlockedBidder.bidder_id).where(BlockedBidder.seller_id == seller_id)
    return set(db.session.scalars(query))


def _next_bidder(book: EnglishBook, passed_over: set[int]) -> tuple[int, int]:
    if book.standing.status != "ENDED":
        raise NobodyToOffer("The auction is not over.")
    if book.outcome == "SOLD" and book.standing.price is not None:
        passed_over = passed_over | {book.standing.price.leader_id}
    log = [link.entry for link in read_log(db.session.connection(), book.auction_id)]
    bidders = last_bids(log)
    look_up(db.session.connection(), book, [bidder_id for bidder_id, _ in bidders])
    for bidder_id, amount in bidders:
        if bidder_id not in passed_over and not book.hidden_from(bidder_id):
            return bidder_id, amount
    raise NobodyToOffer


def last_bids(log: Sequence[Entry]) -> list[tuple[int, int]]:
    """Each bidder with the most they visibly bid, the highest first, of equals the earliest."""
    strength = {entry.bidder_id: 0 for entry in log}
    for entry in standing_bids(log):
        strength[entry.bidder_id] = max(asked(entry).strength, strength[entry.bidder_id])
    most: dict[int, int] = {}
    for entry in log:
        # An automatic answer of a bid that was withdrawn counts no more than what still stands.
        amount = min(entry.amount, strength[entry.bidder_id])
        if entry.kind in {"BID", "AUTO"} and amount:
            most[entry.bidder_id] = max(amount, most.get(entry.bidder_id, 0))
    return sorted(most.items(), key=lambda item: -item[1])


def _told(made: SecondChanceOffer, book: EnglishBook) -> events.SecondChance:
    return events.SecondChance(
        offer_id=made.id,
        status=made.status or OfferStatus.OPEN.value,
        title=book.title,
        price=made.price,
        currency=book.currency,
        expires_at=made.expires_at,
    )
