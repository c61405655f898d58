"""Viewer counts: webhooks in, announcements out."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from typing import Any

import pusher
import pytest
import websocket
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from marketplace.config import Config
from marketplace.extensions import db
from marketplace.realtime.publisher import ChannelsDown, ChannelsRefused
from marketplace.realtime.viewers import announced, announcements
from marketplace.runtime import runtime
from tests.conftest import Channels
from tests.people import MakeAuction

MINUTE = 60_000


def now() -> int:
    return int(time.time() * 1000)


def webhook(
    client: FlaskClient, config: Config, body: Any, *, secret: str | None = None, **headers: str
) -> Any:
    text_body = body if isinstance(body, str) else json.dumps(body)
    key = (secret or config.pusher_secret).encode()
    signature = hmac.new(key, text_body.encode(), hashlib.sha256).hexdigest()
    signed = {"X-Pusher-Key": config.pusher_key, "X-Pusher-Signature": signature, **headers}
    return client.post("/pusher/webhooks", data=text_body, content_type="application/json", headers=signed)


def count(lot: int, viewers: int, at: int | None = None) -> dict[str, Any]:
    event = {"name": "subscription_count", "channel": f"auction-{lot}", "subscription_count": viewers}
    return {"time_ms": at or now(), "events": [event]}


def viewers(client: FlaskClient, lot: int) -> int:
    found: int = client.get(f"/api/auctions/{lot}").json["activeViewers"]
    return found


def test_the_count_is_in_the_snapshot(client: FlaskClient, config: Config, auction: MakeAuction) -> None:
    lot = auction()
    assert viewers(client, lot) == 0
    assert webhook(client, config, count(lot, 12)).json == {"status": "taken"}
    assert viewers(client, lot) == 12
    gone = {"time_ms": now() + 1, "events": [{"name": "channel_vacated", "channel": f"auction-{lot}"}]}
    assert webhook(client, config, gone).status_code == 200
    assert viewers(client, lot) == 0


def test_an_older_count_does_not_replace_a_newer_one(
    client: FlaskClient, config: Config, auction: MakeAuction
) -> None:
    lot, at = auction(), now()
    webhook(client, config, count(lot, 5, at))
    webhook(client, config, count(lot, 9, at - 1000))
    assert viewers(client, lot) == 5


def test_a_repeated_delivery_changes_nothing(
    client: FlaskClient, config: Config, auction: MakeAuction
) -> None:
    lot, at = auction(), now()
    first = count(lot, 5, at)
    webhook(client, config, first)
    webhook(client, config, count(lot, 6, at))
    again = webhook(client, config, first)
    assert (again.status_code, again.json) == (200, {"status": "taken before"})
    assert viewers(client, lot) == 6


def test_what_channels_did_not_sign_now_is_refused(
    client: FlaskClient, config: Config, auction: MakeAuction
) -> None:
    lot = auction()
    body = count(lot, 5)
    refused = [
        webhook(client, config, body, secret="a guess"),
        webhook(client, config, body, **{"X-Pusher-Key": "another"}),
        webhook(client, config, body, **{"X-Pusher-Signature": "é" * 64}),
        webhook(client, config, body, **{"X-Pusher-Signature": ""}),
        webhook(client, config, count(lot, 5, now() - 6 * MINUTE)),
        webhook(client, config, count(lot, 5, now() + 6 * MINUTE)),
        webhook(client, config, {"events": []}),
        webhook(client, config, {"time_ms": "soon", "events": []}),
        webhook(client, config, "not json"),
        webhook(client, config, "[]"),
        client.post("/pusher/webhooks"),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json["code"]) == (401, "webhook_not_genuine")
    assert viewers(client, lot) == 0


def test_other_channels_and_auctions_that_are_not_there_are_passed_over(
    client: FlaskClient, config: Config, auction: MakeAuction
) -> None:
    lot = auction()
    names = ["auction-999999", "announcements", "presence-auction-1", "auction-", "auction-1x", "auction-0"]
    events = [{"name": "subscription_count", "channel": name, "subscription_count": 3} for name in names]
    events += [{"name": "member_added", "channel": f"auction-{lot}"}]
    assert webhook(client, config, {"time_ms": now(), "events": events}).status_code == 200
    assert viewers(client, lot) == 0


def test_watchers_are_told_a_new_count_at_most_every_five_seconds(
    client: FlaskClient, config: Config, auction: MakeAuction, app: Flask
) -> None:
    lot, at = auction(), now()
    webhook(client, config, count(lot, 5, at))

    def news() -> list[tuple[str, str, int]]:
        with app.app_context():
            found = announcements(db.session.connection())
            announced(db.session.connection(), found)
            db.session.commit()
        return [
            (n.message.channel, n.message.event, json.loads(n.message.data)["activeViewers"]) for n in found
        ]

    assert news() == [(f"auction-{lot}", "viewers:count", 5)]
    assert news() == []
    webhook(client, config, count(lot, 6, at + 1))
    assert news() == [], "too soon"
    with app.app_context():
        db.session.execute(
            text("UPDATE auction_viewers SET announced_at = announced_at - interval '5 seconds'")
        )
        db.session.commit()
    assert news() == [(f"auction-{lot}", "viewers:count", 6)]


# --- counts that no webhook put right ---


def relay_once(app: Flask, monkeypatch: pytest.MonkeyPatch, listed: Any) -> None:
    """One round of a relay that has just started, with Channels listing these."""

    def counts(prefix: str) -> dict[str, int]:
        if isinstance(listed, Exception):
            raise listed
        return {name: count for name, count in listed.items() if name.startswith(prefix)}

    with app.app_context():
        monkeypatch.setattr(
            type(runtime().publisher), "subscription_counts", lambda _, prefix: counts(prefix)
        )
        monkeypatch.setattr(type(runtime().publisher), "send", lambda *_: None)
        runtime().relay().run_once()


def test_a_relay_that_starts_puts_counts_right(
    client: FlaskClient, config: Config, auction: MakeAuction, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, fewer, missed, newer = (auction() for _ in range(4))
    for lot, at in ((gone, now() - 1000), (fewer, now() - 1000), (newer, now() + 60_000)):
        webhook(client, config, count(lot, 7, at))
    listed = {f"auction-{fewer}": 2, f"auction-{missed}": 3, f"private-auction-{gone}": 9, "auction-x": 4}
    relay_once(app, monkeypatch, listed)
    assert [viewers(client, lot) for lot in (gone, fewer, missed, newer)] == [0, 2, 3, 7]
    # A webhook that comes later counts again.
    webhook(client, config, count(gone, 1, now() + 1))
    assert viewers(client, gone) == 1


@pytest.mark.parametrize("failure", [ChannelsRefused("off"), ChannelsDown("no answer")])
def test_counts_stay_when_channels_does_not_tell(
    client: FlaskClient,
    config: Config,
    auction: MakeAuction,
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
) -> None:
    lot = auction()
    webhook(client, config, count(lot, 7, now() - 1000))
    with caplog.at_level(logging.WARNING):
        relay_once(app, monkeypatch, failure)
    assert viewers(client, lot) == 7
    assert caplog.text.count("viewers stay as counted") == 1


def test_channels_tells_who_subscribes(app: Flask, channels: Channels) -> None:
    url = f"ws://{channels.host}:{channels.port}/app/{channels.key}?protocol=7"
    raw = websocket.create_connection(url, timeout=10)
    socket_id = json.loads(json.loads(raw.recv())["data"])["socket_id"]
    library = pusher.Pusher(app_id=channels.app_id, key=channels.key, secret=channels.secret)
    private = "private-auction-987654"
    signed = library.authenticate(channel=private, socket_id=socket_id)
    for data in ({"channel": "auction-987654"}, {"channel": private, **signed}):
        raw.send(json.dumps({"event": "pusher:subscribe", "data": data}))
        while "succeeded" not in raw.recv():
            pass
    with app.app_context():
        assert runtime().publisher.subscription_counts("auction-98765") == {"auction-987654": 1}
        assert runtime().publisher.subscription_counts("private-auction-98765") == {private: 1}
        assert runtime().publisher.subscription_counts("auction-nobody") == {}
    raw.close()
