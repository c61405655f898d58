"""The debug console: what is connected, what passes, and a form to send an event.

It shows everyone's messages and can send any, without the app's secret. So it answers only to this machine,
only under a loopback name (or a hostile domain could be rebound to 127.0.0.1), and gives its data
to no page but its own (or any page open in the same browser could read and send).
"""

import ipaddress
import time
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from typing import Any

from aiohttp import web

from marketplace.channels_server import rest, wire
from marketplace.channels_server.protocol import App, Channel, Connection, Noted

MAX_RECENT = 500
MAX_LISTED = 500
MAX_DETAIL = 2000
"""Characters of one happening that are kept."""

_FILES = Path(__file__).parent / "console"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

Handler = Callable[[web.Request], Awaitable[web.Response]]
Publish = Callable[[Any], rest.Answer]


class Console:
    """Remembers what happened lately and shows it. ``publish`` sends an event given as for the HTTP API."""

    def __init__(self, app: App, *, publish: Publish) -> None:
        self._app = app
        self._publish = publish
        self._recent: deque[dict[str, Any]] = deque(maxlen=MAX_RECENT)
        self._noted = 0

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/", _guarded(self._page, navigable=True))
        router.add_get("/console/{name:console\\.(?:css|js)}", _guarded(self._file))
        router.add_get("/console/state", _guarded(self._state))
        router.add_post("/console/events", _guarded(self._trigger))

    def note(self, noted: Noted) -> None:
        self._noted += 1
        self._recent.append(
            {
                "id": self._noted,
                "at": time.time_ns() // 1_000_000,
                "kind": noted.kind,
                "channel": noted.channel,
                "detail": noted.detail[:MAX_DETAIL],
            }
        )

    async def _page(self, _: web.Request) -> web.Response:
        return _file("console.html")

    async def _file(self, request: web.Request) -> web.Response:
        return _file(request.match_info["name"])

    async def _state(self, request: web.Request) -> web.Response:
        """Everything the page shows; of the happenings only those after the last it knows."""
        after = request.query.get("after", "")
        known = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0
        if known > self._noted:
            # The page has seen more than ever happened here: this server is younger than the page.
            known = 0
        app = self._app
        state = {
            "appId": app.settings.app_id,
            "key": app.settings.key,
            "totals": {
                "connections": len(app.connections),
                "channels": len(app.channels),
                "users": len(app.users),
            },
            "connections": [_connection(each) for each in islice(app.connections.values(), MAX_LISTED)],
            "channels": [_channel(each) for each in islice(app.channels.values(), MAX_LISTED)],
            "happenings": [each for each in self._recent if each["id"] > known],
        }
        return web.json_response(state, dumps=wire.dump)

    async def _trigger(self, request: web.Request) -> web.Response:
        # A form of another site cannot send this type without a preflight, which is never answered.
        if request.content_type != "application/json":
            return web.Response(status=415, text="Send JSON")
        try:
            fields = wire.parse(await request.read())
        except ValueError:
            return web.Response(status=400, text="The body must be JSON")
        return answered(self._publish(fields))


def answered(answer: rest.Answer) -> web.Response:
    """An answer of the HTTP API as HTTP."""
    if isinstance(answer.content, str):
        return web.Response(status=answer.status, text=answer.content)
    return web.json_response(answer.content, status=answer.status, dumps=wire.dump)


def _guarded(handler: Handler, *, navigable: bool = False) -> Handler:
    """Only for this machine and this page. A link from elsewhere may open what is ``navigable``."""

    async def guarded(request: web.Request) -> web.Response:
        if not _is_local(request) or not (
            _is_same_origin(request) or (navigable and _is_navigation(request))
        ):
            return web.Response(
                status=403, text="The console is for this machine: open it as http://localhost"
            )
        response = await handler(request)
        response.headers.update(_HEADERS)
        return response

    return guarded


def _is_local(request: web.Request) -> bool:
    try:
        name = request.url.host or ""
    except ValueError:
        return False
    return _is_loopback(request.remote or "") and (name == "localhost" or _is_loopback(name))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _is_same_origin(request: web.Request) -> bool:
    # Every browser sends one of the two with a request a page makes; a tool like curl sends neither.
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin", f"http://{request.host}")
    return site in ("same-origin", "none") and origin == f"http://{request.host}"


def _is_navigation(request: web.Request) -> bool:
    return request.headers.get("Sec-Fetch-Mode") == "navigate"


def _file(name: str) -> web.Response:
    types = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
    path = _FILES / name
    return web.Response(body=path.read_bytes(), content_type=types[path.suffix], charset="utf-8")


def _connection(connection: Connection) -> dict[str, Any]:
    return {
        "socketId": connection.socket_id,
        "userId": connection.user_id,
        "channels": list(islice(connection.channels, 20)),
        "channelCount": len(connection.channels),
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "name": channel.name,
        "subscribers": len(channel.subscribers),
        "members": [
            {"id": member.user_id, "tabs": member.connections} for member in channel.members.values()
        ],
    }
