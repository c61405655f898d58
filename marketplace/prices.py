"""How the price of an auction went, in few points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from .extensions import db

#: Spans of equal length that a long history is cut into. Of each the highest and the last price are kept:
#: twice as many points, about as many as a chart has pixels. A shorter history is told whole.
SPANS = 250


@dataclass(frozen=True, slots=True)
class Point:
    """The price from a moment on; None when no bid stands any more."""

    at: datetime
    price: int | None


# What a bid made the price is its amount; what a withdrawal made it, only its event tells. One that nobody
# saw, of a raise, has a ``part`` and did not change the price.
_POINTS = text(
    """
    WITH prices AS (
        SELECT bid.seq, bid.placed_at AS at,
            CASE WHEN bid.kind IN ('RETRACTION', 'CANCELLATION') THEN (
                SELECT (event.data->>'currentBid')::bigint FROM events AS event
                WHERE event.auction_id = bid.auction_id AND event.seq = bid.seq
            ) ELSE bid.amount END AS price
        FROM bids AS bid
        WHERE bid.auction_id = :auction_id AND bid.part = 0 AND bid.kind NOT IN ('RAISE', 'RETURN')
    ), whole AS (
        SELECT min(at) AS starts, greatest(extract(epoch FROM max(at) - min(at)), 1) AS seconds,
            count(*) <= 2 * :spans AS is_short
        FROM prices
    ), spans AS (
        SELECT prices.*,
            CASE WHEN is_short THEN seq
                ELSE floor(extract(epoch FROM at - starts) / seconds * :spans) END AS span
        FROM prices, whole
    ), kept AS (
        (SELECT DISTINCT ON (span) seq, at, price FROM spans ORDER BY span, seq DESC)
        UNION
        (SELECT DISTINCT ON (span) seq, at, price FROM spans ORDER BY span, price DESC NULLS LAST, seq)
    )
    SELECT at, price FROM kept ORDER BY seq
    """
)


def of_auction(auction_id: int, *, spans: int = SPANS) -> list[Point]:
    """The prices that an auction has had; of a Dutch auction what was paid, item by item."""
    rows = db.session.execute(_POINTS, {"auction_id": auction_id, "spans": spans})
    return [Point(*row) for row in rows]
