"""The Dutch auctions whose prices fall, for the relay, which tells of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, text

from marketplace.realtime.drops import Falling, Found
from marketplace.realtime.events import PriceDrop

from .rows import dutch_standing_of

#: For so long after its last drop an auction is still found, so that the last drop can be told.
_LINGERS = timedelta(seconds=10)
# Those at the floor are left out here already: they may stay there for weeks. What the price is, the rules
# alone say.
_FALLING = text(
    """
    SELECT id, tenant_id IS NOT NULL AS members_only, currency, seller_id, status, starts_at, ends_at,
        starting_price, floor_price, drop_amount, drop_every, quantity, held, sold, hold_seconds, per_buyer,
        bid_count
    FROM auctions
    WHERE format = 'DUTCH' AND status IN ('RUNNING', 'ENDING_SOON')
        AND statement_timestamp() < starts_at + :lingers
        + ceil((starting_price - floor_price)::float8 / drop_amount) * drop_every * interval '1 second'
    """
)
_CLOCK = text("SELECT clock_timestamp()")


def find_falling(connection: Connection) -> Found:
    """The running Dutch auctions whose prices will drop again, or just did for the last time."""
    rows = connection.execute(_FALLING, {"lingers": _LINGERS}).all()
    auctions = [
        Falling(
            auction_id=row.id,
            members_only=row.members_only,
            ends_at=row.ends_at,
            drop_every=timedelta(seconds=row.drop_every),
            price_at=partial(_price_of, row),
        )
        for row in rows
    ]
    return Found(connection.execute(_CLOCK).scalar_one(), auctions)


def _price_of(row: Row[Any], now: datetime) -> PriceDrop:
    price = dutch_standing_of(row, now).price_at(now)
    return PriceDrop(
        current_price=price.amount,
        currency=row.currency,
        drops_remaining=price.drops_remaining,
        next_drop_at=price.next_drop_at,
    )
