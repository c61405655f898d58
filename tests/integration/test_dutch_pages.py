"""The pages of Dutch auctions as they come from the server, and their forms."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.pages import Inline, MakeBrowser, send
from tests.people import MakeAuction, MakePerson

FALLING = {
    "format": "DUTCH",
    "minIncrement": None,
    "startingPrice": 10_000,
    "floorPrice": 2_000,
    "dropAmount": 500,
    "dropEvery": 600,
    "quantity": 2,
}
FORM = {
    "format": "DUTCH",
    "title": "Crates of bulbs",
    "currency": "USD",
    "startingPrice": "500",
    "dropAmount": "10",
    "dropEvery": "300",
    "floorPrice": "95",
    "quantity": "4",
    "holdSeconds": "120",
    "endsAt": f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M}",
}


def take(client: FlaskClient, lot: int, price: str = "100.00", key: str = "") -> TestResponse:
    """As the plain form does, with the price that it showed."""
    return send(client, f"/auctions/{lot}/bids", amount=price, **({"key": key} if key else {}))


def test_the_page_says_the_price_the_fall_and_the_stock(browser: MakeBrowser, auction: MakeAuction) -> None:
    seen = (
        browser("Ann").get(f"/auctions/{auction(**FALLING, lasts=86_400, perBuyer=1, holdSeconds=120)}").text
    )
    for words in (
        "Price now",
        "Take one at $100.00",
        'name="amount" value="100.00"',
        "Falls to $95.00 in ",
        "16 drops left, down to $20.00",
        "2 of 2 left",
        "Falls by $5.00 every 10 min, 16 times, and is at $20.00 after 2 h 40 min.",
        "2, at most 1 for each buyer",
        "held for you for 2 min",
    ):
        assert words in seen


def test_a_fall_that_the_end_cuts_short_is_told_as_it_will_be(
    browser: MakeBrowser, auction: MakeAuction
) -> None:
    seen = browser().get(f"/auctions/{auction(**FALLING, lasts=1500)}").text
    assert "2 drops left, down to $90.00" in seen
    assert "Falls by $5.00 every 10 min, and is at $90.00 when it ends." in seen
    seen = browser().get(f"/auctions/{auction(**FALLING, lasts=500)}").text
    assert "It falls no further before the end." in seen
    assert "drops left" not in seen


def test_a_form_sent_twice_takes_one_item(browser: MakeBrowser, auction: MakeAuction) -> None:
    ann, lot = browser("Ann"), auction(**FALLING)
    for _ in range(2):
        assert take(ann, lot, key="the-key-of-the-form").status_code == 303
    seen = ann.get(f"/auctions/{lot}").text
    assert seen.count("<b data-held-price>$100.00</b>") == 1
    assert "1 of 2 left" in seen
    assert "1 held · 0 sold" in seen


def test_a_price_that_was_too_low_takes_nothing_and_says_so(
    browser: MakeBrowser, auction: MakeAuction
) -> None:
    ann, lot = browser("Ann"), auction(**FALLING)
    refused = take(ann, lot, "95")
    assert refused.status_code == 409
    assert "Nothing was taken: the price is $100.00, more than the $95.00 that you agreed to." in refused.text
    assert "2 of 2 left" in refused.text


def test_one_too_many_is_refused_with_the_limit(browser: MakeBrowser, auction: MakeAuction) -> None:
    ann, lot = browser("Ann"), auction(**FALLING, perBuyer=1)
    take(ann, lot)
    refused = take(ann, lot)
    assert refused.status_code == 409
    assert "You have 1 item, as many as one buyer may have." in refused.text


def test_a_sold_out_auction_says_what_may_come_back(browser: MakeBrowser, auction: MakeAuction) -> None:
    ann, bob, lot = browser("Ann"), browser("Bob"), auction(**FALLING)
    for _ in range(2):
        take(ann, lot)
    seen = bob.get(f"/auctions/{lot}").text
    assert "Sold out. 2 items are only held: what is not checked out in time comes back." in seen
    assert "Price now, should one come back" in seen
    # Who is not logged in may be in time then, too.
    invitation = r'<p [^>]*id="log-in"[^>]* data-while>'
    assert re.search(invitation, browser().get(f"/auctions/{lot}").text)
    refused = take(bob, lot)
    assert "Somebody was faster: 0 left. 2 items are only held, and may come back." in refused.text
    assert "data-reservation=" not in refused.text.partition("<template")[0]


def test_what_is_held_is_listed_on_ones_own_page_and_given_back(
    browser: MakeBrowser, auction: MakeAuction
) -> None:
    ann, bob, lot = browser("Ann"), browser("Bob"), auction(**FALLING, title="Crates of bulbs")
    take(ann, lot)
    held = ann.get("/api/reservations").json["items"][0]["reservationId"]
    assert "Held for you" in ann.get("/me").text
    assert "Crates of bulbs</a> at <b data-held-price>$100.00</b>" in ann.get("/me").text
    assert "Held for you" not in bob.get("/me").text

    page = f"/auctions/{lot}"
    for stranger, what in ((bob, held), (ann, f"{lot}-99"), (ann, "nonsense"), (ann, "")):
        assert send(stranger, f"{page}/release", reservation=what).status_code == 404
    assert send(browser(), f"{page}/release", reservation=held).location == f"/login?next={page}"
    # Sent twice, as people do: the second time changes nothing.
    for _ in range(2):
        assert send(ann, f"{page}/release", reservation=held).location == page
    assert "2 of 2 left" in ann.get(page).text
    assert "Held for you" not in ann.get("/me").text


def test_the_sales_show_what_was_taken_and_came_back_and_nobody_who_bought(
    browser: MakeBrowser, auction: MakeAuction
) -> None:
    ann, bob, lot = browser("Annabel"), browser("Bob"), auction(**FALLING)
    take(ann, lot)
    held = ann.get("/api/reservations").json["items"][0]["reservationId"]
    send(ann, f"/auctions/{lot}/release", reservation=held)
    seen = bob.get(f"/auctions/{lot}").text
    assert "Came back" in seen
    assert "given back" in seen
    assert "<s>$100.00</s>" in seen
    assert "Annabel" not in seen
    assert "data-mine" not in seen
    assert "data-mine" in ann.get(f"/auctions/{lot}").text


def test_the_end_is_told_with_what_went(
    browser: MakeBrowser, auction: MakeAuction, person: MakePerson
) -> None:
    ann, admin = browser("Ann"), person("Ada", admin=True)
    lot, other = auction(**FALLING), auction(**FALLING)
    take(ann, lot)
    for each in (lot, other):
        admin.post(f"/api/auctions/{each}/end")
    seen = ann.get(f"/auctions/{lot}").text
    assert "This auction has ended. 1 of 2 items went, 1 of them still held." in seen
    assert "Held for you" in seen
    assert "Price at the end" in seen
    assert "This auction has ended. Nothing was sold." in ann.get(f"/auctions/{other}").text


def test_the_list_and_the_sellers_own_page_show_dutch_lots(browser: MakeBrowser) -> None:
    sue = browser("Sue")
    draft = send(sue, "/sell", **FORM).location
    send(sue, f"{draft}/publish")
    for path in ("/", "/me/selling"):
        seen = sue.get(path).text
        assert "Crates of bulbs" in seen
        assert "$500.00" in seen
        assert "4 of 4 left" in seen


def test_dutch_pages_have_nothing_inline(browser: MakeBrowser, auction: MakeAuction) -> None:
    ann, lot = browser("Ann"), auction(**FALLING, title="<script>alert(1)</script>")
    take(ann, lot)
    for path in (f"/auctions/{lot}", "/", "/me", "/me/won", "/sell"):
        parser = Inline()
        parser.feed(ann.get(path).text)
        assert parser.found == [], path


def test_a_draft_keeps_its_format_and_every_term_can_be_changed(browser: MakeBrowser) -> None:
    sue = browser("Sue")
    draft = send(sue, "/sell", **FORM, perBuyer="2").location
    form = sue.get(f"{draft}/edit").text
    for name, value in (("dropAmount", "10.00"), ("floorPrice", "95.00"), ("perBuyer", "2")):
        assert f'name="{name}"' in form
        assert f'value="{value}"' in form
    assert (
        "It is at $95.00, the floor, after 41 drops: 3 h 25 min after the start, unless it ends before."
        in form
    )
    assert send(sue, f"{draft}/edit", **FORM | {"dropEvery": "60", "perBuyer": ""}).location == draft
    snapshot = sue.get(f"/api{draft}").json
    assert (snapshot["dropEvery"], snapshot["perBuyer"], snapshot["holdSeconds"]) == (60, None, 120)
    other = send(sue, f"{draft}/edit", **FORM | {"format": "ENGLISH", "minIncrement": "5"})
    assert other.status_code == 422
    assert sue.get(f"/api{draft}").json["format"] == "DUTCH"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"floorPrice": "501"}, "must not be above the starting price"),
        ({"floorPrice": ""}, "must be an amount such as"),
        ({"dropAmount": "0"}, "must be "),
        ({"dropEvery": "0"}, "must be "),
        ({"dropEvery": "soon"}, "must be "),
        ({"quantity": "0"}, "must be "),
        ({"perBuyer": "many"}, "must be "),
        ({"format": "JAPANESE"}, "must be "),
    ],
)
def test_terms_that_do_not_fit_are_marked_and_kept(
    browser: MakeBrowser, change: dict[str, str], said: str
) -> None:
    answer = send(browser("Sue"), "/sell", **FORM | change)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="Crates of bulbs"' in answer.text


def test_a_preview_saves_nothing(browser: MakeBrowser) -> None:
    sue = browser("Sue")
    seen = send(sue, "/sell", **FORM, preview="yes")
    assert seen.status_code == 200
    assert "after 5 min</span> <b>$490.00</b>" in seen.text
    assert "Crates of bulbs" not in sue.get("/me/selling").text


def test_a_blocked_buyer_is_told_so(browser: MakeBrowser, auction: MakeAuction, person: MakePerson) -> None:
    sue, ann = person("Sue"), browser("Ann")
    lot = auction(seller=sue, **FALLING)
    take(ann, lot)
    sue.post(f"/api/auctions/{lot}/blocked", json={"bidId": f"{lot}-2", "reason": "never pays"})
    seen = ann.get(f"/auctions/{lot}").text
    assert "The seller does not sell to you." in seen
    assert "Take one at" not in seen
    # What is held stays so.
    assert "data-held-price>$100.00" in seen
