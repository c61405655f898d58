"""Cursors: where the next page begins, opaque to clients."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from marketplace.errors import Invalid

#: Numbers in a position stay under this: what fits into the database.
MAX_NUMBER = 10**18


def encode(*position: Any) -> str:
    """A cursor for a position."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The position behind a cursor, whose parts are numbers, moments or words.

    Raises:
        Invalid: it is not a cursor of ours.
    """
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(_part(part, kind) for part, kind in zip(position, kinds, strict=True))
    except (ValueError, TypeError, RecursionError):
        raise Invalid(
            "The cursor is not valid; start again without one.",
            errors=[{"field": "cursor", "message": "is not valid"}],
        ) from None


def _part(part: Any, kind: type) -> Any:
    if kind is datetime:
        part = datetime.fromisoformat(part)
        fits = part.tzinfo is not None
    elif kind is int:
        fits = type(part) is int and abs(part) < MAX_NUMBER
    else:
        fits = isinstance(part, kind)
    if not fits:
        raise ValueError
    return part
