"""From the bytes that somebody sent to pictures that we serve; run as a program of its own.

``python rendering.py`` reads a file from standard input and writes what was made of it to standard output.
Decoders of pictures are large programs in C that read whatever strangers send: here they have a process with
bounded memory and time, without our settings, and none but that process dies of a fault in them. Therefore
this file imports nothing of ours.

Nothing of what was sent is kept: the pixels are decoded, turned upright, brought into sRGB and encoded anew.
What else was in the file - where the picture was taken, by what, another file behind it - is gone.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageCms, UnidentifiedImageError

#: What is taken. Decided by decoding, never by a name or a declared type. Pillow calls a JPEG with further
#: views behind the first, as phones make them, MPO, and finds it where JPEG is allowed.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")
#: Pixels at most: phones have 48 million. At least so many on each side.
MAX_PIXELS = 50_000_000
MIN_SIDE = 100

#: The widths in which a picture is kept, as far as it is that wide; the last also bounds its height.
WIDTHS = (320, 640, 1280, 1920)
MAX_HEIGHT = 2560
#: Of 100. WebP at 80 is taken for the original by most people in side-by-side tests.
QUALITY = 80

#: What the process may use. A photo from a phone takes about 110 MiB and a second; the worst measured, a
#: WebP of 48 megapixels, 780 MiB and two (docs/decisions/pictures.md).
MAX_MEMORY_BYTES = 1 << 30
MAX_CPU_SECONDS = 15
#: Bids come first.
NICENESS = 10

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = frozenset({5, 6, 7, 8})
_SRGB = ImageCms.createProfile("sRGB")


class Refused(Exception):
    """The picture is not taken; ``code`` says why, in the words of ``marketplace.errors``."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Rendering:
    """A picture in the sizes in which it is served."""

    #: Of the largest size.
    width: int
    height: int
    #: The average colour, such as ``#8a7c6b``: shown until the picture is there.
    placeholder: str
    #: WebP files by their width.
    files: Mapping[int, bytes]

    def write(self, stream: BinaryIO) -> None:
        """For ``read`` on the other side: a line of JSON, then the files one after the other."""
        sizes = [[width, len(content)] for width, content in self.files.items()]
        head = {"width": self.width, "height": self.height, "placeholder": self.placeholder, "sizes": sizes}
        stream.write(json.dumps(head).encode() + b"\n" + b"".join(self.files.values()))

    @classmethod
    def read(cls, data: bytes) -> Rendering:
        """What ``write`` wrote.

        Raises:
            Refused: the picture was not taken.
        """
        line, _, rest = data.partition(b"\n")
        head = json.loads(line)
        if "refused" in head:
            raise Refused(head["refused"])
        files, start = {}, 0
        for width, length in head["sizes"]:
            files[width] = rest[start : start + length]
            start += length
        return cls(head["width"], head["height"], head["placeholder"], files)


def render(data: bytes) -> Rendering:
    """A picture from the bytes of a file.

    Raises:
        Refused: ``not_a_picture``, ``picture_size``, ``picture_animated`` or ``picture_damaged``.
    """
    image, orientation = _decode(data)
    profile = image.info.get("icc_profile")
    box = (WIDTHS[-1], MAX_HEIGHT)
    # Shrunk first, so that all else is done to few pixels.
    image = _shrunk(_plain(image), box[::-1] if orientation in _LYING else box)
    image = _in_srgb(_on_white(image), profile)
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    return sizes_of(image)


def sizes_of(image: Image.Image) -> Rendering:
    """An upright RGB picture in all its sizes; none is larger than it is itself."""
    image = _shrunk(image, (WIDTHS[-1], MAX_HEIGHT))
    placeholder = "#" + image.resize((1, 1), Image.Resampling.BOX).tobytes().hex()
    files = {}
    for width in (*(width for width in WIDTHS if width < image.width), image.width):
        height = max(1, round(image.height * width / image.width))
        files[width] = _webp(image.resize((width, height), Image.Resampling.LANCZOS))
    return Rendering(image.width, image.height, placeholder, files)


def _decode(data: bytes) -> tuple[Image.Image, int]:
    """The pixels, as they lie in the file, and how the camera was held."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        image: Image.Image = Image.open(BytesIO(data), formats=FORMATS)
        _check(image)
        # A JPEG can be decoded at a half, a quarter, an eighth of its size: of large ones, far less memory.
        image.draft(None, (MAX_HEIGHT, MAX_HEIGHT))
        image.load()
        return image, _orientation(image)
    except Refused:
        raise
    except UnidentifiedImageError:
        raise Refused("not_a_picture") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise Refused("picture_size") from None
    except Exception:  # decoders raise nearly everything at what they cannot read
        raise Refused("picture_damaged") from None


def _check(image: Image.Image) -> None:
    if min(image.size) < MIN_SIDE or image.width * image.height > MAX_PIXELS:
        raise Refused("picture_size")
    # The first view of an MPO is a whole picture; the first frame of an animation is not what was meant.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise Refused("picture_animated")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # nobody needs EXIF to see a picture
        return 1


def _plain(image: Image.Image) -> Image.Image:
    """In a mode that can be resized: grey, RGB, CMYK or RGB with transparency."""
    if image.mode.startswith(("I", "F")):
        # 16 bits of grey; converted as it is, all above 255 would be white.
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in {"L", "RGB", "CMYK"} else image.convert("RGB")


def _shrunk(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    scale = min(box[0] / image.width, box[1] / image.height)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """What has no profile, or one that is not understood, is taken for sRGB, as browsers do."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def _webp(image: Image.Image) -> bytes:
    buffer = BytesIO()
    # Said, or Pillow would write what it read.
    image.save(buffer, "WEBP", quality=QUALITY, method=4, exif=b"", xmp=b"", icc_profile=b"")
    return buffer.getvalue()


def main() -> None:
    """Read a file from standard input, write what was made of it to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
    try:
        render(sys.stdin.buffer.read()).write(sys.stdout.buffer)
    except Refused as refusal:
        sys.stdout.write(json.dumps({"refused": refusal.code}) + "\n")
    except MemoryError:
        sys.stdout.write(json.dumps({"refused": "picture_size"}) + "\n")


if __name__ == "__main__":
    main()
