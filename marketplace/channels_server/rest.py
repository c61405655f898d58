"""The HTTP API without I/O: one signed request in, one answer out, its effects collected by the app.

Source: https://pusher.com/docs/channels/library_auth_reference/rest-api
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from marketplace.channels_server import names, signatures, wire
from marketplace.channels_server.protocol import App

MAX_CHANNELS = 100
MAX_BATCH = 10
MAX_BODY = 1024 * 1024
"""Bytes: ten events of 10,240 control characters, each six bytes as a JSON escape, fit with room to spare."""


class Request(NamedTuple):
    """One HTTP request; ``path`` as it was sent, ``received_at`` in Unix seconds."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    received_at: float


class Answer(NamedTuple):
    status: int
    content: dict[str, Any] | str
    """A JSON object for a success, a sentence for an error."""


class Problem(Exception):
    """The request is answered with this status and sentence."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Event(NamedTuple):
    name: str
    channels: list[str]
    data: str
    socket_id: str | None
    info: frozenset[str]


def answer(app: App, request: Request, now: float) -> Answer:
    """Decide one request; ``now`` is monotonic seconds, as everywhere in the protocol."""
    try:
        handler, arguments = _route(app, request)
        _authenticate(app, request)
        return Answer(200, handler(app, request, now, *arguments))
    except Problem as problem:
        return Answer(problem.status, str(problem))
    except signatures.BadSignature as problem:
        return Answer(401, str(problem))


def trigger(app: App, fields: Any, now: float) -> Answer:
    """Send one event for someone who need not sign, under the same rules as ``POST /apps/ID/events``."""
    try:
        return Answer(200, _publish(app, _event(app, fields), now))
    except Problem as problem:
        return Answer(problem.status, str(problem))


def _authenticate(app: App, request: Request) -> None:
    settings = app.settings
    signatures.check_request(
        key=settings.key,
        secret=settings.secret,
        method=request.method,
        paths=tuple({request.path: None, unquote(request.path): None}),
        query=request.query,
        body=request.body,
        now=request.received_at,
    )
    if not settings.enabled:
        raise Problem(403, "Application disabled")


# One function per route. Each checks everything before it changes anything.


def _trigger(app: App, request: Request, now: float) -> dict[str, Any]:
    return _publish(app, _event(app, _json(request)), now)


def _trigger_batch(app: App, request: Request, now: float) -> dict[str, Any]:
    batch = _json(request).get("batch")
    if not isinstance(batch, list):
        raise Problem(400, "batch must be a list of events")
    if len(batch) > MAX_BATCH:
        raise Problem(400, f"{MAX_BATCH} events at most in a batch, got {len(batch)}")
    events = [_event(app, fields, single=True) for fields in batch]
    for event in events:
        _publish(app, event, now)
    if not any(event.info for event in events):
        return {}
    return {"batch": [_attributes(app, event.channels[0], event.info, now) for event in events]}


def _list_channels(app: App, request: Request, now: float) -> dict[str, Any]:
    prefix = request.query.get("filter_by_prefix", "")
    info = _info(app, request.query.get("info"))
    if "user_count" in info and not names.is_presence(prefix):
        raise Problem(400, "user_count needs filter_by_prefix=presence-")
    listed = [name for name in app.channels if name.startswith(prefix) and names.user_of(name) is None]
    return {"channels": {name: _attributes(app, name, info, now) for name in listed}}


def _describe_channel(app: App, request: Request, now: float, name: str) -> dict[str, Any]:
    _check_target(name)
    info = _info(app, request.query.get("info"), (name,))
    return {"occupied": name in app.channels, **_attributes(app, name, info, now)}


def _list_users(app: App, _request: Request, _now: float, name: str) -> dict[str, Any]:
    _check_target(name)
    if not names.is_presence(name):
        raise Problem(400, "Users can only be listed for presence channels")
    channel = app.channels.get(name)
    return {"users": [{"id": user_id} for user_id in channel.members] if channel else []}


def _terminate(app: App, _request: Request, now: float, user_id: str) -> dict[str, Any]:
    if not names.is_user_id(user_id):
        raise Problem(400, f"A user id is 1 to {names.MAX_USER_ID} characters")
    app.terminate(user_id, now)
    return {}


Handler = Callable[..., dict[str, Any]]

_ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
    ("POST", re.compile(r"/apps/(?P<app>[^/]+)/events"), _trigger),
    ("POST", re.compile(r"/apps/(?P<app>[^/]+)/batch_events"), _trigger_batch),
    ("GET", re.compile(r"/apps/(?P<app>[^/]+)/channels"), _list_channels),
    ("GET", re.compile(r"/apps/(?P<app>[^/]+)/channels/(?P<name>[^/]+)"), _describe_channel),
    ("GET", re.compile(r"/apps/(?P<app>[^/]+)/channels/(?P<name>[^/]+)/users"), _list_users),
    ("POST", re.compile(r"/apps/(?P<app>[^/]+)/users/(?P<user>[^/]+)/terminate_connections"), _terminate),
    # The Python library leaves the app out; the signature says which one is meant.
    ("POST", re.compile(r"/users/(?P<user>[^/]+)/terminate_connections"), _terminate),
)


def _route(app: App, request: Request) -> tuple[Handler, list[str]]:
    allowed = False
    for method, pattern, handler in _ROUTES:
        if not (match := pattern.fullmatch(request.path)):
            continue
        if method != request.method:
            allowed = True
            continue
        arguments = {name: unquote(value) for name, value in match.groupdict().items()}
        if arguments.pop("app", app.settings.app_id) != app.settings.app_id:
            raise Problem(404, "Unknown app")
        return handler, list(arguments.values())
    raise Problem(405, "Method not allowed") if allowed else Problem(404, "Not found")


# Reading what was sent.


def _json(request: Request) -> dict[str, Any]:
    try:
        fields = wire.parse(request.body)
    except ValueError:
        raise Problem(400, "The body must be JSON") from None
    if not isinstance(fields, dict):
        raise Problem(400, "The body must be a JSON object")
    return fields


def _event(app: App, fields: Any, *, single: bool = False) -> Event:
    if not isinstance(fields, dict):
        raise Problem(400, "An event must be an object")
    name, data, socket_id = fields.get("name"), fields.get("data"), fields.get("socket_id")
    if not names.is_event(name):
        raise Problem(400, f"An event's name is 1 to {names.MAX_EVENT_NAME} characters")
    if not isinstance(data, str):
        raise Problem(400, "An event's data must be a string")
    if wire.size(data) > app.settings.max_data:
        raise Problem(413, f"The data of an event is {app.settings.max_data} bytes at most")
    if socket_id is not None and not names.is_socket_id(socket_id):
        raise Problem(400, f"Invalid socket_id {str(socket_id)[:64]}")
    channels = _channels(fields, single=single)
    return Event(name, channels, data, socket_id, _info(app, fields.get("info"), channels))


def _channels(fields: Mapping[str, Any], *, single: bool) -> list[str]:
    given = fields.get("channels") if not single else None
    channels = given if given is not None else [fields.get("channel")]
    if not isinstance(channels, list) or not channels:
        raise Problem(400, "channels must be a list of names")
    if len(channels) > MAX_CHANNELS:
        raise Problem(400, f"{MAX_CHANNELS} channels at most, got {len(channels)}")
    for name in channels:
        _check_target(name)
    return list(dict.fromkeys(channels))


def _check_target(name: Any) -> None:
    if not names.is_target(name):
        raise Problem(400, f"Invalid channel name {str(name)[:200]}")


def _info(app: App, given: Any, channels: Iterable[str] = ()) -> frozenset[str]:
    """The attributes asked for, all of which every one of these channels has."""
    if not given:
        return frozenset()
    if not isinstance(given, str):
        raise Problem(400, "info must be a comma-separated string")
    info = frozenset(name.strip() for name in given.split(","))
    if unknown := info - {"user_count", "subscription_count", "cache"}:
        raise Problem(400, f"Unknown attribute {min(unknown)[:64]}")
    if "subscription_count" in info and not app.settings.subscription_counts:
        raise Problem(400, "subscription_count is not enabled for this app")
    if "user_count" in info and not all(map(names.is_presence, channels)):
        raise Problem(400, "user_count is only available for presence channels")
    if "cache" in info and not all(map(names.is_cached, channels)):
        raise Problem(400, "cache is only available for cache channels")
    return info


# Acting and answering.


def _publish(app: App, event: Event, now: float) -> dict[str, Any]:
    app.publish(event.channels, event.name, event.data, now, exclude=event.socket_id)
    if not event.info:
        return {}
    return {"channels": {name: _attributes(app, name, event.info, now) for name in event.channels}}


def _attributes(app: App, name: str, info: frozenset[str], now: float) -> dict[str, Any]:
    channel = app.channels.get(name)
    attributes: dict[str, Any] = {}
    if "user_count" in info:
        attributes["user_count"] = len(channel.members) if channel else 0
    if "subscription_count" in info:
        attributes["subscription_count"] = len(channel.subscribers) if channel else 0
    if "cache" in info and names.is_cached(name):
        cached = app.cached(name, now)
        attributes["cache"] = {"data": cached.data, "ttl": int(cached.expires_at - now)} if cached else None
    return attributes
