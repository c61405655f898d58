"""The pages as they come from the server: what is in them, their forms, and what they forbid the browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.people import MakeAuction, MakePerson

PASSWORD = "correct horse"
ORIGIN = {"Origin": "http://localhost"}


@pytest.fixture
def browser(app: Flask) -> Callable[..., FlaskClient]:
    """A browser, with somebody logged in: ``browser("Ann")``."""

    def make(name: str = "") -> FlaskClient:
        client = app.test_client()
        if name:
            fields = {"displayName": name, "email": f"{name}@example.com".lower(), "password": PASSWORD}
            assert send(client, "/register", **fields).status_code == 303
        return client

    return make


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    return client.post(path, data=fields, headers=ORIGIN)


class Inline(HTMLParser):
    """Collects what a strict content security policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and not names.get("src")):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]
        links = [names.get("href"), names.get("src"), names.get("action")]
        self.found += [link for link in links if link and not link.startswith(("/", "#"))]


def test_pages_have_nothing_inline_and_nothing_from_elsewhere(
    browser: Callable[..., FlaskClient], auction: MakeAuction, person: MakePerson
) -> None:
    lot = auction(title="<script>alert(1)</script>", description="<style>*{display:none}</style>")
    person("<img src=x onerror=alert(1)>").bid(lot, 5000)
    stranger, ann = browser(), browser("Ann")
    paths = ["/", "/?status=ended", f"/auctions/{lot}", "/login", "/register", "/api/docs", "/no-such-page"]
    for client, path in [
        *((stranger, path) for path in paths),
        (ann, "/sell"),
        (ann, "/me"),
        (ann, paths[2]),
    ]:
        answer = client.get(path)
        parser = Inline()
        parser.feed(answer.text)
        assert parser.found == [], path
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_the_policy_allows_connections_to_channels(app: Flask) -> None:
    config = app.extensions["marketplace"].config
    policy = app.test_client().get("/login").headers["Content-Security-Policy"]
    for scheme in ("ws", "wss", "http", "https"):
        assert f"{scheme}://{config.pusher_ws_host}:{config.pusher_port}" in policy


def test_people_register_log_out_and_log_in_again(browser: Callable[..., FlaskClient]) -> None:
    client = browser("Ann")
    assert "Ann" in client.get("/me").text
    assert send(client, "/logout").location == "/"
    assert client.get("/me").location == "/login?next=/me"
    answer = send(client, "/login", email="ann@example.com", password=PASSWORD, next="/me")
    assert (answer.status_code, answer.location) == (303, "/me")


def test_a_wrong_password_is_told_in_the_form(browser: Callable[..., FlaskClient]) -> None:
    browser("Ann")
    answer = send(browser(), "/login", email="ann@example.com", password="wrong")
    assert answer.status_code == 401
    assert "The e-mail address or the password is wrong." in answer.text
    assert "ann@example.com" in answer.text
    assert ">wrong<" not in answer.text


def test_bad_fields_are_marked_and_the_others_kept(browser: Callable[..., FlaskClient]) -> None:
    answer = send(browser(), "/register", displayName="Ann", email="nonsense", password="short")
    assert answer.status_code == 422
    assert "This must be an e-mail address." in answer.text
    assert 'value="Ann"' in answer.text
    assert "This must have at least 10 characters." in answer.text
    assert 'value="short"' not in answer.text


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x"]
)
def test_logging_in_leads_nowhere_else(browser: Callable[..., FlaskClient], elsewhere: str) -> None:
    browser("Ann")
    answer = send(browser(), "/login", email="ann@example.com", password=PASSWORD, next=elsewhere)
    assert answer.location == "/"


def test_forms_of_other_sites_are_refused(browser: Callable[..., FlaskClient], auction: MakeAuction) -> None:
    ann, lot = browser("Ann"), auction()
    answer = ann.post(
        f"/auctions/{lot}/bids", data={"amount": "50"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert ann.get(f"/api/auctions/{lot}").json["bidCount"] == 0


def test_the_forms_count_towards_the_limits_of_the_api(browser: Callable[..., FlaskClient]) -> None:
    stranger = browser()
    for _ in range(10):
        send(stranger, "/login", email="ann@example.com", password="wrong")
    answer = stranger.post("/api/auth/login", json={"email": "ann@example.com", "password": "wrong"})
    assert answer.status_code == 429
    assert "too often" in send(stranger, "/login", email="ann@example.com", password="wrong").text


def test_a_form_sent_twice_is_one_bid(browser: Callable[..., FlaskClient], auction: MakeAuction) -> None:
    ann, lot = browser("Ann"), auction(startingPrice=1000)
    for _ in range(2):
        assert (
            send(ann, f"/auctions/{lot}/bids", amount="12.50", key="the-key-of-the-form").status_code == 303
        )
    snapshot = ann.get(f"/api/auctions/{lot}").json
    assert (snapshot["currentBid"], snapshot["bidCount"]) == (1250, 1)
    assert "You have the highest bid." in ann.get(f"/auctions/{lot}").text


@pytest.mark.parametrize("amount", ["", "ten", "-5", "1e3", "12.505", "1,00", "٣٠", "9" * 30])
def test_what_is_no_amount_is_no_bid(
    browser: Callable[..., FlaskClient], auction: MakeAuction, amount: str
) -> None:
    ann, lot = browser("Ann"), auction()
    answer = send(ann, f"/auctions/{lot}/bids", amount=amount)
    assert answer.status_code == 422
    assert "must be an amount such as 1,234.50" in answer.text
    assert ann.get(f"/api/auctions/{lot}").json["bidCount"] == 0


def test_a_refused_bid_says_why(browser: Callable[..., FlaskClient], auction: MakeAuction) -> None:
    ann, lot = browser("Ann"), auction(startingPrice=1000)
    answer = send(ann, f"/auctions/{lot}/bids", amount="9.99")
    assert answer.status_code == 409
    assert "The bid is below the minimum next bid." in answer.text
    assert 'value="9.99"' in answer.text


def test_whoever_is_not_logged_in_is_asked_to_and_comes_back(
    browser: Callable[..., FlaskClient], auction: MakeAuction
) -> None:
    lot = auction()
    assert browser().get("/sell").location == "/login?next=/sell"
    assert send(browser(), f"/auctions/{lot}/bids", amount="50").location == f"/login?next=/auctions/{lot}"


def test_a_draft_is_edited_published_and_called_off(browser: Callable[..., FlaskClient]) -> None:
    sue, stranger = browser("Sue"), browser()
    fields = {
        "title": "A kettle",
        "currency": "KWD",
        "startingPrice": "1,000.5",
        "minIncrement": "0.250",
        "endsAt": f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M}",
        "extensionWindow": "30",
        "extension": "60",
    }
    draft = send(sue, "/sell", **fields).location
    assert stranger.get(draft).status_code == 404
    assert 'value="1000.500"' in sue.get(f"{draft}/edit").text
    assert send(sue, f"{draft}/edit", **fields | {"title": "A copper kettle"}).location == draft
    assert send(sue, f"{draft}/publish").location == draft
    snapshot = stranger.get(f"/api{draft}").json
    assert snapshot["title"] == "A copper kettle"
    assert (snapshot["startingPrice"], snapshot["minIncrement"]) == (1_000_500, 250)
    assert "KWD" in stranger.get(draft).text
    assert sue.get(f"{draft}/edit").status_code == 409
    assert send(sue, f"{draft}/cancel").location == draft
    assert "This auction was cancelled." in stranger.get(draft).text


def test_terms_that_do_not_fit_are_marked(browser: Callable[..., FlaskClient]) -> None:
    answer = send(
        browser("Sue"),
        "/sell",
        title="A kettle",
        currency="USD",
        startingPrice="10",
        minIncrement="1",
        startsAt="2020-02-01T10:00:00.000Z",
        endsAt="2020-01-01T10:00:00.000Z",
    )
    assert answer.status_code == 422
    assert "This must be in the future." in answer.text
    assert 'value="2020-01-01T10:00"' in answer.text


def test_a_token_is_shown_once_and_can_be_revoked(browser: Callable[..., FlaskClient], app: Flask) -> None:
    ann = browser("Ann")
    page = send(ann, "/me/tokens", name="my script").text
    token = page.partition('<code class="token">')[2].partition("</code>")[0]
    assert token not in ann.get("/me").text
    program = app.test_client()
    bearer = {"Authorization": f"Bearer {token}"}
    assert program.get("/api/me", headers=bearer).json["displayName"] == "Ann"
    [record] = ann.get("/api/tokens").json["items"]
    assert send(ann, f"/me/tokens/{record['id']}/revoke").status_code == 303
    assert program.get("/api/me", headers=bearer).status_code == 401


def test_the_list_shows_the_status_that_was_asked_for(
    browser: Callable[..., FlaskClient], auction: MakeAuction
) -> None:
    auction(title="Running now")
    auction(title="Tomorrow", startsAt=(datetime.now(UTC) + timedelta(days=1)).isoformat(), lasts=200_000)
    stranger = browser()
    assert "Running now" in stranger.get("/").text
    assert "Tomorrow" not in stranger.get("/").text
    assert "Tomorrow" in stranger.get("/?status=upcoming").text
    assert stranger.get("/?status=nonsense").status_code == 404
    assert stranger.get("/?cursor=nonsense").status_code == 422


def test_unknown_addresses_are_a_page_for_people_and_a_problem_for_programs(client: FlaskClient) -> None:
    assert client.get("/nowhere").mimetype == "text/html"
    assert client.get("/api/nowhere").mimetype == "application/problem+json"


def test_the_stock_channels_client_is_served(client: FlaskClient) -> None:
    answer = client.get("/static/pusher.min.js")
    assert answer.mimetype == "text/javascript"
    assert '"8.6.0"' in answer.text
