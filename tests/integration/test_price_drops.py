"""Falling prices on real parts: the relay tells a client of Channels, and nothing is written."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pusher
import pytest
import websocket
from flask import Flask
from sqlalchemy import text

from marketplace.bidding.falling import find_falling
from marketplace.extensions import db
from marketplace.realtime.publisher import ChannelsDown, Publisher
from marketplace.runtime import runtime
from tests.conftest import Channels
from tests.people import MakeAuction, MakePerson

TULIPS = {
    "format": "DUTCH",
    "minIncrement": None,
    "startingPrice": 1000,
    "floorPrice": 600,
    "dropAmount": 100,
    "dropEvery": 2,
    "quantity": 5,
}
#: Seconds by which a busy machine may be late.
LATE = 5


class Listener:
    """A client of Channels that hears one channel."""

    def __init__(self, channels: Channels, channel: str) -> None:
        url = f"ws://{channels.host}:{channels.port}/app/{channels.key}?protocol=7"
        self._socket = websocket.create_connection(url, timeout=20)
        socket_id = json.loads(json.loads(self._socket.recv())["data"])["socket_id"]
        library = pusher.Pusher(app_id=channels.app_id, key=channels.key, secret=channels.secret)
        private = channel.startswith("private-")
        signed = library.authenticate(channel=channel, socket_id=socket_id) if private else {}
        subscribe = {"event": "pusher:subscribe", "data": {"channel": channel, **signed}}
        self._socket.send(json.dumps(subscribe))
        while "succeeded" not in self._socket.recv():
            pass

    def next(self, name: str) -> dict[str, Any]:
        """Wait for the next event of this name."""
        while True:
            message = json.loads(self._socket.recv())
            if message["event"] == name:
                data: dict[str, Any] = json.loads(message["data"])
                return data

    def close(self) -> None:
        self._socket.close()


@contextmanager
def relay_at_work(app: Flask) -> Iterator[None]:
    stop = threading.Event()

    def work() -> None:
        with app.app_context():
            relay = runtime().relay()
            while not stop.wait(relay.run_once()):
                pass

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def contents(app: Flask, *tables: str) -> dict[str, list[Any]]:
    """Every version of every row: an update that changes nothing makes a new one, too."""
    with app.app_context():
        return {
            table: db.session.execute(text(f"SELECT xmin, ctid, id.* FROM {table} id")).all()
            for table in tables
        }


@pytest.mark.parametrize("members_only", [False, True])
def test_the_relay_tells_drops_and_writes_nothing(
    app: Flask, channels: Channels, person: MakePerson, auction: MakeAuction, members_only: bool
) -> None:
    seller = person()
    belongs = {"tenantId": seller.post("/api/tenants", json={"name": "The club"}).json["id"]}
    lot = auction(seller=seller, **TULIPS, **(belongs if members_only else {}))
    channel = f"{'private-' if members_only else ''}auction-{lot}"
    listener = Listener(channels, channel)
    with relay_at_work(app):
        assert listener.next("auction:status")["status"] == "RUNNING"
        wait_until_sent(app)
        before = contents(app, "auctions", "events", "bids", "reservations")
        told = [listener.next("price:drop")]
        while told[-1]["dropsRemaining"]:
            told.append(listener.next("price:drop"))
    assert contents(app, "auctions", "events", "bids", "reservations") == before
    listener.close()
    starts_at = datetime.fromisoformat(seller.get(f"/api/auctions/{lot}").json["startsAt"])
    for each in told:
        after = datetime.fromisoformat(each["timestamp"]) - starts_at
        drops = min(after // timedelta(seconds=2), 4)
        assert (each["auctionId"], each["currentPrice"]) == (lot, 1000 - 100 * drops)
        assert each["dropsRemaining"] == 4 - drops
        assert "seq" not in each
    # Of the first drops it tells when five seconds have passed, of the last, after eight, at once.
    assert after < timedelta(seconds=8 + LATE)
    assert told[-1]["nextDropAt"] is None
    assert len(told) <= 2


def wait_until_sent(app: Flask) -> None:
    unsent = text("SELECT count(*) FROM events WHERE published_at IS NULL")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with app.app_context():
            if not db.session.execute(unsent).scalar_one():
                return
        time.sleep(0.02)
    raise TimeoutError("the relay does not send")


# --- without Channels ---------------------------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What would have gone to Channels: channel and name."""
    messages: list[tuple[str, str]] = []
    monkeypatch.setattr(
        Publisher, "send", lambda _, some: messages.extend((each.channel, each.event) for each in some)
    )
    monkeypatch.setattr(Publisher, "subscription_counts", lambda *_: {})
    return messages


def test_only_prices_that_fall_are_told(
    app: Flask, auction: MakeAuction, sent: list[tuple[str, str]]
) -> None:
    # A hundred drops, so that they still fall when a busy machine comes to look.
    many = TULIPS | {"dropEvery": 1, "floorPrice": 0, "dropAmount": 10}
    falling, at_the_floor, over = (auction(**many) for _ in range(3))
    auction(**TULIPS | {"floorPrice": 1000})
    auction(publish=False, **TULIPS)
    auction()
    with app.app_context():
        long_ago = text("UPDATE auctions SET starts_at = starts_at - interval '1 hour' WHERE id = :lot")
        db.session.execute(long_ago, {"lot": at_the_floor})
        ended = "UPDATE auctions SET status = 'ENDED', outcome = 'UNSOLD', due_at = NULL WHERE id = :lot"
        db.session.execute(text(ended), {"lot": over})
        db.session.commit()
        relay, deadline = runtime().relay(), time.monotonic() + 30
        while ("price:drop" not in {event for _, event in sent}) and time.monotonic() < deadline:
            time.sleep(relay.run_once())
    drops = {channel for channel, event in sent if event == "price:drop"}
    assert drops == {f"auction-{falling}"}


def test_no_drop_is_told_while_channels_is_away(
    app: Flask, auction: MakeAuction, sent: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lot = auction(**TULIPS | {"dropEvery": 1, "floorPrice": 0, "dropAmount": 10})
    asked: list[float] = []

    def away(*_: Any) -> None:
        asked.append(time.monotonic())
        raise ChannelsDown("no answer")

    with app.app_context():
        relay = runtime().relay()
        while not any(event == "auction:status" for _, event in sent):
            relay.run_once()
        with monkeypatch.context() as patch:
            patch.setattr(Publisher, "send", away)
            until = time.monotonic() + 7
            while time.monotonic() < until:
                time.sleep(relay.run_once())
        # Asked now and then whether it is back, as for events, and not for every drop.
        assert 1 <= len(asked) <= 5
        deadline = time.monotonic() + 30
        while (f"auction-{lot}", "price:drop") not in sent and time.monotonic() < deadline:
            time.sleep(relay.run_once())
    assert sent.count((f"auction-{lot}", "price:drop")) == 1, "what was missed is not made up for"


def test_prices_that_fall_in_the_last_minute_are_told_too(app: Flask, auction: MakeAuction) -> None:
    lot = auction(**TULIPS | {"dropEvery": 20}, endsAt=_in(50))
    with app.app_context(), db.engine.connect() as connection:
        [found] = find_falling(connection).auctions
        assert connection.scalar(text("SELECT status FROM auctions")) == "ENDING_SOON"
    assert found.auction_id == lot


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
