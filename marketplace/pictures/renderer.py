"""Runs ``rendering.py``: a process for each picture, a few at a time; the others wait, or are told."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

from marketplace.errors import (
    Invalid,
    NotAPicture,
    PictureAnimated,
    PictureDamaged,
    PictureSizeWrong,
    RenderingBusy,
)

from . import rendering
from .rendering import Rendering

log = logging.getLogger(__name__)

#: At a time in one process of ours: they share memory and processors with the bids.
AT_ONCE = 2
#: Requests that wait for that, and how long: a web server has threads for bids, too.
WAITING = 6
WAIT_SECONDS = 10.0
#: After this long the machine is too busy: see ``rendering.MAX_CPU_SECONDS``, which is how long it works.
TIMEOUT_SECONDS = 30.0

# -I: nothing of our environment or folder leads it to other code.
_COMMAND = (sys.executable, "-I", rendering.__file__)
_ERRORS: dict[str, type[Invalid]] = {
    kind.code: kind for kind in (NotAPicture, PictureAnimated, PictureDamaged, PictureSizeWrong)
}


class Renderer:
    """One of these in a process; starts nothing before it is used."""

    def __init__(self, *, at_once: int = AT_ONCE, waiting: int = WAITING, wait: float = WAIT_SECONDS) -> None:
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._turns = threading.BoundedSemaphore(at_once)
        self._wait_seconds = wait

    def render(self, data: bytes) -> Rendering:
        """A picture in its sizes, from what somebody sent.

        Raises:
            NotAPicture, PictureAnimated, PictureDamaged, PictureSizeWrong: it is not taken.
            RenderingBusy: too many others are at it.
        """
        if not self._places.acquire(blocking=False):
            raise RenderingBusy
        try:
            if not self._turns.acquire(timeout=self._wait_seconds):
                raise RenderingBusy
            try:
                return _read(_run(data))
            finally:
                self._turns.release()
        finally:
            self._places.release()


def _run(data: bytes) -> bytes:
    """What the program answers.

    Raises:
        PictureDamaged: it died of the picture, or was at it for too long.
        RenderingBusy: the machine left it no time.
    """
    try:
        # Without an environment: whoever takes over a decoder finds no settings of ours in it.
        done = subprocess.run(
            _COMMAND, input=data, capture_output=True, timeout=TIMEOUT_SECONDS, env={}, check=False
        )
    except subprocess.TimeoutExpired:
        # Of the processor it had less than it may take, or it would have died of that before.
        log.warning("a picture of %d bytes had to wait too long", len(data))
        raise RenderingBusy from None
    if done.returncode < 0:
        log.warning("a picture of %d bytes ended its decoder with signal %d", len(data), -done.returncode)
        raise PictureDamaged
    if done.returncode:
        raise RuntimeError(f"rendering failed: {done.stderr.decode(errors='replace')}")
    return done.stdout


def _read(answer: bytes) -> Rendering:
    try:
        return Rendering.read(answer)
    except rendering.Refused as refusal:
        kind = _ERRORS[refusal.code]
        if kind is PictureSizeWrong:
            raise PictureSizeWrong(maxPixels=rendering.MAX_PIXELS, minSide=rendering.MIN_SIDE) from None
        raise kind from None
