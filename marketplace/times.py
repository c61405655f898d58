"""Moments as text: in JSON as ISO 8601 in UTC with milliseconds and ``Z``; on paper as days."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=1024)  # the bids of one group, and all that is told of them, share a moment
def iso(moment: datetime) -> str:
    """``2026-11-20T10:33:00.123Z``. Cut, not rounded: a moment is never shown before it has come."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day(moment: datetime) -> str:
    """``20 November 2026``, in UTC: on paper, a day is the same for everybody."""
    return f"{moment.astimezone(UTC):%-d %B %Y}"
