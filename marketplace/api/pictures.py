"""Pictures of auctions: their order and texts, and the files themselves."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_openapi import APIBlueprint, Tag

from marketplace import listings
from marketplace.runtime import runtime

from . import schemas
from .auctions import picture_shown
from .security import limit_uploads, require_viewer, viewer

blueprint = APIBlueprint("pictures", __name__, abp_tags=[Tag(name="Pictures")])

#: What everybody may see never changes under its name: a year is what caches take for "for ever" (RFC 9111).
_FOR_EVER = "public, max-age=31536000, immutable"
#: What only some may see is asked for again each time, and then mostly answered with 304.
_ASK_AGAIN = "private, no-cache"


@blueprint.post("/api/auctions/<id:auction_id>/pictures", responses={201: schemas.PictureView})
@limit_uploads
def add_picture(path: schemas.ItemPath, form: schemas.PictureUpload) -> tuple[dict[str, Any], int]:
    """Add a picture to your draft, behind the others: JPEG, PNG, WebP or AVIF, at most 20 MiB.

    It is encoded anew in several widths, without what else was in the file (place, camera). The same picture
    sent twice is there once. After publishing, pictures stay as they are.
    """
    seller = require_viewer()
    picture_id = runtime().gallery.upload(path.auction_id, by=seller.id, data=form.file.read(), alt=form.alt)
    added = next(each for each in _pictures_of(path.auction_id) if each.id == picture_id)
    return added.json_ready(), 201


@blueprint.put("/api/auctions/<id:auction_id>/pictures", responses={200: schemas.PictureList})
def arrange_pictures(path: schemas.ItemPath, body: schemas.PictureOrder) -> dict[str, Any]:
    """Put the pictures of your draft in order, and change their texts. Name each of them once."""
    order = [(item.id, item.alt) for item in body.items]
    runtime().gallery.arrange(path.auction_id, by=require_viewer().id, order=order)
    return schemas.PictureList(items=_pictures_of(path.auction_id)).json_ready()


@blueprint.delete("/api/auctions/<id:auction_id>/pictures/<id:picture_id>", responses={204: None})
def remove_picture(path: schemas.PicturePath) -> tuple[str, int]:
    """Take a picture out of your draft."""
    runtime().gallery.remove(path.auction_id, path.picture_id, by=require_viewer().id)
    return "", 204


@blueprint.get("/media/<name>", responses={200: None, 304: None})
def get_picture(path: schemas.MediaPath) -> Response:
    """A file of a picture, the `url` of one of its sizes, for whoever may see an auction that shows it."""
    file = runtime().gallery.open(path.name, viewer)
    answer = Response(file.content, mimetype="image/webp")
    answer.set_etag(path.name.removesuffix(".webp"))
    answer.headers["Cache-Control"] = _FOR_EVER if file.open_to_all else _ASK_AGAIN
    answer.make_conditional(request)
    return answer


def _pictures_of(auction_id: int) -> list[schemas.PictureView]:
    return [picture_shown(each) for each in listings.get(auction_id, viewer()).pictures]
