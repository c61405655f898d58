"""The unmodified Pysher, which speaks protocol 6 and signs for itself."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from typing import Any

import pysher
import pytest

from .conftest import PATIENCE, Server, wait_for


class Client:
    def __init__(self, server: Server, user: dict[str, Any] | None = None) -> None:
        self.inbox: queue.Queue[tuple[str, str, Any]] = queue.Queue()
        self.pusher = pysher.Pusher(
            server.key,
            secret=server.secret,
            custom_host="127.0.0.1",
            port=server.port,
            secure=False,
            user_data=user,
            reconnect_interval=0.1,
            log_level=50,
        )
        # Pysher asks for a channel first and then notes that it did: a fast answer would find nobody.
        self.subscribing = threading.Lock()
        deliver = self.pusher.connection.event_handler

        def deliver_after_subscribing(*message: Any) -> None:
            with self.subscribing:
                deliver(*message)

        self.pusher.connection.event_handler = deliver_after_subscribing
        self.pusher.connection.bind("pusher:error", lambda data: self.inbox.put(("", "pusher:error", data)))
        self.pusher.connect()
        wait_for(lambda: self.pusher.connection.state == "connected")

    def subscribe(self, channel: str, *events: str) -> Any:
        with self.subscribing:
            subscription = self.pusher.subscribe(channel)
            for event in ("pusher_internal:subscription_succeeded", "pusher_internal:member_added", *events):
                subscription.bind(event, lambda data, event=event: self.inbox.put((channel, event, data)))
        return subscription

    def receive(self) -> tuple[str, str, Any]:
        return self.inbox.get(timeout=PATIENCE)


@pytest.fixture
def clients(server: Server) -> Iterator[Any]:
    made: list[Client] = []

    def make(**user: Any) -> Client:
        made.append(Client(server, user))
        return made[-1]

    yield make
    for client in made:
        # Its thread notices within ten seconds; nobody needs to wait for that.
        client.pusher.disconnect(timeout=0.1)


def test_public_private_and_presence_channels(clients: Any, server: Server) -> None:
    ann, bob = clients(user_id="ann"), clients(user_id="bob", user_info={"name": "Bob"})
    for channel in ("news", "private-news", "presence-news"):
        ann.subscribe(channel, "hello")
        name, event, data = ann.receive()
        assert (name, event) == (channel, "pusher_internal:subscription_succeeded")
        if channel == "presence-news":
            assert json.loads(data)["presence"]["ids"] == ["ann"]
        server.library().trigger(channel, "hello", {"to": channel})
        assert ann.receive() == (channel, "hello", json.dumps({"to": channel}))
    bob.subscribe("presence-news")
    name, event, data = ann.receive()
    assert (name, event, json.loads(data)["user_id"]) == (
        "presence-news",
        "pusher_internal:member_added",
        "bob",
    )


def test_client_events_pass_between_pysher_clients(clients: Any) -> None:
    ann, bob = clients(), clients()
    for client in (ann, bob):
        subscription = client.subscribe("private-talk", "client-typing")
        client.receive()
    subscription.trigger("client-typing", "yes")
    assert ann.receive() == ("private-talk", "client-typing", "yes")


def test_a_wrong_secret_is_an_error_that_does_not_make_pysher_reconnect(clients: Any) -> None:
    client = clients()
    client.pusher.secret = "wrong"
    client.subscribe("private-news")
    _, event, data = client.receive()
    assert event == "pusher:error"
    assert data["message"].startswith("Invalid signature: Expected HMAC SHA256 hex digest of")
    assert client.pusher.connection.state == "connected"


def test_pysher_comes_back_after_being_sent_away(clients: Any, server: Server) -> None:
    client = clients()
    before = client.pusher.connection.socket_id
    server.stop()
    server.start()
    wait_for(
        lambda: client.pusher.connection.socket_id != before and client.pusher.connection.state == "connected"
    )
