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
#: Stripe sends an event again for three days, and by hand for thirty: https://docs.stripe.com/webhooks.
STRIPE_EVENTS_KEPT = timedelta(days=31)
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


_FORGET_STRIPE_EVENTS = text(
    """
    DELETE FROM stripe_events WHERE ctid IN (
        SELECT ctid FROM stripe_events WHERE received_at < statement_timestamp() - :kept LIMIT :batch
    )
    """
)


def forget_old_answers() -> int:
    """Delete answers whose keys are no longer honoured; returns how many."""
    return _delete_in_batches(_FORGET, ANSWERS_KEPT)


def forget_old_webhooks() -> int:
    """Delete the marks of webhooks that nobody sends again, or that are refused by now; returns how many."""
    of_channels = _delete_in_batches(_FORGET_WEBHOOKS, WEBHOOKS_KEPT)
    return of_channels + _delete_in_batches(_FORGET_STRIPE_EVENTS, STRIPE_EVENTS_KEPT)


def _delete_in_batches(statement: TextClause, kept: timedelta) -> int:
    total = 0
    while True:
        with transaction():
            result = db.session.execute(statement, {"kept": kept, "batch": _BATCH})
            gone: int = result.rowcount  # type: ignore[attr-defined]
        total += gone
        if gone < _BATCH:
            return total
