"""Frames, at the sizes where their header changes."""

import pytest

from marketplace.channels_server import frames


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_text_frame_says_its_length(size: int, header: bytes) -> None:
    assert frames.text("x" * size) == header + b"x" * size


def test_lengths_are_bytes_not_characters() -> None:
    assert frames.text("ü") == b"\x81\x02\xc3\xbc"


def test_a_close_frame_carries_code_and_reason_and_stays_a_control_frame() -> None:
    assert frames.close(4100, "why") == b"\x88\x05\x10\x04why"
    assert len(frames.close(4100, "x" * 500)) == 2 + 125


def test_a_pong_returns_what_the_ping_brought() -> None:
    assert frames.pong(b"abc") == b"\x8a\x03abc"
