"""Connecting, the clock, counters, health."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator

from marketplace.client_metrics import LATENCY_BOUNDS_MS, Counter

from .base import Schema


class ServerTime(Schema):
    """The server's clock."""

    timestamp: Annotated[int, Field(description="milliseconds since 1970")]


class RealtimeSettings(Schema):
    """What a client needs to connect to Channels."""

    key: str
    cluster: str
    ws_host: str
    ws_port: int
    # pusher-js spells it so.
    force_tls: Annotated[bool, Field(alias="forceTLS")]
    auth_endpoint: str
    user_auth_endpoint: str


_COUNTERS = frozenset(map(str, Counter))

Tally = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class ClientLatencies(Schema):
    """From the server's timestamp of an event to the frame that shows it."""

    counts: Annotated[
        list[Tally],
        Field(
            min_length=len(LATENCY_BOUNDS_MS) + 1,
            max_length=len(LATENCY_BOUNDS_MS) + 1,
            description=f"how many up to {', '.join(map(str, LATENCY_BOUNDS_MS))} ms, and above",
        ),
    ]
    sum_ms: Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]


class ClientMetricsIn(Schema):
    """What a page's client has counted since it told last."""

    counters: dict[Counter, Tally] = Field(default_factory=dict)
    latency: ClientLatencies
    connect_ms: Annotated[
        Tally | None, Field(description="from the start of the script to the first connection")
    ] = None

    @field_validator("counters", mode="before")
    @classmethod
    def _known(cls, counters: Any) -> Any:
        """Pages outlive releases: what another library counts besides is no reason to lose the rest."""
        if not isinstance(counters, dict):
            return counters
        return {name: count for name, count in counters.items() if name in _COUNTERS}


class Health(Schema):
    """How a process is."""

    status: str
    checks: dict[str, str] = Field(default_factory=dict)
