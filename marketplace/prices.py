"""How the price of an auction went, in few points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from .extensions import db

#: Spans of equal length that a long history is cut into. Of each the highest and the last price are kept:
#: twice as many points, about as many as a chart has pixels. A shorter history is told whole.
SPANS = 250
_SHORTEST_SPAN = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Point:
    """The price from a moment on; None when no bid stands any more."""

    at: datetime
    price: int | None


# What a bid made the price is its amount; what a withdrawal made it, only its event tells. One that nobody
# saw, of a raise, has a ``part`` and did not change the price.
_PRICES = """
    SELECT bid.seq, bid.placed_at AS at,
        CASE WHEN bid.kind IN ('RETRACTION', 'CANCELLATION') THEN (
            SELECT (event.data->>'currentBid')::bigint FROM events AS event
            WHERE event.auction_id = bid.auction_id AND event.seq = bid.seq
        ) ELSE bid.amount END AS price
    FROM bids AS bid
    WHERE bid.auction_id = :auction_id AND bid.part = 0 AND bid.kind NOT IN ('RAISE', 'RETURN')
"""
_FIRST = text(f"{_PRICES} ORDER BY bid.seq LIMIT :limit")
_LAST = text(f"{_PRICES} ORDER BY bid.seq DESC LIMIT 1")
_THINNED = text(
    f"""
    WITH prices AS MATERIALIZED (
        SELECT seq, at, price, date_bin(:length, at, :start) AS span FROM ({_PRICES}) AS each
    ), spans AS (
        SELECT span, max(seq) AS last, max(price) AS peak FROM prices GROUP BY span
    ), kept AS (
        SELECT last AS seq FROM spans
        UNION
        SELECT min(seq) FROM prices JOIN spans USING (span) WHERE price = peak GROUP BY span
    )
    SELECT seq, at, price FROM prices JOIN kept USING (seq) ORDER BY seq
    """  # noqa: S608 - nothing but the text above
)


def of_auction(auction_id: int) -> list[Point]:
    """The prices that an auction has had; of a Dutch auction what was paid, item by item."""
    auction = {"auction_id": auction_id}
    rows = db.session.execute(_FIRST, auction | {"limit": 2 * SPANS + 1}).all()
    if len(rows) > 2 * SPANS:
        start = rows[0].at
        length = max((db.session.execute(_LAST, auction).one().at - start) / SPANS, _SHORTEST_SPAN)
        rows = db.session.execute(_THINNED, auction | {"start": start, "length": length}).all()
    return [Point(row.at, row.price) for row in rows]
