"""Accounts: registering, checking passwords, and bearer tokens."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass

from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from .errors import EmailTaken, NotFound, WrongCredentials
from .extensions import db
from .models import ApiToken, User
from .transactions import transaction

#: Tokens start with this, so that they are recognized where they should not be.
TOKEN_PREFIX = "mkt_"  # noqa: S105
#: For how long a session's account is remembered before it is read again.
VIEWER_SECONDS = 5.0
_VIEWERS_KEPT = 10_000

# Checked when the e-mail address is unknown, so that the answer takes as long as for a wrong password.
_NOBODYS_HASH = generate_password_hash(secrets.token_hex())


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who makes a request, with what every request needs to know. What flask-login calls a user."""

    id: int
    display_name: str
    email: str
    is_admin: bool

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """The id as flask-login keeps it in the session."""
        return str(self.id)


def register(*, email: str, password: str, display_name: str, is_admin: bool = False) -> Viewer:
    """Open an account.

    Raises:
        EmailTaken: somebody has one under this e-mail address.
    """
    user = User(
        email=email.strip(),
        display_name=display_name.strip(),
        password_hash=generate_password_hash(password),
        is_admin=is_admin,
    )
    try:
        with transaction():
            db.session.add(user)
    except IntegrityError as error:
        raise EmailTaken from error
    return _viewer(user)


def authenticate(*, email: str, password: str) -> Viewer:
    """The account that this e-mail address and password open.

    Raises:
        WrongCredentials: none; the answer does not tell which of the two was wrong.
    """
    with transaction():
        user = db.session.scalar(select(User).where(func.lower(User.email) == email.strip().lower()))
        right = check_password_hash(user.password_hash if user else _NOBODYS_HASH, password)
        if user is None or not right:
            raise WrongCredentials
        if not user.password_hash.startswith(_current_method()):
            user.password_hash = generate_password_hash(password)
        return _viewer(user)


def issue_token(user_id: int, *, name: str) -> tuple[ApiToken, str]:
    """A new bearer token: its record, and the token itself, which cannot be had again."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    record = ApiToken(user_id=user_id, name=name, token_hash=token_hash(token))
    with transaction():
        db.session.add(record)
    return record, token


def tokens(user_id: int) -> list[ApiToken]:
    """The user's tokens, newest first."""
    query = select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.id.desc())
    return list(db.session.scalars(query))


def revoke_token(user_id: int, token_id: int) -> None:
    """Make a token worthless, at once.

    Raises:
        NotFound: the user has no such token.
    """
    with transaction():
        gone = db.session.execute(
            delete(ApiToken)
            .where(ApiToken.id == token_id, ApiToken.user_id == user_id)
            .returning(ApiToken.id)
        ).all()
    if not gone:
        raise NotFound


def viewer_for_token(token: str) -> Viewer | None:
    """Whose token this is; read every time, so that a revoked one fails at once."""
    if not token.startswith(TOKEN_PREFIX):
        return None
    return _read_viewer(
        _VIEWER.join(ApiToken, ApiToken.user_id == User.id).where(ApiToken.token_hash == token_hash(token))
    )


def viewer_for_session(user_id: int) -> Viewer | None:
    """The account of a session; remembered for a few seconds, so that a bid costs no extra query."""
    return _viewers.get(user_id)


class _Viewers:
    """A small cache of accounts, per process."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[float, Viewer]] = {}
        self._lock = threading.Lock()

    def get(self, user_id: int) -> Viewer | None:
        now = time.monotonic()
        kept = self._kept.get(user_id)
        if kept is not None and now - kept[0] < VIEWER_SECONDS:
            return kept[1]
        viewer = _read_viewer(_VIEWER.where(User.id == user_id))
        if viewer is None:
            return None
        with self._lock:
            if len(self._kept) >= _VIEWERS_KEPT:
                self._kept.clear()
            self._kept[user_id] = (now, viewer)
        return viewer

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


_viewers = _Viewers()


def forget_viewers() -> None:
    """Read every account anew."""
    _viewers.clear()


_VIEWER = select(User.id, User.display_name, User.email, User.is_admin)


def _read_viewer(query: Select[int, str, str, bool]) -> Viewer | None:
    # Not in the request's session: a request that then waits, for the bidding desk or for a lock, must not
    # keep a connection from the pool meanwhile.
    with db.engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    return Viewer(*row) if row else None


def _viewer(user: User) -> Viewer:
    return Viewer(user.id, user.display_name, user.email, user.is_admin)


def token_hash(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def _current_method() -> str:
    """The method and cost that new hashes have; an older hash is replaced at the next log-in."""
    return _NOBODYS_HASH.split("$", 1)[0] + "$"
