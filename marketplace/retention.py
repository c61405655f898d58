"""How long things are kept."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from marketplace.extensions import db
from marketplace.transactions import transaction

#: An Idempotency-Key is honoured for at least a day.
ANSWERS_KEPT = timedelta(days=2)
_BATCH = 5_000

_FORGET = text(
    """
    DELETE FROM bid_answers WHERE ctid IN (
        SELECT ctid FROM bid_answers WHERE answered_at < clock_timestamp() - :kept LIMIT :batch
    )
    """
)


def forget_old_answers() -> int:
    """Delete answers whose keys are no longer honoured, in small transactions; returns how many."""
    total = 0
    while True:
        with transaction():
            result = db.session.execute(_FORGET, {"kept": ANSWERS_KEPT, "batch": _BATCH})
            gone: int = result.rowcount  # type: ignore[attr-defined]
        total += gone
        if gone < _BATCH:
            return total
