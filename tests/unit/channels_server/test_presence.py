"""Members are users, not connections."""

import json

import pytest

from .conftest import World


def roster(messages: list[dict]) -> dict:
    (succeeded,) = (m for m in messages if m["event"] == "pusher_internal:subscription_succeeded")
    return json.loads(succeeded["data"])["presence"]


def test_a_newcomer_gets_the_roster_and_the_others_get_the_newcomer(world: World) -> None:
    ann, bob = world.connect(), world.connect()
    assert roster(ann.subscribe("presence-a", user_id="ann", user_info={"name": "Ann"})) == {
        "ids": ["ann"],
        "hash": {"ann": {"name": "Ann"}},
        "count": 1,
    }
    assert roster(bob.subscribe("presence-a", user_id="bob")) == {
        "ids": ["ann", "bob"],
        "hash": {"ann": {"name": "Ann"}, "bob": None},
        "count": 2,
    }
    (added,) = ann.read()
    assert (added["event"], added["channel"]) == ("pusher_internal:member_added", "presence-a")
    assert json.loads(added["data"]) == {"user_id": "bob", "user_info": None}


def test_a_second_tab_is_no_new_member_and_the_first_to_close_no_loss(world: World) -> None:
    watcher, first, second = world.connect(), world.connect(), world.connect()
    watcher.subscribe("presence-a", user_id="watcher")
    watcher.read()
    first.subscribe("presence-a", user_id="ann")
    second.subscribe("presence-a", user_id="ann")
    first.leave()
    assert watcher.names() == ["pusher_internal:member_added"]
    second.unsubscribe("presence-a")
    (removed,) = watcher.read()
    assert removed["event"] == "pusher_internal:member_removed"
    assert json.loads(removed["data"]) == {"user_id": "ann"}


def test_numbers_as_user_ids_become_strings(world: World) -> None:
    assert roster(world.connect().subscribe("presence-a", user_id=7))["ids"] == ["7"]


@pytest.mark.parametrize(
    ("user", "accepted"),
    [
        ({"user_id": "x" * 128}, True),
        ({"user_id": "x" * 129}, False),
        ({"user_id": ""}, False),
        ({"user_id": None}, False),
        ({"user_id": True}, False),
        ({"user_id": 1.5}, False),
        ({"name": "no id"}, False),
        # {"user_id":"1","user_info":"..."} is 30 bytes around the info.
        ({"user_id": "1", "user_info": "x" * (1024 - 30)}, True),
        ({"user_id": "1", "user_info": "x" * (1024 - 29)}, False),
        ({"user_id": "1", "user_info": "ü" * 497}, True),
        ({"user_id": "1", "user_info": "ü" * 498}, False),
    ],
)
def test_limits_of_a_user(world: World, user: dict, accepted: bool) -> None:
    peer = world.connect()
    peer.read()
    (answer,) = peer.subscribe("presence-a", **user)
    assert (answer["event"] == "pusher_internal:subscription_succeeded") is accepted


def test_the_hundredth_member_is_taken_the_next_refused_and_a_second_tab_still_fits(world: World) -> None:
    peers = [world.connect() for _ in range(100)]
    for number, peer in enumerate(peers):
        peer.subscribe("presence-a", user_id=f"u{number}")
    late = world.connect()
    late.read()
    (refused,) = late.subscribe("presence-a", user_id="late")
    assert refused["event"] == "pusher:error"
    assert roster(late.subscribe("presence-a", user_id="u7"))["count"] == 100


def test_channel_data_must_be_what_was_signed(world: World) -> None:
    peer = world.connect()
    peer.read()
    auth = world.sign(f'{peer.socket_id}:presence-a:{{"user_id":"ann"}}')
    forged = {"channel": "presence-a", "auth": auth, "channel_data": '{"user_id":"admin"}'}
    (refused,) = peer.say("pusher:subscribe", forged)
    assert refused["data"]["message"].startswith("Invalid signature")


@pytest.mark.parametrize(
    "channel_data",
    ["", "[]", "null", "{", 7, [], {"user_id": "1"}, '{"user_id":"1","user_info":1e999}', '{"user_id":NaN}'],
)
def test_broken_channel_data_is_refused_even_when_signed(world: World, channel_data: object) -> None:
    peer = world.connect()
    peer.read()
    auth = world.sign(f"{peer.socket_id}:presence-a:{channel_data}")
    fields = {"channel": "presence-a", "auth": auth, "channel_data": channel_data}
    (refused,) = peer.say("pusher:subscribe", fields)
    assert refused["event"] == "pusher:error"
    assert not world.app.channels


def test_once_signed_in_no_channel_data_is_needed(world: World) -> None:
    peer = world.connect()
    peer.sign_in(id="ann", user_info={"name": "Ann"})
    assert roster(peer.subscribe("presence-a"))["hash"] == {"ann": {"name": "Ann"}}


def test_without_sign_in_channel_data_is_needed(world: World) -> None:
    peer = world.connect()
    peer.read()
    (refused,) = peer.subscribe("presence-a")
    assert refused["event"] == "pusher:error"
