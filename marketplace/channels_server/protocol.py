"""The Channels protocol without I/O: who is connected, who hears what, who must go.

A shell feeds an ``App`` what happens (a socket opened, a message arrived, a socket closed, time passed) and
carries out the effects it collects, in order. Time is always an argument: monotonic seconds.

Source: https://pusher.com/docs/channels/library_auth_reference/pusher-websockets-protocol (protocol 7)
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from marketplace.channels_server import names, signatures, webhooks, wire
from marketplace.channels_server.settings import Settings

PROTOCOLS = range(5, 8)
MAX_USER_OBJECT = 1024
MAX_CACHED_CHANNELS = 10_000
CLIENT_EVENT_WINDOW = 1.0
SWEEP_INTERVAL = 1.0


class Connection:
    """One WebSocket. ``outlet`` belongs to the shell, which reaches the peer through it."""

    __slots__ = (
        "active_at",
        "authorized",
        "channels",
        "client_events",
        "client_events_since",
        "heard_at",
        "is_open",
        "opened_at",
        "outlet",
        "pinged_at",
        "socket_id",
        "user_id",
        "user_info",
        "watchlist",
    )

    def __init__(self, socket_id: str, outlet: Any, now: float) -> None:
        self.socket_id = socket_id
        self.outlet = outlet
        self.is_open = True
        self.opened_at = self.heard_at = self.active_at = now
        self.pinged_at: float | None = None
        self.authorized = False
        self.channels: dict[str, Channel] = {}
        self.user_id: str | None = None
        self.user_info: Any = None
        self.watchlist: Sequence[str] = ()
        self.client_events = 0
        self.client_events_since = now


class Member:
    """A user in a presence channel, on one or more connections."""

    __slots__ = ("connections", "info", "user_id")

    def __init__(self, user_id: str, info: Any) -> None:
        self.user_id = user_id
        self.info = info
        self.connections = 0


class Channel:
    """An occupied channel. ``subscribers`` maps each connection to its member (None outside presence)."""

    __slots__ = ("counted_at", "members", "name", "subscribers")

    def __init__(self, name: str) -> None:
        self.name = name
        self.subscribers: dict[Connection, Member | None] = {}
        self.members: dict[str, Member] = {}
        self.counted_at = float("-inf")


class Cached(NamedTuple):
    """The last event of a cache channel, kept whether anyone listens or not."""

    text: str
    data: str
    expires_at: float


class Send(NamedTuple):
    """Send one text message to these connections; encode it once."""

    to: Sequence[Connection]
    text: str


class Close(NamedTuple):
    """Close this connection; the app has already forgotten it."""

    connection: Connection
    code: int
    reason: str


class Noted(NamedTuple):
    """Something worth showing in a debug console or counting."""

    kind: str
    channel: str
    detail: str


Effect = Send | Close | Noted


class Rejected(Exception):
    """This socket may not stay; close it with ``code`` and ``reason``."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Refused(Exception):
    """A message is answered with ``pusher:error``; the connection stays."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.code = code


class App:
    """The whole state of one Channels app, and every decision about it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.connections: dict[str, Connection] = {}
        self.channels: dict[str, Channel] = {}
        self.users: dict[str, set[Connection]] = {}
        self.webhooks = webhooks.Outbox(grace=settings.webhook_grace)
        self._watchers: dict[str, set[Connection]] = {}
        self._cache: dict[str, Cached] = {}
        self._counts_due: dict[str, float] = {}
        self._effects: list[Effect] = []
        # The random first half sees to it that a signature made for an id means nothing after a restart.
        self._socket_id = f"{random.SystemRandom().randrange(1, 2**31)}.{{}}".format
        self._serial = count(1)
        self._now = 0.0
        self._swept_at = 0.0
        self._handlers: dict[str, Callable[[Connection, Any], None]] = {
            "pusher:ping": self._ping,
            "pusher:pong": self._pong,
            "pusher:subscribe": self._subscribe,
            "pusher:unsubscribe": self._unsubscribe,
            "pusher:signin": self._sign_in,
        }

    # What happens.

    def open(
        self, path: str, query: Mapping[str, str], outlet: Any, now: float, *, secure: bool
    ) -> Connection:
        """A socket opened. Raises Rejected if it may not stay."""
        self._now = now
        self._admit(path, query, secure)
        connection = Connection(self._socket_id(next(self._serial)), outlet, now)
        self.connections[connection.socket_id] = connection
        self._note("connected", "", connection.socket_id)
        established = {"socket_id": connection.socket_id, "activity_timeout": self.settings.activity_timeout}
        self._send([connection], "pusher:connection_established", wire.dump(established))
        return connection

    def receive(self, connection: Connection, text: str, now: float) -> None:
        """A text message arrived. Whatever it holds, this does not raise."""
        if not connection.is_open:
            return
        self._now = now
        self.heard(connection, now)
        try:
            self._dispatch(connection, text)
        except Refused as refusal:
            self._note("refused", "", f"{connection.socket_id}: {refusal}")
            self._send([connection], "pusher:error", {"code": refusal.code, "message": str(refusal)})

    def heard(self, connection: Connection, now: float) -> None:
        """Something arrived on this connection, if only a WebSocket ping: it is alive."""
        connection.heard_at = now
        connection.pinged_at = None

    def close(self, connection: Connection, now: float) -> None:
        """The socket is gone. Safe to call for one that was closed from here."""
        self._now = now
        self._forget(connection)

    def disconnect(self, connection: Connection, code: int, reason: str, now: float) -> None:
        """Close a connection from this side."""
        self._now = now
        self._expel(connection, code, reason)

    def terminate(self, user_id: str, now: float) -> None:
        """Close every connection on which this user is signed in."""
        self._now = now
        for connection in list(self.users.get(user_id, ())):
            self._expel(connection, 4009, "Connection is unauthorized: terminated by the app")

    def publish(
        self, channels: Iterable[str], event: str, data: str, now: float, *, exclude: str | None = None
    ) -> None:
        """Send an event to every subscriber of these channels but the socket ``exclude``."""
        self._now = now
        excluded = self.connections.get(exclude) if exclude else None
        for name in channels:
            text = wire.message(event, data, channel=name)
            self._note("api_message", name, f"{event} {data}")
            if names.is_cached(name):
                self._remember(name, Cached(text, data, now + self.settings.cache_ttl))
            channel = self.channels.get(name)
            if channel:
                self._deliver(channel, text, excluded)

    def cached(self, name: str, now: float) -> Cached | None:
        """The event a cache channel holds, if it has not expired."""
        cached = self._cache.get(name)
        return cached if cached and cached.expires_at > now else None

    def tick(self, now: float) -> None:
        """Time passed: call this a few times a second."""
        self._now = now
        for name, due in list(self._counts_due.items()):
            if due <= now:
                self._report_count(name)
        if now - self._swept_at >= SWEEP_INTERVAL:
            self._swept_at = now
            for connection in list(self.connections.values()):
                self._check_life(connection)
            self._expire_cache()

    def take_effects(self) -> list[Effect]:
        """What the shell must now do, in this order."""
        effects, self._effects = self._effects, []
        return effects

    # Admission.

    def _admit(self, path: str, query: Mapping[str, str], secure: bool) -> None:
        settings = self.settings
        prefix, _, key = path.rpartition("/")
        if prefix != "/app":
            raise Rejected(4005, "Path not found")
        if key != settings.key:
            raise Rejected(4001, f"App key {key[:64]} not in this server")
        if not settings.enabled:
            raise Rejected(4003, "Application disabled")
        if settings.tls_only and not secure:
            raise Rejected(4000, "Application only accepts TLS connections")
        self._check_versions(query)
        if settings.quota is not None and len(self.connections) >= settings.quota:
            raise Rejected(4004, "Application is over connection quota")
        if len(self.connections) >= settings.capacity:
            raise Rejected(4100, "Over capacity")

    @staticmethod
    def _check_versions(query: Mapping[str, str]) -> None:
        protocol = query.get("protocol", "")
        if not protocol:
            raise Rejected(4008, "No protocol version supplied")
        if protocol not in map(str, PROTOCOLS):
            raise Rejected(4007, "Unsupported protocol version")
        version = query.get("version")
        if version is not None and not names.is_version(version):
            raise Rejected(4006, "Invalid version string format")

    # Messages from clients.

    def _dispatch(self, connection: Connection, text: str) -> None:
        try:
            message = wire.parse(text)
        except ValueError:
            raise Refused("Invalid message: not JSON") from None
        event = message.get("event") if isinstance(message, dict) else None
        if not isinstance(event, str):
            raise Refused("Invalid message: expected an object with an event name")
        if event.startswith("client-"):
            self._client_event(connection, event, message)
            return
        handler = self._handlers.get(event)
        if handler is None:
            raise Refused(f"Unsupported event {event[: names.MAX_EVENT_NAME]}")
        handler(connection, message.get("data"))

    def _ping(self, connection: Connection, _: Any) -> None:
        self._send([connection], "pusher:pong", "{}")

    def _pong(self, connection: Connection, _: Any) -> None:
        """Nothing to do: that something was heard is what counts."""

    def _subscribe(self, connection: Connection, data: Any) -> None:
        fields = _object(data)
        name = fields.get("channel")
        if not names.is_target(name):
            raise Refused(f"Invalid channel name {str(name)[: names.MAX_CHANNEL_NAME]}")
        if name in connection.channels:
            raise Refused(f"Existing subscription to channel {name}")
        if len(connection.channels) >= self.settings.max_subscriptions:
            raise Refused(f"A connection may subscribe to {self.settings.max_subscriptions} channels at most")
        self._authorize(connection, name, fields)
        member = self._member(connection, name, fields) if names.is_presence(name) else None
        self._join(connection, name, member)

    def _unsubscribe(self, connection: Connection, data: Any) -> None:
        name = _object(data).get("channel")
        channel = connection.channels.get(name) if isinstance(name, str) else None
        if channel is None:
            shown = str(name)[: names.MAX_CHANNEL_NAME]
            raise Refused(f"No current subscription to channel {shown}, or subscription in progress")
        connection.active_at = self._now
        self._leave(connection, channel)

    def _client_event(self, connection: Connection, event: str, message: Mapping[str, Any]) -> None:
        if not self.settings.client_events:
            raise Refused("To send client events, enable them in the app's settings")
        name, data = message.get("channel"), message.get("data")
        channel = connection.channels.get(name) if isinstance(name, str) else None
        if channel is None or not names.takes_client_events(channel.name):
            raise Refused("Client events need a subscription to a private or presence channel")
        if not names.is_event(event):
            raise Refused(f"Event names are {names.MAX_EVENT_NAME} characters at most")
        self._count_client_event(connection)
        member = channel.subscribers[connection]
        user_id = member.user_id if member else None
        try:
            text = wire.message(event, data, channel=channel.name, user_id=user_id)
            payload = data if isinstance(data, str) else wire.dump(data)
            size = wire.size(data)
        except ValueError:
            raise Refused("Invalid message: nested too deeply") from None
        if size > self.settings.max_data:
            raise Refused(f"The data of an event is {self.settings.max_data} bytes at most")
        connection.active_at = self._now
        self._note("client_event", channel.name, f"{event} {payload}")
        self._deliver(channel, text, connection)
        details = {"event": event, "data": payload, "socket_id": connection.socket_id}
        if user_id is not None:
            details["user_id"] = user_id
        self.webhooks.add("client_event", channel.name, **details)

    def _count_client_event(self, connection: Connection) -> None:
        if self._now - connection.client_events_since >= CLIENT_EVENT_WINDOW:
            connection.client_events_since, connection.client_events = self._now, 0
        connection.client_events += 1
        limit = self.settings.max_client_events
        if connection.client_events > limit:
            raise Refused(f"Client event rejected: over the limit of {limit} a second", code=4301)

    # Who may subscribe, and as whom.

    def _authorize(self, connection: Connection, name: str, fields: Mapping[str, Any]) -> None:
        owner = names.user_of(name)
        if owner is not None and owner != connection.user_id:
            raise Refused(f"Sign in as that user to subscribe to {name}")
        if not names.needs_signature(name):
            return
        auth, channel_data = fields.get("auth"), fields.get("channel_data")
        if not auth:
            raise Refused(f"Auth info required to subscribe to {name}")
        text = f"{connection.socket_id}:{name}"
        if names.is_presence(name) and channel_data is not None:
            text += f":{channel_data}"
        self._check_signature(auth, text)
        connection.authorized = True

    def _check_signature(self, auth: object, text: str) -> None:
        if not signatures.is_signed(auth, key=self.settings.key, secret=self.settings.secret, text=text):
            given = str(auth)[:200]
            raise Refused(f"Invalid signature: Expected HMAC SHA256 hex digest of {text}, but got {given}")

    def _member(self, connection: Connection, name: str, fields: Mapping[str, Any]) -> Member:
        """The member this connection subscribes as: a new one, or the one the user's other tabs are on."""
        channel_data = fields.get("channel_data")
        if channel_data is None and connection.user_id is not None:
            user_id, info = connection.user_id, connection.user_info
        else:
            user = _user(channel_data, id_field="user_id")
            user_id, info = user["user_id"], user.get("user_info")
        members = self.channels[name].members if name in self.channels else {}
        if user_id in members:
            return members[user_id]
        if len(members) >= self.settings.max_members:
            raise Refused(f"{name} is full: {self.settings.max_members} members at most")
        return Member(user_id, info)

    def _sign_in(self, connection: Connection, data: Any) -> None:
        fields = _object(data)
        auth, user_data = fields.get("auth"), fields.get("user_data")
        if not isinstance(user_data, str):
            raise Refused("Auth info required to sign in: user_data must be a string")
        self._check_signature(auth, f"{connection.socket_id}::user::{user_data}")
        user = _user(user_data, id_field="id")
        if connection.user_id not in (None, user["id"]):
            raise Refused(f"Already signed in as {connection.user_id}")
        connection.authorized, connection.active_at = True, self._now
        self._send([connection], "pusher:signin_success", wire.dump({"user_data": user_data}))
        if connection.user_id is None:
            self._come_online(connection, user)

    # Users and those who watch them.

    def _come_online(self, connection: Connection, user: Mapping[str, Any]) -> None:
        user_id = connection.user_id = user["id"]
        connection.user_info = user.get("user_info")
        self._note("signed_in", "", f"{connection.socket_id}: {user_id}")
        online = self.users.setdefault(user_id, set())
        online.add(connection)
        if len(online) == 1:
            self._tell_watchers("online", user_id)
        self._watch(connection, user.get("watchlist"))

    def _watch(self, connection: Connection, watchlist: Any) -> None:
        if not isinstance(watchlist, list):
            return
        if len(watchlist) > self.settings.max_watchlist:
            raise Refused(f"Watchlist limit exceeded: {self.settings.max_watchlist} users at most", code=4302)
        connection.watchlist = tuple({user_id: None for user_id in watchlist if names.is_user_id(user_id)})
        for user_id in connection.watchlist:
            self._watchers.setdefault(user_id, set()).add(connection)
        if online := [user_id for user_id in connection.watchlist if user_id in self.users]:
            self._send_watchlist_event([connection], "online", online)

    def _go_offline(self, connection: Connection) -> None:
        for watched in connection.watchlist:
            _discard(self._watchers, watched, connection)
        user_id = connection.user_id
        if user_id is not None and _discard(self.users, user_id, connection):
            self._tell_watchers("offline", user_id)

    def _tell_watchers(self, change: str, user_id: str) -> None:
        if watchers := self._watchers.get(user_id):
            self._send_watchlist_event(tuple(watchers), change, [user_id])

    def _send_watchlist_event(self, to: Sequence[Connection], change: str, user_ids: list[str]) -> None:
        events = {"events": [{"name": change, "user_ids": user_ids}]}
        self._send(to, "pusher_internal:watchlist_events", wire.dump(events))

    # Coming and going.

    def _join(self, connection: Connection, name: str, member: Member | None) -> None:
        channel = self.channels.get(name)
        if channel is None:
            channel = self.channels[name] = Channel(name)
            self._note("occupied", name, "")
            if _is_reported(name):
                self.webhooks.occupied(name)
        others = tuple(channel.subscribers) if member else ()
        channel.subscribers[connection] = member
        connection.channels[name] = channel
        connection.active_at = self._now
        if member:
            self._add_member(channel, member, others)
        self._note("subscribed", name, connection.socket_id)
        self._send([connection], "pusher_internal:subscription_succeeded", _roster(channel), channel=name)
        if names.is_cached(name):
            self._replay(connection, name)
        self._count_changed(name)

    def _leave(self, connection: Connection, channel: Channel) -> None:
        member = channel.subscribers.pop(connection)
        del connection.channels[channel.name]
        self._note("unsubscribed", channel.name, connection.socket_id)
        if member:
            self._remove_member(channel, member)
        self._count_changed(channel.name)
        if not channel.subscribers:
            del self.channels[channel.name]
            self._note("vacated", channel.name, "")
            if _is_reported(channel.name):
                self.webhooks.vacated(channel.name, self._now)

    def _add_member(self, channel: Channel, member: Member, others: Sequence[Connection]) -> None:
        member.connections += 1
        if member.connections > 1:
            return
        channel.members[member.user_id] = member
        self._note("member_added", channel.name, member.user_id)
        self.webhooks.member_added(channel.name, member.user_id)
        added = wire.dump({"user_id": member.user_id, "user_info": member.info})
        self._send(others, "pusher_internal:member_added", added, channel=channel.name)

    def _remove_member(self, channel: Channel, member: Member) -> None:
        member.connections -= 1
        if member.connections:
            return
        del channel.members[member.user_id]
        self._note("member_removed", channel.name, member.user_id)
        self.webhooks.member_removed(channel.name, member.user_id, self._now)
        remaining = tuple(channel.subscribers)
        removed = wire.dump({"user_id": member.user_id})
        self._send(remaining, "pusher_internal:member_removed", removed, channel=channel.name)

    def _forget(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        connection.is_open = False
        del self.connections[connection.socket_id]
        for channel in list(connection.channels.values()):
            self._leave(connection, channel)
        self._go_offline(connection)
        self._note("disconnected", "", connection.socket_id)

    def _expel(self, connection: Connection, code: int, reason: str) -> None:
        if connection.is_open:
            self._forget(connection)
            self._effects.append(Close(connection, code, reason))

    # Subscription counts: at once while few, paced when many.

    def _count_changed(self, name: str) -> None:
        if not self.settings.subscription_counts or names.is_presence(name) or not _is_reported(name):
            return
        channel = self.channels[name]
        due = channel.counted_at + self.settings.count_interval
        if len(channel.subscribers) <= self.settings.count_unpaced or due <= self._now:
            self._report_count(name)
        else:
            self._counts_due.setdefault(name, due)

    def _report_count(self, name: str) -> None:
        self._counts_due.pop(name, None)
        channel = self.channels.get(name)
        if channel is None:
            return
        channel.counted_at = self._now
        subscribers = tuple(channel.subscribers)
        counted = {"subscription_count": len(subscribers)}
        self.webhooks.add("subscription_count", name, **counted)
        self._send(subscribers, "pusher_internal:subscription_count", wire.dump(counted), channel=name)

    # Cache channels.

    def _remember(self, name: str, cached: Cached) -> None:
        # Kept in order of expiry, so that the first is always the first to go.
        self._cache.pop(name, None)
        if len(self._cache) >= MAX_CACHED_CHANNELS:
            del self._cache[next(iter(self._cache))]
        self._cache[name] = cached

    def _replay(self, connection: Connection, name: str) -> None:
        cached = self.cached(name, self._now)
        if cached:
            self._effects.append(Send([connection], cached.text))
        else:
            self._send([connection], "pusher:cache_miss", "{}", channel=name)
            self.webhooks.add("cache_miss", name)

    def _expire_cache(self) -> None:
        for name, cached in list(self._cache.items()):
            if cached.expires_at > self._now:
                break
            del self._cache[name]

    # Signs of life.

    def _check_life(self, connection: Connection) -> None:
        settings, now = self.settings, self._now
        timeout = settings.authorization_timeout
        if timeout is not None and not connection.authorized and now - connection.opened_at >= timeout:
            self._expel(connection, 4009, "Connection not authorized within timeout")
        elif connection.pinged_at is not None and now - connection.pinged_at >= settings.pong_timeout:
            self._expel(connection, 4201, "Pong reply not received")
        elif not connection.channels and now - connection.active_at >= settings.idle_timeout:
            self._expel(connection, 4202, "Closed after inactivity")
        elif connection.pinged_at is None and now - connection.heard_at >= settings.activity_timeout:
            connection.pinged_at = now
            self._send([connection], "pusher:ping", "{}")

    # Effects.

    def _send(
        self, to: Sequence[Connection], event: str, data: object, *, channel: str | None = None
    ) -> None:
        if to:
            self._effects.append(Send(to, wire.message(event, data, channel=channel)))

    def _deliver(self, channel: Channel, text: str, excluded: Connection | None) -> None:
        to = tuple(channel.subscribers)
        if excluded in channel.subscribers:
            to = tuple(subscriber for subscriber in to if subscriber is not excluded)
        if to:
            self._effects.append(Send(to, text))

    def _note(self, kind: str, channel: str, detail: str) -> None:
        self._effects.append(Noted(kind, channel, detail))


def _is_reported(channel: str) -> bool:
    """Whether webhooks and counts speak of this channel: a user's own one is internal."""
    return names.user_of(channel) is None


def _object(data: Any) -> Mapping[str, Any]:
    """The fields of a message; some clients send them as a JSON string."""
    if isinstance(data, str):
        try:
            data = wire.parse(data)
        except ValueError:
            data = None
    if not isinstance(data, dict):
        raise Refused("Invalid message: data must be an object")
    return data


def _user(text: Any, *, id_field: str) -> dict[str, Any]:
    """The user that signed JSON describes, the id as a string. Raises Refused if it is not acceptable."""
    try:
        user = wire.parse(text)
    except (TypeError, ValueError):
        user = None
    if not isinstance(user, dict):
        raise Refused("Invalid user: expected a JSON object as a string")
    user_id = user.get(id_field)
    if type(user_id) is int:
        user_id = str(user_id)
    if not names.is_user_id(user_id):
        raise Refused(f"Invalid user: {id_field} must be 1 to {names.MAX_USER_ID} characters")
    user[id_field] = user_id
    described = {name: user[name] for name in (id_field, "user_info") if name in user}
    if wire.size(described) > MAX_USER_OBJECT:
        raise Refused(f"Invalid user: {MAX_USER_OBJECT} bytes at most")
    return user


def _roster(channel: Channel) -> str:
    """What a new subscriber is told: in presence channels who is there, elsewhere nothing."""
    if not names.is_presence(channel.name):
        return "{}"
    hash_ = {user_id: member.info for user_id, member in channel.members.items()}
    return wire.dump({"presence": {"ids": list(hash_), "hash": hash_, "count": len(hash_)}})


def _discard(groups: dict[str, set[Connection]], name: str, connection: Connection) -> bool:
    """Take the connection out of its group; whether that emptied the group."""
    group = groups.get(name)
    if group is None:
        return False
    group.discard(connection)
    if not group:
        del groups[name]
    return not group
