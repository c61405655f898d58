"""How long things are kept."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import TextClause, text

from marketplace.extensions import db
from marketplace.transactions import transaction

#: An Idempotency-Key is honoured for at least a day.
ANSWERS_KEPT = timedelta(days=2)
#: A webhook is refused when it is five minutes old.
WEBHOOKS_KEPT = timedelta(hours=1)
_BATCH = 5_000

_FORGET = text(
    """
    DELETE FROM bid_answers WHERE ctid IN (
        SELECT ctid FROM bid_answers WHERE answered_at < statement_timestamp() - :kept LIMIT :batch
    )
    """
)


_FORGET_WEBHOOKS = text(
    """
    DELETE FROM webhook_deliveries WHERE ctid IN (
        SELECT ctid FROM webhook_deliveries WHERE received_at < statement_timestamp() - :kept LIMIT :batch
    )
    """
)


def forget_old_answers() -> int:
    """Delete answers whose keys are no longer honoured; returns how many."""
    return _delete_in_batches(_FORGET, ANSWERS_KEPT)


def forget_old_webhooks() -> int:
    """Delete the marks of webhooks that are refused for their age by now; returns how many."""
    return _delete_in_batches(_FORGET_WEBHOOKS, WEBHOOKS_KEPT)


def _delete_in_batches(statement: TextClause, kept: timedelta) -> int:
    total = 0
    while True:
        with transaction():
            result = db.session.execute(statement, {"kept": kept, "batch": _BATCH})
            gone: int = result.rowcount  # type: ignore[attr-defined]
        total += gone
        if gone < _BATCH:
            return total
