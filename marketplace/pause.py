"""Leaving something alone for a while after it failed."""

from __future__ import annotations

import time


class Pause:
    """Waiting after failures: doubles from ``first`` to ``longest`` seconds, forgotten after a success."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._length = first
        self._until = 0.0

    @property
    def active(self) -> bool:
        """Whether it is still too early to try again."""
        return time.monotonic() < self._until

    @property
    def remaining(self) -> float:
        """Seconds until the next try."""
        return max(0.0, self._until - time.monotonic())

    def start(self) -> None:
        """Begin a pause, twice as long as the one before."""
        self._until = time.monotonic() + self._length
        self._length = min(self._length * 2, self._longest)

    def clear(self) -> None:
        """A success: the next pause is a short one again."""
        self._length = self._first
        self._until = 0.0
