"""Whatever arrives, the app answers, and its books stay balanced."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from marketplace.channels_server import rest, wire
from marketplace.channels_server.protocol import App

from .conftest import SETTINGS, UNIX, Peer, World

CHANNELS = ["news", "private-a", "presence-a", "presence-b", "cache-a", "private-encrypted-a"]
USERS = ["ann", "bob", "cleo"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
events = st.sampled_from(
    ["pusher:subscribe", "pusher:unsubscribe", "pusher:signin", "pusher:ping", "client-x", "client-", "x"]
)
fields = st.sampled_from(
    ["channel", "auth", "channel_data", "user_data", "socket_id", "info", "name", "data"]
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "event": events | json_values,
        "data": json_values | st.dictionaries(fields, st.sampled_from(CHANNELS) | json_values, max_size=4),
        "channel": st.sampled_from(CHANNELS) | json_values,
    },
)


@given(st.text() | messages.map(json.dumps) | json_values.map(json.dumps))
@settings(deadline=None)
def test_any_text_is_answered_in_valid_json(text: str) -> None:
    world = World()
    peer, witness = world.connect(), world.connect()
    for each in (peer, witness):
        each.subscribe("private-a")
    peer.read()
    world.app.receive(peer.connection, text, world.now)
    for effect in world.app.take_effects():
        sent = getattr(effect, "text", "null")
        assert sent.isascii()
        wire.parse(sent)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "7",
        '"x"',
        "{",
        "[" * 100_000,
        '{"event":' * 50_000,
        '{"event":null}',
        '{"event":{}}',
        '{"event":"pusher:subscribe"}',
        '{"event":"pusher:subscribe","data":null}',
        '{"event":"pusher:subscribe","data":"{"}',
        '{"event":"pusher:subscribe","data":{"channel":{}}}',
        '{"event":"pusher:unsubscribe","data":{"channel":[]}}',
        '{"event":"pusher:signin","data":[]}',
        '{"event":"pusher:signin","data":{"user_data":{}}}',
        '{"event":"client-x","channel":"private-a","data":NaN}',
        '{"event":"client-x","channel":"private-a","data":1e999}',
        '{"event":"client-x","channel":"nowhere"}',
        '{"event":"pusher_internal:member_added","channel":"presence-a"}',
        '{"event":"\\ud800"}',
        "9" * 5000,
    ],
)
def test_what_makes_no_sense_is_one_error_and_the_connection_stays(world: World, text: str) -> None:
    peer = world.connect()
    peer.subscribe("private-a")
    peer.read()
    assert [message["event"] for message in peer.say_text(text)] == ["pusher:error"]
    assert peer.say("pusher:ping")[0]["event"] == "pusher:pong"


def test_half_a_surrogate_pair_passes_as_an_escape_or_not_at_all(world: World) -> None:
    speaker, listener = world.connect(), world.connect()
    for peer in (speaker, listener):
        peer.subscribe("private-a")
        peer.read()
    speaker.say_text('{"event":"client-x","channel":"private-a","data":"\\ud800"}')
    assert listener.read()[-1]["data"] == "\ud800"
    speaker.say_text('{"event":"pusher:subscribe","data":{"channel":"private-b","auth":"\\ud800"}}')
    assert speaker.read() == []


def test_deep_data_that_can_be_read_can_be_passed_on_or_is_refused(world: World) -> None:
    speaker, listener = world.connect(), world.connect()
    for peer in (speaker, listener):
        peer.subscribe("private-a")
    for depth in (10, 100, 900, 950, 980, 990, 1000):
        data = "[" * depth + "]" * depth
        speaker.say_text('{"event":"client-x","channel":"private-a","data":' + data + "}")
        world.pass_time(1)
    assert speaker.closed is None


@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=st.sampled_from(
        ["/apps/1/events", "/apps/1/batch_events", "/apps/1/channels", "/apps/1/channels/%ff"]
    )
    | st.text(),
    query=st.dictionaries(st.text(), st.text(), max_size=4),
    body=st.binary(max_size=200),
)
@settings(deadline=None)
def test_any_unsigned_request_is_refused_with_a_4xx(method: str, path: str, query: dict, body: bytes) -> None:
    answer = rest.answer(App(SETTINGS), rest.Request(method, path, query, body, UNIX), 0.0)
    assert 400 <= answer.status < 500
    assert isinstance(answer.content, str)


@given(path=st.sampled_from(["/apps/1/events", "/apps/1/batch_events"]), body=json_values | messages)
@settings(deadline=None)
def test_any_signed_body_is_answered(path: str, body: Any) -> None:
    assert World().post(path, body).status in (200, 400, 413)


class Books(RuleBasedStateMachine):
    """Random comings and goings, against the plainest model of who is where."""

    peers = Bundle("peers")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.subscribed: dict[str, dict[str, str]] = {}

    @rule(target=peers)
    def connect(self) -> Peer:
        peer = self.world.connect()
        self.subscribed[peer.socket_id] = {}
        return peer

    @rule(peer=peers, channel=st.sampled_from(CHANNELS), user=st.sampled_from(USERS))
    def subscribe(self, peer: Peer, channel: str, user: str) -> None:
        peer.subscribe(channel, **({"user_id": user} if channel.startswith("presence-") else {}))
        self.subscribed[peer.socket_id].setdefault(channel, user)

    @rule(peer=peers, channel=st.sampled_from(CHANNELS))
    def unsubscribe(self, peer: Peer, channel: str) -> None:
        peer.unsubscribe(channel)
        self.subscribed[peer.socket_id].pop(channel, None)

    @rule(peer=peers, user=st.sampled_from(USERS))
    def sign_in(self, peer: Peer, user: str) -> None:
        peer.sign_in(id=user, watchlist=USERS)

    @rule(peer=consumes(peers))
    def leave(self, peer: Peer) -> None:
        peer.leave()
        del self.subscribed[peer.socket_id]

    @rule(peer=consumes(peers))
    def expel(self, peer: Peer) -> None:
        self.world.app.disconnect(peer.connection, 4200, "bye", self.world.now)
        self.world.settle()
        peer.leave()
        del self.subscribed[peer.socket_id]

    @rule(seconds=st.floats(0, 10))
    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @invariant()
    def nobody_is_counted_who_is_not_there(self) -> None:
        app = self.world.app
        assert set(app.connections) == set(self.subscribed)
        expected: dict[str, set[str]] = {}
        members: dict[str, set[str]] = {}
        for socket_id, channels in self.subscribed.items():
            for channel, user in channels.items():
                expected.setdefault(channel, set()).add(socket_id)
                if channel.startswith("presence-"):
                    members.setdefault(channel, set()).add(user)
        actual = {name: {c.socket_id for c in channel.subscribers} for name, channel in app.channels.items()}
        assert actual == expected
        present = {name: set(channel.members) for name, channel in app.channels.items() if channel.members}
        assert present == members
        signed_in = {c for group in app.users.values() for c in group}
        assert signed_in <= set(app.connections.values())
        assert {c for group in app._watchers.values() for c in group} <= set(app.connections.values())

    def teardown(self) -> None:
        for peer in list(self.world.peers.values()):
            peer.leave()
        app = self.world.app
        assert [app.connections, app.channels, app.users, app._watchers] == [{}, {}, {}, {}]


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_webhooks_agree_with_the_books_in_the_end(world: World) -> None:
    """What a receiver that believes every webhook thinks, once the grace is over."""
    peers = [world.connect() for _ in range(20)]
    for number, peer in enumerate(peers):
        peer.subscribe("presence-a", user_id=USERS[number % 3])
        peer.subscribe("private-a")
    for peer in peers[:19]:
        peer.leave()
    world.pass_time(3)
    occupied, members, counts = set(), set(), {}
    for event in world.webhooks():
        match event:
            case {"name": "channel_occupied", "channel": channel}:
                occupied.add(channel)
            case {"name": "channel_vacated", "channel": channel}:
                occupied.discard(channel)
            case {"name": "member_added", "user_id": user}:
                members.add(user)
            case {"name": "member_removed", "user_id": user}:
                members.discard(user)
            case {"name": "subscription_count", "channel": channel, "subscription_count": count}:
                counts[channel] = count
    assert occupied == {"presence-a", "private-a"}
    assert members == {USERS[19 % 3]}
    assert counts == {"private-a": 1}
