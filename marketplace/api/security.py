"""Who is asking, and may the request be believed: sessions, tokens, origins, limits."""

from __future__ import annotations

import math
import time
from urllib.parse import urlsplit

from flask import Flask, Request, request, session
from flask_limiter import RateLimitExceeded
from flask_limiter.util import get_remote_address
from flask_login import current_user
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.routing import BaseConverter

from marketplace import accounts
from marketplace.accounts import Viewer
from marketplace.errors import InvalidOrigin, Malformed, SessionRequired, Unauthenticated
from marketplace.extensions import limiter, login
from marketplace.runtime import runtime

#: Where a session says in which epoch of its account it began.
SESSION_EPOCH = "epoch"
#: Of things that are kept and that one account may make: drafts and tokens together.
CREATIONS_PER_ACCOUNT = "60 per minute"
#: Pictures that one account may send. Rendering one takes a second.
UPLOADS_PER_ACCOUNT = "30 per minute; 600 per hour"
#: Routes that take a file, as ``multipart/form-data``, and how large a request of theirs may be.
_UPLOADS = frozenset({"pictures.add_picture", "web.add_picture"})
MAX_UPLOAD_BYTES = 20 * 1024 * 1024
#: Forms with a long text in them: ten thousand characters are up to 120,000 bytes as a form sends them.
_LONG_FORMS = frozenset({"web.sell", "web.edit", "web.preview_rules"})
MAX_LONG_FORM_BYTES = 256 * 1024
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
#: Signed by Channels and by Stripe, sent without cookies.
_SIGNED_PATHS = frozenset({"/pusher/webhooks", "/payments/stripe/webhook"})


class IdConverter(BaseConverter):
    """An id in a path: a positive number that fits into the database; anything else is not found."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """The number."""
        return int(value)


def register(app: Flask) -> None:
    """Put the checks in front of every request."""
    app.before_request(_check_origin)
    app.before_request(_check_body)
    app.before_request(_check_door)
    app.before_request(_admit_large_body)
    login.user_loader(_viewer_of_session)
    login.request_loader(_viewer_of_token)


# --- who is asking ---


def viewer() -> Viewer | None:
    """Who is asking, if they said so."""
    # The real object behind flask-login's proxy, so that every access does not look it up again.
    found = current_user._get_current_object()  # noqa: SLF001
    return found if isinstance(found, Viewer) else None


def require_viewer() -> Viewer:
    """Who is asking.

    Raises:
        Unauthenticated: nobody we know.
    """
    found = viewer()
    if found is None:
        raise Unauthenticated
    return found


def session_viewer() -> Viewer | None:
    """Who is asking with a session; with a token, nobody."""
    return viewer() if _bearer(request) is None else None


def require_session() -> Viewer:
    """Who is asking, for what a token must not do: whoever has got hold of one could shut its owner out.

    Raises:
        Unauthenticated: nobody we know.
        SessionRequired: somebody with a token.
    """
    require_viewer()
    found = session_viewer()
    if found is None:
        raise SessionRequired
    return found


def _viewer_of_session(user_id: str) -> Viewer | None:
    # A request that brings a token speaks for the token's owner alone.
    if _bearer(request) is not None:
        return None
    return accounts.viewer_for_session(int(user_id), session.get(SESSION_EPOCH, 0))


def _viewer_of_token(incoming: Request) -> Viewer | None:
    token = _bearer(incoming)
    return accounts.viewer_for_token(token) if token else None


def _bearer(incoming: Request) -> str | None:
    scheme, _, token = incoming.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


# --- may it be believed ---


def _check_origin() -> None:
    """A change made with a cookie must come from our own pages.

    Browsers say where a request comes from in ``Origin`` and ``Sec-Fetch-Site``. A request without a session
    proves nothing by its cookie and is let through unless it says that it comes from elsewhere.
    """
    if request.method in _SAFE_METHODS or request.path in _SIGNED_PATHS or _bearer(request) is not None:
        return
    origin = request.headers.get("Origin")
    if origin is not None:
        if not _own_origin(origin):
            raise InvalidOrigin
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site == "same-origin" or (site is None and "_user_id" not in session):
        return
    raise InvalidOrigin


def _own_origin(origin: str) -> bool:
    if origin in runtime().config.allowed_origins:
        return True
    parts = urlsplit(origin)
    return (parts.scheme, parts.netloc) == (request.scheme, request.host)


def _check_body() -> None:
    """A body for the API must be a JSON object: told apart from one with wrong fields."""
    if request.method in _SAFE_METHODS or not request.path.startswith("/api/"):
        return
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        return
    if request.endpoint in _UPLOADS:
        if request.mimetype != "multipart/form-data":
            raise UnsupportedMediaType("Send the picture as multipart/form-data, in the field `file`.")
        return
    if not request.is_json:
        raise UnsupportedMediaType("Send the body as application/json.")
    try:
        body = request.get_json()
    except RecursionError:
        raise Malformed("The body is nested too deeply.") from None
    if not isinstance(body, dict):
        raise Malformed("The body must be a JSON object.")


# --- may it be seen ---


def _check_door() -> None:
    """Whatever is asked of an auction that whoever asks may not see: it does not exist.

    For every route with an auction in its path, and before it, so that none can answer otherwise. Strangers
    who are not logged in are asked to do so for every id alike, or find nothing when the auction is read.
    """
    auction_id = (request.view_args or {}).get("auction_id")
    user = viewer() if auction_id is not None else None
    if auction_id is not None and user is not None:
        runtime().doorkeeper.check(auction_id, user)


def _admit_large_body() -> None:
    """Let a large body in where one is taken, once it is known from whom: nothing is read before."""
    most = MAX_UPLOAD_BYTES if request.endpoint in _UPLOADS else MAX_LONG_FORM_BYTES
    if request.endpoint in _UPLOADS | _LONG_FORMS:
        require_viewer()
        request.max_content_length = most


# --- limits ---


def _account_or_address() -> str:
    user = viewer()
    return f"account {user.id}" if user is not None else get_remote_address()


# Shared: the pages' forms and the API count together.
limit_creations = limiter.shared_limit(CREATIONS_PER_ACCOUNT, scope="creations", key_func=_account_or_address)
limit_uploads = limiter.shared_limit(UPLOADS_PER_ACCOUNT, scope="uploads", key_func=_account_or_address)


def seconds_until_reset(error: RateLimitExceeded) -> int:
    """For how long the limit that was exceeded will refuse."""
    longest: int = error.limit.limit.get_expiry()
    current = limiter.current_limit
    if current is None:
        return longest
    return min(max(1, math.ceil(current.reset_at - time.time())), longest)
