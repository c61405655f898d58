"""What every answer carries: a request id, and headers that make browsers careful."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: Where the id of a request is in its WSGI environment.
REQUEST_ID = "marketplace.request_id"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_ALWAYS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
]


class AnswerHeaders:
    """WSGI middleware; here and not in ``after_request`` because it costs a tenth of that."""

    def __init__(self, app: WSGIApp) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _ACCEPTABLE_ID.fullmatch(given) else secrets.token_hex(8)
        environ[REQUEST_ID] = request_id

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers = [*headers, *_ALWAYS, ("X-Request-Id", request_id)]
            if not any(name.lower() == "cache-control" for name, _ in headers):
                headers.append(("Cache-Control", "no-store"))
            return start_response(status, headers, exc_info)

        return self._app(environ, start)
