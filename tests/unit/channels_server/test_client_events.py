"""What clients may say to each other."""

import pytest

from .conftest import Peer, World


@pytest.fixture
def pair(world: World) -> tuple[Peer, Peer]:
    peers = world.connect(), world.connect()
    for number, peer in enumerate(peers):
        peer.subscribe("private-a")
        peer.subscribe("presence-a", user_id=f"u{number}")
        peer.subscribe("public")
        peer.subscribe("private-encrypted-a")
    for peer in peers:
        peer.read()
    return peers


def test_they_reach_the_others_and_are_not_echoed(pair: tuple[Peer, Peer]) -> None:
    speaker, listener = pair
    assert speaker.say("client-typing", {"on": True}, channel="private-a") == []
    assert listener.read() == [{"event": "client-typing", "channel": "private-a", "data": {"on": True}}]


def test_presence_channels_say_who_spoke(pair: tuple[Peer, Peer]) -> None:
    speaker, listener = pair
    speaker.say("client-typing", "x", channel="presence-a")
    assert listener.read() == [
        {"event": "client-typing", "channel": "presence-a", "data": "x", "user_id": "u0"}
    ]


@pytest.mark.parametrize("channel", ["public", "private-encrypted-a", "private-elsewhere", None, 7])
def test_only_subscribers_of_private_and_presence_channels_speak(
    pair: tuple[Peer, Peer], channel: object
) -> None:
    speaker, listener = pair
    assert [message["event"] for message in speaker.say("client-x", {}, channel=channel)] == ["pusher:error"]
    assert listener.read() == []


def test_the_app_may_disable_them() -> None:
    peer = World(client_events=False).connect()
    peer.subscribe("private-a")
    peer.read()
    assert peer.say("client-x", {}, channel="private-a")[0]["event"] == "pusher:error"


def test_ten_a_second_then_4301_without_closing(world: World, pair: tuple[Peer, Peer]) -> None:
    speaker, listener = pair
    for _ in range(10):
        assert speaker.say("client-x", {}, channel="private-a") == []
    (refused,) = speaker.say("client-x", {}, channel="private-a")
    assert refused["data"]["code"] == 4301
    assert len(listener.read()) == 10
    assert speaker.closed is None
    world.pass_time(1)
    assert speaker.say("client-x", {}, channel="private-a") == []


def test_limits_at_n_and_one_more(world: World, pair: tuple[Peer, Peer]) -> None:
    speaker, listener = pair
    assert speaker.say("client-x", "x" * 10_240, channel="private-a") == []
    assert speaker.say("client-x", "x" * 10_241, channel="private-a")
    assert speaker.say("client-" + "x" * 193, {}, channel="private-a") == []
    assert speaker.say("client-" + "x" * 194, {}, channel="private-a")
    assert len(listener.read()) == 2


def test_the_webhook_tells_who_said_what(world: World, pair: tuple[Peer, Peer]) -> None:
    speaker, _ = pair
    world.webhooks()
    speaker.say("client-x", {"a": 1}, channel="presence-a")
    assert world.webhooks() == [
        {
            "name": "client_event",
            "channel": "presence-a",
            "event": "client-x",
            "data": '{"a":1}',
            "socket_id": speaker.socket_id,
            "user_id": "u0",
        }
    ]
