"""Patterns that an administrator should look at: bidders who share an address with the seller, and those who
keep taking bids back. They prove nothing: families share addresses too."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, text

from .extensions import db
from .models import Suspicion, User
from .transactions import transaction

#: How long it is remembered which account was used from which address.
ADDRESSES_KEPT = timedelta(days=90)
#: So many retractions in so long are worth a look.
RETRACTIONS = 3
RETRACTIONS_WITHIN = timedelta(days=30)
#: Auctions where something happened since are looked at; more than the time between two looks.
BIDS_WITHIN = timedelta(days=1)

#: An address is written down once in this many seconds.
NOTE_SECONDS = 3600.0
_MAX_NOTED = 10_000
_noted: dict[tuple[int, str], float] = {}

_NOTE = text(
    "INSERT INTO account_addresses (user_id, address, seen_at) VALUES (:user_id, :address, clock_timestamp())"
    " ON CONFLICT (user_id, address) DO UPDATE SET seen_at = excluded.seen_at"
)
_SAME_ADDRESS = text(
    """
    INSERT INTO suspicions (kind, user_id, auction_id, detail)
    SELECT DISTINCT ON (bids.bidder_id, bids.auction_id)
        'SAME_ADDRESS', bids.bidder_id, bids.auction_id,
        'bids from an address of the seller: ' || theirs.address
    FROM bids
    JOIN auctions ON auctions.id = bids.auction_id
    JOIN account_addresses theirs ON theirs.user_id = auctions.seller_id
    JOIN account_addresses own ON own.user_id = bids.bidder_id AND own.address = theirs.address
    WHERE auctions.last_event_at > statement_timestamp() - :within
    ON CONFLICT DO NOTHING
    """
)
_RETRACTIONS = text(
    """
    INSERT INTO suspicions (kind, user_id, auction_id, detail)
    SELECT 'REPEATED_RETRACTIONS', bidder_id, NULL,
        count(DISTINCT (auction_id, seq)) || ' retractions in 30 days'
    FROM bids
    WHERE refers_to_seq IS NOT NULL AND kind = 'RETRACTION' AND placed_at > statement_timestamp() - :within
    GROUP BY bidder_id HAVING count(DISTINCT (auction_id, seq)) >= :many
    ON CONFLICT DO NOTHING
    """
)
_FORGET = text("DELETE FROM account_addresses WHERE seen_at < statement_timestamp() - :kept")


@dataclass(frozen=True, slots=True)
class Noticed:
    """A suspicion with the name of whom it is about."""

    suspicion: Suspicion
    user_name: str


def note_address(user_id: int, address: str | None) -> None:
    """Remember that an account was used from an address; cheap when it was just noted."""
    if address is None:
        return
    now = time.monotonic()
    if now - _noted.get((user_id, address), -NOTE_SECONDS) < NOTE_SECONDS:
        return
    if len(_noted) >= _MAX_NOTED:
        _noted.clear()
    _noted[user_id, address] = now
    # A connection of its own, returned at once: the request may go on to wait for the bidding desk.
    with db.engine.begin() as connection:
        connection.execute(_NOTE, {"user_id": user_id, "address": address})


def look() -> None:
    """Record what looks odd by now, each thing once, and forget old addresses."""
    for statement, parameters in (
        (_SAME_ADDRESS, {"within": BIDS_WITHIN}),
        (_RETRACTIONS, {"within": RETRACTIONS_WITHIN, "many": RETRACTIONS}),
        (_FORGET, {"kept": ADDRESSES_KEPT}),
    ):
        with transaction():
            db.session.execute(statement, parameters)


def recorded(*, before: int | None, limit: int) -> list[Noticed]:
    """What was noticed, the latest first."""
    query = select(Suspicion, User.display_name).join(User, User.id == Suspicion.user_id)
    if before is not None:
        query = query.where(Suspicion.id < before)
    rows = db.session.execute(query.order_by(Suspicion.id.desc()).limit(limit))
    return [Noticed(suspicion, name) for suspicion, name in rows]
