"""Handshake, signs of life and close codes."""

import json
import re

import pytest

from marketplace.channels_server.protocol import Rejected

from .conftest import World


def test_the_first_message_is_the_handshake_with_data_as_a_string(world: World) -> None:
    peer = world.connect()
    (established,) = peer.read()
    data = json.loads(established["data"])
    assert established["event"] == "pusher:connection_established"
    assert re.fullmatch(r"\d+\.\d+", data["socket_id"])
    assert data["activity_timeout"] == 120


def test_socket_ids_differ_between_connections_and_between_restarts(world: World) -> None:
    ids = {world.connect().socket_id, world.connect().socket_id, World().connect().socket_id}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("code", "settings", "handshake"),
    [
        (4000, {"tls_only": True}, {}),
        (4001, {}, {"path": "/app/other"}),
        (4003, {"enabled": False}, {}),
        (4005, {}, {"path": "/elsewhere"}),
        (4005, {}, {"path": "/app/key/more"}),
        (4006, {}, {"version": "not a version"}),
        (4007, {}, {"protocol": "4"}),
        (4007, {}, {"protocol": "8"}),
        (4007, {}, {"protocol": "seven"}),
        (4008, {}, {"protocol": None}),
    ],
)
def test_a_socket_that_may_not_stay_is_told_why(code: int, settings: dict, handshake: dict) -> None:
    with pytest.raises(Rejected) as rejection:
        World(**settings).connect(**handshake)
    assert rejection.value.code == code


def test_tls_only_takes_what_came_over_tls() -> None:
    assert World(tls_only=True).connect(secure=True).names() == ["pusher:connection_established"]


@pytest.mark.parametrize("protocol", ["5", "6", "7"])
def test_older_clients_are_welcome(world: World, protocol: str) -> None:
    assert world.connect(protocol=protocol, version=None)


@pytest.mark.parametrize(("limit", "code"), [("quota", 4004), ("capacity", 4100)])
def test_the_last_allowed_connection_is_taken_and_the_next_refused(limit: str, code: int) -> None:
    world = World(**{limit: 2})
    world.connect()
    second = world.connect()
    with pytest.raises(Rejected) as rejection:
        world.connect()
    assert rejection.value.code == code
    second.leave()
    world.connect()


def test_a_ping_is_answered(world: World) -> None:
    peer = world.connect()
    peer.read()
    assert peer.say("pusher:ping", {}) == [{"event": "pusher:pong", "data": "{}"}]


def test_a_silent_client_is_pinged_and_then_closed(world: World) -> None:
    peer = world.connect()
    peer.read()
    world.pass_time(119)
    assert peer.names() == []
    world.pass_time(1)
    assert peer.names() == ["pusher:ping"]
    world.pass_time(29)
    assert peer.closed is None
    world.pass_time(1)
    assert peer.closed
    assert peer.closed.code == 4201
    assert not world.app.connections


def test_anything_received_counts_as_life(world: World) -> None:
    peer = world.connect()
    world.pass_time(120)
    peer.say("pusher:pong")
    world.pass_time(119)
    assert peer.closed is None
    world.pass_time(1)
    world.app.heard(peer.connection, world.now)
    world.pass_time(60)
    assert peer.closed is None


def test_a_client_that_does_nothing_for_a_day_is_closed(world: World) -> None:
    idle, subscribed = world.connect(), world.connect()
    subscribed.subscribe("news")
    for _ in range(24 * 60):
        world.pass_time(60)
        idle.say("pusher:ping")
        subscribed.say("pusher:ping")
    assert idle.closed
    assert idle.closed.code == 4202
    assert subscribed.closed is None


def test_a_connection_that_stays_unauthorized_is_closed() -> None:
    world = World(authorization_timeout=30)
    stranger, subscriber, user = world.connect(), world.connect(), world.connect()
    stranger.subscribe("public")
    subscriber.subscribe("private-a")
    user.sign_in(id="ann")
    world.pass_time(30)
    assert stranger.closed
    assert stranger.closed.code == 4009
    assert subscriber.closed is None
    assert user.closed is None


def test_closing_twice_and_talking_after_the_end_change_nothing(world: World) -> None:
    peer = world.connect()
    peer.subscribe("news")
    world.app.disconnect(peer.connection, 4200, "bye", world.now)
    world.app.disconnect(peer.connection, 4200, "bye", world.now)
    world.settle()
    peer.read()
    peer.leave()
    assert peer.say("pusher:subscribe", {"channel": "news"}) == []
    assert not world.app.channels
    assert not world.app.connections
