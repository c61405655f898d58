"""The outbox: events are recorded in the transaction that causes them and sent after it.

Two senders take from it. A process that committed on a quiet auction has a short *lease* on what it
recorded and sends it at once (``courier.py``). Everything else - busy auctions, expired leases, failures -
is the relay's (``relay.py``), of which one runs at a time. Per auction, events leave in the order of ``seq``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from marketplace.errors import EventTooLarge
from marketplace.transactions import Statement

from .channels import auction_channel, user_channel
from .events import MAX_DATA_BYTES, AuctionEvent, BidNew, BidsBatch, Direct, to_json
from .publisher import Message

#: An auction is quiet when nothing happened on it for this long; a busy one's bids are gathered this long.
WINDOW = timedelta(milliseconds=500)
#: How long a process may take to send what it has leased. Longer than a request to Channels may take.
LEASE = timedelta(seconds=3)
#: Bids in one ``bids:batch``; together they must stay under 10 KB.
MAX_BIDS_IN_BATCH = 40


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it stands in the outbox."""

    auction_id: int
    seq: int
    name: str
    data: dict[str, Any]
    #: ``{"userId", "event", "data"}`` for each user who is told something about it.
    direct: list[dict[str, Any]]
    #: Not stored with the event: it is the auction's, and fixed before its first event.
    members_only: bool
    #: The connection that caused it, which is not told.
    except_socket: str | None = None

    @property
    def channel(self) -> str:
        """Where the public part goes."""
        return auction_channel(self.auction_id, members_only=self.members_only)


def numbered(auction_id: int, seq: int, event: AuctionEvent, at: datetime, *, members_only: bool) -> Recorded:
    """The event with its place in the auction's history."""
    direct = [
        {"userId": to.user_id, "event": to.event.name, "data": to.event.data(auction_id, seq, at)}
        for to in event.direct
    ]
    return Recorded(auction_id, seq, event.name, event.data(auction_id, seq, at), direct, members_only)


_INSERT = """
    INSERT INTO events (auction_id, seq, name, data, direct, except_socket, occurred_at, leased_until)
    SELECT auction_id, seq, name, data, direct, except_socket, :event_at, :event_leased_until
    FROM json_to_recordset(:events)
    AS e(auction_id bigint, seq bigint, name text, data json, direct json, except_socket text)
"""


def record(events: Sequence[Recorded], *, at: datetime, leased: bool = False) -> Statement:
    """What writes events into the outbox; the caller holds the locks of their auctions and runs it.

    With ``leased``, the caller hands them to the courier after the commit.

    Raises:
        EventTooLarge: an event would not fit through Channels.
    """
    leased_until = at + LEASE if leased else None
    recorded = f"[{','.join(map(_row, events))}]"
    return Statement(_INSERT, {"event_at": at, "event_leased_until": leased_until, "events": recorded})


def _row(event: Recorded) -> str:
    # Put together by hand, so that the data is turned into JSON once: it is measured, too.
    direct = to_json(event.direct) if event.direct else "null"
    return (
        f'{{"auction_id":{event.auction_id},"seq":{event.seq},"name":"{event.name}",'
        f'"data":{_checked(to_json(event.data))},"direct":{direct},'
        f'"except_socket":{to_json(event.except_socket)}}}'
    )


def _checked(data: str) -> str:
    # Four bytes is the most a character takes: only a long text needs to be encoded to be measured.
    if len(data) * 4 > MAX_DATA_BYTES and len(data.encode()) > MAX_DATA_BYTES:
        raise EventTooLarge
    return data


def user_messages(direct: Iterable[Direct], auction_id: int, seq: int, at: datetime) -> list[Message]:
    """What single users are told that no event stands for: under the number of the auction's latest."""
    return [
        Message(user_channel(to.user_id), to.event.name, to_json(to.event.data(auction_id, seq, at)))
        for to in direct
    ]


# --- what is sent ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message, and the events (``first`` to ``last``) of an auction that are told once it is sent."""

    auction_id: int
    first: int
    last: int
    message: Message


def public_parcels(events: Sequence[Recorded]) -> Iterator[Parcel]:
    """The public messages for consecutive events of one auction: runs of bids become batches."""
    for is_bid, run in itertools.groupby(events, key=lambda event: event.name == BidNew.name):
        if is_bid:
            for some in _chunks(list(run), MAX_BIDS_IN_BATCH):
                yield _bids_parcel(some)
        else:
            for event in run:
                yield _parcel(event)


def direct_parcels(events: Iterable[Recorded]) -> Iterator[Parcel]:
    """The messages to single users: every one of them, never gathered."""
    for event in events:
        for n, to in enumerate(event.direct, start=1):
            message = Message(user_channel(to["userId"]), to["event"], to_json(to["data"]))
            # The event counts as delivered with its last message: the range of the others is empty.
            last = event.seq if n == len(event.direct) else event.seq - 1
            yield Parcel(event.auction_id, event.seq, last, message)


def _parcel(event: Recorded) -> Parcel:
    message = Message(event.channel, event.name, to_json(event.data), event.except_socket)
    return Parcel(event.auction_id, event.seq, event.seq, message)


def _bids_parcel(bids: list[Recorded]) -> Parcel:
    first, last = bids[0], bids[-1]
    if first is last:
        return _parcel(first)
    batch = BidsBatch(from_seq=first.seq, bids=[bid.data for bid in bids], latest_bid=last.data)
    data = to_json(batch.data())
    return Parcel(first.auction_id, first.seq, last.seq, Message(first.channel, batch.name, data))


def _chunks(bids: list[Recorded], size: int) -> Iterator[list[Recorded]]:
    """Runs of consecutive ``seq``, at most ``size`` long and small enough for one message."""
    chunk: list[Recorded] = []
    used = 0
    for bid in bids:
        need = len(to_json(bid.data).encode())
        # The last bid stands in the batch twice, hence twice its size; 200 bytes are for the envelope.
        full = len(chunk) == size or used + 2 * need + 200 > MAX_DATA_BYTES
        if chunk and (full or bid.seq != chunk[-1].seq + 1):
            yield chunk
            chunk, used = [], 0
        chunk.append(bid)
        used += need + 1
    if chunk:
        yield chunk


_MARK = {
    column: text(
        f"""
        UPDATE events SET {column} = clock_timestamp()
        FROM unnest(:auctions ::bigint[], :firsts ::bigint[], :lasts ::bigint[])
        AS sent(auction_id, first, last)
        WHERE events.auction_id = sent.auction_id AND events.seq BETWEEN sent.first AND sent.last
        AND {column} IS NULL
        """  # noqa: S608
    )
    for column in ("published_at", "delivered_at")
}


def mark(connection: Connection, column: str, parcels: Sequence[Parcel]) -> None:
    """Note that Channels has taken these parcels: ``published_at`` or ``delivered_at``."""
    if not parcels:
        return
    connection.execute(
        _MARK[column],
        {
            "auctions": [parcel.auction_id for parcel in parcels],
            "firsts": [parcel.first for parcel in parcels],
            "lasts": [parcel.last for parcel in parcels],
        },
    )
