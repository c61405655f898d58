"""Watch lists: the auctions that somebody keeps an eye on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, func, select, tuple_

from . import listings
from .accounts import Viewer
from .errors import NotFound, TooManyWatched
from .extensions import db
from .models import Auction, User, Watch
from .transactions import transaction

#: Of one account.
MAX_WATCHED = 500


def watch(auction_id: int, viewer: Viewer) -> None:
    """Keep an eye on an auction; once more changes nothing.

    Raises:
        NotFound: there is no such auction for this viewer.
        TooManyWatched: the viewer watches ``MAX_WATCHED`` others.
    """
    if not listings.may_see(auction_id, viewer):
        raise NotFound
    with transaction():
        # One at a time, or two would both be the last. Not FOR UPDATE, for which the user's bids would wait.
        db.session.execute(select(User.id).where(User.id == viewer.id).with_for_update(key_share=True))
        if is_watched(auction_id, viewer):
            return
        if _count(viewer) >= MAX_WATCHED:
            raise TooManyWatched(maximum=MAX_WATCHED)
        db.session.add(Watch(user_id=viewer.id, auction_id=auction_id))


def _count(viewer: Viewer) -> int:
    """How many the viewer watches. What they do not see any more cannot be given up, and does not count."""
    query = select(func.count()).select_from(Watch).join(Auction, Auction.id == Watch.auction_id)
    query = query.where(Watch.user_id == viewer.id, listings.visible_to(viewer))
    return db.session.scalar(query) or 0


def unwatch(auction_id: int, viewer: Viewer) -> None:
    """Look away; from what is not watched, that changes nothing.

    Raises:
        NotFound: there is no such auction for this viewer.
    """
    if not listings.may_see(auction_id, viewer):
        raise NotFound
    with transaction():
        db.session.execute(delete(Watch).where(Watch.user_id == viewer.id, Watch.auction_id == auction_id))


def is_watched(auction_id: int, viewer: Viewer) -> bool:
    """Whether the viewer watches an auction."""
    return db.session.get(Watch, (viewer.id, auction_id)) is not None


def watched_of(viewer: Viewer, auction_ids: Collection[int]) -> set[int]:
    """Those of some auctions that the viewer watches."""
    query = select(Watch.auction_id).where(Watch.user_id == viewer.id, Watch.auction_id.in_(auction_ids))
    return set(db.session.scalars(query))


def watched(
    viewer: Viewer, *, before: tuple[datetime, int] | None = None, limit: int
) -> list[tuple[listings.View, datetime]]:
    """What the viewer watches and still may see, and since when; the latest first.

    ``before`` is where the page before ended: since when its last auction is watched, and its id.
    """
    query = (
        listings.views()
        .add_columns(Watch.watched_at)
        .join(Watch, Watch.auction_id == Auction.id)
        .where(Watch.user_id == viewer.id, listings.visible_to(viewer))
    )
    place = tuple_(Watch.watched_at, Watch.auction_id)
    if before is not None:
        query = query.where(place < tuple_(*before))
    query = query.order_by(Watch.watched_at.desc(), Watch.auction_id.desc())
    return [(listings.view(row), row.watched_at) for row in db.session.execute(query.limit(limit))]
