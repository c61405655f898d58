"""Sign-in, a user's own channel, watchlists, termination."""

import json

import pytest

from .conftest import Peer, World


@pytest.fixture
def peer(world: World) -> Peer:
    peer = world.connect()
    peer.read()
    return peer


def watchlist_events(peer: Peer) -> list[dict]:
    return [
        event
        for message in peer.read()
        if message["event"] == "pusher_internal:watchlist_events"
        for event in json.loads(message["data"])["events"]
    ]


def test_sign_in_echoes_the_signed_user(peer: Peer) -> None:
    (success,) = peer.sign_in(id="ann", user_info={"name": "Ann"})
    assert success["event"] == "pusher:signin_success"
    assert json.loads(json.loads(success["data"])["user_data"]) == {"id": "ann", "user_info": {"name": "Ann"}}


def test_signing_in_again_works_as_oneself_and_fails_as_another(peer: Peer) -> None:
    peer.sign_in(id="ann")
    assert peer.sign_in(id="ann")[0]["event"] == "pusher:signin_success"
    assert peer.sign_in(id="bob")[0]["event"] == "pusher:error"
    assert peer.connection.user_id == "ann"


@pytest.mark.parametrize("auth", [None, "", "key:bad", 7, "other:sig"])
def test_a_bad_signature_signs_nobody_in(world: World, peer: Peer, auth: object) -> None:
    (refused,) = peer.say("pusher:signin", {"auth": auth, "user_data": '{"id":"ann"}'})
    assert refused["event"] == "pusher:error"
    assert not world.app.users


def test_a_users_own_channel_is_theirs_alone(world: World, peer: Peer) -> None:
    own = {"channel": "#server-to-user-ann", "auth": ""}
    assert peer.say("pusher:subscribe", own)[0]["event"] == "pusher:error"
    peer.sign_in(id="ann")
    assert peer.say("pusher:subscribe", own)[0]["event"] == "pusher_internal:subscription_succeeded"
    stranger = world.connect()
    stranger.sign_in(id="bob")
    stranger.read()
    assert stranger.say("pusher:subscribe", own)[0]["event"] == "pusher:error"
    world.trigger("#server-to-user-ann", "hello", "{}")
    assert peer.read() == [{"event": "hello", "channel": "#server-to-user-ann", "data": "{}"}]
    assert stranger.read() == []


def test_a_users_own_channel_is_not_reported(world: World, peer: Peer) -> None:
    peer.sign_in(id="ann")
    assert len(peer.say("pusher:subscribe", {"channel": "#server-to-user-ann"})) == 1
    assert world.webhooks() == []
    assert world.get("/apps/1/channels").content == {"channels": {}}


def test_watchers_hear_of_the_first_and_the_last_connection(world: World, peer: Peer) -> None:
    first, second = world.connect(), world.connect()
    first.sign_in(id="ann")
    peer.sign_in(id="bob", watchlist=["ann", "cleo"])
    # What came with sign_in itself was read there; bob comes online to nobody.
    second.sign_in(id="ann")
    first.leave()
    assert watchlist_events(peer) == []
    second.leave()
    assert watchlist_events(peer) == [{"name": "offline", "user_ids": ["ann"]}]
    world.connect().sign_in(id="cleo")
    assert watchlist_events(peer) == [{"name": "online", "user_ids": ["cleo"]}]


def test_at_sign_in_one_hears_who_is_online(world: World, peer: Peer) -> None:
    world.connect().sign_in(id="ann")
    _, online = peer.sign_in(id="bob", watchlist=["ann", "cleo"])
    assert json.loads(online["data"]) == {"events": [{"name": "online", "user_ids": ["ann"]}]}


def test_a_watchlist_of_a_hundred_works_and_of_one_more_is_4302(world: World, peer: Peer) -> None:
    assert len(peer.sign_in(id="ann", watchlist=[f"u{n}" for n in range(100)])) == 1
    other = world.connect()
    other.read()
    success, refused = other.sign_in(id="bob", watchlist=[f"u{n}" for n in range(101)])
    assert success["event"] == "pusher:signin_success"
    assert refused["data"]["code"] == 4302
    assert other.closed is None


def test_watchers_are_forgotten_when_they_leave(world: World, peer: Peer) -> None:
    peer.sign_in(id="bob", watchlist=["ann"])
    peer.leave()
    assert not world.app._watchers
    assert not world.app.users


@pytest.mark.parametrize(
    "path", ["/apps/1/users/ann/terminate_connections", "/users/ann/terminate_connections"]
)
def test_terminating_closes_every_connection_of_that_user(world: World, path: str) -> None:
    first, second, other = world.connect(), world.connect(), world.connect()
    first.sign_in(id="ann")
    second.sign_in(id="ann")
    other.sign_in(id="bob")
    assert world.post(path, {}).content == {}
    assert [peer.closed.code if peer.closed else None for peer in (first, second, other)] == [
        4009,
        4009,
        None,
    ]
    assert set(world.app.users) == {"bob"}
