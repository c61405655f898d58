"""Themes and languages: chosen with a plain form, kept in cookies, rendered by the server."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.pages import send


def of_html(page: str) -> dict[str, str]:
    """The attributes of ``<html>``."""
    found = re.search("<html ([^>]*)>", page)
    assert found
    return dict(re.findall(r'([\w-]+)="([^"]*)"', found[1]))


def test_a_theme_is_remembered_and_rendered(client: FlaskClient) -> None:
    assert of_html(client.get("/").text)["data-theme"] == "auto"
    answer = send(client, "/preferences", theme="dark", next="/?status=ended")
    assert (answer.status_code, answer.location) == (303, "/?status=ended")
    [cookie] = answer.headers.getlist("Set-Cookie")
    for part in ("theme=dark", "Max-Age=31536000", "Path=/", "SameSite=Lax", "HttpOnly"):
        assert part in cookie
    page = client.get("/login").text
    assert of_html(page)["data-theme"] == "dark"
    assert '<meta name="color-scheme" content="dark">' in page
    assert 'value="dark" aria-pressed="true"' in page


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("pl", "ltr"), ("ur", "rtl")])
def test_a_language_is_remembered_and_rendered(client: FlaskClient, language: str, direction: str) -> None:
    send(client, "/preferences", language=language, next="/login")
    page = client.get("/login").text
    assert of_html(page)["lang"] == language
    assert of_html(page)["dir"] == direction
    assert re.search(f'value="{language}" lang="{language}" aria-pressed="true"', page)


@pytest.mark.parametrize(
    "fields", [{}, {"theme": "pink"}, {"language": "xx"}, {"theme": "dark", "language": ""}, {"next": "/me"}]
)
def test_what_there_is_not_is_refused_and_changes_nothing(
    client: FlaskClient, fields: dict[str, str]
) -> None:
    answer = send(client, "/preferences", **fields)
    assert answer.status_code == 422
    assert not answer.headers.getlist("Set-Cookie")


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", ""]
)
def test_choosing_leads_nowhere_else(client: FlaskClient, elsewhere: str) -> None:
    assert send(client, "/preferences", theme="light", next=elsewhere).location == "/"


def test_a_cookie_that_nobody_set_is_as_none(client: FlaskClient) -> None:
    client.set_cookie("theme", '"><script>')
    client.set_cookie("language", "../../en")
    attributes = of_html(client.get("/login").text)
    assert (attributes["data-theme"], attributes["lang"]) == ("auto", "en")


def test_other_sites_choose_nothing(browser: Callable[..., FlaskClient]) -> None:
    answer = browser("Ann").post(
        "/preferences", data={"theme": "dark"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert not answer.headers.getlist("Set-Cookie")


def test_the_form_knows_where_it_stands(client: FlaskClient) -> None:
    assert 'name="next" value="/?status=ended&amp;sort=bids"' in client.get("/?status=ended&sort=bids").text
    # After a form, the page that it was on.
    refused = send(client, "/login", email="a@example.com", password="wrong")
    assert 'name="next" value="/"' in refused.text
