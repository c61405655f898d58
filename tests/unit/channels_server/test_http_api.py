"""The HTTP API: what it does, and the status of every refusal."""

import hashlib

import pytest

from .conftest import UNIX, World

EVENT = {"name": "e", "channels": ["a"], "data": "{}"}


def test_a_trigger_reaches_the_subscribers_of_each_channel_once(world: World) -> None:
    both, one = world.connect(), world.connect()
    both.subscribe("a")
    both.subscribe("b")
    one.subscribe("b")
    both.read(), one.read()
    assert world.post("/apps/1/events", {**EVENT, "channels": ["a", "b", "a"]}) == (200, {})
    assert [message["channel"] for message in both.read()] == ["a", "b"]
    assert one.read() == [{"event": "e", "channel": "b", "data": "{}"}]


def test_channel_works_in_place_of_channels(world: World) -> None:
    assert world.post("/apps/1/events", {"name": "e", "channel": "a", "data": ""}).status == 200


def test_socket_id_leaves_one_connection_out(world: World) -> None:
    sender, other = world.connect(), world.connect()
    for peer in (sender, other):
        peer.subscribe("a")
    sender.read(), other.read()
    world.trigger("a", socket_id=sender.socket_id)
    assert sender.read() == []
    assert len(other.read()) == 1
    world.trigger("a", socket_id="1.1")
    assert len(sender.read()) == 1


def test_a_batch_arrives_in_order(world: World) -> None:
    peer = world.connect()
    peer.subscribe("a")
    peer.read()
    batch = [{"name": f"e{number}", "channel": "a", "data": ""} for number in range(10)]
    assert world.post("/apps/1/batch_events", {"batch": batch}) == (200, {})
    assert peer.names() == [f"e{number}" for number in range(10)]


def test_a_batch_with_one_bad_event_sends_nothing(world: World) -> None:
    peer = world.connect()
    peer.subscribe("a")
    peer.read()
    good = {"name": "e", "channel": "a", "data": ""}
    assert world.post("/apps/1/batch_events", {"batch": [good, {**good, "name": ""}]}).status == 400
    assert peer.read() == []


def test_info_is_answered_for_events_and_batches(world: World) -> None:
    for user in ("ann", "ann", "bob"):
        world.connect().subscribe("presence-a", user_id=user)
    counted = {"user_count": 2, "subscription_count": 3}
    info = "user_count,subscription_count"
    assert world.trigger("presence-a", info=info).content == {"channels": {"presence-a": counted}}
    batch = [
        {"name": "e", "channel": "presence-a", "data": "", "info": info},
        {"name": "e", "channel": "b", "data": ""},
    ]
    assert world.post("/apps/1/batch_events", {"batch": batch}).content == {"batch": [counted, {}]}


def test_channels_are_listed_by_prefix_with_what_was_asked(world: World) -> None:
    peer = world.connect()
    peer.subscribe("presence-a", user_id="ann")
    peer.subscribe("other")
    assert world.get("/apps/1/channels").content == {"channels": {"presence-a": {}, "other": {}}}
    listed = world.get("/apps/1/channels", filter_by_prefix="presence-", info="user_count")
    assert listed.content == {"channels": {"presence-a": {"user_count": 1}}}


def test_one_channel_is_described(world: World) -> None:
    world.connect().subscribe("a")
    assert world.get("/apps/1/channels/a", info="subscription_count").content == {
        "occupied": True,
        "subscription_count": 1,
    }
    assert world.get("/apps/1/channels/b").content == {"occupied": False}


def test_the_cache_of_a_channel_can_be_read(world: World) -> None:
    assert world.get("/apps/1/channels/cache-a", info="cache").content == {"occupied": False, "cache": None}
    world.trigger("cache-a", data="last")
    world.pass_time(60)
    cached = world.get("/apps/1/channels/cache-a", info="cache").content
    assert cached == {"occupied": False, "cache": {"data": "last", "ttl": 1740}}


def test_the_users_of_a_presence_channel_are_listed_once_each(world: World) -> None:
    for user in ("ann", "ann", "bob"):
        world.connect().subscribe("presence-a", user_id=user)
    assert world.get("/apps/1/channels/presence-a/users").content == {"users": [{"id": "ann"}, {"id": "bob"}]}
    assert world.get("/apps/1/channels/presence-b/users").content == {"users": []}


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (200, {"data": "x" * 10_240}),
        (413, {"data": "x" * 10_241}),
        (413, {"data": "ü" * 5_121}),
        (200, {"channels": [f"c{number}" for number in range(100)]}),
        (400, {"channels": [f"c{number}" for number in range(101)]}),
        (200, {"channels": ["c" * 200]}),
        (400, {"channels": ["c" * 201]}),
        (400, {"channels": []}),
        (400, {"channels": None}),
        (400, {"channels": "a"}),
        (400, {"channels": ["a b"]}),
        (400, {"channels": [7]}),
        (400, {"channels": ["#reserved"]}),
        (200, {"name": "n" * 200}),
        (400, {"name": "n" * 201}),
        (400, {"name": ""}),
        (400, {"name": None}),
        (400, {"data": None}),
        (400, {"data": {"an": "object"}}),
        (400, {"socket_id": "nonsense"}),
        (400, {"socket_id": 1.5}),
        (400, {"info": "user_count"}),
        (400, {"info": "cache"}),
        (400, {"info": "nonsense"}),
        (400, {"info": 7}),
    ],
)
def test_limits_and_bad_attributes_of_an_event(world: World, status: int, change: dict) -> None:
    assert world.post("/apps/1/events", {**EVENT, **change}).status == status


@pytest.mark.parametrize(
    ("status", "batch"),
    [
        (200, [{"name": "e", "channel": "a", "data": ""}] * 10),
        (400, [{"name": "e", "channel": "a", "data": ""}] * 11),
        (413, [{"name": "e", "channel": "a", "data": "x" * 10_241}]),
        (400, [{"name": "e", "channels": ["a"], "data": ""}]),
        (400, [None]),
        (400, None),
        (400, {}),
    ],
)
def test_limits_of_a_batch(world: World, status: int, batch: object) -> None:
    assert world.post("/apps/1/batch_events", {"batch": batch}).status == status


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"\xff", b'{"name": NaN}', b"[" * 100_000])
def test_a_body_that_is_not_an_object_is_400(world: World, body: bytes) -> None:
    assert world.request("POST", "/apps/1/events", body).status == 400


@pytest.mark.parametrize(
    ("status", "method", "path", "query"),
    [
        (400, "GET", "/apps/1/channels", {"info": "user_count"}),
        (400, "GET", "/apps/1/channels", {"info": "user_count", "filter_by_prefix": "private-"}),
        (400, "GET", "/apps/1/channels/a", {"info": "user_count"}),
        (400, "GET", "/apps/1/channels/a/users", {}),
        (400, "GET", "/apps/1/channels/a%20b", {}),
        (404, "GET", "/apps/2/channels", {}),
        (404, "GET", "/nowhere", {}),
        (404, "GET", "/apps/1/channels/a/users/more", {}),
        (405, "GET", "/apps/1/events", {}),
        (405, "DELETE", "/apps/1/channels", {}),
        (405, "POST", "/apps/1/channels", {}),
    ],
)
def test_other_refusals(world: World, status: int, method: str, path: str, query: dict) -> None:
    assert world.request(method, path, b"", **query).status == status


def test_subscription_counts_can_be_disabled() -> None:
    assert World(subscription_counts=False).trigger("a", info="subscription_count").status == 400


def test_a_disabled_app_is_403() -> None:
    assert World(enabled=False).trigger("a").status == 403


# Signatures.


@pytest.mark.parametrize(("age", "status"), [(600, 200), (601, 401), (-600, 200), (-601, 401), (86_400, 401)])
def test_a_timestamp_is_good_for_ten_minutes_either_way(world: World, age: int, status: int) -> None:
    assert world.request("GET", "/apps/1/channels", b"", at=UNIX - age).status == status


@pytest.mark.parametrize(
    "wrong",
    [
        {"auth_key": "other"},
        {"auth_version": "2.0"},
        {"auth_timestamp": "soon"},
        {"auth_timestamp": "1e9"},
        {"auth_timestamp": "٣"},
        {"auth_timestamp": ""},
        {"auth_signature": "0" * 64},
        {"auth_signature": ""},
        {"body_md5": hashlib.md5(b"other").hexdigest()},
    ],
)
def test_anything_wrong_with_the_signature_is_401(world: World, wrong: dict) -> None:
    assert world.request("POST", "/apps/1/events", b"{}", **wrong).status == 401


def test_a_tampered_body_path_or_parameter_is_401(world: World) -> None:
    seen: list[tuple] = []
    world.answer = lambda *request: seen.append(request)  # type: ignore[method-assign, assignment]
    world.request("POST", "/apps/1/events", b'{"a":1}', info="x")
    ((method, path, fields, body),) = seen
    del world.answer
    without = {name: value for name, value in fields.items() if name != "body_md5"}
    assert world.answer(method, path, fields, body).status == 400
    assert world.answer(method, path, fields, b'{"a":2}').status == 401
    assert world.answer(method, path, without, body).status == 401
    assert world.answer(method, "/apps/1/batch_events", fields, body).status == 401
    assert world.answer(method, path, {**fields, "info": "y"}, body).status == 401
    assert world.answer(method, path, {**fields, "more": "z"}, body).status == 401
    assert world.answer(method, path, {}, body).status == 401


def test_nothing_is_said_or_done_before_the_signature_is_checked(world: World) -> None:
    peer = world.connect()
    peer.sign_in(id="ann")
    answer = world.request("POST", "/apps/1/users/ann/terminate_connections", b"{}", auth_signature="bad")
    assert answer.status == 401
    assert peer.closed is None


def test_a_path_may_be_signed_before_or_after_percent_encoding(world: World) -> None:
    peer = world.connect()
    peer.sign_in(id="a b")
    assert world.post("/apps/1/users/a%20b/terminate_connections", {}).status == 200
    assert peer.closed
