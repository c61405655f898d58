"""Webhook events: what is due, what may still be taken back, and when to try again. No I/O.

Source: https://pusher.com/docs/channels/server_api/webhooks
"""

from collections.abc import Iterator
from typing import Any

from marketplace.channels_server import signatures

GIVE_UP_AFTER = 300.0
"""Seconds after which an undelivered webhook is dropped."""


class Outbox:
    """Webhook events in the order they are due.

    ``channel_vacated`` and ``member_removed`` wait ``grace`` seconds. If the subscriber is back by then,
    neither the leaving nor the return is reported: a page reload is not news.
    """

    def __init__(self, *, grace: float) -> None:
        self._grace = grace
        self._ready: list[dict[str, Any]] = []
        # In order of insertion, which is the order they fall due, since the grace is the same for all.
        self._held: dict[tuple[str, ...], tuple[float, dict[str, Any]]] = {}

    def occupied(self, channel: str) -> None:
        if self._held.pop(("vacated", channel), None) is None:
            self.add("channel_occupied", channel)

    def vacated(self, channel: str, now: float) -> None:
        self._hold(("vacated", channel), now, {"name": "channel_vacated", "channel": channel})

    def member_added(self, channel: str, user_id: str) -> None:
        if self._held.pop(("removed", channel, user_id), None) is None:
            self.add("member_added", channel, user_id=user_id)

    def member_removed(self, channel: str, user_id: str, now: float) -> None:
        event = {"name": "member_removed", "channel": channel, "user_id": user_id}
        self._hold(("removed", channel, user_id), now, event)

    def add(self, name: str, channel: str, **details: object) -> None:
        self._ready.append({"name": name, "channel": channel, **details})

    def take(self, now: float) -> list[dict[str, Any]]:
        """The events due by ``now``, oldest first; they are no longer held here."""
        for key, (due, event) in list(self._held.items()):
            if due > now:
                break
            del self._held[key]
            self._ready.append(event)
        taken, self._ready = self._ready, []
        return taken

    def _hold(self, key: tuple[str, ...], now: float, event: dict[str, Any]) -> None:
        self._held[key] = (now + self._grace, event)


def body(events: list[str], *, time_ms: int) -> bytes:
    """The body of one webhook request; the events are JSON already."""
    return f'{{"time_ms":{time_ms},"events":[{",".join(events)}]}}'.encode()


def headers(content: bytes, *, key: str, secret: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-Pusher-Key": key,
        "X-Pusher-Signature": signatures.sign(secret, content),
    }


def retry_delays() -> Iterator[float]:
    """Seconds to wait after each failed attempt: 1, 2, 4... until their sum would pass five minutes."""
    delay, total = 1.0, 0.0
    while total + delay <= GIVE_UP_AFTER:
        yield delay
        total += delay
        delay *= 2
