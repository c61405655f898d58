"""Changing one's name and one's password, through the API and on the page."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from marketplace import accounts
from marketplace.extensions import db
from marketplace.models import User
from marketplace.polling import FRESH_SECONDS
from tests.pages import ORIGIN, PASSWORD, MakeBrowser, send
from tests.people import MakeAuction, MakePerson

NEW = "an entirely new one"
EMAIL = "ann@example.com"


def change(client: FlaskClient, current: str = PASSWORD, new: str = NEW, **options: Any) -> TestResponse:
    body = {"currentPassword": current, "newPassword": new}
    return client.post("/api/me/password", json=body, headers=options.pop("headers", ORIGIN), **options)


def rename(client: FlaskClient, name: Any) -> TestResponse:
    return client.patch("/api/me", json={"displayName": name}, headers=ORIGIN)


def login(client: FlaskClient, password: str, address: str = "127.0.0.1") -> int:
    body = {"email": EMAIL, "password": password}
    at = {"REMOTE_ADDR": address}
    return client.post("/api/auth/login", json=body, headers=ORIGIN, environ_base=at).status_code


def status(client: FlaskClient) -> int:
    return client.get("/api/me").status_code


# --- the name ---


def test_a_new_name_is_answered_and_shown_at_once(browser: MakeBrowser) -> None:
    ann = browser("Ann")
    answer = rename(ann, "  Anna Nowak ")
    assert (answer.status_code, answer.json["displayName"]) == (200, "Anna Nowak")
    assert answer.json == ann.get("/api/me").json
    assert "Anna Nowak" in ann.get("/").text


def test_a_token_may_change_the_name(person: MakePerson) -> None:
    ann, bob = person("Ann"), person("Bob")
    assert ann.request("PATCH", "/api/me", json={"displayName": "Anna"}).json["displayName"] == "Anna"
    assert bob.get("/api/me").json["displayName"] == "Bob"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "nul\x00", "half \ud800 a pair", "x" * 61, 7, None])
def test_a_wrong_name_is_refused_as_at_registration(browser: MakeBrowser, name: Any) -> None:
    ann = browser("Ann")
    answer = rename(ann, name)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "displayName")
    assert ann.get("/api/me").json["displayName"] == "Ann"


@pytest.mark.parametrize("body", [{}, {"displayName": "Anna", "isAdmin": True}, {"email": "b@example.com"}])
def test_nothing_but_the_name_can_be_changed(browser: MakeBrowser, body: dict[str, Any]) -> None:
    ann = browser("Ann")
    before = ann.get("/api/me").json
    assert ann.patch("/api/me", json=body, headers=ORIGIN).status_code == 422
    assert ann.get("/api/me").json == before


def test_bids_show_the_new_name_and_events_keep_the_one_they_told(
    person: MakePerson, auction: MakeAuction
) -> None:
    ann, lot = person("Ann"), auction()
    assert ann.bid(lot, 1000).status_code == 201
    polled = ann.get(f"/api/auctions/{lot}")
    ann.request("PATCH", "/api/me", json={"displayName": "Anna"})
    # A page that polls hears of it, though nothing has happened in the auction.
    time.sleep(FRESH_SECONDS)
    again = ann.get(f"/api/auctions/{lot}", headers={"If-None-Match": polled.headers["ETag"]})
    assert (polled.json["bidderName"], again.json["bidderName"]) == ("Ann", "Anna")
    assert [bid["bidderName"] for bid in ann.get(f"/api/auctions/{lot}/bids").json["items"]] == ["Anna"]
    events = ann.get(f"/api/auctions/{lot}/events?after=0").json["items"]
    assert [event["data"]["bidderName"] for event in events if event["event"] == "bid:new"] == ["Ann"]


def test_another_process_that_remembers_the_old_name_does_not_show_the_change_undone(
    browser: MakeBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = browser("Ann")
    here, other = accounts._viewers, accounts._Viewers()
    monkeypatch.setattr(accounts, "_viewers", other)
    assert status(ann) == 200, "the other process remembers the account"
    monkeypatch.setattr(accounts, "_viewers", here)
    rename(ann, "Anna Nowak")
    monkeypatch.setattr(accounts, "_viewers", other)
    assert ann.get("/api/me").json["displayName"] == "Anna Nowak"
    assert ann.get("/me/profile").text.count("Anna Nowak") == 2, "in the form and in the head"


# --- the password ---


def test_a_new_password_opens_the_account_and_the_old_one_does_not(browser: MakeBrowser) -> None:
    ann = browser("Ann")
    assert change(ann).status_code == 204
    assert [login(browser(), password) for password in (PASSWORD, NEW)] == [401, 200]


def test_all_other_sessions_end_and_this_one_goes_on(browser: MakeBrowser) -> None:
    ann, phone, thief, bob = browser("Ann"), browser(), browser(), browser("Bob")
    assert login(phone, PASSWORD) == 200
    cookie = ann.get_cookie("session")
    assert cookie
    thief.set_cookie("session", cookie.value)
    assert [status(each) for each in (ann, phone, thief, bob)] == [200] * 4
    assert change(ann).status_code == 204
    assert [status(each) for each in (ann, phone, thief, bob)] == [200, 401, 401, 200]
    assert change(ann, NEW, PASSWORD).status_code == 204, "the session is as good as any"


def test_tokens_stay_good(browser: MakeBrowser, app: Flask) -> None:
    ann = browser("Ann")
    token = ann.post("/api/tokens", json={"name": "robot"}, headers=ORIGIN).json["token"]
    assert change(ann).status_code == 204
    assert app.test_client().get("/api/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/me/password", "/me/profile/password"])
def test_a_token_is_not_enough_even_beside_a_session(browser: MakeBrowser, path: str) -> None:
    ann = browser("Ann")
    token = ann.post("/api/tokens", json={"name": "robot"}, headers=ORIGIN).json["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    fields = {"currentPassword": PASSWORD, "newPassword": NEW}
    as_ = "json" if path.startswith("/api/") else "data"
    for client in (browser(), ann):
        answer = client.post(path, headers=bearer, **{as_: fields})
        assert answer.status_code == 403
        if as_ == "json":
            assert answer.json["code"] == "session_required"
    assert login(browser(), PASSWORD) == 200


def test_a_stranger_is_asked_to_log_in(browser: MakeBrowser) -> None:
    assert change(browser()).status_code == 401
    assert rename(browser(), "Anna").status_code == 401
    for form in ("name", "password"):
        assert send(browser(), f"/me/profile/{form}").location == "/login?next=/me/profile"


def test_a_wrong_current_password_changes_nothing(browser: MakeBrowser) -> None:
    ann, phone = browser("Ann"), browser()
    login(phone, PASSWORD)
    answer = change(ann, "a mere guess")
    assert (answer.status_code, answer.json["code"]) == (422, "wrong_password")
    assert [error["field"] for error in answer.json["errors"]] == ["currentPassword"]
    assert "a mere guess" not in answer.text
    assert [status(each) for each in (ann, phone)] == [200, 200]
    assert login(browser(), PASSWORD) == 200


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        (PASSWORD, "short", "newPassword"),
        (PASSWORD, "x" * 201, "newPassword"),
        (PASSWORD, None, "newPassword"),
        (PASSWORD, "half \ud800 a pair", "newPassword"),
        ("x" * 201, NEW, "currentPassword"),
        (None, NEW, "currentPassword"),
    ],
)
def test_a_wrong_new_password_is_refused_as_at_registration(
    browser: MakeBrowser, current: Any, new: Any, field: str
) -> None:
    ann = browser("Ann")
    answer = change(ann, current, new)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert answer.json["errors"][0]["field"] == field
    assert login(browser(), PASSWORD) == 200


def test_guesses_count_together_with_log_ins_and_leave_the_owner_alone(browser: MakeBrowser) -> None:
    ann, thief = browser("Ann"), browser()
    cookie = ann.get_cookie("session")
    assert cookie
    thief.set_cookie("session", cookie.value)
    guesses = [
        change(thief, f"guess number {n}", environ_base={"REMOTE_ADDR": f"10.0.0.{n}"}) for n in range(6)
    ]
    assert [answer.status_code for answer in guesses] == [422] * 6
    assert [login(browser(), "a guess", f"10.0.1.{n}") for n in range(5)] == [401] * 4 + [429]
    refused = change(thief, "one guess more", environ_base={"REMOTE_ADDR": "10.0.0.7"})
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    assert change(ann).status_code == 204, "her device is known"


def test_killed_before_the_commit_nothing_is_changed(
    browser: MakeBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, phone = browser("Ann"), browser()
    login(phone, PASSWORD)

    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    monkeypatch.setattr(db.session, "commit", kill)
    with pytest.raises(Killed):
        change(ann)
    monkeypatch.undo()
    accounts.forget_viewers()
    assert [status(each) for each in (ann, phone)] == [200, 200]
    assert [login(browser(), password) for password in (NEW, PASSWORD)] == [401, 200]


def test_killed_before_the_answer_the_new_password_counts_everywhere(
    browser: MakeBrowser, app: Flask
) -> None:
    ann = browser("Ann")
    user_id = ann.get("/api/me").json["id"]
    with app.app_context():
        accounts.change_password(user_id, current=PASSWORD, new=NEW)
    assert status(ann) == 401, "no cookie of the new session has reached her"
    assert login(ann, NEW) == 200


def change_meanwhile(monkeypatch: pytest.MonkeyPatch, stored: str) -> None:
    """Another hash is stored while the password is checked for the first time."""
    check = accounts.check_password_hash

    def checking(*arguments: Any) -> bool:
        monkeypatch.setattr(accounts, "check_password_hash", check)
        with db.engine.begin() as connection:
            connection.execute(User.__table__.update().values(password_hash=stored))
        return check(*arguments)

    monkeypatch.setattr(accounts, "check_password_hash", checking)


def test_of_two_changes_at_once_the_second_finds_its_current_password_gone(
    browser: MakeBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = browser("Ann")
    change_meanwhile(monkeypatch, generate_password_hash("what the other one set"))
    assert change(ann).json["code"] == "wrong_password"
    assert login(browser(), "what the other one set") == 200


def test_a_log_in_that_hashes_the_password_anew_does_not_get_in_the_way(
    browser: MakeBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = browser("Ann")
    change_meanwhile(monkeypatch, generate_password_hash(PASSWORD))
    assert change(ann).status_code == 204
    assert login(browser(), NEW) == 200


# --- the forms ---


def test_the_form_changes_the_name_and_says_so_once(browser: MakeBrowser) -> None:
    ann = browser("Ann")
    sent = send(ann, "/me/profile/name", displayName="Anna Nowak")
    assert (sent.status_code, sent.location) == (303, "/me/profile#who")
    page = ann.get("/me/profile").text
    assert "Your name is changed." in page
    assert 'value="Anna Nowak"' in page
    assert "Your name is changed." not in ann.get("/me/profile").text


def test_the_form_marks_a_wrong_name_and_gives_it_back(browser: MakeBrowser) -> None:
    ann = browser("Ann")
    refused = send(ann, "/me/profile/name", displayName="y" * 61)
    assert refused.status_code == 422
    assert f'value="{"y" * 61}"' in refused.text
    assert "This must have at most 60 characters." in refused.text
    assert ann.get("/api/me").json["displayName"] == "Ann"


def test_the_form_changes_the_password_and_keeps_this_session(browser: MakeBrowser) -> None:
    ann, phone = browser("Ann"), browser()
    login(phone, PASSWORD)
    sent = send(ann, "/me/profile/password", currentPassword=PASSWORD, newPassword=NEW)
    assert (sent.status_code, sent.location) == (303, "/me/profile#password")
    assert "Your password is changed." in ann.get("/me/profile").text
    assert status(phone) == 401
    assert login(browser(), NEW) == 200


@pytest.mark.parametrize(
    ("current", "new", "words"),
    [
        ("a mere guess", NEW, "This is not your password."),
        (PASSWORD, "short", "This must have at least 10 characters."),
    ],
)
def test_the_form_marks_what_is_wrong_and_repeats_no_password(
    browser: MakeBrowser, current: str, new: str, words: str
) -> None:
    ann = browser("Ann")
    refused = send(ann, "/me/profile/password", currentPassword=current, newPassword=new)
    assert refused.status_code == 422
    assert words in refused.text
    assert refused.text.count('aria-invalid="true"') == 1
    assert current not in refused.text
    assert f'"{new}"' not in refused.text
    assert login(browser(), PASSWORD) == 200


def test_password_managers_are_told_what_each_field_is(browser: MakeBrowser) -> None:
    page = browser("Ann").get("/me/profile").text
    for name in ("nickname", "username", "current-password", "new-password"):
        assert page.count(f'autocomplete="{name}"') == 1
