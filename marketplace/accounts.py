"""Accounts: registering, checking and changing passwords, names, and bearer tokens."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from .errors import EmailTaken, NotFound, TooManyTokens, WrongCredentials, WrongPassword
from .extensions import db
from .models import ApiToken, User
from .transactions import transaction

#: Tokens start with this, so that they are recognized where they should not be.
TOKEN_PREFIX = "mkt_"  # noqa: S105
#: Of one account.
MAX_TOKENS = 50
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
    #: Of the account when it was read; a session that began in another is over.
    session_epoch: int = 0

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
    # Hashing takes a while, and nobody's connection waits for it: neither here nor in the session.
    with db.engine.connect() as connection:
        row = connection.execute(
            _VIEWER.add_columns(User.password_hash).where(func.lower(User.email) == email.strip().lower())
        ).one_or_none()
    right = check_password_hash(row.password_hash if row else _NOBODYS_HASH, password)
    if row is None or not right:
        raise WrongCredentials
    *known, stored = row
    if not stored.startswith(_current_method()):
        _rehash(row.id, stored, password)
    return Viewer(*known)


def _rehash(user_id: int, stored: str, password: str) -> None:
    fresh = generate_password_hash(password)
    with transaction():
        # Only what was checked is replaced: the password may have been changed meanwhile.
        db.session.execute(
            update(User)
            .where(User.id == user_id, User.password_hash == stored)
            .values(password_hash=fresh)
            .execution_options(synchronize_session=False)
        )


def change_password(user_id: int, *, current: str, new: str) -> Viewer:
    """Give the account another password, and end every session of it; tokens stay good.

    Both in one statement: there is no moment at which somebody who knew the old password is still let in with
    the new one set. A session that begins with the viewer that comes back goes on.

    Raises:
        WrongPassword: ``current`` is not the password.
    """
    with db.engine.connect() as connection:
        stored = connection.execute(select(User.password_hash).where(User.id == user_id)).scalar_one()
    if not check_password_hash(stored, current):
        raise WrongPassword(errors=[{"field": "currentPassword", "message": "is not the current password"}])
    fresh = generate_password_hash(new)
    with transaction():
        row = db.session.execute(
            update(User)
            .where(User.id == user_id, User.password_hash == stored)
            .values(password_hash=fresh, session_epoch=User.session_epoch + 1)
            .returning(*_VIEWER.selected_columns)
            .execution_options(synchronize_session=False)
        ).one_or_none()
    if row is None:
        # Changed meanwhile, or hashed anew by a log-in: what was checked is not what is stored.
        return change_password(user_id, current=current, new=new)
    _viewers.forget(user_id)
    return Viewer(*row)


def rename(user_id: int, display_name: str) -> Viewer:
    """Show somebody under another name from now on; what was told before keeps the old one.

    At once in this process. Others may show the old one beside a bid for ``VIEWER_SECONDS``.
    """
    with transaction():
        row = db.session.execute(
            update(User)
            .where(User.id == user_id)
            .values(display_name=display_name)
            .returning(*_VIEWER.selected_columns)
            .execution_options(synchronize_session=False)
        ).one()
    _viewers.forget(user_id)
    return Viewer(*row)


def end_sessions(user_id: int) -> None:
    """End every session of the account, wherever it is; tokens stay good.

    At once in this process. Others notice when they read the account again, within ``VIEWER_SECONDS``.
    """
    with transaction():
        db.session.execute(
            update(User)
            .where(User.id == user_id)
            .values(session_epoch=User.session_epoch + 1)
            .execution_options(synchronize_session=False)
        )
    _viewers.forget(user_id)


def payment_details(user_id: int) -> str | None:
    """How buyers on invoice pay somebody, in lines; None when they have not said it."""
    return db.session.scalar(select(User.payment_details).where(User.id == user_id))


def set_payment_details(user_id: int, details: str) -> None:
    """Say how one is paid, for what is sold from now on; nothing but white space clears it."""
    with transaction():
        db.session.execute(
            update(User)
            .where(User.id == user_id)
            .values(payment_details=details.strip() or None)
            .execution_options(synchronize_session=False)
        )


def issue_token(user_id: int, *, name: str) -> tuple[ApiToken, str]:
    """A new bearer token: its record, and the token itself, which cannot be had again.

    Raises:
        TooManyTokens: the user has ``MAX_TOKENS``.
    """
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    record = ApiToken(user_id=user_id, name=name, token_hash=token_hash(token))
    with transaction():
        # One at a time, or two would both be the last. Not FOR UPDATE, for which the user's bids would wait.
        db.session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
        held = db.session.scalar(select(func.count()).where(ApiToken.user_id == user_id)) or 0
        if held >= MAX_TOKENS:
            raise TooManyTokens(maximum=MAX_TOKENS)
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


def viewer_for_session(user_id: int, session_epoch: int) -> Viewer | None:
    """The account of a session that is not over; remembered for a few seconds: a bid costs no extra query."""
    viewer = _viewers.get(user_id)
    if viewer is not None and viewer.session_epoch < session_epoch:
        # Begun after a log-out that another process has seen and this one has not.
        _viewers.forget(user_id)
        viewer = _viewers.get(user_id)
    return viewer if viewer is not None and viewer.session_epoch == session_epoch else None


def viewer_now(user_id: int) -> Viewer:
    """The account as it is, and not as it was remembered: for whoever has just changed it.

    Raises:
        NotFound: there is none.
    """
    viewer = _read_viewer(_VIEWER.where(User.id == user_id))
    if viewer is None:
        raise NotFound
    return viewer


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

    def forget(self, user_id: int) -> None:
        with self._lock:
            self._kept.pop(user_id, None)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


_viewers = _Viewers()


def forget_viewers() -> None:
    """Read every account anew."""
    _viewers.clear()


_VIEWER = select(User.id, User.display_name, User.email, User.is_admin, User.session_epoch)


def _read_viewer(query: Select[int, str, str, bool, int]) -> Viewer | None:
    # Not in the request's session: a request that then waits, for the bidding desk or for a lock, must not
    # keep a connection from the pool meanwhile.
    with db.engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    return Viewer(*row) if row else None


def _viewer(user: User) -> Viewer:
    return Viewer(user.id, user.display_name, user.email, user.is_admin, user.session_epoch)


def token_hash(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def _current_method() -> str:
    """The method and cost that new hashes have; an older hash is replaced at the next log-in."""
    return _NOBODYS_HASH.split("$", 1)[0] + "$"
