"""Cursors: where the next page begins, opaque to clients."""

from __future__ import annotations

import base64
import json
from typing import Any

from marketplace.errors import Invalid


def encode(*position: Any) -> str:
    """A cursor for a position."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The position behind a cursor, whose parts are of these types.

    Raises:
        Invalid: it is not a cursor of ours.
    """
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(position, list) and [type(part) for part in position] == list(kinds):
            return tuple(position)
    except (ValueError, RecursionError):
        pass
    raise Invalid(
        "The cursor is not valid; start again without one.",
        errors=[{"field": "cursor", "message": "is not valid"}],
    )
