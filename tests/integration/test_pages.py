"""The pages as they come from the server: what is in them, their forms, and what they forbid the browser."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import TimeoutError as PoolTimeout

from marketplace import suspicions
from marketplace.bidding import service
from marketplace.bidding.answers import Answer, BidRequest
from marketplace.bidding.desk import Desk
from marketplace.errors import OutcomeUnknown
from marketplace.extensions import db
from marketplace.web import category_names
from tests.pages import PASSWORD, Inline, send
from tests.people import MakeAuction, MakePerson

DUTCH = {
    "format": "DUTCH",
    "minIncrement": None,
    "floorPrice": 5_000,
    "dropAmount": 100,
    "dropEvery": 600,
    "quantity": 2,
}


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
        *((ann, f"/me{path}") for path in ("", "/won", "/lost", "/watching", "/selling", "/profile")),
        *((ann, path) for path in ("/orders", "/sales")),
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
    refused = send(stranger, "/login", email="ann@example.com", password="wrong")
    assert "too often" in refused.text
    assert int(refused.headers["Retry-After"]) > 0


def test_a_form_sent_twice_is_one_bid(browser: Callable[..., FlaskClient], auction: MakeAuction) -> None:
    ann, lot = browser("Ann"), auction(startingPrice=1000)
    for _ in range(2):
        assert (
            send(ann, f"/auctions/{lot}/bids", amount="12.50", key="the-key-of-the-form").status_code == 303
        )
    snapshot = ann.get(f"/api/auctions/{lot}").json
    assert (snapshot["currentBid"], snapshot["bidCount"]) == (1250, 1)
    assert "You have the highest bid." in ann.get(f"/auctions/{lot}").text


@pytest.mark.parametrize("key", ["a\0b", "x" * 201])
def test_a_form_with_a_key_that_is_none_is_no_bid(
    browser: Callable[..., FlaskClient], auction: MakeAuction, key: str
) -> None:
    lot = auction(startingPrice=1000)
    ann = browser("Ann")
    assert send(ann, f"/auctions/{lot}/bids", amount="12.50", key=key).status_code == 400
    assert ann.get(f"/api/auctions/{lot}").json["bidCount"] == 0


@pytest.mark.parametrize("terms", [{"minIncrement": 100}, DUTCH])
def test_a_form_whose_answer_was_not_known_asks_again_with_the_same_key(
    app: Flask,
    browser: Callable[..., FlaskClient],
    auction: MakeAuction,
    monkeypatch: pytest.MonkeyPatch,
    terms: dict[str, Any],
) -> None:
    lot, ann = auction(startingPrice=10_000, **terms), browser("Ann")
    desk = app.extensions["marketplace"].desk

    def place_and_lose_the_answer(request: BidRequest) -> Answer:
        Desk.place(desk, request)
        raise OutcomeUnknown

    with monkeypatch.context() as patched:
        patched.setattr(desk, "place", place_and_lose_the_answer)
        unknown = send(ann, f"/auctions/{lot}/bids", amount="120.00", key="the-key-of-the-form")
    assert unknown.status_code == 503
    fields = dict(re.findall(r'name="(key|amount)"[^>]* value="([^"]*)"', unknown.text))
    assert fields == {"key": "the-key-of-the-form", "amount": "120.00"}
    assert send(ann, f"/auctions/{lot}/bids", **fields).status_code == 303
    assert len(ann.get(f"/api/auctions/{lot}/bids").json["items"]) == 1
    # One with an answer is followed by another one.
    refused = send(ann, f"/auctions/{lot}/bids", amount="1.00", key="another")
    assert 'value="another"' not in refused.text


@pytest.mark.parametrize("amount", ["", "ten", "-5", "1e3", "12.505", "1,00", "٣٠", "9" * 30])
def test_what_is_no_amount_is_no_bid(
    browser: Callable[..., FlaskClient], auction: MakeAuction, amount: str
) -> None:
    ann, lot = browser("Ann"), auction()
    answer = send(ann, f"/auctions/{lot}/bids", amount=amount)
    assert answer.status_code == 422
    assert "must be an amount such as 1,234.50" in answer.text
    assert ann.get(f"/api/auctions/{lot}").json["bidCount"] == 0


def test_a_bid_that_waits_for_the_desk_keeps_no_connection_and_its_address_is_noted(
    app: Flask, browser: Callable[..., FlaskClient], auction: MakeAuction, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, lot, held = browser("Ann"), auction(), []
    desk = app.extensions["marketplace"].desk
    place = desk.place

    def placing(request: BidRequest) -> Answer:
        held.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return place(request)

    monkeypatch.setattr(desk, "place", placing)
    assert send(ann, f"/auctions/{lot}/bids", amount="50").status_code == 303
    assert held == [0]
    assert suspicions._noted


def test_a_refused_bid_says_why(browser: Callable[..., FlaskClient], auction: MakeAuction) -> None:
    ann, lot = browser("Ann"), auction(startingPrice=1000)
    answer = send(ann, f"/auctions/{lot}/bids", amount="9.99")
    assert answer.status_code == 409
    assert "The bid is below the minimum next bid." in answer.text
    assert 'value="9.99"' in answer.text


def test_an_automatic_bid_is_answered_raised_and_kept_secret(
    browser: Callable[..., FlaskClient], auction: MakeAuction
) -> None:
    ann, bob, lot = browser("Ann"), browser("Bob"), auction(startingPrice=5000, minIncrement=500)
    page = f"/auctions/{lot}"
    assert send(ann, f"{page}/bids", how="automatic", amount="65").status_code == 303
    assert "You go up to $65.00, which only you see." in ann.get(page).text
    # The next step above one's own maximum.
    assert 'value="70.00"' in ann.get(page).text
    send(bob, f"{page}/bids", how="exact", amount="55")
    seen = bob.get(page).text
    assert "You were outbid. Bid $65.00 or more to lead again." in seen
    assert "automatic</span>" in seen
    refused = send(ann, f"{page}/bids", how="automatic", amount="60")
    assert refused.status_code == 409
    assert "this maximum is not above your own" in refused.text
    send(ann, f"{page}/bids", how="automatic", amount="87.50")
    assert "maximum raised, seen by you alone" in ann.get(page).text
    for other in (bob, browser()):
        seen = other.get(page).text
        assert "87.50" not in seen
        assert "maximum raised" not in seen
        assert "8750" not in seen


def test_a_bid_is_retracted_and_another_cancelled_with_a_reason(
    browser: Callable[..., FlaskClient], auction: MakeAuction, person: MakePerson
) -> None:
    sue = person("Sue")
    lot = auction(seller=sue, startingPrice=5000, minIncrement=500)
    ann, bob, page = browser("Ann"), browser("Bob"), f"/auctions/{lot}"
    send(ann, f"{page}/bids", how="automatic", amount="65")
    send(bob, f"{page}/bids", how="exact", amount="55")
    assert send(ann, f"{page}/retract", bid=f"{lot}-3").status_code == 404
    assert send(bob, f"{page}/retract", bid=f"{lot}-3", reason="").status_code == 303
    seen = bob.get(page).text
    assert "<s>$55.00</s>" in seen
    assert "Retracted</p>" in seen
    assert "The bid that it answered does not stand" in seen
    again = send(bob, f"{page}/retract", bid=f"{lot}-3", reason="WRONG_AMOUNT")
    assert again.status_code == 409
    assert "The bid was withdrawn before." in again.text

    assert send(bob, f"{page}/cancel-bid", bid=f"{lot}-2", reason="because").status_code == 403
    assert sue.post(f"/api/bids/{lot}-2/cancel", json={"reason": "a <b>joke</b>"}).status_code == 200
    seen = ann.get(page).text
    assert "Cancelled by the seller: a &lt;b&gt;joke&lt;/b&gt;" in seen
    assert 'data-standing="none"' in seen


def test_the_seller_cancels_a_bid_on_the_page(browser: Callable[..., FlaskClient]) -> None:
    sue, ann = browser("Sue"), browser("Ann")
    page = send(sue, "/sell", **TERMS).location
    send(sue, f"{page}/publish")
    send(ann, f"{page}/bids", amount="1000")
    lot = page.rpartition("/")[2]
    assert "Cancel this bid" in sue.get(page).text
    refused = send(sue, f"{page}/cancel-bid", bid=f"{lot}-2", reason="")
    assert refused.status_code == 422
    assert send(sue, f"{page}/cancel-bid", bid=f"{lot}-2", reason="A typing error").status_code == 303
    assert "Cancelled by the seller: A typing error" in ann.get(page).text


def test_the_lot_is_bought_at_once_while_that_is_offered(
    browser: Callable[..., FlaskClient], auction: MakeAuction
) -> None:
    ann, bob = browser("Ann"), browser("Bob")
    lot = auction(startingPrice=5000, minIncrement=500, buyNowPrice=10_000)
    other = auction(startingPrice=5000, minIncrement=500, buyNowPrice=10_000)
    assert "$100.00, until the first bid." in ann.get(f"/auctions/{lot}").text
    for _ in range(2):
        assert send(ann, f"/auctions/{lot}/buy-now").status_code == 303
    assert "You won this auction for $100.00." in ann.get(f"/auctions/{lot}").text
    assert "The auction has ended." in send(bob, f"/auctions/{lot}/buy-now").text

    send(ann, f"/auctions/{other}/bids", amount="50")
    # To the leader, too, who has not bought it yet.
    for client in (bob, ann):
        too_late = send(client, f"/auctions/{other}/buy-now")
        assert too_late.status_code == 409
        assert "This lot cannot, or can no longer, be bought at once." in too_late.text


def test_the_reserve_is_told_as_met_or_not_and_never_as_an_amount(
    browser: Callable[..., FlaskClient], auction: MakeAuction, person: MakePerson
) -> None:
    ann, admin = browser("Ann"), person("Ada", admin=True)
    assert "No reserve" in ann.get(f"/auctions/{auction()}").text
    lot = auction(startingPrice=5000, minIncrement=500, reservePrice=9876)
    page = f"/auctions/{lot}"
    send(ann, f"{page}/bids", amount="80")
    seen = ann.get(page).text
    assert "Reserve not met yet" in seen
    assert "You have the highest bid, but the reserve is not met yet." in seen
    assert "98.76" not in seen
    assert "9876" not in seen
    admin.post(f"/api/auctions/{lot}/end")
    seen = ann.get(page).text
    assert "You had the highest bid. The reserve was not met, so it was not sold." in seen
    assert "won" not in seen.partition('class="standing"')[2].partition("</p>")[0]
    assert "Highest bid" in seen


def test_the_rules_of_a_sale_are_said_in_words(
    browser: Callable[..., FlaskClient], auction: MakeAuction
) -> None:
    lot = auction(
        minIncrement=None,
        incrementTable=[[0, 100], [5000, 250]],
        buyNowPrice=10_000,
        buyNowShare=75,
        antiSnipe="FIXED",
        extensionWindow=120,
        extension=90,
        maxExtensions=3,
        maxExtensionTotal=600,
        suddenDeath=5,
    )
    page = browser().get(f"/auctions/{lot}").text
    assert "from $50.00</span> $2.50" in page
    assert "$100.00, while the bidding is under $75.00." in page
    assert "A bid in the last 2 min moves the end by 90 s, so that others can answer it." in page
    assert "It moves at most 3 times, and by at most 10 min in all." in page
    assert "In the very last 5 s nothing moves it any more." in page
    assert "The auction ends on time" in browser().get(f"/auctions/{auction(antiSnipe='OFF')}").text


def test_an_ended_auction_shows_its_proof_and_only_then(
    browser: Callable[..., FlaskClient], auction: MakeAuction, person: MakePerson
) -> None:
    ann, bob, stranger, admin = browser("Ann"), browser("Bob"), browser(), person("Ada", admin=True)
    lot = auction(startingPrice=5000, minIncrement=500)
    page = f"/auctions/{lot}"
    send(ann, f"{page}/bids", how="automatic", amount="65")
    send(bob, f"{page}/bids", amount="55")
    send(ann, f"{page}/bids", how="automatic", amount="73,519.53")
    assert "Proof" not in ann.get(page).text
    assert stranger.get(f"{page}/log.txt").status_code == 409
    admin.post(f"/api/auctions/{lot}/end")

    log = stranger.get(f"{page}/log.txt")
    assert log.mimetype == "text/plain"
    previous, kinds = b"", []
    for row in log.text.splitlines():
        said, line = row.split(" ", 1)
        previous = hashlib.sha256(previous + line.encode()).digest()
        assert previous.hex() == said
        kinds.append(line.split("|")[3])
    assert kinds == ["BID", "BID", "AUTO", "RAISE"]
    seen = stranger.get(page).text
    assert seen.count(previous.hex()) == 2
    assert "The chain: 4 entries" in seen
    assert f"flask auction export {lot}" in seen
    # What was asked for stays in its commitment.
    assert "7351953" not in seen + log.text
    assert "73,519.53" not in seen
    assert "# The proof of an auction" in stranger.get("/docs/proof.md").text


def test_whoever_reads_the_log_slowly_keeps_no_connection(
    app: Flask,
    browser: Callable[..., FlaskClient],
    auction: MakeAuction,
    person: MakePerson,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("marketplace.web.proof.BATCH", 1)
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=1000, minIncrement=100)
    for bidder, amount in ((ann, 1000), (bob, 1200), (ann, 1400)):
        bidder.bid(lot, amount)
    person(admin=True).post(f"/api/auctions/{lot}/end")
    with app.app_context():
        pool = db.engine.pool
    lines = browser().get(f"/auctions/{lot}/log.txt", buffered=False).iter_encoded()
    assert [pool.checkedout() for _ in lines] == [0, 0, 0]  # type: ignore[attr-defined]


def test_whoever_is_not_logged_in_is_asked_to_and_comes_back(
    browser: Callable[..., FlaskClient], auction: MakeAuction
) -> None:
    lot = auction()
    assert browser().get("/sell").location == "/login?next=/sell"
    for form, page in (
        (f"/auctions/{lot}/bids", f"/auctions/{lot}"),
        ("/sell", "/sell"),
        ("/me/tokens/3/revoke", "/me"),
        ("/me/profile/name", "/me/profile"),
    ):
        assert send(browser(), form).location == f"/login?next={page}"


def test_a_page_knows_where_it_is_after_a_form_was_refused(
    browser: Callable[..., FlaskClient], auction: MakeAuction
) -> None:
    sue, lot = browser("Sue"), auction()
    own = f"/auctions/{listed(sue)}"
    for page, form, status in [
        (f"/auctions/{lot}", f"/auctions/{lot}/bids", 422),
        (own, f"{own}/publish", 409),
        (f"{own}/manage", f"{own}/manage/relist", 422),
    ]:
        assert f'data-here="{page}"' in sue.get(page).text
        refused = send(sue, form)
        assert refused.status_code == status
        assert f'data-here="{page}"' in refused.text
        assert f'name="next" value="{page}"' in refused.text
    assert f'<a href="{own}/manage">Show it</a>' in send(sue, f"{own}/manage/relist").text
    assert 'data-here="/?status=ended"' in sue.get("/?status=ended").text


def test_the_address_of_a_form_leads_to_the_page_that_it_is_on(
    browser: Callable[..., FlaskClient], auction: MakeAuction
) -> None:
    ann, lot = browser("Ann"), f"/auctions/{auction()}"
    for address, page in [
        (f"{lot}/publish", lot),
        (f"{lot}/pictures", lot),
        (f"{lot}/manage/cancel-bid", f"{lot}/manage"),
        ("/orders/1/ship", "/orders/1"),
        ("/me/tokens/3/revoke", "/me"),
        ("/logout", "/"),
    ]:
        assert (ann.get(address).status_code, ann.get(address).location) == (303, page)
    answer = ann.get("/api/auth/login")
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")


def test_what_is_only_for_a_while_is_there_to_be_shown_and_hidden_live(
    app: Flask, browser: Callable[..., FlaskClient], auction: MakeAuction, person: MakePerson
) -> None:
    sue, stranger = browser("Sue"), browser()
    lot = listed(sue)
    page = f"/auctions/{lot}"
    call_off, no_bids = "Cancel auction", "until somebody bids"
    assert shown(sue.get(page).text, call_off, no_bids) == [True, True]
    assert shown(stranger.get(page).text, "Log in to bid", "Next bid: at least") == [True, True]
    person("Bob").bid(lot, 9_000)
    assert shown(sue.get(page).text, call_off, no_bids) == [False, False]
    over = auction()
    with app.app_context():
        service.end(over)
    seen = stranger.get(f"/auctions/{over}").text
    assert shown(seen, "Log in to bid", "Next bid: at least") == [False, False]


def listed(seller: FlaskClient) -> int:
    """An auction of a seller who sells by forms."""
    fields = {"title": "A kettle", "currency": "USD", "startingPrice": "5", "minIncrement": "1"}
    ends_at = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M}"
    page = send(seller, "/sell", **fields, endsAt=ends_at, extensionWindow="30", extension="60").location
    send(seller, f"{page}/publish")
    return int(page.rpartition("/")[2])


def shown(page: str, *texts: str) -> list[bool]:
    """Which of the texts are in sight: not within an element that comes and goes and is hidden."""
    hidden = [
        found[0]
        for found in re.finditer(r"<(p|form)\b[^>]* data-while[^>]* hidden>.*?</\1>", page, re.DOTALL)
    ]
    assert all(text in page for text in texts)
    return [not any(text in part for part in hidden) for text in texts]


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


TERMS = {
    "title": "A kettle",
    "currency": "USD",
    "startingPrice": "1,000",
    "increments": "fixed",
    "minIncrement": "5",
    "endsAt": f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M}",
}


def test_every_term_of_a_draft_can_be_set_and_changed(browser: Callable[..., FlaskClient]) -> None:
    sue = browser("Sue")
    more = {
        "increments": "own",
        "incrementTable": "0: 5\n\n 1,000 : 12.50 ",
        "reservePrice": "2000",
        "buyNowPrice": "3000",
        "buyNowUntil": "share",
        "buyNowShare": "80",
        "antiSnipe": "FIXED",
        "extensionWindow": "120",
        "extension": "60",
        "maxExtensions": "3",
        "maxExtensionTotal": "150",
        "suddenDeath": "10",
    }
    draft = send(sue, "/sell", **TERMS | more).location
    form = sue.get(f"{draft}/edit").text
    assert "0.00: 5.00\n1000.00: 12.50</textarea>" in form
    for name, value in (("reservePrice", "2000.00"), ("buyNowPrice", "3000.00"), ("buyNowShare", "80")):
        assert f'name="{name}" type="{"number" if name == "buyNowShare" else "text"}" value="{value}"' in form
    for name, value in (("increments", "own"), ("buyNowUntil", "share"), ("antiSnipe", "FIXED")):
        assert f'name="{name}" value="{value}" checked' in form
    snapshot = sue.get(f"/api{draft}").json
    assert snapshot["incrementTable"] == [[0, 500], [100_000, 1250]]
    assert (snapshot["buyNowPrice"], snapshot["buyNowShare"]) == (300_000, 80)
    assert (snapshot["antiSnipe"], snapshot["maxExtensions"]) == ("FIXED", 3)
    assert (snapshot["maxExtensionTotal"], snapshot["suddenDeath"]) == (150, 10)
    assert sue.get(f"/api{draft}/me").json["reservePrice"] == 200_000

    assert send(sue, f"{draft}/edit", **TERMS | {"increments": "ebay"}).location == draft
    assert 'name="increments" value="ebay" checked' in sue.get(f"{draft}/edit").text
    assert send(sue, f"{draft}/edit", **TERMS).location == draft
    snapshot = sue.get(f"/api{draft}").json
    assert (snapshot["minIncrement"], snapshot["incrementTable"]) == (500, None)
    assert (snapshot["reserveMet"], snapshot["buyNowPrice"]) == (None, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"increments": "own", "incrementTable": "5"}, "must have rows such as 100: 2.50"),
        ({"increments": "own", "incrementTable": "10: 5"}, "must begin at 0"),
        ({"increments": "own", "incrementTable": "0: 5\n10: 1"}, "that never shrink"),
        ({"increments": "ebay", "currency": "JPY"}, "no coins as small as these steps"),
        ({"reservePrice": "1000"}, "must be above the starting price"),
        ({"buyNowPrice": "900"}, "must not be below the starting price or the reserve"),
        ({"antiSnipe": "nonsense"}, "must be "),
        ({"maxExtensions": "many"}, "must be "),
    ],
)
def test_rules_that_do_not_fit_are_marked_and_kept(
    browser: Callable[..., FlaskClient], change: dict[str, str], said: str
) -> None:
    answer = send(browser("Sue"), "/sell", **TERMS | change)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="A kettle"' in answer.text


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
    assert 'value="2020-01-01T10:00:00"' in answer.text


def test_a_token_is_shown_once_and_can_be_revoked(browser: Callable[..., FlaskClient], app: Flask) -> None:
    ann = browser("Ann")
    page = send(ann, "/me/tokens", name="my script").text
    token = page.partition('<code class="token">')[2].partition("</code>")[0]
    assert "my script" in ann.get("/me/profile").text
    assert token not in ann.get("/me/profile").text
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


def test_unknown_addresses_are_a_page_for_people_and_a_problem_for_programs(client: FlaskClient) -> None:
    for path, status in (("nowhere", 404), ("auth/logout", 405)):
        assert client.get(f"/api/{path}").status_code == status
        assert client.get(f"/api/{path}").mimetype == "application/problem+json"
    nowhere, no_such_way = client.get("/nowhere"), client.put("/logout")
    assert (nowhere.status_code, nowhere.mimetype) == (404, "text/html")
    assert (no_such_way.status_code, no_such_way.mimetype) == (405, "text/html")
    assert "POST" in no_such_way.headers["Allow"]


def test_what_is_too_large_is_refused_on_a_page(browser: Callable[..., FlaskClient]) -> None:
    answer = send(browser(), "/login", email="x" * 70_000)
    assert (answer.status_code, answer.mimetype) == (413, "text/html")
    assert "What you sent is too large." in answer.text


def test_a_description_is_as_long_in_every_script(browser: Callable[..., FlaskClient]) -> None:
    sue = browser("Sue")
    assert send(sue, "/sell/preview", description="時計\r\n" * 3333).status_code == 200
    answer = send(sue, "/sell", description="時計\r\n" * 3333)
    assert answer.status_code == 422
    assert "must have at most 10" not in answer.text


def test_a_failure_of_ours_is_a_page_that_tells_nothing_but_its_number(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr("marketplace.web.browsing.viewer", fail)
    answer = client.get("/", headers={"X-Request-Id": "abc-123"})
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert "It was noted under the number abc-123." in answer.text
    assert "42" not in answer.text
    # Neither does the page that says so, should that fail itself.
    monkeypatch.setattr("marketplace.web.pages.viewer", fail)
    client.application.testing = False
    assert (answer := client.get("/nowhere")).status_code == 500
    assert answer.mimetype == "text/html"


def test_without_the_database_a_page_says_so_and_leads_back(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise PoolTimeout

    monkeypatch.setattr("marketplace.web.browsing.require_viewer", away)
    answer = send(client, "/auctions/7/watch")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Back in a moment · Marketplace" in answer.text
    assert '<a class="button" href="/auctions/7">' in answer.text


# --- the list ---------------------------------------------------------------------------------------------


def test_the_list_is_searched_by_a_plain_form(
    browser: Callable[..., FlaskClient], auction: MakeAuction, person: MakePerson
) -> None:
    seller, client = person(), browser()
    auction(seller=seller, title="A camera", category="cameras", startingPrice=2500)
    auction(seller=seller, title="A clock", category="clocks", startingPrice=90000)
    form = "/?q=&category=&sort=&format=&currency=&minPrice=&maxPrice=&endingWithin="
    everything = client.get(form).text
    assert "A camera" in everything
    assert "A clock" in everything
    prices = "currency=USD&minPrice=20.00&maxPrice=100.00&sort=price_asc"
    for query in ("q=camera", "category=electronics", prices):
        found = client.get(f"/?{query}").text
        assert ("A camera" in found, "A clock" in found) == (True, False), query


def test_what_was_searched_for_stays_in_the_form_and_on_the_next_page(
    browser: Callable[..., FlaskClient],
    auction: MakeAuction,
    person: MakePerson,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("marketplace.web.browsing.AUCTIONS_A_PAGE", 1)
    seller, client = person(), browser()
    for number in range(2):
        auction(seller=seller, title=f"Camera number {number}", category="cameras")
    first = client.get("/?q=camera&category=cameras").text
    assert 'value="camera"' in first
    assert '<input type="hidden" name="category" value="cameras">' in first
    more = re.search(r'href="(/\?[^"]*cursor=[^"]*)"', first)
    assert more
    second = client.get(html.unescape(more[1])).text
    numbers = [set(re.findall("Camera number ([01])", page)) for page in (first, second)]
    assert numbers in ([{"0"}, {"1"}], [{"1"}, {"0"}])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sort=price_asc", "needs a currency"),
        ("sort=relevance", "needs words to look for"),
        ("minPrice=ten&currency=USD", "must be an amount such as"),
        ("currency=USD&minPrice=6&maxPrice=5", "must not be below the lowest price"),
        ("status=ended&endingWithin=3600", "is for running auctions"),
        ("q=%21%21", "must have a word in it"),
    ],
)
def test_a_search_that_makes_no_sense_is_said_so_in_the_form(
    browser: Callable[..., FlaskClient], query: str, said: str
) -> None:
    answer = browser().get(f"/?{query}")
    assert answer.status_code == 422
    assert said in answer.text
    assert 'role="search"' in answer.text


def test_a_list_whose_order_is_forgotten_begins_again(client: FlaskClient) -> None:
    assert client.get("/?status=ended&q=clock&cursor=nonsense").location == "/?q=clock&status=ended"


def test_ones_own_pages_list_what_one_takes_part_in(
    browser: Callable[..., FlaskClient], auction: MakeAuction, person: MakePerson
) -> None:
    ann = browser("Ann")
    lot, other, third = (auction(title=title) for title in ("Bid on", "Looked at", "Outbid on"))
    for each in (lot, third):
        assert send(ann, f"/auctions/{each}/bids", amount="10.00", how="exact").status_code == 303
    assert person().bid(third, 5000).status_code == 201
    assert ann.put(f"/api/auctions/{other}/watch", headers={"Origin": "http://localhost"}).status_code == 204
    rows = re.findall(r'<li class="lot".*?</li>', ann.get("/me").text, re.DOTALL)
    assert [("Outbid on" in row, "You lead" in row, "Outbid</span>" in row) for row in rows] == [
        (True, False, True),
        (False, True, False),
    ]
    watching = ann.get("/me/watching").text
    assert "Looked at" in watching
    assert "Bid on" not in watching
    for name, said in (
        ("won", "Nothing won yet."),
        ("lost", "Nothing lost."),
        ("selling", "You sell nothing yet."),
    ):
        assert said in ann.get(f"/me/{name}").text
    assert ann.get("/me/nothing").status_code == 404
    assert ann.get("/me/won?cursor=nonsense").status_code == 422
    assert browser().get("/me/won").location == "/login?next=/me/won"


def test_nobody_leads_what_is_over(
    browser: Callable[..., FlaskClient], auction: MakeAuction, app: Flask
) -> None:
    ann = browser("Ann")
    unmet = auction(reservePrice=9000)
    send(ann, f"/auctions/{unmet}/bids", amount="10.00", how="exact")
    assert re.search(r'data-lead="leading">\s*You lead<', ann.get("/me").text)
    with app.app_context():
        service.end(unmet)
    row = re.search(r'<li class="lot".*?</li>', ann.get("/me/lost").text, re.DOTALL)
    assert row
    assert re.search(r'data-lead="leading" hidden>', row[0])


def test_a_bid_that_came_too_late_is_told_so_in_its_form(
    browser: Callable[..., FlaskClient], auction: MakeAuction, app: Flask
) -> None:
    ann, lot = browser("Ann"), auction()
    with app.app_context():
        service.end(lot)
    told = send(ann, f"/auctions/{lot}/bids", amount="10.00", how="exact").text
    form = re.search(r'<form class="bid"([^>]*)>.*?</form>', told, re.DOTALL)
    assert form
    assert "hidden" not in form[1]
    assert "The auction has ended." in form[0]


def links(page: str) -> dict[str, str]:
    """The links to lists, by their words or their label."""
    found = re.findall(r'<a href="(/[^"]*)"(?: aria-label="([^"]*)")?[^>]*>(.*?)</a>', page, re.DOTALL)
    return {label or re.sub("<[^>]*>", "", words).strip(): html.unescape(to) for to, label, words in found}


def test_each_filter_that_is_applied_can_be_taken_away_with_what_needs_it(
    browser: Callable[..., FlaskClient],
) -> None:
    query = "q=camera&category=cameras&currency=USD&minPrice=20.00&endingWithin=3600&sort=price_asc"
    found = links(browser().get(f"/?{query}").text)
    without = {
        name.partition("filter ")[2]: to for name, to in found.items() if name.startswith("Remove the")
    }
    assert without == {
        "“camera”": f"/?{query.removeprefix('q=camera&')}",
        "Cameras and lenses": f"/?{query.replace('category=cameras&', '')}",
        # Prices in no currency cannot be compared.
        "USD": "/?q=camera&category=cameras&endingWithin=3600",
        "From 20.00": f"/?{query.replace('minPrice=20.00&', '')}",
        "Within an hour": f"/?{query.replace('endingWithin=3600&', '')}",
    }
    assert found["Clear all"] == "/"
    assert found["Ended"].endswith("&status=ended")
    assert "endingWithin" not in found["Ended"]
    assert "category" not in found["All categories"]
    for address in without.values():
        assert browser().get(address).status_code == 200


def test_what_ends_within_the_hour_has_a_row_of_its_own(
    browser: Callable[..., FlaskClient], auction: MakeAuction
) -> None:
    auction(title="Nearly over", lasts=600)
    auction(title="Here for long", lasts=86_400)
    first, _, others = browser().get("/").text.partition("All auctions")
    assert "Ending soon</h2>" in first
    assert "Nearly over" in first
    assert "Here for long" in others
    assert "Nearly over" not in others
    assert "Ending soon</h2>" not in browser().get("/?sort=newest").text


def test_the_heart_is_a_form_that_goes_back(
    browser: Callable[..., FlaskClient], auction: MakeAuction
) -> None:
    ann, lot = browser("Ann"), auction(title="A clock")
    for watch, pressed in (("yes", "true"), ("yes", "true"), ("no", "false")):
        answer = send(ann, f"/auctions/{lot}/watch", watch=watch, next="/?q=clock")
        assert (answer.status_code, answer.location) == (303, "/?q=clock")
        for page in ("/?q=clock", f"/auctions/{lot}"):
            assert f'aria-pressed="{pressed}" aria-label="Watch A clock"' in ann.get(page).text
    assert send(ann, f"/auctions/{lot}/watch", watch="yes", next="//evil").location == f"/auctions/{lot}"
    # Whoever is not signed in is asked to be, and comes back.
    form = browser().get("/?q=clock").text.partition('<form class="watch"')[2].partition("</form>")[0]
    assert 'action="/login"' in form
    assert 'name="next" value="/?q=clock"' in form
    assert send(browser(), f"/auctions/{lot}/watch").location == f"/login?next=/auctions/{lot}"


def test_every_category_has_a_name_in_words(client: FlaskClient) -> None:
    tree = client.get("/api/categories").json["items"]
    everything = [each for top in tree for each in (top, *top["children"])]
    assert {each["slug"]: each["name"] for each in everything} == {
        slug: str(name) for slug, name in category_names.NAMES.items()
    }
