"""The viewer counts: taken from Channels' webhooks, told to watchers now and then.

Hosted Channels limits presence to 100 members, so the count comes from the subscription count instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from .channels import AuctionChannel, auction_channel, parse_auction_channel
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
    FROM unnest(:auctions ::bigint[], :members_only ::boolean[], :viewers ::integer[])
    AS c(auction_id, members_only, viewers)
    JOIN auctions ON auctions.id = c.auction_id AND (auctions.tenant_id IS NOT NULL) = c.members_only
    ORDER BY c.auction_id
    ON CONFLICT (auction_id) DO UPDATE SET viewers = excluded.viewers, counted_at = excluded.counted_at
    WHERE auction_viewers.counted_at <= excluded.counted_at
    """
)
# Like _COUNT, but touches only what is wrong, and takes whoever is not listed for gone. In order of ids, so
# that two who count at the same time do not wait for each other.
_RECONCILE = text(
    """
    WITH listed AS MATERIALIZED (
        SELECT c.auction_id, c.viewers
        FROM unnest(:auctions ::bigint[], :members_only ::boolean[], :viewers ::integer[])
        AS c(auction_id, members_only, viewers)
        JOIN auctions ON auctions.id = c.auction_id AND (auctions.tenant_id IS NOT NULL) = c.members_only
    ), actual AS (
        SELECT auction_id, viewers FROM listed
        UNION ALL
        SELECT auction_id, 0 FROM auction_viewers
        WHERE viewers <> 0 AND auction_id NOT IN (SELECT auction_id FROM listed)
    )
    INSERT INTO auction_viewers (auction_id, viewers, counted_at)
    SELECT auction_id, viewers, :counted_at FROM actual ORDER BY auction_id
    ON CONFLICT (auction_id) DO UPDATE SET viewers = excluded.viewers, counted_at = excluded.counted_at
    WHERE auction_viewers.counted_at <= excluded.counted_at AND auction_viewers.viewers <> excluded.viewers
    RETURNING 1
    """
)
_CHANGED = text(
    """
    SELECT auction_id, viewers, tenant_id IS NOT NULL AS members_only, clock_timestamp() AS now
    FROM auction_viewers JOIN auctions ON auctions.id = auction_id
    WHERE viewers <> announced
    AND (announced_at IS NULL OR announced_at <= statement_timestamp() - make_interval(secs => :seconds))
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
        connection.execute(_COUNT, _parameters(counts, counted_at))
    return True


def reconcile(connection: Connection, listed: Mapping[str, int], *, asked_at: datetime) -> int:
    """Put right what webhooks that never came left wrong; returns how many counts that were.

    ``listed`` is every auction's channel that is occupied, with its subscribers; what was counted after
    ``asked_at`` stays.
    """
    counts = {channel: count for name, count in listed.items() if (channel := parse_auction_channel(name))}
    return len(connection.execute(_RECONCILE, _parameters(counts, asked_at)).all())


def _parameters(counts: Mapping[AuctionChannel, int], counted_at: datetime) -> dict[str, Any]:
    return {
        "auctions": [channel.auction_id for channel in counts],
        "members_only": [channel.members_only for channel in counts],
        "viewers": list(counts.values()),
        "counted_at": counted_at,
    }


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
    channel = auction_channel(row.auction_id, members_only=row.members_only)
    return Message(channel, ViewersCount.name, to_json(data))


def _counts(events: Iterable[Any]) -> dict[AuctionChannel, int]:
    """The latest count of each auction's channel in a webhook's events.

    Anybody may subscribe to the open channel of a members-only auction. Nothing is ever sent there, and
    whoever waits there is not counted: hence the kind of the channel, which is compared with the auction's.
    """
    counts: dict[AuctionChannel, int] = {}
    for event in events:
        channel = parse_auction_channel(str(event.get("channel", "")))
        if channel is None:
            continue
        if event.get("name") == "subscription_count":
            counts[channel] = int(event["subscription_count"])
        elif event.get("name") == "channel_vacated":
            counts[channel] = 0
    return counts
