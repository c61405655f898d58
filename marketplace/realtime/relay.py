"""The relay: sends what waits in the outbox, in order, gathered, within the budget; and, besides, what no
event stands for: how many watch, and that prices fall.

One relay runs at a time (it is a resident job that holds an advisory lock, see ``workers/jobs.py``), so
nothing here has to guard against another.
"""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, text

from marketplace.limits import SharedLimit
from marketplace.pause import Pause

from . import user_events
from .channels import AUCTION_PREFIXES
from .drops import Drops
from .outbox import WINDOW, Parcel, Recorded, direct_parcels, mark, public_parcels
from .publisher import MAX_BATCH, ChannelsDown, ChannelsRefused, Message, Publisher
from .user_events import Letter
from .viewers import announced, announcements, reconcile

log = logging.getLogger(__name__)

Mail = TypeVar("Mail", Parcel, Letter)

#: Above so many viewers an auction's bids are gathered twice as long: each message costs as many sends.
CROWD = 100
#: How often it is seen whether viewers should be counted anew.
VIEWERS_SECONDS = 1.0
#: How often all viewers are counted anew, whatever webhooks said: some may never have come.
RECONCILE_SECONDS = 60.0
#: How often the outbox is looked at.
POLL_SECONDS = 0.05
#: Auctions, and events of each, that one pass takes up.
AUCTIONS_PER_PASS = 200
EVENTS_PER_AUCTION = 500
#: Events whose direct messages one pass sends: about twenty requests, so that public events never wait long.
DIRECT_PER_PASS = 100
#: The same for events to single users besides auctions.
LETTERS_PER_PASS = 100
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 2.0

# Bids wait until the oldest is a window old; anything else (an end, an extension) goes now and takes the
# bids before it along. An auction whose latest event is leased belongs to a courier for the moment.
_DUE = text(
    """
    SELECT auction_id FROM events LEFT JOIN auction_viewers USING (auction_id) WHERE published_at IS NULL
    GROUP BY auction_id
    HAVING (bool_or(name <> 'bid:new') OR min(occurred_at) <= clock_timestamp() - :window
        * CASE WHEN max(viewers) > :crowd THEN 2 ELSE 1 END)
    AND NOT coalesce(bool_or(leased_until > clock_timestamp()), false)
    ORDER BY min(occurred_at)
    LIMIT :auctions
    """
)
_PUBLIC = text(
    """
    SELECT e.*, auctions.tenant_id IS NOT NULL AS members_only
    FROM unnest(:auctions ::bigint[]) WITH ORDINALITY AS due(auction_id, place)
    JOIN auctions ON auctions.id = due.auction_id
    CROSS JOIN LATERAL (
        SELECT auction_id, seq, name, data, NULL::json AS direct, except_socket FROM events
        WHERE events.auction_id = due.auction_id AND published_at IS NULL ORDER BY seq LIMIT :events
    ) AS e
    ORDER BY due.place, e.seq
    """
)
_DIRECT = text(
    """
    SELECT auction_id, events.seq, name, data, direct, except_socket, tenant_id IS NOT NULL AS members_only
    FROM events JOIN auctions ON auctions.id = auction_id
    WHERE delivered_at IS NULL AND direct IS NOT NULL
    -- Not EXISTS: that would go through all that is unpublished once for every row.
    AND auction_id NOT IN (
        SELECT auction_id FROM events WHERE published_at IS NULL AND delivered_at IS NULL
        AND leased_until > statement_timestamp()
    )
    ORDER BY occurred_at, auction_id, events.seq LIMIT :events
    """
)


class Relay:
    """Sends the outbox."""

    def __init__(self, engine: Engine, publisher: Publisher, budget: SharedLimit, drops: Drops) -> None:
        self._engine = engine
        self._publisher = publisher
        self._budget = budget
        self._drops = drops
        self._announced = 0.0
        self._reconcile_at = 0.0
        self._pause = Pause(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    def run_once(self) -> float:
        """Send what is due; returns how many seconds to wait before the next time."""
        if self._pause.active:
            return min(self._pause.remaining, POLL_SECONDS)
        try:
            self._send(list(self._public()), _marking("published_at"))
            directs = self._send(list(self._direct()), _marking("delivered_at"))
            letters = self._send(self._letters(), user_events.forget)
            self._tell_drops()
            self._reconcile_viewers()
            self._announce_viewers()
        except ChannelsDown as error:
            log.warning("Channels did not take events, they stay in the outbox: %s", error)
            self._pause.start()
            # What Channels missed in the meantime, it told nobody.
            if self._reconcile_at != math.inf:
                self._reconcile_at = 0.0
            return POLL_SECONDS
        self._pause.clear()
        more = directs >= DIRECT_PER_PASS or letters >= LETTERS_PER_PASS
        return 0.0 if more else POLL_SECONDS

    def _public(self) -> Iterator[Parcel]:
        with self._engine.connect() as connection:
            due = (
                connection.execute(_DUE, {"window": WINDOW, "crowd": CROWD, "auctions": AUCTIONS_PER_PASS})
                .scalars()
                .all()
            )
            if not due:
                return
            rows = connection.execute(_PUBLIC, {"auctions": due, "events": EVENTS_PER_AUCTION})
            events = _recorded(rows)
        for _, run in itertools.groupby(events, key=lambda event: event.auction_id):
            yield from public_parcels(list(run))

    def _direct(self) -> Iterator[Parcel]:
        with self._engine.connect() as connection:
            events = _recorded(connection.execute(_DIRECT, {"events": DIRECT_PER_PASS}))
        return direct_parcels(events)

    def _letters(self) -> list[Letter]:
        with self._engine.connect() as connection:
            return user_events.waiting(connection, LETTERS_PER_PASS)

    def _send(self, mail: Sequence[Mail], taken: Callable[[Connection, Sequence[Mail]], None]) -> int:
        """Send in order, ten to a request; what was taken is noted even if a later request fails."""
        for start in range(0, len(mail), MAX_BATCH):
            some = mail[start : start + MAX_BATCH]
            self._wait_for_budget()
            self._send_some([each.message for each in some])
            with self._engine.connect() as connection:
                taken(connection, some)
        return len(mail)

    def _send_some(self, messages: list[Message]) -> None:
        try:
            self._publisher.send(messages)
        except ChannelsRefused as error:
            if len(messages) == 1:
                # It counts as sent: nothing must wait behind it for ever, and the feed has it.
                log.error("Channels refuses %s on %s: %s", messages[0].event, messages[0].channel, error)
                return
            for message in messages:
                self._wait_for_budget()
                self._send_some([message])

    def _tell_drops(self) -> None:
        drops = self._drops.due(self._engine)
        for start in range(0, len(drops), MAX_BATCH):
            some = drops[start : start + MAX_BATCH]
            self._wait_for_budget()
            self._send_some([drop.message for drop in some])
            self._drops.told(some)

    def _reconcile_viewers(self) -> None:
        if time.monotonic() < self._reconcile_at:
            return
        self._reconcile_at = time.monotonic() + RECONCILE_SECONDS
        with self._engine.connect() as connection:
            asked_at = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        listed: dict[str, int] = {}
        try:
            for prefix in AUCTION_PREFIXES:
                self._wait_for_budget()
                listed |= self._publisher.subscription_counts(prefix)
        except ChannelsRefused as error:
            log.warning("Channels does not tell how many subscribe, viewers stay as counted: %s", error)
            self._reconcile_at = math.inf
        except ChannelsDown as error:
            # Not a reason to pause: events are worth more than counts, and they may well be taken.
            log.warning("Channels did not list its channels, viewers stay as counted: %s", error)
        else:
            with self._engine.connect() as connection:
                reconcile(connection, listed, asked_at=asked_at)

    def _announce_viewers(self) -> None:
        if time.monotonic() - self._announced < VIEWERS_SECONDS:
            return
        self._announced = time.monotonic()
        with self._engine.connect() as connection:
            news = announcements(connection)
        for start in range(0, len(news), MAX_BATCH):
            some = news[start : start + MAX_BATCH]
            self._wait_for_budget()
            self._publisher.send([each.message for each in some])
            with self._engine.connect() as connection:
                announced(connection, some)

    def _wait_for_budget(self) -> None:
        while not self._budget.take("all"):
            time.sleep(POLL_SECONDS / 2)


def _marking(column: str) -> Callable[[Connection, Sequence[Parcel]], None]:
    return lambda connection, parcels: mark(connection, column, parcels)


def _recorded(rows: Any) -> list[Recorded]:
    return [
        Recorded(
            row.auction_id, row.seq, row.name, row.data, row.direct or [], row.members_only, row.except_socket
        )
        for row in rows
    ]
