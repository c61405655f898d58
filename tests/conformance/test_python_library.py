"""The unmodified ``pusher`` library: what it asks for is done, and what is wrong is a real error."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import time
from collections.abc import Callable

import pytest
from pusher.errors import PusherBadAuth, PusherBadRequest, PusherBadStatus, PusherForbidden

from .conftest import Backend, Server, wait_for

numbers = itertools.count(1)


def signed(server: Server, method: str, path: str, body: bytes = b"", *, age: int = 0) -> str:
    """The query of a true signature made ``age`` seconds ago."""
    fields = {
        "auth_key": server.key,
        "auth_timestamp": str(int(time.time()) - age),
        "auth_version": "1.0",
        "body_md5": hashlib.md5(body).hexdigest(),
    }
    query = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
    text = f"{method}\n{path}\n{query}"
    return f"{path}?{query}&auth_signature={server.sign(text).partition(':')[2]}"


EVENT = b'{"name":"e","channels":["a"],"data":"{}"}'


def test_a_wrong_secret_or_key_is_bad_auth(server: Server) -> None:
    for wrong in ({"secret": "wrong"}, {"key": "wrong"}):
        with pytest.raises(PusherBadAuth):
            server.library(**wrong).trigger("a", "e", {})
        with pytest.raises(PusherBadAuth):
            server.library(**wrong).channels_info()


def test_a_tampered_body_is_401(server: Server) -> None:
    target = signed(server, "POST", "/apps/1/events", EVENT)
    assert server.request("POST", target, EVENT)[0] == 200
    assert server.request("POST", target, EVENT.replace(b'"a"', b'"b"'))[0] == 401


@pytest.mark.parametrize(("age", "status"), [(590, 200), (610, 401), (-590, 200), (-610, 401), (86_400, 401)])
def test_a_timestamp_over_600_seconds_away_is_401(server: Server, age: int, status: int) -> None:
    assert server.get(signed(server, "GET", "/apps/1/channels", age=age))[0] == status


def test_an_unknown_app_is_404_and_a_disabled_one_403(
    server: Server, start_server: Callable[..., Server]
) -> None:
    with pytest.raises(PusherBadStatus, match=r"^404"):
        server.library(app_id="2").trigger("a", "e", {})
    with pytest.raises(PusherForbidden):
        start_server("--disabled").library().trigger("a", "e", {})


def test_an_oversize_event_is_413_to_the_byte(server: Server) -> None:
    server.library().trigger("a", "e", "x" * 10_240)
    with pytest.raises(PusherBadStatus, match=r"^413"):
        server.library().trigger("a", "e", "x" * 10_241)


def test_a_body_beyond_all_measure_is_413(server: Server) -> None:
    body = b"x" * (2 * 1024 * 1024)
    assert server.request("POST", signed(server, "POST", "/apps/1/events", body), body)[0] == 413


def test_bad_attributes_are_400(server: Server) -> None:
    library = server.library()
    for refused in (
        lambda: library.trigger_batch([{"channel": "a", "name": "e", "data": ""}] * 11),
        lambda: library.channel_info("a", ["user_count"]),
        lambda: library.channels_info(attributes=["user_count"]),
        lambda: library.users_info("a"),
        lambda: library.channel_info("a", ["nonsense"]),
    ):
        with pytest.raises(PusherBadRequest):
            refused()


def test_a_hundred_channels_and_a_batch_of_ten_are_taken(server: Server) -> None:
    raw = server.connect().establish()
    for name in ("c0", "c99"):
        raw.subscribe(name)
    library = server.library()
    assert library.trigger([f"c{number}" for number in range(100)], "e", "x") == {}
    assert (
        library.trigger_batch([{"channel": "c0", "name": f"e{number}", "data": ""} for number in range(10)])
        == {}
    )
    got = [raw.receive_event(event) for event in ("e", "e", *(f"e{number}" for number in range(10)))]
    assert [message["channel"] for message in got] == ["c0", "c99", *["c0"] * 10]
    raw.close()


def test_queries_tell_what_is_true(server: Server) -> None:
    raws = [server.connect().establish() for _ in range(3)]
    name = f"private-asked-{next(numbers)}"
    for raw in raws:
        raw.subscribe(name)
    library = server.library()
    assert library.channel_info(name, ["subscription_count"]) == {"occupied": True, "subscription_count": 3}
    assert library.channels_info("private-asked") == {"channels": {name: {}}}
    for raw in raws:
        raw.close()
    wait_for(lambda: library.channel_info(name) == {"occupied": False})


# Webhooks.


def reported(backend: Backend, channel: str) -> list[str]:
    return [event["name"] for event in backend.events() if event.get("channel") == channel]


def test_webhooks_are_signed_so_that_the_library_accepts_them(server: Server, backend: Backend) -> None:
    channel = f"private-hook-{next(numbers)}"
    raw = server.connect().establish()
    raw.subscribe(channel)
    raw.send("client-hello", {"a": 1}, channel=channel)
    wait_for(lambda: reported(backend, channel) == ["channel_occupied", "subscription_count", "client_event"])
    raw.close()
    left = time.monotonic()
    wait_for(lambda: reported(backend, channel)[3:] == ["subscription_count", "channel_vacated"])
    assert time.monotonic() - left > 2.5


def test_a_tampered_or_stale_webhook_is_not_accepted(server: Server, backend: Backend) -> None:
    """The control: the library does refuse what is not right."""
    server.connect().establish().subscribe(f"control-{next(numbers)}")
    delivery = wait_for(lambda: backend.deliveries and backend.deliveries[-1])
    key, signature = delivery.headers["X-Pusher-Key"], delivery.headers["X-Pusher-Signature"]
    assert backend.library.validate_webhook(key, signature, delivery.body)
    assert not backend.library.validate_webhook(key, signature, delivery.body + b" ")
    old = b'{"time_ms":%d,"events":[]}' % ((time.time() - 400) * 1000)
    old_signature = hmac.new(server.secret.encode(), old, hashlib.sha256).hexdigest()
    assert not backend.library.validate_webhook(key, old_signature, old)


def test_a_refused_webhook_is_sent_again_unchanged_and_later(server: Server, backend: Backend) -> None:
    wait_for(lambda: time.sleep(0.5) or True)
    before = len(backend.deliveries)
    backend.failures = 2
    raw = server.connect().establish()
    raw.subscribe(f"retried-{next(numbers)}")
    first, second, third = wait_for(
        lambda: len(backend.deliveries) >= before + 3 and backend.deliveries[before : before + 3]
    )
    assert first.body == second.body == third.body
    assert second.at - first.at > 0.9
    assert third.at - second.at > 1.9
    raw.close()


def test_a_page_reload_is_not_reported(server: Server, backend: Backend) -> None:
    channel = f"private-reload-{next(numbers)}"
    for _ in range(3):
        raw = server.connect().establish()
        raw.subscribe(channel)
        wait_for(lambda: "channel_occupied" in reported(backend, channel))
        raw.close()
    raw = server.connect().establish()
    raw.subscribe(channel)
    time.sleep(4)
    assert [name for name in reported(backend, channel) if name != "subscription_count"] == [
        "channel_occupied"
    ]
    raw.close()
