"""Pictures of the demo lots, drawn by code: flat shapes on a coloured ground, so that no file is needed.

A drawing is a function of a ``Canvas``: the lot lies in a square of 100 by 100 in the middle of a 4:3 sheet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter

Point = tuple[float, float]

#: Pixels; drawn at twice that and made smaller, for smooth edges.
WIDTH, HEIGHT = 960, 720
_FINER = 2
_INK, _PAPER, _STEEL, _BRASS, _WOOD = "#23282b", "#f4efe4", "#aab3b8", "#c89b4a", "#9a5b34"
_GROUNDS = ("#dfe5dc", "#e9ddcf", "#d6e1e8", "#ece3d8", "#dcd9e6", "#e6dfc8")


class Canvas:
    """Shapes in units of a hundredth of the square that the lot lies in."""

    def __init__(self, ground: str) -> None:
        self._unit = HEIGHT * _FINER * 0.8 / 100
        self._left = (WIDTH * _FINER - 100 * self._unit) / 2
        self._top = HEIGHT * _FINER * 0.1
        self._ground = ground
        self._lot = Image.new("RGBA", (WIDTH * _FINER, HEIGHT * _FINER))
        self._draw = ImageDraw.Draw(self._lot)

    def box(self, x: float, y: float, width: float, height: float, fill: str, *, round_: float = 0) -> None:
        """A rectangle, with rounded corners."""
        corners = [self._at((x, y)), self._at((x + width, y + height))]
        self._draw.rounded_rectangle(corners, radius=round_ * self._unit, fill=fill)

    def disc(self, x: float, y: float, radius: float, fill: str, *, flat: float = 1) -> None:
        """A disc around a point, or an ellipse."""
        down = radius * flat
        self._draw.ellipse([self._at((x - radius, y - down)), self._at((x + radius, y + down))], fill=fill)

    def ring(self, x: float, y: float, radius: float, fill: str, *, width: float) -> None:
        """A circle."""
        corners = [self._at((x - radius, y - radius)), self._at((x + radius, y + radius))]
        self._draw.ellipse(corners, outline=fill, width=round(width * self._unit))

    def shape(self, *points: Point, fill: str) -> None:
        """A polygon."""
        self._draw.polygon([self._at(point) for point in points], fill=fill)

    def line(self, *points: Point, fill: str, width: float) -> None:
        """A line with round corners and ends."""
        across = width * self._unit
        self._draw.line([self._at(p) for p in points], fill=fill, width=round(across), joint="curve")
        for x, y in (points[0], points[-1]):
            self.disc(x, y, width / 2, fill)

    def hand(self, x: float, y: float, length: float, hours: float, fill: str, *, width: float) -> None:
        """The hand of a clock of twelve hours."""
        angle = math.tau * hours / 12
        self.line(
            (x, y), (x + length * math.sin(angle), y - length * math.cos(angle)), fill=fill, width=width
        )

    def image(self) -> Image.Image:
        """What was drawn, on its ground and with its shadow."""
        small = self._lot.reduce(_FINER)
        sheet = Image.new("RGB", small.size, self._ground)
        soft = small.getchannel("A").reduce(4).filter(ImageFilter.GaussianBlur(3))
        shadow = soft.resize(small.size).point(lambda value: value * 0.3)
        sheet.paste("#1b1d1c", (8, 16), shadow)
        sheet.paste(small, mask=small)
        return sheet

    def _at(self, point: Point) -> Point:
        return self._left + point[0] * self._unit, self._top + point[1] * self._unit


@cache
def drawing(title: str) -> Image.Image | None:
    """The picture of a demo lot, if there is one of it."""
    for number, (word, draw) in enumerate(_DRAWINGS.items()):
        if word in title:
            canvas = Canvas(_GROUNDS[number % len(_GROUNDS)])
            draw(canvas)
            return canvas.image()
    return None


def close_up(image: Image.Image) -> Image.Image:
    """The middle of a drawing, larger."""
    box = (WIDTH * 0.3, HEIGHT * 0.3, WIDTH * 0.7, HEIGHT * 0.7)
    return image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=box)


def as_file(image: Image.Image) -> bytes:
    """A JPEG, as people send it."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


# --- the lots -----------------------------------------------------------------------------------------------


def _rangefinder(c: Canvas) -> None:
    c.box(30, 24, 12, 8, _STEEL, round_=2)
    c.box(62, 22, 10, 10, _STEEL, round_=2)
    c.box(4, 30, 92, 48, _STEEL, round_=7)
    c.box(4, 40, 92, 30, _INK)
    c.box(10, 33, 12, 6, _INK, round_=1)
    c.box(44, 33, 8, 5, _PAPER, round_=1)
    c.disc(52, 56, 22, _STEEL)
    for radius, fill in ((19, _INK), (14, "#39434a"), (10, "#1d3b53"), (5, "#0d1c28")):
        c.disc(52, 56, radius, fill)
    c.disc(47, 51, 3, "#7fa3bd")


def _sideboard(c: Canvas) -> None:
    for x in (6, 88):
        c.shape((x, 66), (x + 5, 66), (x + 4, 88), (x + 2, 88), fill="#6f3f22")
    c.box(-6, 32, 112, 36, _WOOD, round_=2)
    for x in range(-2, 32, 2):
        c.line((x, 37), (x, 63), fill="#83491f", width=0.6)
        c.line((x + 68, 37), (x + 68, 63), fill="#83491f", width=0.6)
    for y in (37, 44, 51, 58):
        c.box(35, y, 30, 6, "#a8673c", round_=0.8)
        c.disc(50, y + 3, 1.1, _BRASS)
    c.box(70, 18, 10, 14, "#4c7a7a", round_=4)
    c.line((75, 18), (71, 6), fill="#55723f", width=1)
    c.line((75, 18), (80, 4), fill="#55723f", width=1)


def _walkman(c: Canvas) -> None:
    c.box(6, 16, 88, 68, "#2c3136", round_=5)
    c.box(10, 20, 80, 18, "#3d444a", round_=2)
    for x in (14, 38):
        c.box(x, 23, 20, 12, _PAPER, round_=1)
        c.line((x + 10, 34), (x + 15, 26), fill="#b23b2e", width=0.8)
    c.disc(76, 29, 6, _STEEL)
    c.box(14, 44, 60, 34, "#54606a", round_=3)
    c.box(20, 49, 48, 24, _PAPER, round_=2)
    c.box(24, 52, 40, 7, "#c4553b", round_=1)
    for x in (34, 54):
        c.disc(x, 66, 4.5, _INK)
        c.ring(x, 66, 3, _PAPER, width=1)
    for y in (46, 56, 66):
        c.box(79, y, 9, 7, _STEEL, round_=1.5)


def _wave(c: Canvas) -> None:
    c.box(-8, 6, 116, 88, _PAPER)
    c.box(-4, 10, 108, 80, "#e8dcc0")
    c.shape((62, 66), (74, 48), (78, 48), (92, 66), fill="#5f7c93")
    c.shape((70, 54), (74, 48), (78, 48), (82, 54), (78, 52), (75, 55), fill=_PAPER)
    crest = [(28 + 26 * math.cos(angle / 10), 44 - 26 * math.sin(angle / 10)) for angle in range(-2, 34)]
    c.shape((-4, 90), *reversed(crest), (48, 72), (104, 66), (104, 90), fill="#2f5675")
    for step, (x, y) in enumerate(crest[:24]):
        c.disc(x, y, 2.2 + step % 3 * 0.6, _PAPER)
    for depth in (76, 82, 87):
        swell = [(along, depth + 1.5 * math.sin(along / 7)) for along in range(2, 103, 3)]
        c.line(*swell, fill="#9db7c6", width=0.8)


def _book(c: Canvas) -> None:
    c.shape((22, 8), (74, 8), (80, 13), (80, 93), (28, 93), (22, 88), fill="#d9cfb6")
    c.box(20, 6, 56, 82, "#24415c", round_=1)
    c.box(20, 6, 5, 82, "#1b3147")
    c.disc(50, 38, 17, "#d7e3ea")
    c.disc(57, 35, 15, "#24415c")
    c.disc(33, 22, 1, _PAPER)
    c.disc(66, 56, 1.2, _PAPER)
    for y, half in ((66, 19), (71, 14), (80, 9)):
        c.box(50 - half, y, 2 * half, 2.2, _PAPER)


def _watch(c: Canvas) -> None:
    for y in (-4, 68):
        c.shape((38, y), (62, y), (60, y + 36), (40, y + 36), fill="#5c3a28")
    for y in range(0, 24, 5):
        c.disc(50, y, 0.9, "#2e1c12")
    c.box(80, 46, 6, 8, _STEEL, round_=1.5)
    c.disc(50, 50, 32, _STEEL)
    c.disc(50, 50, 28, "#e9ecec")
    for hour in range(12):
        angle = math.tau * hour / 12
        right, down = math.sin(angle), -math.cos(angle)
        ends = ((50 + length * right, 50 + length * down) for length in (22, 26))
        c.line(*ends, fill=_INK, width=1.4)
    c.box(64, 47, 8, 6, _PAPER, round_=0.8)
    c.hand(50, 50, 14, 10.15, _INK, width=2)
    c.hand(50, 50, 21, 2, _INK, width=1.4)
    c.hand(50, 50, 23, 6.4, "#b23b2e", width=0.6)
    c.disc(50, 50, 1.8, _INK)


def _bicycle(c: Canvas) -> None:
    for x in (14, 86):
        c.ring(x, 66, 23, _INK, width=2)
        for spoke in range(12):
            c.hand(x, 66, 21, spoke, _STEEL, width=0.25)
        c.disc(x, 66, 2, _STEEL)
    frame = "#9c2f2a"
    c.line((14, 66), (44, 66), (72, 34), (34, 34), (14, 66), fill=frame, width=2.2)
    c.line((44, 66), (32, 28), fill=frame, width=2.2)
    c.line((86, 66), (70, 26), fill=frame, width=2.2)
    c.line((26, 27), (40, 27), fill=_INK, width=3)
    c.line((70, 25), (80, 25), (84, 31), (78, 36), fill=_INK, width=1.8)
    c.ring(44, 66, 6, _STEEL, width=1.4)
    c.line((44, 66), (49, 74), fill=_STEEL, width=1.4)


def _synthesizer(c: Canvas) -> None:
    c.box(-8, 22, 116, 60, "#3a2a20", round_=2)
    c.box(-4, 25, 108, 28, "#1f2427", round_=1)
    for row, y in enumerate((32, 45)):
        for number in range(11):
            x = 2 + number * 9.6
            c.disc(x, y, 3, "#4a5257")
            c.hand(
                x, y, 2.6, (number * 5 + row * 3) % 10 - 5, "#e8b04b" if number % 4 else "#5fb3a3", width=0.8
            )
    c.box(-4, 55, 108, 24, _PAPER)
    for key in range(1, 22):
        x = -4 + key * 108 / 22
        c.line((x, 55), (x, 79), fill="#b9b2a4", width=0.3)
        if key % 7 not in {0, 3}:
            c.box(x - 1.5, 55, 3, 14, _INK)


def _rug(c: Canvas) -> None:
    for x in range(14, 87, 2):
        c.line((x, 0), (x, 100), fill=_PAPER, width=0.6)
    for inset, fill in ((0, "#7c2b27"), (4, "#26364f"), (8, "#c8a15a"), (10, "#8e332c")):
        c.box(13 + inset, 4 + inset, 74 - 2 * inset, 92 - 2 * inset, fill)
    for y in (30, 50, 70):
        for size, fill in ((13, "#26364f"), (9, "#c8a15a"), (5, "#7c2b27")):
            c.shape((50, y - size), (50 + size * 1.5, y), (50, y + size), (50 - size * 1.5, y), fill=fill)
    for y in range(20, 86, 6):
        for x in (28, 72):
            c.disc(x, y, 1.2, _PAPER)


def _bottles(c: Canvas) -> None:
    for number in range(6):
        x = 2 + number * 17
        c.box(x + 3.5, 6, 5, 26, "#2b3a2c", round_=1)
        c.box(x + 3, 5, 6, 10, "#6b1f2a", round_=1)
        c.disc(x + 6, 36, 6, "#2b3a2c")
        c.box(x, 36, 12, 58, "#2b3a2c", round_=1.5)
        c.box(x, 54, 12, 24, _PAPER)
        c.box(x + 2, 58, 8, 1.6, "#6b1f2a")
        for y in (64, 68, 72):
            c.box(x + 2.5, y, 7, 0.8, _STEEL)


def _polaroid(c: Canvas) -> None:
    c.shape((18, 44), (50, 20), (92, 34), (92, 52), fill="#b0713f")
    c.shape((18, 44), (50, 44), (50, 20), fill="#2b2e31")
    c.box(10, 44, 82, 22, "#b0713f", round_=2)
    c.box(10, 64, 82, 8, _STEEL, round_=1)
    c.disc(28, 54, 8, _INK)
    c.disc(28, 54, 5, "#2c4a63")
    c.disc(26, 52, 1.6, "#9ebad0")
    c.disc(44, 54, 2.6, "#b23b2e")
    c.box(20, 74, 62, 22, _PAPER)
    c.box(24, 74, 54, 17, "#7ea6b8")
    c.disc(64, 81, 3.5, "#f1d27a")
    c.shape((24, 91), (40, 79), (52, 88), (62, 83), (78, 91), fill="#5c7a55")


def _telegraph(c: Canvas) -> None:
    c.box(38, 60, 24, 30, _BRASS)
    c.shape((28, 96), (72, 96), (64, 86), (36, 86), fill="#a37b36")
    c.disc(50, 38, 36, _BRASS)
    c.disc(50, 38, 30, _PAPER)
    for part in range(10):
        c.hand(50, 38, 30, part * 1.2 - 5.4, _INK, width=0.5)
    c.disc(50, 38, 17, "#d8c9a3")
    c.hand(50, 38, 33, 10.4, "#a37b36", width=4)
    c.disc(50, 38, 6, _BRASS)
    c.disc(50, 38, 2.5, "#7d5c25")


def _records(c: Canvas) -> None:
    covers = ("#24415c", "#b5532f", "#e0b84e", "#3d6b58", "#7a3550", _PAPER, "#2c3136")
    for number, cover in enumerate(covers):
        x = 8 + number * 11
        c.shape((x, 18), (x + 12, 12), (x + 12, 66), (x, 66), fill=cover)
    c.disc(78, 34, 22, _INK)
    for radius in (19, 16, 13, 10):
        c.ring(78, 34, radius, "#3b4145", width=0.3)
    c.disc(78, 34, 7, "#c4553b")
    c.disc(78, 34, 1, _PAPER)
    c.shape((0, 46), (100, 46), (96, 92), (4, 92), fill="#b98a5a")
    c.box(38, 58, 24, 6, "#8a6138", round_=3)


def _lamp(c: Canvas) -> None:
    c.disc(46, 92, 20, "#d9cfb6", flat=0.22)
    c.line((46, 88), (66, 56), (34, 28), fill="#cbbf9f", width=2.6)
    for joint in ((66, 56), (34, 28)):
        c.disc(*joint, 3, _STEEL)
    c.shape((26, 16), (42, 22), (34, 48), (4, 36), fill="#e9e1cb")
    c.disc(17, 44, 5, "#f6d77f")


def _typewriter(c: Canvas) -> None:
    c.box(28, 4, 44, 30, _PAPER)
    for y in (10, 15, 20):
        c.box(33, y, 34 - y % 4 * 4, 1, _STEEL)
    c.box(8, 30, 84, 9, _INK, round_=4)
    c.shape((10, 40), (90, 40), (100, 88), (0, 88), fill="#6c8f86")
    for row in range(4):
        for key in range(9 + row % 2):
            c.disc(17 + key * 8 - row % 2 * 4 + row * 0.5, 54 + row * 8, 2.8, _PAPER)


def _pen(c: Canvas) -> None:
    c.line((10, 84), (62, 32), fill="#2f5d43", width=9)
    c.line((20, 74), (52, 42), fill="#3f7d59", width=9)
    c.line((58, 36), (64, 30), fill=_BRASS, width=9)
    c.shape((61, 27), (67, 33), (86, 8), fill=_BRASS)
    c.line((86, 8), (72, 22), fill=_INK, width=0.5)
    ink = [(48 + x * 0.9, 80 + 6 * math.sin(x / 4)) for x in range(50)]
    c.line(*ink, fill="#27408b", width=0.9)


def _map(c: Canvas) -> None:
    c.box(-6, 8, 112, 84, "#e9dfc4")
    c.box(-2, 12, 104, 76, "#c7d9d8")
    for x, y, radius, flat in ((30, 34, 14, 0.7), (44, 52, 10, 1.3), (26, 66, 8, 0.8), (78, 44, 20, 1.6)):
        c.disc(x, y, radius + 1, "#b4894f", flat=flat)
        c.disc(x, y, radius, "#d9c58c", flat=flat)
    for hours in range(0, 12, 3):
        c.hand(56, 76, 9, hours, "#8e332c", width=0.8)
    c.ring(56, 76, 5, "#8e332c", width=0.6)


def _sign(c: Canvas) -> None:
    c.box(-4, 14, 108, 72, "#7d2118", round_=4)
    c.box(0, 18, 100, 64, "#e8b93f", round_=3)
    c.box(4, 22, 92, 56, "#b0302a", round_=2)
    c.disc(28, 50, 18, _PAPER)
    star = (
        (28, 36),
        (32, 47),
        (43, 47),
        (34, 54),
        (38, 65),
        (28, 58),
        (18, 65),
        (22, 54),
        (13, 47),
        (24, 47),
    )
    c.shape(*star, fill="#b0302a")
    for y, width in ((36, 38), (47, 30), (58, 38)):
        c.box(52, y, width, 6, "#e8b93f", round_=1)
    for x in (4, 96):
        for y in (22, 78):
            c.disc(x, y, 1.4, _INK)


def _radio(c: Canvas) -> None:
    c.box(24, 6, 52, 88, "#f0eee8", round_=5)
    for row in range(9):
        for column in range(9):
            if math.hypot(row - 4, column - 4) < 4.7:
                c.disc(34 + column * 4, 20 + row * 4, 1.1, "#8b8f8f")
    c.disc(50, 72, 14, "#d9d5ca")
    c.disc(50, 72, 4, _PAPER)
    c.box(49, 58, 2, 5, "#b0302a")


def _doll(c: Canvas) -> None:
    c.shape((36, 44), (64, 44), (68, 96), (32, 96), fill="#c79a63")
    c.disc(50, 28, 22, "#e3bd86")
    c.disc(50, 13, 14, _INK, flat=0.6)
    for x in (42, 58):
        c.line((x - 3, 29), (x + 3, 29), fill=_INK, width=0.8)
    c.disc(50, 38, 1.6, "#b0302a")
    for y in (56, 70, 84):
        c.disc(50, y, 5, "#b0302a")
        c.disc(50, y, 2, "#e8b93f")
        c.shape((55, y), (61, y - 4), (61, y + 2), fill="#55723f")
        c.shape((45, y), (39, y - 4), (39, y + 2), fill="#55723f")


def _chess(c: Canvas) -> None:
    for row in range(3):
        for column in range(8):
            fill = "#d8b98a" if (row + column) % 2 else "#5b3a26"
            c.box(-10 + column * 15, 70 + row * 10, 15, 10, fill)
    for x, fill in ((30, "#e6cd9e"), (70, "#2c211a")):
        c.disc(x, 78, 13, fill, flat=0.35)
        c.shape((x - 8, 76), (x + 8, 76), (x + 4, 38), (x - 4, 38), fill=fill)
        c.disc(x, 40, 8, fill, flat=0.35)
        c.shape((x - 8, 20), (x + 8, 20), (x + 4, 38), (x - 4, 38), fill=fill)
        c.box(x - 1.2, 6, 2.4, 14, fill)
        c.box(x - 4, 10, 8, 2.4, fill)


def _clock(c: Canvas) -> None:
    c.disc(50, 50, 46, "#33393d")
    c.disc(50, 50, 42, "#fbfaf6")
    for minute in range(60):
        angle, long = math.tau * minute / 60, minute % 5 == 0
        x, y, inner = math.sin(angle), -math.cos(angle), 30 if long else 36
        c.line(
            (50 + inner * x, 50 + inner * y), (50 + 39 * x, 50 + 39 * y), fill=_INK, width=3 if long else 0.9
        )
    c.hand(50, 50, 25, 10.15, _INK, width=4.5)
    c.hand(50, 50, 36, 1.8, _INK, width=3.5)
    c.hand(50, 50, 28, 5.5, "#c8201c", width=1.2)
    c.disc(50 + 28 * math.sin(math.tau * 5.5 / 12), 50 - 28 * math.cos(math.tau * 5.5 / 12), 4.5, "#c8201c")


def _bowls(c: Canvas) -> None:
    for y, half, fill in ((36, 25, "#b9a488"), (52, 28, "#8f9a8a"), (68, 31, "#a98f74")):
        c.shape(
            (50 - half, y), (50 + half, y), (50 + half * 0.45, y + 22), (50 - half * 0.45, y + 22), fill=fill
        )
        c.disc(50, y, half, "#efe6d6", flat=0.2)
        c.disc(50, y + 0.5, half - 3, fill, flat=0.17)
    c.line((34, 72), (35, 80), fill="#efe6d6", width=2)  # the drip


def _chair(c: Canvas) -> None:
    c.box(26, 2, 48, 44, "#333a3f", round_=10)
    c.box(30, 6, 40, 36, "#59636a", round_=8)
    for y in range(10, 40, 4):
        c.line((32, y), (68, y), fill="#454e54", width=0.6)
    c.box(47, 44, 6, 12, "#333a3f")
    for x in (16, 78):
        c.box(x, 36, 6, 16, "#333a3f", round_=2)
        c.box(x - 2, 34, 10, 4, _INK, round_=2)
    c.box(20, 52, 60, 9, "#333a3f", round_=4)
    c.box(47.5, 60, 5, 20, _STEEL)
    for x in (20, 50, 80):
        c.line((50, 79), (x, 90), fill="#333a3f", width=3.5)
        c.disc(x, 93, 4, _INK)


def _tulips(c: Canvas) -> None:
    for x, fill in ((24, "#c4402f"), (50, "#e3a62f"), (76, "#8d3f7a")):
        c.line((x, 30), (x, 70), fill="#55723f", width=2)
        c.shape((x, 68), (x - 11, 40), (x - 5, 48), fill="#6d8c50")
        c.shape((x - 10, 8), (x, 18), (x + 10, 8), (x + 9, 26), (x, 33), (x - 9, 26), fill=fill)
        c.shape((x, 4), (x + 5, 20), (x, 33), (x - 5, 20), fill=fill)
    c.box(4, 64, 92, 32, _WOOD, round_=1)
    for y in (74, 85):
        c.line((4, y), (96, y), fill="#6f3f22", width=1)
    for x in (10, 90):
        c.box(x - 3, 64, 6, 32, "#a8673c")


def _towels(c: Canvas) -> None:
    for number, y in enumerate((20, 36, 52, 68)):
        c.box(8, y, 84, 14, "#e9e0cb" if number % 2 else "#ded2b7", round_=5)
        c.line((12, y + 10), (88, y + 10), fill="#c9bb9a", width=0.6)
        c.line((74, y + 2), (74, y + 12), fill="#7d8d9b", width=1.6)
        c.line((78, y + 2), (78, y + 12), fill="#7d8d9b", width=0.7)


def _mugs(c: Canvas) -> None:
    for x, y in ((30, 22), (4, 46), (50, 50)):
        c.ring(x + 37, y + 20, 11, "#dfe3e2", width=3)
        c.box(x, y, 36, 40, "#f6f6f2", round_=3)
        c.box(x, y, 36, 4, "#2f4f86", round_=2)
    c.disc(12, 78, 1.8, _INK)
    c.disc(76, 84, 1.3, _INK)


#: By a word of the lot's title.
_DRAWINGS: dict[str, Callable[[Canvas], None]] = {
    "Leica": _rangefinder,
    "sideboard": _sideboard,
    "Walkman": _walkman,
    "Wave": _wave,
    "first edition": _book,
    "Omega": _watch,
    "bicycle": _bicycle,
    "synthesizer": _synthesizer,
    "rug": _rug,
    "Barolo": _bottles,
    "Polaroid": _polaroid,
    "telegraph": _telegraph,
    "records": _records,
    "Anglepoise": _lamp,
    "typewriter": _typewriter,
    "pen": _pen,
    "Map": _map,
    "Nikon": _rangefinder,
    "advertising sign": _sign,
    "radio": _radio,
    "doll": _doll,
    "Chess": _chess,
    "clock": _clock,
    "bowls": _bowls,
    "chairs": _chair,
    "Tulip": _tulips,
    "towels": _towels,
    "mugs": _mugs,
}
