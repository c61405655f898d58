"""Accounts, sessions, tokens, and whether a request may be believed."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from marketplace.extensions import db
from tests.pages import send
from tests.people import MakePerson

ANN = {"email": "Ann@Example.com", "password": "correct horse battery", "displayName": "Ann"}
OURS = {"Origin": "http://localhost"}


def register(client: FlaskClient, **changes: Any) -> Any:
    return client.post("/api/auth/register", json=ANN | changes)


def login(client: FlaskClient, password: str = ANN["password"], **options: Any) -> Any:
    return client.post("/api/auth/login", json={"email": ANN["email"], "password": password}, **options)


def test_registering_logs_in(client: FlaskClient) -> None:
    answer = register(client)
    assert answer.status_code == 201
    me = client.get("/api/me").json
    assert me == {
        "id": me["id"],
        "email": "Ann@Example.com",
        "displayName": "Ann",
        "isAdmin": False,
        "strikes": 0,
        "paymentDetails": None,
    }
    assert client.post("/api/auth/logout", headers=OURS).status_code == 204
    assert client.get("/api/me").status_code == 401


def test_an_address_has_one_account_whatever_its_case(client: FlaskClient, app: Flask) -> None:
    register(client)
    answer = register(app.test_client(), email="ann@example.COM")
    assert (answer.status_code, answer.json["code"]) == (409, "email_taken")


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "ann"},
        {"email": "ann@localhost"},
        {"email": "a nn@example.com"},
        {"password": "short"},
        {"displayName": " "},
        {"displayName": "a\nb"},
        {"displayName": "\u200b"},
        {"displayName": "a\u202eb"},
        {"displayName": "nul\x00"},
        {"displayName": "half \ud800 a pair"},
        {"displayName": "x" * 61},
        {"isAdmin": True},
    ],
)
def test_a_wrong_registration_is_refused_and_not_repeated(
    client: FlaskClient, changes: dict[str, Any]
) -> None:
    answer = register(client, **changes)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == next(iter(changes))
    assert ANN["password"] not in answer.text


def test_the_answer_does_not_tell_whether_the_account_exists(client: FlaskClient, app: Flask) -> None:
    register(client)
    stranger = app.test_client()
    wrong = login(stranger, "wrong password")
    unknown = stranger.post("/api/auth/login", json={"email": "no@example.com", "password": "wrong password"})
    for answer in (wrong, unknown):
        assert (answer.status_code, answer.json["code"]) == (401, "wrong_credentials")
    assert wrong.json["detail"] == unknown.json["detail"]


def test_an_address_that_cannot_be_stored_is_no_address(client: FlaskClient) -> None:
    answer = client.post("/api/auth/login", json={"email": "a\x00@example.com", "password": "guess"})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")


def test_only_a_hash_of_the_password_is_stored(client: FlaskClient, app: Flask) -> None:
    register(client)
    with app.app_context():
        stored = db.session.execute(text("SELECT password_hash FROM users")).scalar_one()
    assert stored.startswith("scrypt:")
    assert ANN["password"] not in stored


def test_the_cookies_are_safe(client: FlaskClient) -> None:
    cookies = register(client).headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {"device", "session"}
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


# --- guessing ---


def test_guessing_is_limited_by_account(client: FlaskClient, app: Flask) -> None:
    register(client)
    answers = [
        login(app.test_client(), f"guess number {n}", environ_base={"REMOTE_ADDR": f"10.0.0.{n}"})
        for n in range(12)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_a_stranger_who_guesses_does_not_lock_the_owner_out(client: FlaskClient, app: Flask) -> None:
    register(client)
    owner = app.test_client()
    assert login(owner).status_code == 200
    for n in range(12):
        login(app.test_client(), "guess", environ_base={"REMOTE_ADDR": f"10.0.0.{n}"})
    assert login(app.test_client()).status_code == 429
    owner.post("/api/auth/logout", headers=OURS)
    assert login(owner).status_code == 200, "the device is known"


def test_guessing_is_limited_by_address(client: FlaskClient) -> None:
    statuses = [
        client.post("/api/auth/login", json={"email": f"{n}@example.com", "password": "guess"}).status_code
        for n in range(32)
    ]
    assert statuses == [401] * 30 + [429] * 2


# --- how one is paid ---


def test_how_one_is_paid_is_kept_in_lines_until_it_is_cleared(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")

    def say(text: str) -> TestResponse:
        return ann.request("PUT", "/api/me/payment-details", json={"text": text})

    assert say(" Ann\nIBAN SE45 \n").json["paymentDetails"] == "Ann\nIBAN SE45"
    assert ann.get("/api/me").json["paymentDetails"] == "Ann\nIBAN SE45"
    assert bob.get("/api/me").json["paymentDetails"] is None
    for wrong in ("x" * 1001, "nul\x00"):
        refused = say(wrong)
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "text")
    assert ann.get("/api/me").json["paymentDetails"] == "Ann\nIBAN SE45"
    assert say(" \n").json["paymentDetails"] is None
    assert ann.get("/api/me").json["paymentDetails"] is None


def test_the_form_counts_a_line_break_as_browsers_do_and_gives_back_what_was_refused(
    client: FlaskClient,
) -> None:
    register(client)
    assert "Say how you are paid" in client.get("/sell").text
    longest = "Ann\n" * 249 + "SE45"
    sent = send(client, "/me/payment-details", text=longest.replace("\n", "\r\n"))
    assert (sent.status_code, sent.location) == (303, "/me/profile#payment")
    assert client.get("/api/me").json["paymentDetails"] == longest
    assert "Say how you are paid" not in client.get("/sell").text
    refused = send(client, "/me/payment-details", text="y" * 1001)
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    assert "y" * 1001 in refused.text
    assert client.get("/api/me").json["paymentDetails"] == longest


# --- tokens ---


def test_a_token_is_shown_once_and_can_be_revoked(client: FlaskClient, app: Flask) -> None:
    register(client)
    created = client.post("/api/tokens", json={"name": "robot"}, headers=OURS)
    assert created.status_code == 201
    token = created.json["token"]
    assert token not in client.get("/api/tokens").text
    with app.app_context():
        stored = db.session.execute(text("SELECT token_hash FROM api_tokens")).scalar_one()
    assert token.encode() not in bytes(stored)

    robot = app.test_client()
    bearer = {"Authorization": f"Bearer {token}"}
    assert robot.get("/api/me", headers=bearer).json["displayName"] == "Ann"
    gone = client.delete("/api/tokens", json={"id": created.json["id"]}, headers=OURS)
    assert gone.status_code == 204
    assert robot.get("/api/me", headers=bearer).status_code == 401
    assert client.delete("/api/tokens", json={"id": created.json["id"]}, headers=OURS).status_code == 404


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer nonsense", "Bearer mkt_x", "Basic YTpi"])
def test_a_wrong_token_is_nobody_even_with_a_session(client: FlaskClient, value: str) -> None:
    register(client)
    expected = 200 if value.startswith("Basic") else 401
    assert client.get("/api/me", headers={"Authorization": value}).status_code == expected


# --- origins ---


@pytest.mark.parametrize(
    ("headers", "believed"),
    [
        ({"Origin": "http://localhost"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://localhost"}, False),
        ({"Origin": "http://localhost.evil.example"}, False),
        ({"Origin": "http://localhost:81"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
    ],
)
def test_a_change_with_a_cookie_needs_our_origin(
    client: FlaskClient, headers: dict[str, str], believed: bool
) -> None:
    register(client)
    answer = client.post("/api/tokens", json={"name": "robot"}, headers=headers)
    assert answer.status_code == (201 if believed else 403)
    if not believed:
        assert answer.json["code"] == "invalid_origin"
        assert client.get("/api/tokens").json["items"] == []


def test_a_log_in_from_elsewhere_is_refused(client: FlaskClient, app: Flask) -> None:
    register(client)
    answer = login(app.test_client(), headers={"Origin": "https://evil.example"})
    assert (answer.status_code, answer.json["code"]) == (403, "invalid_origin")


def test_a_token_needs_no_origin(person: MakePerson) -> None:
    assert person().post("/api/tokens", json={"name": "another"}).status_code == 201


def test_a_session_does_not_ride_on_a_wrong_token(client: FlaskClient) -> None:
    register(client)
    answer = client.post("/api/tokens", json={"name": "x"}, headers={"Authorization": "Bearer mkt_wrong"})
    assert answer.status_code == 401
    assert client.get("/api/tokens").json["items"] == []
