"""The signed session cookie, checked once and then remembered for a moment."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

#: For how long a cookie that was found genuine is not checked again. Its signature cannot change meanwhile,
#: and a session that ends in this time ends that much later.
REMEMBERED_SECONDS = 30.0
_MAX_REMEMBERED = 10_000


class RememberedSessions(SecureCookieSessionInterface):
    """Flask's sessions. Taking the signature apart took a sixth of a bid's time, and most bids repeat one."""

    def __init__(self) -> None:
        self._genuine: dict[str, tuple[float, dict[str, Any]]] = {}

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a request; an empty one when its cookie is missing, forged or too old."""
        cookie = request.cookies.get(self.get_cookie_name(app))
        if not cookie:
            return self.session_class()
        now = time.monotonic()
        known = self._genuine.get(cookie)
        if known is not None and now < known[0]:
            # A copy: what this request does to its session must not reach another.
            return self.session_class(dict(known[1]))
        session = super().open_session(app, request)
        if session:
            if len(self._genuine) >= _MAX_REMEMBERED:
                self._genuine.clear()
            self._genuine[cookie] = (now + REMEMBERED_SECONDS, dict(session))
        return session

    def save_session(self, app: Flask, session: SecureCookieSession, response: Response) -> None:  # type: ignore[override]
        """As Flask does, except for what is open to every cache: that depends on nobody's cookies.

        flask-login looks into the session after every request, for which Flask adds ``Vary: Cookie``, and
        then no shared cache would give the answer to two people.
        """
        if not response.cache_control.public or session.modified:
            super().save_session(app, session, response)
