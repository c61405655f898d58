"""What the server's own code says, for the client's tests to compare with."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints

from marketplace.bidding import dutch
from marketplace.client_metrics import LATENCY_BOUNDS_MS, Counter
from marketplace.realtime.events import CATALOGUE, AuctionEvent, camel
from marketplace.times import iso

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def facts() -> dict[str, Any]:
    """Prices, an example of each public event, and what may be counted."""
    return {
        "prices": [_price(random.Random(seed)) for seed in range(1000)],
        "events": [_example(kind) for kind in CATALOGUE if issubclass(kind, AuctionEvent)],
        "counters": sorted(Counter),
        "latencyBounds": list(LATENCY_BOUNDS_MS),
    }


def _price(chance: random.Random) -> dict[str, Any]:
    """The price of some Dutch auction at some moment."""
    starts = NOON + timedelta(milliseconds=chance.randrange(10_000_000))
    ends = starts + timedelta(seconds=chance.randrange(1, 5000))
    floor = chance.randrange(0, 5000)
    terms = dutch.Terms(
        seller_id=1,
        starting_price=floor + chance.randrange(0, 5000),
        floor=floor,
        drop_amount=chance.randrange(1, 1500),
        drop_every=timedelta(seconds=chance.randrange(1, 400)),
        quantity=3,
        hold=timedelta(minutes=5),
    )
    # Often on the very millisecond of a drop.
    now = starts + chance.randrange(-2, 20) * terms.drop_every
    now += timedelta(milliseconds=chance.choice([0, 0, 1, -1, chance.randrange(500_000)]))
    standing = dutch.Standing(terms, "RUNNING", starts, ends)
    price = standing.price_at(now)
    return {
        "terms": {
            "startingPrice": terms.starting_price,
            "floorPrice": terms.floor,
            "dropAmount": terms.drop_amount,
            "dropEvery": int(terms.drop_every.total_seconds()),
            "startsAt": iso(starts),
            "endsAt": iso(ends),
        },
        "at": _milliseconds(now),
        "price": price.amount,
        "remaining": price.drops_remaining,
        "next": _milliseconds(price.next_drop_at) if price.next_drop_at else None,
    }


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


#: Values for fields that only take certain ones.
_CHOICES = {"status": "CANCELLED", "outcome": "SOLD", "currency": "USD"}
_VALUES = {int: 5, str: "text", datetime: iso(NOON), bool: True}


def _example(kind: type[AuctionEvent]) -> dict[str, Any]:
    """An event of that kind, as it goes over the wire."""
    hints = {
        name: hint
        for name, hint in get_type_hints(kind).items()
        if name not in {"name", "audience", "direct"}
    }
    data = {camel(name): _CHOICES.get(name) or _value(hint) for name, hint in hints.items()}
    if kind.name == "auction:second-chance":
        data["status"] = "OFFERED"
    return {"name": kind.name, "data": {"auctionId": 7, "seq": 2, "timestamp": iso(NOON), **data}}


def _value(hint: Any) -> Any:
    # Of `X | None` the X.
    plain = next((part for part in getattr(hint, "__args__", ()) if part is not type(None)), hint)
    return _VALUES[plain]
