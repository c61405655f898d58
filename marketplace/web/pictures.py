"""Pictures on pages: the form with which sellers add them to a draft, and the buttons beside each."""

from __future__ import annotations

from collections.abc import Mapping

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from marketplace.api import schemas
from marketplace.api.security import MAX_UPLOAD_BYTES, limit_uploads, require_viewer
from marketplace.errors import (
    Invalid,
    MarketplaceError,
    NotADraft,
    NotAPicture,
    NotFound,
    PictureAnimated,
    PictureDamaged,
    PictureSizeWrong,
    PictureSpaceUsedUp,
    RateLimited,
    RenderingBusy,
    TooManyPictures,
    Unavailable,
)
from marketplace.runtime import runtime

from . import forms, problems
from .auctions import auction, to_auction
from .pages import blueprint

#: Why the API may not take a picture, or not do something to one.
_REFUSALS = (
    NotADraft,
    NotAPicture,
    NotFound,
    PictureAnimated,
    PictureDamaged,
    PictureSizeWrong,
    PictureSpaceUsedUp,
    RateLimited,
    RenderingBusy,
    TooManyPictures,
    Unavailable,
)


@blueprint.app_template_global()
def picture_refusals() -> dict[str, str]:
    """What the script says of each refusal, by its code; of any other, what stands under ``error``."""
    words = {refusal.code: problems.words(refusal()) for refusal in (MarketplaceError, *_REFUSALS)}
    return words | {"too_large": problems.words(_too_large())}


@blueprint.post("/auctions/<id:auction_id>/pictures")
@limit_uploads
def add_picture(auction_id: int) -> ResponseReturnValue:
    """Add a picture to a draft."""
    seller = require_viewer()
    files = _received()
    try:
        sent = _checked(files)
        runtime().gallery.upload(auction_id, by=seller.id, data=sent.file.read(), alt=sent.alt)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return auction(auction_id, picture_problem=problem)
    return to_auction(auction_id)


@blueprint.post("/auctions/<id:auction_id>/arrange-pictures")
def arrange_pictures(auction_id: int) -> ResponseReturnValue:
    """Say what the pictures of a draft show, and move one of them forward or back."""
    seller = require_viewer()
    try:
        order = forms.moved(_order(), request.form.get("move", ""), id_of=lambda picture: picture[0])
        runtime().gallery.arrange(auction_id, by=seller.id, order=order)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return auction(auction_id, picture_problem=problem)
    return to_auction(auction_id)


@blueprint.post("/auctions/<id:auction_id>/remove-picture")
def remove_picture(auction_id: int) -> ResponseReturnValue:
    """Take a picture out of a draft."""
    seller = require_viewer()
    try:
        runtime().gallery.remove(auction_id, _chosen(), by=seller.id)
    except NotFound:
        raise
    except MarketplaceError as problem:
        return auction(auction_id, picture_problem=problem)
    return to_auction(auction_id)


def _chosen() -> int:
    """The picture that a button stands beside.

    Raises:
        NotFound: nothing that could be one is named.
    """
    number = forms.whole(request.form.get("picture", ""))
    if not isinstance(number, int):
        raise NotFound
    return number


def _received() -> Mapping[str, FileStorage]:
    """The files of the form.

    Raises:
        Invalid: it is too large; then nothing of it can be read, not even to show it again.
    """
    try:
        return request.files
    except RequestEntityTooLarge:
        raise _too_large() from None


def _too_large() -> Invalid:
    return Invalid(gettext("The file is too large: %(most)s MiB are taken.", most=MAX_UPLOAD_BYTES >> 20))


def _checked(files: Mapping[str, FileStorage]) -> schemas.PictureUpload:
    file = files.get("file")
    if file is None or not file.filename:
        raise Invalid("Choose a picture first.")
    return forms.checked(schemas.PictureUpload, {"file": file, "alt": request.form.get("alt", "")})


def _order() -> list[tuple[int, str | None]]:
    """The pictures as they stand in the form, each with its text."""
    ids, texts = request.form.getlist("order"), request.form.getlist("alt")
    items = [{"id": forms.whole(id_), "alt": alt} for id_, alt in zip(ids, texts, strict=False)]
    return [(item.id, item.alt) for item in forms.checked(schemas.PictureOrder, {"items": items}).items]
