"""Webhook events: what they say, their order, and what the grace lets go unsaid."""

import hashlib
import hmac
import json
from itertools import pairwise

from marketplace.channels_server import webhooks

from .conftest import World


def test_a_channel_is_occupied_once_and_vacated_three_seconds_after_the_last_left(world: World) -> None:
    first, second = world.connect(), world.connect()
    first.subscribe("private-a")
    second.subscribe("private-a")
    occupied = [event for event in world.webhooks() if event["name"] == "channel_occupied"]
    assert occupied == [{"name": "channel_occupied", "channel": "private-a"}]
    first.leave()
    second.leave()
    world.pass_time(2.9)
    assert not any(event["name"] == "channel_vacated" for event in world.webhooks())
    world.pass_time(0.1)
    assert world.webhooks() == [{"name": "channel_vacated", "channel": "private-a"}]


def test_a_page_reload_is_not_news(world: World) -> None:
    before = world.connect()
    before.subscribe("presence-a", user_id="ann")
    world.webhooks()
    before.leave()
    world.pass_time(2)
    world.connect().subscribe("presence-a", user_id="ann")
    world.pass_time(10)
    assert world.webhooks() == []


def test_a_member_is_removed_before_the_channel_is_vacated(world: World) -> None:
    peer = world.connect()
    peer.subscribe("presence-a", user_id="ann")
    assert [event["name"] for event in world.webhooks()] == ["channel_occupied", "member_added"]
    peer.leave()
    world.pass_time(3)
    assert world.webhooks() == [
        {"name": "member_removed", "channel": "presence-a", "user_id": "ann"},
        {"name": "channel_vacated", "channel": "presence-a"},
    ]


def test_someone_else_who_comes_in_time_keeps_the_channel_but_not_the_member(world: World) -> None:
    ann = world.connect()
    ann.subscribe("presence-a", user_id="ann")
    world.webhooks()
    ann.leave()
    world.connect().subscribe("presence-a", user_id="bob")
    world.pass_time(3)
    assert [(event["name"], event["user_id"]) for event in world.webhooks()] == [
        ("member_added", "bob"),
        ("member_removed", "ann"),
    ]


def test_coming_back_and_leaving_again_starts_the_grace_anew(world: World) -> None:
    for _ in range(2):
        peer = world.connect()
        peer.subscribe("private-a")
        peer.leave()
        world.pass_time(2)
    assert [e["name"] for e in world.webhooks() if e["name"] != "subscription_count"] == ["channel_occupied"]
    world.pass_time(1)
    assert [e["name"] for e in world.webhooks()] == ["channel_vacated"]


def test_subscription_counts_are_reported_down_to_nothing(world: World) -> None:
    peer = world.connect()
    peer.subscribe("news")
    peer.leave()
    counts = [event for event in world.webhooks() if event["name"] == "subscription_count"]
    assert [event["subscription_count"] for event in counts] == [1, 0]


def test_a_body_is_signed_over_its_bytes() -> None:
    content = webhooks.body(['{"name":"channel_occupied","channel":"a"}'], time_ms=1)
    headers = webhooks.headers(content, key="key", secret="secret")
    assert json.loads(content) == {"time_ms": 1, "events": [{"name": "channel_occupied", "channel": "a"}]}
    assert headers["X-Pusher-Key"] == "key"
    assert headers["X-Pusher-Signature"] == hmac.new(b"secret", content, hashlib.sha256).hexdigest()


def test_retries_double_and_end_within_five_minutes() -> None:
    delays = list(webhooks.retry_delays())
    assert delays[:4] == [1, 2, 4, 8]
    assert all(later == 2 * earlier for earlier, later in pairwise(delays))
    assert 150 < sum(delays) <= 300
