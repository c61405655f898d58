"""Pictures of auctions. Their files are in the media store; here is what there is, and who may see it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.extensions import Model

from .accounts import Timestamp


class Image(Model):
    """A rendered picture whose files are in the store, or were about to be written when the row was.

    The row is there before its files and goes together with them, so every file has a row that names it.
    """

    __tablename__ = "images"

    #: Of the content of all its files, in hexadecimal digits; their names follow from it.
    hash: Mapped[str] = mapped_column(Text, primary_key=True)
    #: Of the largest size.
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    #: The widths there are, rising.
    widths: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    #: Of all files together.
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    #: The average colour, ``#rrggbb``.
    placeholder: Mapped[str] = mapped_column(Text)
    #: When somebody sent it last; what nobody has used for a while after that is removed.
    stored_at: Mapped[datetime] = mapped_column(Timestamp)

    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0 AND size_bytes > 0", name="size"),
        Index("ix_images_stored_at", "stored_at"),
    )


class Picture(Model):
    """A picture of an auction, written only while that is locked. Other auctions may show the same image."""

    __tablename__ = "pictures"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    auction_id: Mapped[int] = mapped_column(ForeignKey("auctions.id"))
    #: Its place among them; the first is 1.
    position: Mapped[int] = mapped_column(Integer)
    #: What it shows, for whoever does not see it.
    alt: Mapped[str] = mapped_column(Text)
    image_hash: Mapped[str] = mapped_column(ForeignKey("images.hash"))

    __table_args__ = (
        # The same one sent twice is one picture. It is also the index by auction.
        UniqueConstraint("auction_id", "image_hash"),
        Index("ix_pictures_image", "image_hash"),
    )
