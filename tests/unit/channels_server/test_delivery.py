"""Webhook delivery: in order, in bounded requests, until it is taken or too old."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from marketplace.channels_server import delivery, webhooks


class Receiver:
    """Stands in for the network: remembers what is posted, and takes it or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, takes: Callable[[int], bool]) -> None:
        self.posted: list[list[int]] = []
        self.outcomes: Counter[str] = Counter()
        self.delivery: delivery.Delivery

        async def post(_delivery: object, _session: object, content: bytes) -> bool:
            self.posted.append(json.loads(content)["events"])
            return takes(len(self.posted))

        monkeypatch.setattr(delivery.Delivery, "_post", post)
        monkeypatch.setattr(webhooks, "retry_delays", lambda: iter([0.0, 0.0]))

    def run(self, scenario: Callable[[delivery.Delivery], Awaitable[None]]) -> None:
        async def play() -> None:
            way = delivery.Delivery(
                "http://x", key="k", secret="s", count=lambda o: self.outcomes.update([o])
            )
            running = asyncio.create_task(way.run())
            await asyncio.wait_for(scenario(way), 10)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        asyncio.run(play())


async def send_two_batches(way: delivery.Delivery) -> None:
    way.add(["1", "2"])
    await way.flush()
    way.add(["3"])
    await way.flush()


def test_what_is_taken_is_posted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver(monkeypatch, takes=lambda attempt: True)
    receiver.run(send_two_batches)
    assert receiver.posted == [[1, 2], [3]]
    assert receiver.outcomes == {"delivered": 2}


def test_a_mishap_loses_one_batch_and_not_those_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def takes(attempt: int) -> bool:
        if attempt == 1:
            raise RuntimeError("nobody thought of this")
        return True

    receiver = Receiver(monkeypatch, takes)
    receiver.run(send_two_batches)
    assert receiver.posted == [[1, 2], [3]]
    assert receiver.outcomes == {"dropped": 1, "delivered": 1}


def test_what_is_refused_is_posted_again_before_anything_later(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver(monkeypatch, takes=lambda attempt: attempt > 2)
    receiver.run(send_two_batches)
    assert receiver.posted == [[1, 2], [1, 2], [1, 2], [3]]
    assert receiver.outcomes == {"failed": 2, "delivered": 2}


def test_what_is_never_taken_is_dropped_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver(monkeypatch, takes=lambda attempt: attempt > 3)
    receiver.run(send_two_batches)
    assert receiver.posted == [[1, 2], [1, 2], [1, 2], [3]]
    assert receiver.outcomes == {"failed": 3, "dropped": 1, "delivered": 1}


def test_requests_and_what_waits_for_them_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver(monkeypatch, takes=lambda attempt: True)
    count = delivery.MAX_WAITING + 5

    async def send_too_many(way: delivery.Delivery) -> None:
        way.add([str(1_000_000 + number) for number in range(count)])
        await way.flush()

    receiver.run(send_too_many)
    assert [event for events in receiver.posted for event in events] == list(
        range(1_000_005, 1_000_000 + count)
    )
    assert max(len(events) for events in receiver.posted) * 7 <= delivery.MAX_BODY
