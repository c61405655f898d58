"""The feed of events."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from .base import PageSize, QueryNumber, Schema


class EventView(Schema):
    """An event as it went, or will go, over the channel."""

    seq: int
    event: str
    data: dict[str, Any]


class EventPage(Schema):
    """Events in order."""

    items: list[EventView]
    next_cursor: str | None


class EventQuery(Schema):
    """Which events."""

    after: Annotated[QueryNumber, Field(le=10**18, description="the `seq` you have")] = 0
    limit: PageSize = 100
