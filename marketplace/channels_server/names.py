"""Channel and event names: which are allowed, and what a name says about its channel.

Source of the rules: https://pusher.com/docs/channels/using_channels/channels/#channel-naming-conventions
"""

import re
from typing import TypeGuard

MAX_CHANNEL_NAME = 200
MAX_EVENT_NAME = 200
MAX_USER_ID = 128
SERVER_TO_USER = "#server-to-user-"

_CHANNEL = re.compile(r"[-a-zA-Z0-9_=@,.;]{1,200}")
_SOCKET_ID = re.compile(r"[0-9]+\.[0-9]+")
_VERSION = re.compile(r"[0-9][-+.0-9A-Za-z]{0,63}")
_CACHED = ("cache-", "private-cache-", "private-encrypted-cache-", "presence-cache-")


def is_channel(name: object) -> TypeGuard[str]:
    """Whether this is a channel anyone may name; ``#`` is reserved for the server."""
    return isinstance(name, str) and _CHANNEL.fullmatch(name) is not None


def is_target(name: object) -> TypeGuard[str]:
    """Whether the HTTP API may send to this name: a channel, or one user's own channel."""
    return is_channel(name) or (
        isinstance(name, str) and bool(user_of(name)) and len(name) <= MAX_CHANNEL_NAME
    )


def is_event(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and 0 < len(name) <= MAX_EVENT_NAME


def is_user_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= MAX_USER_ID


def is_socket_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _SOCKET_ID.fullmatch(value) is not None


def is_version(value: str) -> bool:
    """Whether this looks like a client library's version."""
    return _VERSION.fullmatch(value) is not None


def is_presence(channel: str) -> bool:
    return channel.startswith("presence-")


def is_cached(channel: str) -> bool:
    return channel.startswith(_CACHED)


def needs_signature(channel: str) -> bool:
    return channel.startswith(("private-", "presence-"))


def takes_client_events(channel: str) -> bool:
    """Private and presence channels; not encrypted ones, whose clients could not read them."""
    return needs_signature(channel) and not channel.startswith("private-encrypted-")


def user_of(channel: str) -> str | None:
    """The user whose own channel this is (``#server-to-user-ID``), or None."""
    return channel.removeprefix(SERVER_TO_USER) if channel.startswith(SERVER_TO_USER) else None
