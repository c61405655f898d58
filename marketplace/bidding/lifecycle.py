"""The life of an auction: which status follows when. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

#: An auction is ENDING_SOON in its last minute, or in its extension window where that is longer.
ENDING_SOON = timedelta(seconds=60)


def warns_at(ends_at: datetime, extension_window: timedelta) -> datetime:
    """When the auction becomes ENDING_SOON."""
    return ends_at - max(ENDING_SOON, extension_window)


def steps(
    status: str, *, starts_at: datetime, ends_at: datetime, extension_window: timedelta, now: datetime
) -> Iterator[str]:
    """The statuses that are due by ``now``, in order: none, one, or several if nobody looked for a while."""
    if status == "SCHEDULED" and now >= starts_at:
        status = "RUNNING"
        yield status
    if status == "RUNNING" and warns_at(ends_at, extension_window) <= now < ends_at:
        status = "ENDING_SOON"
        yield status
    if status in {"RUNNING", "ENDING_SOON"} and now >= ends_at:
        yield "ENDED"


def next_due(
    status: str, *, starts_at: datetime, ends_at: datetime, extension_window: timedelta
) -> datetime | None:
    """When the next step is due; None when there is none to come."""
    match status:
        case "SCHEDULED":
            return starts_at
        case "RUNNING":
            return warns_at(ends_at, extension_window)
        case "ENDING_SOON":
            return ends_at
        case _:
            return None
