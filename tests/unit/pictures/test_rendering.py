"""What becomes of the files that people send, phones make and attackers craft."""

from __future__ import annotations

import random
import zipfile
from io import BytesIO

import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps

from marketplace.pictures import rendering
from marketplace.pictures.rendering import Refused, Rendering, render
from tests.samples import BLUE, RED, decoded, encoded, halves, photo, png_that_says

Color = tuple[int, int, int]


def largest(made: Rendering) -> Image.Image:
    return decoded(made.files[made.width])


def is_near(found: object, wanted: Color, tolerance: int = 12) -> bool:
    assert isinstance(found, tuple)
    return all(abs(one - other) <= tolerance for one, other in zip(found, wanted, strict=True))


def top_and_bottom(made: Rendering) -> tuple[object, object]:
    image = largest(made)
    return image.getpixel((image.width // 2, 5)), image.getpixel((image.width // 2, image.height - 5))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_each_kind_becomes_webp(kind: str) -> None:
    made = render(encoded(halves(), kind))
    assert (made.width, made.height) == (400, 300)
    assert list(made.files) == [320, 400]
    for width, content in made.files.items():
        image = decoded(content)
        assert (image.format, image.size) == ("WEBP", (width, width * 3 // 4))
    top, bottom = top_and_bottom(made)
    assert is_near(top, RED)
    assert is_near(bottom, BLUE)


@pytest.mark.parametrize(
    ("size", "widths", "shown"),
    [
        ((200, 150), [200], (200, 150)),
        ((320, 240), [320], (320, 240)),
        ((1000, 500), [320, 640, 1000], (1000, 500)),
        ((4000, 3000), [320, 640, 1280, 1920], (1920, 1440)),
        # Tall: bounded by its height.
        ((1000, 5000), [320, 512], (512, 2560)),
        ((12_000, 100), [320, 640, 1280, 1920], (1920, 16)),
    ],
)
def test_it_is_made_smaller_and_never_larger(
    size: tuple[int, int], widths: list[int], shown: tuple[int, int]
) -> None:
    made = render(encoded(halves(*size), "PNG"))
    assert list(made.files) == widths
    assert (made.width, made.height) == shown == largest(made).size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_upright_however_the_camera_was_held(orientation: int) -> None:
    # The pixels as a camera held that way stores them: what undoes them is the way it was held.
    undone = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]
    source = halves()
    source.getexif()[ExifTags.Base.Orientation] = undone
    stored = ImageOps.exif_transpose(source)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    made = render(encoded(stored, exif=exif))
    assert (made.width, made.height) == (400, 300)
    top, bottom = top_and_bottom(made)
    assert is_near(top, RED)
    assert is_near(bottom, BLUE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_where_and_with_what_it_was_taken_is_gone(kind: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Secret Camera"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (51.0, 30.0, 26.0)
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    sent = encoded(halves(), kind, exif=exif, xmp=b"<x:xmpmeta>at home</x:xmpmeta>")
    before = decoded(sent).getexif()
    assert before[ExifTags.Base.Make] == "Secret Camera"
    assert before.get_ifd(ExifTags.IFD.GPSInfo)
    for content in render(sent).files.values():
        assert b"Secret" not in content
        assert b"at home" not in content
        assert b"EXIF" not in content
        after = decoded(content)
        assert not after.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(after.info)


def test_its_colours_are_brought_into_srgb() -> None:
    image = Image.new("RGB", (200, 200), (255, 0, 0))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The profile of a device that shows blue where others show red: its primaries have each other's names.
    swapped = srgb.replace(b"rXYZ", b"????", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"????", b"bXYZ", 1)
    for profile, shown in ((None, (255, 0, 0)), (srgb, (255, 0, 0)), (swapped, (0, 0, 255))):
        for kind in ("PNG", "JPEG"):
            made = render(encoded(image, kind, icc_profile=profile))
            assert is_near(largest(made).getpixel((50, 50)), shown), (kind, shown)


def test_a_profile_that_is_not_understood_does_no_harm() -> None:
    made = render(encoded(halves(), "PNG", icc_profile=b"no profile at all"))
    assert is_near(top_and_bottom(made)[0], RED)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "I;16", "RGBA", "YCbCr"])
def test_every_way_to_store_pixels_is_understood(mode: str) -> None:
    kind = "JPEG" if mode in {"CMYK", "YCbCr"} else "PNG"
    image = Image.new("I;16", (200, 200), 0x8000) if mode == "I;16" else halves().convert(mode)
    made = render(encoded(image, kind))
    assert largest(made).mode == "RGB"
    if mode == "I;16":
        assert is_near(largest(made).getpixel((50, 50)), (128, 128, 128))


def test_what_is_transparent_is_white() -> None:
    made = render(encoded(Image.new("RGBA", (200, 200), (0, 0, 0, 0)), "PNG"))
    assert is_near(largest(made).getpixel((50, 50)), (255, 255, 255))
    assert made.placeholder == "#ffffff"


def test_the_placeholder_is_the_average_colour() -> None:
    made = render(encoded(halves(), "PNG"))
    red, green, blue = (int(made.placeholder[at : at + 2], 16) for at in (1, 3, 5))
    assert is_near((red, green, blue), (115, 45, 110))


def test_the_same_file_gives_the_same_bytes() -> None:
    assert render(photo()) == render(photo())


# --- what is refused ---


def refusal(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        render(data)
    return refused.value.code


def test_an_animation_is_refused() -> None:
    frames = [halves(), halves().rotate(180)]
    for kind in ("WEBP", "PNG", "AVIF"):
        sent = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
        assert refusal(sent) == "picture_animated", kind


def test_further_views_behind_a_photo_are_not() -> None:
    sent = encoded(halves(), "MPO", save_all=True, append_images=[halves().rotate(180)])
    assert decoded(sent).format == "MPO"
    assert is_near(top_and_bottom(render(sent))[0], RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_half_a_file_is_refused(kind: str) -> None:
    noise = Image.effect_noise((400, 300), 80).convert("RGB")
    sent = encoded(noise, kind)
    assert refusal(sent[: len(sent) // 2]) in {"picture_damaged", "not_a_picture"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a<script>alert(1)</script>",
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"\x00" * 1000,
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert refusal(data) == "not_a_picture"


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PPM", "TGA", "PCX"])
def test_other_kinds_are_refused_however_good_they_are(kind: str) -> None:
    assert refusal(encoded(halves(), kind)) == "not_a_picture"


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    for size in ((10_000, 5_001), (60_000, 60_000), (2**31 - 1, 2**31 - 1)):
        assert refusal(png_that_says(*size)) == "picture_size"
    assert refusal(png_that_says(5_000, 5_000)) == "picture_damaged"


def test_what_is_too_small_to_show_anything_is_refused() -> None:
    assert refusal(encoded(halves(99, 400), "PNG")) == "picture_size"
    assert render(encoded(halves(100, 100), "PNG")).width == 100


def test_another_file_behind_a_picture_is_left_behind() -> None:
    """A polyglot: a good JPEG that is also a good ZIP, with a page in it."""
    behind = BytesIO()
    with zipfile.ZipFile(behind, "w") as archive:
        archive.writestr("index.html", "<script>alert(1)</script>")
    sent = photo() + behind.getvalue()
    assert zipfile.is_zipfile(BytesIO(sent))
    for content in render(sent).files.values():
        assert b"script" not in content
        assert not zipfile.is_zipfile(BytesIO(content))


def test_a_comment_with_a_page_in_it_is_left_behind() -> None:
    sent = encoded(halves(), comment=b"<script>alert(1)</script>")
    assert b"script" in sent
    assert not any(b"script" in content for content in render(sent).files.values())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_whatever_is_changed_in_a_file_it_is_taken_or_refused(kind: str) -> None:
    chance = random.Random(7)
    whole = encoded(halves(120, 100), kind)
    outcomes = set()
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            outcomes.add("taken" if render(bytes(broken)).files else "empty")
        except Refused as refused:
            outcomes.add(refused.code)
    codes = {"not_a_picture", "picture_size", "picture_animated", "picture_damaged"}
    assert outcomes <= {"taken", *codes}
    assert outcomes & codes


def test_what_is_written_is_read() -> None:
    made, stream = render(photo()), BytesIO()
    made.write(stream)
    assert Rendering.read(stream.getvalue()) == made
    with pytest.raises(Refused):
        Rendering.read(b'{"refused": "picture_damaged"}\n')


def test_the_bounds_fit_the_formats() -> None:
    # WebP has no more than 16,383 pixels on a side.
    assert max(rendering.WIDTHS[-1], rendering.MAX_HEIGHT) < 16_384
