"""Talking to Channels through the ``pusher`` library, within the limits of what Channels accepts."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pusher
from limits import RateLimitItemPerSecond
from pusher.errors import PusherBadRequest, PusherError
from requests.exceptions import RequestException

from marketplace.config import Config
from marketplace.limits import SharedLimit

log = logging.getLogger(__name__)

_SIGNATURE = re.compile(r"[0-9a-f]{64}")

#: One request may hold this many events, https://pusher.com/docs/channels/library_auth_reference/rest-api/
MAX_BATCH = 10
#: Requests a second that the whole application allows itself.
REQUESTS_PER_SECOND = 90
#: How long a request to Channels may take.
TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Message:
    """One event on one channel; ``data`` is JSON text, sent as it is."""

    channel: str
    event: str
    data: str
    #: A connection that is not told.
    except_socket: str | None = None

    def in_batch(self) -> dict[str, str]:
        """As ``trigger_batch`` takes it."""
        event = {"channel": self.channel, "name": self.event, "data": self.data}
        return event if self.except_socket is None else event | {"socket_id": self.except_socket}


class ChannelsRefused(Exception):
    """Channels will never take one of these messages, however often it is sent."""


class ChannelsDown(Exception):
    """Channels did not take the events; they stay in the outbox."""


def budget(redis_url: str, per_second: int = REQUESTS_PER_SECOND) -> SharedLimit:
    """How many requests may go to Channels: one budget for all processes."""
    return SharedLimit(redis_url, "channels", [RateLimitItemPerSecond(per_second)])


class Publisher:
    """Sends messages. Each thread and each forked process has a client of its own: it holds one session."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._local = threading.local()

    def send(self, messages: Sequence[Message]) -> None:
        """Send one request with at most ten messages.

        Raises:
            ChannelsRefused: something in it is not acceptable; nothing was taken.
            ChannelsDown: it was not answered in time, or not now. Some or all may still have been taken.
        """
        client = self._client()
        try:
            if len(messages) == 1:
                [message] = messages
                client.trigger(message.channel, message.event, message.data, message.except_socket)
            else:
                # A fresh list each time: the library replaces the data in the one it is given.
                client.trigger_batch([message.in_batch() for message in messages])
        except PusherBadRequest as error:
            raise ChannelsRefused(str(error)) from error
        except (PusherError, RequestException, ValueError) as error:
            raise ChannelsDown(str(error)) from error

    def subscription_counts(self, prefix: str) -> dict[str, int]:
        """How many subscribe to each channel whose name begins so; nobody to those that are missing.

        Raises:
            ChannelsRefused: the Channels app does not count subscriptions.
            ChannelsDown: there was no answer in time, or none that makes sense.
        """
        try:
            answer = self._client().channels_info(prefix_filter=prefix, attributes=["subscription_count"])
            found = {name: each.get("subscription_count") for name, each in answer["channels"].items()}
        except PusherBadRequest as error:
            raise ChannelsRefused(str(error)) from error
        except (PusherError, RequestException, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ChannelsDown(str(error)) from error
        if not all(isinstance(count, int) for count in found.values()):
            raise ChannelsRefused("The channels were listed without subscription_count")
        return found

    def authorize(self, channel: str, socket_id: str, member: dict[str, object] | None) -> dict[str, str]:
        """Sign a subscription. The caller has checked the name, the socket id and the permission."""
        return dict(self._client().authenticate(channel=channel, socket_id=socket_id, custom_data=member))

    def authenticate_user(self, socket_id: str, user: dict[str, object]) -> dict[str, str]:
        """Sign a connection in as a user. The caller has checked both."""
        return dict(self._client().authenticate_user(socket_id, user))

    def genuine_webhook(self, key: str, signature: str, body: str) -> dict[str, Any] | None:
        """The content of a webhook that Channels signed in the last five minutes; None for any other."""
        if not _SIGNATURE.fullmatch(signature):
            return None
        try:
            content = self._client().validate_webhook(key, signature, body)
        except (ValueError, TypeError, AttributeError):
            # Signed, but not what Channels sends.
            return None
        return content if isinstance(content, dict) else None

    def _client(self) -> pusher.Pusher:
        # The process id, because a forked child inherits the thread's client and must not share its socket.
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.pid = os.getpid()
            self._local.client = pusher.Pusher(
                app_id=self._config.pusher_app_id,
                key=self._config.pusher_key,
                secret=self._config.pusher_secret,
                host=self._config.pusher_rest_host,
                port=self._config.pusher_port,
                ssl=self._config.pusher_ssl,
                timeout=TIMEOUT_SECONDS,
            )
        client: pusher.Pusher = self._local.client
        return client
