"""Clients and an app that exist only as values: no sockets, no clock."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest

from marketplace.channels_server import rest
from marketplace.channels_server.protocol import App, Close, Connection, Send
from marketplace.channels_server.settings import Settings

SETTINGS = Settings(app_id="1", key="key", secret="secret")
QUERY = {"protocol": "7", "client": "js", "version": "8.6.0"}
UNIX = 1_800_000_000.0


class Peer:
    """One client: what it says, and what it was told."""

    def __init__(self, world: World, connection: Connection) -> None:
        self.world = world
        self.connection = connection
        self.inbox: list[dict[str, Any]] = []
        self.closed: Close | None = None

    @property
    def socket_id(self) -> str:
        return self.connection.socket_id

    def say(self, event: str, data: Any = None, **more: Any) -> list[dict[str, Any]]:
        return self.say_text(json.dumps({"event": event, "data": data, **more}))

    def say_text(self, text: str) -> list[dict[str, Any]]:
        """Send a message; what came in on this connection since the last time anyone looked."""
        self.world.app.receive(self.connection, text, self.world.now)
        self.world.settle()
        return self.read()

    def read(self) -> list[dict[str, Any]]:
        read, self.inbox = self.inbox, []
        return read

    def names(self) -> list[str]:
        return [message["event"] for message in self.read()]

    def subscribe(self, channel: str, **user: Any) -> list[dict[str, Any]]:
        """Subscribe as pusher-js would, with a true signature; ``user`` is the presence data."""
        data: dict[str, Any] = {"channel": channel}
        if channel.startswith(("private-", "presence-")):
            if user:
                data["channel_data"] = json.dumps(user)
            data["auth"] = self.world.sign(
                ":".join([self.socket_id, channel, *filter(None, [data.get("channel_data")])])
            )
        return self.say("pusher:subscribe", data)

    def unsubscribe(self, channel: str) -> list[dict[str, Any]]:
        return self.say("pusher:unsubscribe", {"channel": channel})

    def sign_in(self, **user: Any) -> list[dict[str, Any]]:
        user_data = json.dumps(user)
        auth = self.world.sign(f"{self.socket_id}::user::{user_data}")
        return self.say("pusher:signin", {"auth": auth, "user_data": user_data})

    def leave(self) -> None:
        self.world.app.close(self.connection, self.world.now)
        self.world.settle()


class World:
    """An app, its clients, and the time."""

    def __init__(self, **settings: Any) -> None:
        self.app = App(replace(SETTINGS, **settings))
        self.now = 1000.0
        self.peers: dict[str, Peer] = {}

    def connect(self, *, path: str = "/app/key", secure: bool = False, **query: str | None) -> Peer:
        given = {name: value for name, value in {**QUERY, **query}.items() if value is not None}
        connection = self.app.open(path, given, None, self.now, secure=secure)
        peer = self.peers[connection.socket_id] = Peer(self, connection)
        self.settle()
        return peer

    def settle(self) -> None:
        """Hand out what the app wants sent, as the bytes it will be."""
        for effect in self.app.take_effects():
            if isinstance(effect, Send):
                message = json.loads(effect.text.encode())
                for connection in effect.to:
                    self.peers[connection.socket_id].inbox.append(message)
            elif isinstance(effect, Close):
                self.peers[effect.connection.socket_id].closed = effect

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.app.tick(self.now)
        self.settle()

    def webhooks(self) -> list[dict[str, Any]]:
        return self.app.webhooks.take(self.now)

    def sign(self, text: str) -> str:
        return f"key:{hmac.new(b'secret', text.encode(), hashlib.sha256).hexdigest()}"

    def get(self, path: str, **query: str) -> rest.Answer:
        return self.request("GET", path, b"", **query)

    def post(self, path: str, body: Any) -> rest.Answer:
        return self.request("POST", path, json.dumps(body).encode())

    def trigger(self, channel: str, event: str = "event", data: str = "data", **more: Any) -> rest.Answer:
        return self.post("/apps/1/events", {"name": event, "channels": [channel], "data": data, **more})

    def request(self, method: str, path: str, body: bytes, *, at: float = UNIX, **query: str) -> rest.Answer:
        """A request signed as the PyPI library signs it."""
        fields = {
            "auth_key": "key",
            "auth_version": "1.0",
            "auth_timestamp": f"{at:.0f}",
            "body_md5": hashlib.md5(body).hexdigest(),
            **query,
        }
        canonical = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
        signed = f"{method}\n{path}\n{canonical}".encode()
        fields.setdefault("auth_signature", hmac.new(b"secret", signed, hashlib.sha256).hexdigest())
        return self.answer(method, path, fields, body)

    def answer(self, method: str, path: str, fields: dict[str, str], body: bytes) -> rest.Answer:
        answer = rest.answer(self.app, rest.Request(method, path, fields, body, received_at=UNIX), self.now)
        self.settle()
        return answer


@pytest.fixture
def world() -> World:
    return World()
