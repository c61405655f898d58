"""Events for single users that belong to no auction's history, such as what becomes of an order.

They wait in a queue of their own (``user_events``): recorded in the transaction that causes them, sent by
the relay, deleted once Channels has taken them. At least once: a relay that is killed in between sends them
again, with the same ``eventId``. What must still be known later stands in a table of its own, which the user
can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from marketplace.errors import EventTooLarge
from marketplace.transactions import Statement, recordset

from .channels import user_channel
from .events import MAX_DATA_BYTES, PersonalEvent, to_json
from .publisher import Message

#: A number as long as an id can be, to measure with.
_LONGEST_ID = 2**63 - 1

_INSERT = """
    INSERT INTO user_events (user_id, name, data)
    SELECT user_id, name, data
    FROM json_to_recordset(:user_events) AS e(user_id bigint, name text, data json)
"""
_WAITING = text("SELECT id, user_id, name, data FROM user_events ORDER BY id LIMIT :limit")
_FORGET = text("DELETE FROM user_events WHERE id = ANY(:ids ::bigint[])")


@dataclass(frozen=True, slots=True)
class Told:
    """An event, whom it is for, and when it happened."""

    user_id: int
    event: PersonalEvent
    at: datetime


def record(told: Sequence[Told]) -> Statement:
    """What puts events into the queue; the caller runs it, once in its transaction.

    Whoever tells of a thing holds the lock of its row, so that what is told of it leaves in order.

    Raises:
        EventTooLarge: an event would not fit through Channels.
    """
    return Statement(_INSERT, {"user_events": recordset(map(_row, told))})


def _row(told: Told) -> dict[str, Any]:
    data = told.event.data(told.at)
    if len(_wire(_LONGEST_ID, data).encode()) > MAX_DATA_BYTES:
        raise EventTooLarge
    return {"user_id": told.user_id, "name": told.event.name, "data": data}


def _wire(event_id: int, data: dict[str, Any]) -> str:
    return to_json({"eventId": event_id, **data})


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, and the event in the queue that it stands for."""

    event_id: int
    message: Message


def waiting(connection: Connection, limit: int) -> list[Letter]:
    """The events that wait longest."""
    return [
        Letter(row.id, Message(user_channel(row.user_id), row.name, _wire(row.id, row.data)))
        for row in connection.execute(_WAITING, {"limit": limit})
    ]


def forget(connection: Connection, letters: Sequence[Letter]) -> None:
    """Take what Channels has taken out of the queue."""
    connection.execute(_FORGET, {"ids": [letter.event_id for letter in letters]})
