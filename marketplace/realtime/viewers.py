"""The viewer counts: taken from Channels' webhooks, told to watchers now and then.

Hosted Channels limits presence to 100 members, so the count comes from the subscription count instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from .channels import auction_channel, auction_of_channel
from .events import ViewersCount, to_json
from .publisher import Message

#: Watchers of an auction are told at most this often.
ANNOUNCE_SECONDS = 5
#: Announcements of one round.
MAX_ANNOUNCED = 100

_TAKE = text(
    "INSERT INTO webhook_deliveries (digest, received_at) VALUES (:digest, clock_timestamp())"
    " ON CONFLICT DO NOTHING RETURNING 1"
)
_COUNT = text(
    """
    INSERT INTO auction_viewers (auction_id, viewers, counted_at)
    SELECT c.auction_id, c.viewers, :counted_at
    FROM unnest(:auctions ::bigint[], :viewers ::integer[]) AS c(auction_id, viewers)
    JOIN auctions ON auctions.id = c.auction_id
    ON CONFLICT (auction_id) DO UPDATE SET viewers = excluded.viewers, counted_at = excluded.counted_at
    WHERE auction_viewers.counted_at <= excluded.counted_at
    """
)
_CHANGED = text(
    """
    SELECT auction_id, viewers, clock_timestamp() AS now FROM auction_viewers
    WHERE viewers <> announced
    AND (announced_at IS NULL OR announced_at <= clock_timestamp() - make_interval(secs => :seconds))
    ORDER BY announced_at NULLS FIRST LIMIT :most
    """
)
_ANNOUNCED = text(
    """
    UPDATE auction_viewers SET announced = a.viewers, announced_at = clock_timestamp()
    FROM unnest(:auctions ::bigint[], :viewers ::integer[]) AS a(auction_id, viewers)
    WHERE auction_viewers.auction_id = a.auction_id
    """
)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A new count, and the message that tells it."""

    auction_id: int
    viewers: int
    message: Message


def take_webhook(connection: Connection, signature: str, body: dict[str, Any]) -> bool:
    """Apply a webhook whose signature was checked; False when it was taken before."""
    digest = hashlib.sha256(signature.encode()).digest()
    if connection.execute(_TAKE, {"digest": digest}).first() is None:
        return False
    counts = _counts(body.get("events", ()))
    if counts:
        counted_at = datetime.fromtimestamp(body["time_ms"] / 1000, UTC)
        connection.execute(
            _COUNT,
            {"auctions": list(counts), "viewers": list(counts.values()), "counted_at": counted_at},
        )
    return True


def announcements(connection: Connection) -> list[Announcement]:
    """What watchers should be told now."""
    rows = connection.execute(_CHANGED, {"seconds": ANNOUNCE_SECONDS, "most": MAX_ANNOUNCED})
    return [Announcement(row.auction_id, row.viewers, _message(row)) for row in rows]


def announced(connection: Connection, told: Sequence[Announcement]) -> None:
    """Note that watchers have been told."""
    connection.execute(
        _ANNOUNCED,
        {"auctions": [each.auction_id for each in told], "viewers": [each.viewers for each in told]},
    )


def _message(row: Row[Any]) -> Message:
    data = ViewersCount(active_viewers=row.viewers).data(row.auction_id, row.now)
    return Message(auction_channel(row.auction_id), ViewersCount.name, to_json(data))


def _counts(events: Iterable[Any]) -> dict[int, int]:
    """The latest count of each auction in a webhook's events."""
    counts: dict[int, int] = {}
    for event in events:
        auction_id = auction_of_channel(str(event.get("channel", "")))
        if auction_id is None:
            continue
        if event.get("name") == "subscription_count":
            counts[auction_id] = int(event["subscription_count"])
        elif event.get("name") == "channel_vacated":
            counts[auction_id] = 0
    return counts
