"""Files of pictures as people, phones and attackers send them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image, ImageDraw

RED, BLUE = (200, 30, 30), (30, 60, 190)


def halves(width: int = 400, height: int = 300) -> Image.Image:
    """Red above, blue below: it shows which side is up."""
    image = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(image).rectangle((0, height // 2, width, height), fill=BLUE)
    return image


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The image as a file."""
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(width: int = 400, height: int = 300) -> bytes:
    """A JPEG."""
    return encoded(halves(width, height), quality=90)


def decoded(content: bytes) -> Image.Image:
    """A file as an image."""
    image = Image.open(BytesIO(content))
    image.load()
    return image


def png_that_says(width: int, height: int) -> bytes:
    """A PNG that is a hundred bytes long, whatever size it claims."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
