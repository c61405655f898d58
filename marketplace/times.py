"""Moments as text: in JSON as ISO 8601 in UTC with milliseconds and ``Z``; on pages as people write."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from babel.dates import format_date


@lru_cache(maxsize=1024)  # the bids of one group, and all that is told of them, share a moment
def iso(moment: datetime) -> str:
    """``2026-11-20T10:33:00.123Z``. Cut, not rounded: a moment is never shown before it has come."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_day(moment: datetime, locale: str = "en") -> str:
    """``20 November 2026``, in UTC: on paper, a day is the same for everybody."""
    return format_date(moment.astimezone(UTC), "long", locale_of_dates(locale))


def locale_of_dates(locale: str) -> str:
    """English is read everywhere: the month by its name between day and year, and 24 hours."""
    return "en_GB" if locale == "en" else locale
