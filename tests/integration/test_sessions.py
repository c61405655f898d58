"""When sessions end, and what logging in keeps busy meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.security import generate_password_hash

from marketplace import accounts
from marketplace.extensions import db

ANN = {"email": "ann@example.com", "password": "correct horse battery", "displayName": "Ann"}
CREDENTIALS = {name: ANN[name] for name in ("email", "password")}
OURS = {"Origin": "http://localhost"}


def register(client: FlaskClient) -> None:
    assert client.post("/api/auth/register", json=ANN).status_code == 201


def login(client: FlaskClient, **options: Any) -> Any:
    return client.post("/api/auth/login", json=CREDENTIALS, **options)


def status(client: FlaskClient) -> int:
    return client.get("/api/me").status_code


def copy_of(client: FlaskClient, app: Flask) -> FlaskClient:
    """A browser into which the session's cookie was copied."""
    cookie = client.get_cookie("session")
    assert cookie
    thief = app.test_client()
    thief.set_cookie("session", cookie.value)
    return thief


@pytest.mark.parametrize("path", ["/api/auth/logout", "/logout"])
def test_logging_out_ends_all_sessions_of_the_account(client: FlaskClient, app: Flask, path: str) -> None:
    register(client)
    thief, phone = copy_of(client, app), app.test_client()
    login(phone)
    assert [status(each) for each in (client, thief, phone)] == [200] * 3
    assert client.post(path, headers=OURS).status_code < 400
    assert [status(each) for each in (client, thief, phone)] == [401] * 3
    login(client)
    assert [status(each) for each in (client, thief, phone)] == [200, 401, 401]


def test_logging_out_leaves_other_accounts_and_tokens_alone(client: FlaskClient, app: Flask) -> None:
    register(client)
    bob = app.test_client()
    bob.post("/api/auth/register", json={**ANN, "email": "bob@example.com"})
    token = client.post("/api/tokens", json={"name": "robot"}, headers=OURS).json["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    bob.post("/api/auth/logout", headers=bearer | OURS)
    assert status(client) == 200, "somebody else's cookie came with the token"
    client.post("/api/auth/logout", headers=OURS)
    assert app.test_client().get("/api/me", headers=bearer).status_code == 200


def test_another_process_notices_a_log_out_and_a_later_log_in(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(client)
    thief, other = copy_of(client, app), accounts._Viewers()
    here = accounts._viewers
    monkeypatch.setattr(accounts, "_viewers", other)
    assert status(thief) == 200, "the other process remembers the account"
    monkeypatch.setattr(accounts, "_viewers", here)
    client.post("/api/auth/logout", headers=OURS)
    monkeypatch.setattr(accounts, "_viewers", other)
    assert status(thief) == 200, "as yet"
    monkeypatch.setattr(accounts, "VIEWER_SECONDS", 0.0)
    assert status(thief) == 401
    monkeypatch.undo()

    # It remembers the account from before a log-in elsewhere: the new session counts at once.
    login(client)
    client.post("/api/auth/logout", headers=OURS)
    monkeypatch.setattr(accounts, "_viewers", here)
    login(client)
    monkeypatch.setattr(accounts, "_viewers", other)
    assert status(client) == 200


@pytest.mark.parametrize("by_form", [False, True])
def test_who_registers_has_a_known_device(client: FlaskClient, app: Flask, by_form: bool) -> None:
    if by_form:
        assert client.post("/register", data=ANN).status_code == 303
    else:
        register(client)
    for n in range(12):
        guess = {**CREDENTIALS, "password": "a guess"}
        app.test_client().post("/api/auth/login", json=guess, environ_base={"REMOTE_ADDR": f"10.0.0.{n}"})
    assert login(app.test_client()).status_code == 429
    assert login(client, headers=OURS).status_code == 200


def test_no_connection_waits_while_a_password_is_checked(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(client)
    busy = []
    check = accounts.check_password_hash

    def checking(*arguments: Any) -> bool:
        busy.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return check(*arguments)

    monkeypatch.setattr(accounts, "check_password_hash", checking)
    assert login(app.test_client()).status_code == 200
    assert busy == [0]


def test_an_old_hash_is_replaced_at_the_next_log_in(client: FlaskClient, app: Flask) -> None:
    register(client)
    old = generate_password_hash(ANN["password"], method="pbkdf2:sha256:1000")

    def stored() -> str:
        with app.app_context():
            found: str = db.session.execute(text("SELECT password_hash FROM users")).scalar_one()
        return found

    with app.app_context():
        db.session.execute(text("UPDATE users SET password_hash = :old"), {"old": old})
        db.session.commit()
    wrong = {**CREDENTIALS, "password": "wrong"}
    assert app.test_client().post("/api/auth/login", json=wrong).status_code == 401
    assert login(app.test_client()).status_code == 200
    replaced = stored()
    assert replaced.startswith("scrypt:")
    assert login(app.test_client()).status_code == 200
    assert stored() == replaced
