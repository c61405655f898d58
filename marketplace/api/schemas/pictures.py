"""Pictures of auctions."""

from __future__ import annotations

from typing import Annotated, Any

from flask_openapi import FileStorage
from pydantic import AfterValidator, Field
from werkzeug.datastructures import FileStorage as WerkzeugFile

from .base import Schema, _no_break, _printable


def _is_file(value: Any) -> Any:
    # What is sent in its place as text, or not sent at all.
    if not isinstance(value, WerkzeugFile) or not value.filename:
        raise ValueError("must be a file, sent as multipart/form-data")
    return value


class PictureSize(Schema):
    """A file of a picture, in WebP."""

    width: int
    url: Annotated[str, Field(description="always the same file; as a path on this server")]


class PictureView(Schema):
    """A picture of an auction."""

    id: int
    alt: Annotated[str, Field(description="what it shows, for whoever does not see it; may be empty")]
    width: Annotated[int, Field(description="of the largest size, in pixels, like `height`")]
    height: int
    sizes: Annotated[list[PictureSize], Field(description="the smallest first")]
    placeholder: Annotated[str, Field(description="its average colour, `#rrggbb`")]


class PictureList(Schema):
    """The pictures of an auction, in order."""

    items: list[PictureView]
    next_cursor: None = None


Alt = Annotated[str, Field(max_length=300), AfterValidator(_printable), AfterValidator(_no_break)]


class PictureUpload(Schema):
    """A picture as a file; its kind is found out by decoding it."""

    file: Annotated[FileStorage, AfterValidator(_is_file)]
    alt: Annotated[Alt, Field(description="what it shows, for whoever does not see it")] = ""


class PlacedPicture(Schema):
    """A picture in its place."""

    id: Annotated[int, Field(strict=True, ge=1, le=10**18)]
    alt: Annotated[Alt | None, Field(description="absent: as it is")] = None


class PictureOrder(Schema):
    """All pictures of an auction, in the order they shall have."""

    items: Annotated[list[PlacedPicture], Field(max_length=100)]


class PicturePath(Schema):
    """The ids in the path."""

    auction_id: int
    picture_id: int


class MediaPath(Schema):
    """The name of a file."""

    name: Annotated[str, Field(max_length=100)]
