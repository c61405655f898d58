"""The language of the pages: who gets which, and that no cache mixes them up."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace import categories
from marketplace.errors import MarketplaceError, NotAPicture, NotFound
from marketplace.web.category_names import NAMES
from tests.pages import ORIGIN, MakeBrowser, send
from tests.people import MakeAuction, MakePerson


@pytest.mark.parametrize(
    ("asked", "chosen", "seen"),
    [
        (None, None, "en"),
        ("pl", None, "pl"),
        ("de-DE, ur-PK;q=0.8, en;q=0.5", None, "ur"),
        ("de, fr", None, "en"),
        ("pl", "en", "en"),
        ("en", "ur", "ur"),
        ("pl", "../../etc", "pl"),
        ("*", "", "en"),
        ("ur;q=0.2, PL", None, "pl"),
        ("ur;q=0", None, "en"),
    ],
)
def test_readers_get_what_they_chose_or_else_what_their_browser_asks_for(
    browser: MakeBrowser, asked: str | None, chosen: str | None, seen: str
) -> None:
    reader = browser()
    if chosen is not None:
        reader.set_cookie("language", chosen)
    answer = reader.get("/login", headers={"Accept-Language": asked} if asked else {})
    direction = "rtl" if seen == "ur" else "ltr"
    assert f'<html lang="{seen}" dir="{direction}"' in answer.text
    assert f"dist/pages/site-{seen}-" in answer.text


def test_a_page_is_nobody_elses(browser: MakeBrowser) -> None:
    answer = browser().get("/login")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert {"accept-language", "cookie"} <= {each.lower() for each in answer.vary}


def test_what_is_always_the_same_amount_is_written_in_the_language_of_each_reader(person: MakePerson) -> None:
    seller = person()
    for language, amount in (("pl", "100,00\u00a0USD"), ("ur", "$100.00"), ("pl", "100,00\u00a0USD")):
        seen = seller.get("/sell", headers={"Accept-Language": language}).text
        assert amount in seen, language


def test_the_script_in_a_language_is_the_same_for_everybody(browser: MakeBrowser) -> None:
    reader = browser()
    address = script_in(reader, "pl")
    answer = reader.get(address, headers={"Accept-Language": "ur"})
    assert answer.mimetype == "text/javascript"
    assert "public" in answer.headers["Cache-Control"]
    assert set(answer.vary) == {"Accept-Encoding"}
    # Whoever looks for a mistake in a script finds its source.
    assert reader.get(urljoin(address, answer.headers["SourceMap"])).status_code == 200


def script_in(reader: FlaskClient, language: str) -> str:
    """Where a page in that language says that its script is."""
    page = reader.get("/login", headers={"Accept-Language": language}).text
    return page.split('<script type="module" src="')[1].split('"')[0]


def test_every_category_that_a_migration_made_has_a_name_to_translate(app: Flask) -> None:
    with app.app_context():
        tree = categories.tree()
    made = {each.slug: each.name for branch in tree for each in (branch.category, *branch.children)}
    with app.test_request_context():
        assert {slug: str(name) for slug, name in NAMES.items()} == made


def test_numbers_and_refusals_are_the_readers(browser: MakeBrowser, auction: MakeAuction) -> None:
    lot = auction(startingPrice=123_450, buyNowPrice=9_999_900)
    reader = browser("Ann")
    reader.set_cookie("language", "pl")
    shown = reader.get(f"/auctions/{lot}").text
    assert "1\u00a0234,50\u00a0USD" in shown
    refused = send(reader, f"/auctions/{lot}/bids", amount="1,234.50")
    assert "1\u00a0234,50" in refused.text
    assert send(reader, f"/auctions/{lot}/bids", amount="1 234,50").status_code == 303
    assert reader.get(f"/api/auctions/{lot}").json["currentBid"] == 123_450


def test_why_the_api_takes_no_picture_is_told_in_the_words_of_the_reader(browser: MakeBrowser) -> None:
    seller = browser("Sue")
    seller.set_cookie("language", "pl")
    fields = {"title": "Czajnik", "currency": "PLN", "startingPrice": "5", "minIncrement": "1"}
    ends_at = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M}"
    fields |= {"endsAt": ends_at, "extensionWindow": "30", "extension": "60"}
    draft = send(seller, "/sell", **fields).location
    found = re.search(r'data-refusals="([^"]*)"', seller.get(draft).text)
    assert found
    words = json.loads(html.unescape(found[1]))
    file = (BytesIO(b"no picture"), "photo.jpg")
    refused = seller.post(f"/api{draft}/pictures", data={"file": file}, headers=ORIGIN)
    assert refused.json["detail"] == NotAPicture.message()
    assert words[refused.json["code"]].startswith("To nie jest zdjęcie")
    # Whatever else may be.
    assert words["error"] not in {"", MarketplaceError.message()}


def test_digits_of_the_readers_script_are_numbers_everywhere(browser: MakeBrowser) -> None:
    sue = browser("Sue")
    sue.set_cookie("language", "ur")
    refused = send(sue, "/sell", startingPrice="۱۰", premiumRate="۱۲٫۵", extensionWindow="۳۰۰", endsAt="")
    marked = re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', refused.text)
    assert "endsAt" in marked
    assert not {"startingPrice", "premiumRate", "extensionWindow"} & {*marked}


def test_the_api_stays_english(browser: MakeBrowser) -> None:
    answer = browser().get("/api/auctions/987654321", headers={"Accept-Language": "pl"})
    assert answer.json["detail"] == NotFound.message()
    assert "Accept-Language" not in answer.headers.get("Vary", "")
