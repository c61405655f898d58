"""Accounts, sessions and tokens."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, jsonify, request, session
from flask_limiter.util import get_remote_address
from flask_login import login_user, logout_user
from flask_openapi import APIBlueprint, Tag
from itsdangerous import BadSignature, URLSafeTimedSerializer

from marketplace import accounts, suspicions
from marketplace.extensions import limiter
from marketplace.models import ApiToken
from marketplace.orders import service as orders

from . import schemas
from .security import (
    SESSION_EPOCH,
    limit_creations,
    require_session,
    require_viewer,
    session_viewer,
    viewer,
)

blueprint = APIBlueprint("accounts", __name__, url_prefix="/api", abp_tags=[Tag(name="Accounts")])

#: A browser that has logged in to an account carries proof of it for a year, so that a stranger who uses up
#: the account's attempts does not lock its owner out.
KNOWN_DEVICE_SECONDS = 365 * 24 * 3600
_DEVICE_COOKIE = "device"

#: Guesses. By address: whoever tries many accounts. By account: whoever tries one from many addresses,
#: except that a known device of the account has attempts of its own.
LOGINS_PER_ADDRESS = "30 per minute; 300 per hour"
LOGINS_PER_ACCOUNT = "10 per minute; 60 per hour"
REGISTRATIONS_PER_ADDRESS = "20 per minute; 200 per hour"


def _devices() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="known-device")


def _account_asked_for() -> str:
    """The account of a log-in: from JSON, or from the form of the page."""
    body = request.get_json(silent=True) if request.is_json else request.form
    email = body.get("email") if isinstance(body, dict) else None
    return email.strip().lower() if isinstance(email, str) else ""


def _attempts_at_login() -> str:
    return _attempts_at(_account_asked_for())


def _attempts_at_own_password() -> str:
    """Those of the session's account. Who has none is refused anyhow, and uses up nobody's attempts."""
    user = session_viewer()
    return _attempts_at(user.email.lower()) if user is not None else get_remote_address()


def _attempts_at(email: str) -> str:
    """Whose attempts count: the account's, but a known device's separately."""
    return f"{email}|{'known' if _is_known_device(email) else 'unknown'}"


def _is_known_device(email: str) -> bool:
    try:
        known = _devices().loads(request.cookies.get(_DEVICE_COOKIE, ""), max_age=KNOWN_DEVICE_SECONDS)
    except BadSignature:
        return False
    return bool(known == email)


# Shared: the page of a form and the API count together, and so do all ways to guess a password.
limit_logins_by_address = limiter.shared_limit(LOGINS_PER_ADDRESS, scope="login")
limit_logins_by_account = limiter.shared_limit(LOGINS_PER_ACCOUNT, scope="login", key_func=_attempts_at_login)
limit_own_guesses = limiter.shared_limit(
    LOGINS_PER_ACCOUNT, scope="login", key_func=_attempts_at_own_password
)
limit_registrations = limiter.shared_limit(REGISTRATIONS_PER_ADDRESS, scope="register")


@blueprint.post("/auth/register", responses={201: schemas.Me})
@limit_registrations
def register(body: schemas.Registration) -> tuple[Response, int]:
    """Open an account, and log in to it."""
    new = accounts.register(email=body.email, password=body.password, display_name=body.display_name)
    start_session(new)
    answer = jsonify(_me(new))
    remember_device(answer, new)
    return answer, 201


@blueprint.post("/auth/login", responses={200: schemas.Me})
@limit_logins_by_address
@limit_logins_by_account
def login(body: schemas.Credentials) -> Response:
    """Log in: the answer sets a session cookie."""
    user = accounts.authenticate(email=body.email, password=body.password)
    start_session(user)
    answer = jsonify(_me(user))
    remember_device(answer, user)
    return answer


@blueprint.post("/auth/logout", responses={204: None})
def logout() -> tuple[str, int]:
    """Log out. This ends all sessions of the account, also in other browsers; tokens stay good."""
    end_session()
    return "", 204


@blueprint.get("/me", responses={200: schemas.Me})
def me() -> dict[str, Any]:
    """Who you are."""
    return _me(accounts.viewer_now(require_viewer().id))


@blueprint.patch("/me", responses={200: schemas.Me})
def change_profile(body: schemas.ProfileChange) -> dict[str, Any]:
    """Change what others call you: in lists, bids and orders. Events told before keep the old name."""
    return _me(accounts.rename(require_viewer().id, body.display_name))


@blueprint.post("/me/password", responses={204: None})
@limit_own_guesses
def change_password(body: schemas.PasswordChange) -> tuple[str, int]:
    """Change your password. This ends all other sessions of the account; tokens stay good.

    With a session only, not with a token. A wrong `currentPassword` is refused with `wrong_password`, and
    counts like a failed log-in.
    """
    renew_session(body)
    return "", 204


@blueprint.put("/me/payment-details", responses={200: schemas.Me})
def set_payment_details(body: schemas.PaymentDetails) -> dict[str, Any]:
    """Say how buyers on invoice pay you. An order keeps what you said before it was made. Empty clears it."""
    user = require_viewer()
    accounts.set_payment_details(user.id, body.text)
    return _me(user)


@blueprint.get("/tokens", responses={200: schemas.TokenList})
def list_tokens() -> dict[str, Any]:
    """Your bearer tokens, without the tokens."""
    found = accounts.tokens(require_viewer().id)
    return schemas.TokenList(items=[_token(token) for token in found]).json_ready()


@blueprint.post("/tokens", responses={201: schemas.NewToken})
@limit_creations
def create_token(body: schemas.TokenRequest) -> tuple[dict[str, Any], int]:
    """A new bearer token. It is shown this once."""
    record, token = accounts.issue_token(require_viewer().id, name=body.name)
    return schemas.NewToken(
        id=record.id, name=record.name, created_at=record.created_at, token=token
    ).json_ready(), 201


@blueprint.delete("/tokens", responses={204: None})
def revoke_token(body: schemas.TokenChoice) -> tuple[str, int]:
    """Make a token worthless."""
    accounts.revoke_token(require_viewer().id, body.id)
    return "", 204


def start_session(user: accounts.Viewer) -> None:
    """Log in: from the next request on this browser is the viewer's."""
    # A fresh session: nothing an attacker may have planted before the log-in survives it.
    session.clear()
    session.permanent = True
    session[SESSION_EPOCH] = user.session_epoch
    login_user(user)
    suspicions.note_address(user.id, request.remote_addr)


def renew_session(change: schemas.PasswordChange) -> None:
    """Change the password of whoever asks; of all sessions of the account, this one goes on.

    Raises:
        SessionRequired: it is not a session that asks.
        WrongPassword: the current password is another one.
    """
    user = require_session()
    start_session(accounts.change_password(user.id, current=change.current_password, new=change.new_password))


def end_session() -> None:
    """Log out: end all sessions of the account, so that a copy of its cookie is worth nothing either."""
    user = viewer()
    # A request with a token and somebody's cookie ends neither's sessions but forgets this one.
    if user is not None and session.get("_user_id") == user.get_id():
        accounts.end_sessions(user.id)
    logout_user()
    session.clear()


def remember_device(answer: Response, user: accounts.Viewer) -> None:
    """Let the browser prove later on that it has logged in to this account before."""
    answer.set_cookie(
        _DEVICE_COOKIE,
        _devices().dumps(user.email.lower()),
        max_age=KNOWN_DEVICE_SECONDS,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def _me(user: accounts.Viewer) -> dict[str, Any]:
    return schemas.Me(
        id=user.id,
        email=user.email,
        display_name=user.display_name,
        is_admin=user.is_admin,
        strikes=orders.strikes(user.id),
        payment_details=accounts.payment_details(user.id),
    ).json_ready()


def _token(record: ApiToken) -> schemas.TokenInfo:
    return schemas.TokenInfo(id=record.id, name=record.name, created_at=record.created_at)
