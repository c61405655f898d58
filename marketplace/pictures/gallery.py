"""The pictures of auctions: adding, arranging and removing them, whom they are served to, and clearing up.

A picture is kept in three steps, and a process may be killed between any two:

1. The image is noted as about to be stored (``images``), and committed.
2. Its files are written.
3. The auction's picture that shows it (``pictures``) is committed.

So a picture never lacks its files, and files without a picture have a row that leads ``purge`` to them.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from marketplace.accounts import Viewer
from marketplace.errors import Invalid, NotADraft, NotFound, PictureSpaceUsedUp, TooManyPictures, Unavailable
from marketplace.extensions import db
from marketplace.listings import visible_to
from marketplace.models import Auction, AuctionStatus, Image, Picture, User
from marketplace.transactions import lock, transaction

from .renderer import Renderer
from .rendering import Rendering
from .store import MediaStore

log = logging.getLogger(__name__)

#: Of one auction.
MAX_PICTURES = 12
_OVER = (AuctionStatus.ENDED, AuctionStatus.CANCELLED)
#: After so long nobody is about to use an image any more: an upload takes less than a minute.
GRACE = timedelta(hours=1)
#: Images removed in one transaction, which ends after ten seconds whatever happens.
_BATCH = 25
#: Names of files: what the image is called, and how wide it is.
_NAME = re.compile(r"([0-9a-f]{32})-([1-9][0-9]{0,4})\.webp")


def file_name(image_hash: str, width: int) -> str:
    """Under which an image of this width is stored and served."""
    return f"{image_hash}-{width}.webp"


@dataclass(frozen=True, slots=True)
class File:
    """A file that is served."""

    content: bytes
    #: Whether everybody may see it, and may go on to for ever.
    open_to_all: bool


class Gallery:
    """One of these in a process; connects to nothing before it is used."""

    MAX_REMEMBERED = 50_000

    def __init__(self, store: MediaStore, renderer: Renderer, *, account_bytes: int) -> None:
        self._store = store
        self._renderer = renderer
        self._account_bytes = account_bytes
        #: The widths of images that everybody may see. What was published for everybody stays so.
        self._open: dict[str, Sequence[int]] = {}

    # --- what sellers do ---

    def upload(self, auction_id: int, *, by: int, data: bytes, alt: str) -> int:
        """Add a picture to one's draft, behind the others; returns its id.

        Raises:
            NotFound, NotADraft, TooManyPictures, PictureSpaceUsedUp, Unavailable: see ``add``.
            NotAPicture, PictureAnimated, PictureDamaged, PictureSizeWrong, RenderingBusy: see ``Renderer``.
        """
        # Asked first, and again under the lock: rendering takes a second, for which nothing is locked.
        _check_draft(auction_id, by)
        return self.add(auction_id, by=by, rendering=self._renderer.render(data), alt=alt)

    def add(self, auction_id: int, *, by: int, rendering: Rendering, alt: str) -> int:
        """Add a rendered picture. One that the auction has already is not added again: its id is returned.

        Raises:
            NotFound: there is no such auction of this seller.
            NotADraft: it is published.
            TooManyPictures, PictureSpaceUsedUp: there is no room for it.
            Unavailable: the store does not take it.
        """
        image_hash = _hash(rendering)
        # Asked first, so that nothing is stored for which there is no room, and again under the lock.
        with transaction():
            known = self._known(auction_id, by, image_hash, rendering)
        if known is not None:
            return known
        self._announce(image_hash, rendering)
        self._put(image_hash, rendering)
        with transaction():
            _locked_draft(auction_id, by)
            # One upload of an account at a time gets further. Not FOR UPDATE, for which its bids would wait.
            db.session.execute(select(User.id).where(User.id == by).with_for_update(key_share=True))
            known = self._known(auction_id, by, image_hash, rendering)
            if known is not None:
                return known
            picture = Picture(
                auction_id=auction_id, position=_next_position(auction_id), alt=alt, image_hash=image_hash
            )
            db.session.add(picture)
        return picture.id

    def _known(self, auction_id: int, by: int, image_hash: str, rendering: Rendering) -> int | None:
        """The picture of the auction that shows this image already; if none does, there is room for it.

        Raises:
            TooManyPictures, PictureSpaceUsedUp: there is none.
        """
        theirs = select(Picture.id).where(Picture.auction_id == auction_id)
        known = db.session.scalar(theirs.where(Picture.image_hash == image_hash))
        if known is None:
            _next_position(auction_id)
            self._check_space(by, image_hash, _size(rendering))
        return known

    def remove(self, auction_id: int, picture_id: int, *, by: int) -> None:
        """Take a picture out of one's draft; ``purge`` removes its files, unless another auction shows it.

        Raises:
            NotFound: there is no such picture of this seller.
            NotADraft: the auction is published.
        """
        _check_draft(auction_id, by)
        with transaction():
            _locked_draft(auction_id, by)
            picture = db.session.get(Picture, picture_id)
            if picture is None or picture.auction_id != auction_id:
                raise NotFound
            db.session.delete(picture)

    def arrange(self, auction_id: int, *, by: int, order: Sequence[tuple[int, str | None]]) -> None:
        """Put the pictures of one's draft in order: their ids, and new texts for those that get one.

        Raises:
            NotFound: there is no such auction of this seller.
            NotADraft: it is published.
            Invalid: not every picture is named exactly once.
        """
        _check_draft(auction_id, by)
        with transaction():
            _locked_draft(auction_id, by)
            query = select(Picture).where(Picture.auction_id == auction_id)
            theirs = {picture.id: picture for picture in db.session.scalars(query)}
            if sorted(theirs) != sorted(picture_id for picture_id, _ in order):
                # Or a picture that was added meanwhile would end up nobody knows where.
                problem = {"field": "items", "message": "must name each picture of the auction once"}
                raise Invalid("Some fields are not acceptable; see errors.", errors=[problem])
            for position, (picture_id, alt) in enumerate(order, start=1):
                picture = theirs[picture_id]
                picture.position = position
                picture.alt = picture.alt if alt is None else alt

    def _put(self, image_hash: str, rendering: Rendering) -> None:
        try:
            for width, content in rendering.files.items():
                self._store.put(file_name(image_hash, width), content)
        except OSError as error:
            log.error("a picture could not be stored: %s", error)
            raise Unavailable(
                "Pictures cannot be kept at the moment; this one was not. Try again."
            ) from error

    def _announce(self, image_hash: str, rendering: Rendering) -> None:
        """Note that the files of an image are about to be written, or were just sent again.

        Waits for a ``purge`` that is at this image; the files are then written after it.
        """
        values = {
            "hash": image_hash,
            "width": rendering.width,
            "height": rendering.height,
            "widths": list(rendering.files),
            "size_bytes": _size(rendering),
            "placeholder": rendering.placeholder,
            "stored_at": func.clock_timestamp(),
        }
        again = {"stored_at": func.clock_timestamp()}
        with transaction():
            db.session.execute(
                insert(Image).values(values).on_conflict_do_update(index_elements=["hash"], set_=again)
            )

    def _check_space(self, seller_id: int, image_hash: str, size: int) -> None:
        # What is over cannot be changed any more: counted, it would leave no room for ever.
        shown = (
            select(Picture.image_hash)
            .join(Auction, Auction.id == Picture.auction_id)
            .where(Auction.seller_id == seller_id, Auction.status.not_in(_OVER))
        )
        # The same image takes its space once.
        others = Image.hash.in_(shown) & (Image.hash != image_hash)
        used = db.session.scalar(select(func.sum(Image.size_bytes)).where(others)) or 0
        if used + size > self._account_bytes:
            raise PictureSpaceUsedUp(maximumBytes=self._account_bytes)

    # --- what everybody sees ---

    def open(self, name: str, viewer: Callable[[], Viewer | None]) -> File:
        """A file, for whoever may see an auction that shows it.

        Who is asking is only asked for what is not open to all: a shared cache must not take an answer for
        one that depends on cookies.

        Raises:
            NotFound: there is none, or none that this viewer may see.
            Unavailable: the store does not give it.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise NotFound
        image_hash, width = match[1], int(match[2])
        widths = self._widths_for_all(image_hash)
        open_to_all = widths is not None
        if widths is None:
            user = viewer()
            widths = _widths_seen_by(user, image_hash) if user else None
        if widths is None or width not in widths:
            raise NotFound
        try:
            return File(self._store.get(name), open_to_all)
        except OSError as error:
            # It was there when its row was committed: the store is away, or lost something.
            log.error("a picture cannot be read: %s", error)
            raise Unavailable("The picture cannot be read at the moment.") from error

    def _widths_for_all(self, image_hash: str) -> Sequence[int] | None:
        known = self._open.get(image_hash)
        if known is not None:
            return known
        widths = _widths_seen_by(None, image_hash)
        if widths is not None:
            if len(self._open) >= self.MAX_REMEMBERED:
                self._open.clear()
            self._open[image_hash] = widths
        return widths

    # --- clearing up ---

    def purge(self) -> int:
        """Remove the images that no auction shows, with their files; returns how many.

        Each is removed while its row is: whoever sends the same picture in this moment waits, and writes
        the files anew. One whose files cannot be deleted stays, and the next ``purge`` tries again.
        """
        total, stuck = 0, set[str]()
        while len(stuck) < _BATCH:
            with transaction():
                unused = db.session.execute(_unused(stuck)).all()
                for image_hash, widths in unused:
                    if self._remove(image_hash, widths):
                        total += 1
                    else:
                        stuck.add(image_hash)
            if len(unused) < _BATCH:
                break
        return total

    def _remove(self, image_hash: str, widths: Sequence[int]) -> bool:
        try:
            with db.session.begin_nested():
                db.session.execute(delete(Image).where(Image.hash == image_hash))
                for width in widths:
                    self._store.delete(file_name(image_hash, width))
        except OSError as error:
            log.error("a picture could not be deleted: %s", error)
            return False
        return True


def _size(rendering: Rendering) -> int:
    return sum(map(len, rendering.files.values()))


def _hash(rendering: Rendering) -> str:
    """128 bits are enough: what is hashed comes from our encoder, and cannot be chosen to collide."""
    digest = hashlib.sha256()
    for width, content in rendering.files.items():
        digest.update(b"%d %d\n" % (width, len(content)))
        digest.update(content)
    return digest.hexdigest()[:32]


def _check_draft(auction_id: int, by: int) -> None:
    """Raise, unless it is a draft of this seller; before its lock, which strangers must not wait for.

    Not in the request's session: nobody's connection waits while a picture is rendered.
    """
    query = select(Auction.status).where(Auction.id == auction_id, Auction.seller_id == by)
    with db.engine.connect() as connection:
        status = connection.execute(query).scalar_one_or_none()
    if status is None:
        raise NotFound
    if status != AuctionStatus.DRAFT:
        raise NotADraft


def _locked_draft(auction_id: int, by: int) -> Auction:
    auction = lock(Auction, auction_id)
    if auction.seller_id != by:
        raise NotFound
    if auction.status != AuctionStatus.DRAFT:
        raise NotADraft
    return auction


def _next_position(auction_id: int) -> int:
    query = select(func.count(), func.max(Picture.position)).where(Picture.auction_id == auction_id)
    count, last = db.session.execute(query).one()
    if count >= MAX_PICTURES:
        raise TooManyPictures(maximum=MAX_PICTURES)
    return (last or 0) + 1


def _widths_seen_by(viewer: Viewer | None, image_hash: str) -> list[int] | None:
    """The widths of an image that some auction shows to this viewer; None if none does."""
    shown = (
        select(Picture.id)
        .join(Auction, Auction.id == Picture.auction_id)
        .where(Picture.image_hash == Image.hash, visible_to(viewer))
    )
    query = select(Image.widths).where(Image.hash == image_hash, shown.exists())
    with db.engine.connect() as connection:
        return connection.execute(query).scalar_one_or_none()


def _unused(stuck: Collection[str]) -> Select[str, list[int]]:
    old = Image.stored_at < func.clock_timestamp() - GRACE
    shown = exists().where(Picture.image_hash == Image.hash)
    # Skipped: those that somebody is just about to show.
    some = select(Image.hash, Image.widths).where(old, ~shown, Image.hash.not_in(stuck))
    return some.limit(_BATCH).with_for_update(skip_locked=True)
