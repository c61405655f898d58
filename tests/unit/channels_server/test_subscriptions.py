"""Who may subscribe, and what subscribers are told."""

import json

import pytest

from .conftest import Peer, World


def errors(messages: list[dict]) -> list[str]:
    assert all(message["event"] == "pusher:error" for message in messages)
    assert all(message["data"]["code"] is None for message in messages)
    return [message["data"]["message"] for message in messages]


@pytest.fixture
def peer(world: World) -> Peer:
    peer = world.connect()
    peer.read()
    return peer


def test_success_always_carries_data(peer: Peer) -> None:
    succeeded = peer.subscribe("news")[0]
    assert succeeded == {"event": "pusher_internal:subscription_succeeded", "channel": "news", "data": "{}"}


@pytest.mark.parametrize("name", ["a", "a" * 200, "-_=@,.;aZ09", "private-a", "private-encrypted-a"])
def test_good_names(peer: Peer, name: str) -> None:
    assert peer.subscribe(name)[0]["event"] == "pusher_internal:subscription_succeeded"


@pytest.mark.parametrize(
    "name", ["", "a" * 201, "a b", "#a", "#server-to-user-", "ü", "a\n", None, 7, ["a"], {}]
)
def test_bad_names(peer: Peer, name: object) -> None:
    (message,) = errors(peer.say("pusher:subscribe", {"channel": name}))
    assert message.startswith("Invalid channel name")


def test_subscribing_twice_is_refused_in_the_documented_words(peer: Peer) -> None:
    peer.subscribe("news")
    assert errors(peer.subscribe("news")) == ["Existing subscription to channel news"]


def test_unsubscribing_from_nothing_is_refused_in_the_documented_words(peer: Peer) -> None:
    assert errors(peer.unsubscribe("news")) == [
        "No current subscription to channel news, or subscription in progress"
    ]


def test_unsubscribing_is_silent_and_ends_delivery(world: World, peer: Peer) -> None:
    peer.subscribe("news")
    assert peer.unsubscribe("news") == []
    world.trigger("news")
    assert peer.read() == []
    assert not world.app.channels


def test_a_private_channel_needs_a_signature(peer: Peer) -> None:
    refused = peer.say("pusher:subscribe", {"channel": "private-a", "auth": ""})
    assert errors(refused) == ["Auth info required to subscribe to private-a"]


def test_a_wrong_signature_is_refused_in_the_documented_words(peer: Peer) -> None:
    refused = peer.say("pusher:subscribe", {"channel": "private-a", "auth": "key:bad"})
    text = f"{peer.socket_id}:private-a"
    assert errors(refused) == [
        f"Invalid signature: Expected HMAC SHA256 hex digest of {text}, but got key:bad"
    ]


@pytest.mark.parametrize(
    "signed", ["{sid}:private-b", "1.1:private-a", "{sid}:private-a:{{}}", "{sid}::user::private-a"]
)
def test_a_signature_for_something_else_is_refused(world: World, peer: Peer, signed: str) -> None:
    auth = world.sign(signed.format(sid=peer.socket_id))
    assert errors(peer.say("pusher:subscribe", {"channel": "private-a", "auth": auth}))


def test_a_signature_of_another_key_is_refused(world: World, peer: Peer) -> None:
    auth = world.sign(f"{peer.socket_id}:private-a").replace("key:", "other:")
    assert errors(peer.say("pusher:subscribe", {"channel": "private-a", "auth": auth}))


def test_some_clients_send_data_as_a_string(peer: Peer) -> None:
    (succeeded, *_) = peer.say("pusher:subscribe", json.dumps({"channel": "news"}))
    assert succeeded["event"] == "pusher_internal:subscription_succeeded"


# Subscription counts.


def counts(peer: Peer) -> list[int]:
    return [
        json.loads(message["data"])["subscription_count"]
        for message in peer.read()
        if message["event"] == "pusher_internal:subscription_count"
    ]


def test_everyone_hears_of_every_change_while_there_are_few(world: World, peer: Peer) -> None:
    peer.subscribe("news")
    other = world.connect()
    other.subscribe("news")
    other.leave()
    assert counts(peer) == [2, 1]


def test_above_a_hundred_counts_come_every_five_seconds_at_most(world: World, peer: Peer) -> None:
    peer.subscribe("news")
    others = [world.connect() for _ in range(110)]
    for other in others[:100]:
        other.subscribe("news")
    assert counts(peer) == list(range(2, 101))
    for other in others[100:]:
        other.subscribe("news")
    world.pass_time(4.9)
    assert counts(peer) == []
    world.pass_time(0.2)
    assert counts(peer) == [111]
    world.pass_time(60)
    assert counts(peer) == []


def test_counts_are_not_for_presence_channels_or_where_disabled(peer: Peer) -> None:
    assert len(peer.subscribe("presence-a", user_id="1")) == 1
    quiet = World(subscription_counts=False).connect()
    quiet.read()
    assert len(quiet.subscribe("news")) == 1


# Cache channels.


@pytest.mark.parametrize(
    "name", ["cache-a", "private-cache-a", "private-encrypted-cache-a", "presence-cache-a"]
)
def test_a_cache_channel_starts_with_the_last_event_or_a_miss(world: World, name: str) -> None:
    def subscribe(user_id: str) -> list[dict]:
        newcomer = world.connect()
        newcomer.read()
        return newcomer.subscribe(name, **({"user_id": user_id} if name.startswith("presence") else {}))

    assert subscribe("early")[1] == {"event": "pusher:cache_miss", "channel": name, "data": "{}"}
    world.trigger(name, "first", "1")
    world.trigger(name, "second", "2")
    assert subscribe("late")[1] == {"event": "second", "channel": name, "data": "2"}


def test_a_miss_is_reported(peer: Peer, world: World) -> None:
    peer.subscribe("cache-a")
    assert {"name": "cache_miss", "channel": "cache-a"} in world.webhooks()


def test_the_cache_outlives_the_last_subscriber_for_half_an_hour(world: World) -> None:
    def first_event() -> str:
        newcomer = world.connect()
        newcomer.read()
        event = newcomer.subscribe("cache-a")[1]["event"]
        newcomer.leave()
        return event

    world.trigger("cache-a", "price", "1")
    world.pass_time(1799)
    assert first_event() == "price"
    world.now += 1
    assert first_event() == "pusher:cache_miss"
    world.pass_time(1)
    assert not world.app._cache


def test_client_events_are_not_cached(world: World, peer: Peer) -> None:
    peer.subscribe("private-cache-a")
    peer.say("client-x", {}, channel="private-cache-a")
    other = world.connect()
    other.read()
    assert other.subscribe("private-cache-a")[1]["event"] == "pusher:cache_miss"


def test_a_connection_has_so_many_subscriptions_and_no_more() -> None:
    peer = World(max_subscriptions=2).connect()
    peer.read()
    for name in ("a", "b"):
        peer.subscribe(name)
    assert errors(peer.subscribe("c")) == ["A connection may subscribe to 2 channels at most"]
    peer.unsubscribe("a")
    assert peer.subscribe("c")[0]["event"] == "pusher_internal:subscription_succeeded"
