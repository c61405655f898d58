"""Selling, as its pages come from the server: the preview of the form, and what a seller manages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace import sales
from marketplace.bidding import service
from marketplace.models import Sale
from tests.pages import ORIGIN, Inline, MakeBrowser, send
from tests.people import MakeAuction, MakePerson

ENGLISH = {
    "format": "ENGLISH",
    "title": "A kettle",
    "currency": "USD",
    "startingPrice": "100",
    "increments": "fixed",
    "minIncrement": "5",
    "starts": "published",
    "ends": "after",
    "days": "3",
    "antiSnipe": "RESET",
    "extensionWindow": "300",
    "extension": "300",
    "premiumRate": "12.5",
    "paymentDays": "7",
}
DUTCH = ENGLISH | {
    "format": "DUTCH",
    "startingPrice": "500",
    "dropAmount": "10",
    "dropEvery": "300",
    "floorPrice": "395",
    "quantity": "4",
    "holdSeconds": "600",
}


# --- the form ---


def test_the_rules_are_read_back_while_the_form_is_filled_in(browser: MakeBrowser) -> None:
    sue = browser("Sue")
    seen = send(sue, "/sell/preview", **ENGLISH | {"title": "", "reservePrice": "150"}).text
    assert "Starts at $100.00. Each bid adds at least $5.00." in seen
    assert "Not sold for less than $150.00" in seen
    assert "A bid in the last 5 min moves the end to 5 min after the bid" in seen
    assert "A bid of $100.00 costs $112.50" in seen
    assert "Opens when you publish it and ends" in seen
    assert "<html" not in seen
    table = send(sue, "/sell/preview", **ENGLISH | {"increments": "ebay"}).text
    assert "Starts at $100.00. Each bid adds at least $0.05, and more as the price grows." in table


def test_the_fall_is_drawn_to_its_floor(browser: MakeBrowser) -> None:
    seen = send(browser("Sue"), "/sell/preview", **DUTCH, perBuyer="2").text
    assert "Falls by $10.00 every 5 min, 11 times, and is at $395.00 after 55 min." in seen
    assert "4 items. At most 2 for each buyer. Whoever takes one has 10 min to check out." in seen
    [line] = re.findall(r'class="line" d="([^"]+)"', seen)
    assert line.count("V") == 11
    assert line.endswith("H240")
    slope = send(browser("Tom"), "/sell/preview", **DUTCH | {"dropAmount": "1"}).text
    assert re.search(r'class="line" d="M0 3.0 L200 71.0 H240"', slope)


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "nonsense"},
        {"startingPrice": "ten"},
        {"dropAmount": "0"},
        {"dropEvery": "999999999"},
        {"floorPrice": "0", "dropAmount": "0.01"},
        {"floorPrice": "600"},
        {"quantity": "many", "perBuyer": "few"},
        {"format": "JAPANESE"},
        {"endsAt": "tomorrow", "ends": "at"},
    ],
)
def test_what_makes_no_sense_yet_is_left_out_of_the_preview(
    browser: MakeBrowser, change: dict[str, str]
) -> None:
    sue = browser("Sue")
    assert send(sue, "/sell/preview", **DUTCH | change).status_code == 200
    assert send(sue, "/sell", **DUTCH | change, preview="yes").status_code == 422


def test_only_who_is_logged_in_is_told_the_rules(browser: MakeBrowser) -> None:
    assert send(browser(), "/sell/preview", **ENGLISH).status_code == 303


def test_all_that_is_wrong_is_marked_at_once_and_the_first_has_the_focus(browser: MakeBrowser) -> None:
    wrong = {"startingPrice": "ten", "minIncrement": "", "premiumRate": "much", "maxExtensions": "few"}
    seen = send(browser("Sue"), "/sell", **ENGLISH | wrong)
    assert seen.status_code == 422
    marked = re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', seen.text)
    assert marked == ["startingPrice", "minIncrement", "maxExtensions", "premiumRate"]
    assert re.findall(r'name="(\w+)"[^>]*autofocus', seen.text) == ["startingPrice"]
    # What is rarely needed is open when something in it is wrong.
    assert re.search(r'<details class="more-terms" open>\s*<summary>Limits on moving the end', seen.text)


def test_a_draft_lasts_as_many_days_as_were_chosen_from_its_opening(browser: MakeBrowser) -> None:
    sue = browser("Sue")
    now = datetime.now(UTC)
    draft = sue.get("/api" + send(sue, "/sell", **ENGLISH).location).json
    assert draft["startsAt"] is None
    assert abs(datetime.fromisoformat(draft["endsAt"]) - now - timedelta(days=3)) < timedelta(minutes=1)
    opens = (now + timedelta(days=2)).replace(microsecond=0)
    later = ENGLISH | {"starts": "at", "startsAt": opens.isoformat()}
    draft = sue.get("/api" + send(sue, "/sell", **later).location).json
    assert datetime.fromisoformat(draft["startsAt"]) == opens
    assert datetime.fromisoformat(draft["endsAt"]) == opens + timedelta(days=3)
    # What is hidden in the form is not read.
    at_once = later | {"starts": "published"}
    assert sue.get("/api" + send(sue, "/sell", **at_once).location).json["startsAt"] is None
    assert send(sue, "/sell", **ENGLISH | {"days": "4"}).status_code == 422


@pytest.mark.parametrize(
    "times",
    [
        {"ends": "at", "endsAt": "0001-01-01T00:00:00+05:00"},
        {"starts": "at", "startsAt": "9999-12-25T00:00:00Z"},
        {"starts": "at", "startsAt": "9999-12-25T00:00"},
    ],
)
def test_a_moment_that_is_too_far_away_is_marked(browser: MakeBrowser, times: dict[str, str]) -> None:
    refused = send(browser("Sue"), "/sell", **ENGLISH | times)
    assert refused.status_code == 422
    assert "This must be between the years 2000 and 2200." in refused.text


def test_a_lot_of_a_sale_is_edited_without_what_follows_from_the_sale(
    browser: MakeBrowser, person: MakePerson
) -> None:
    sue = browser("Sue")
    ends_at = (datetime.now(UTC) + timedelta(days=5)).isoformat()
    headers = {"Origin": "http://localhost"}
    sale = {"title": "Estate", "closing": "CASCADE", "endsAt": ends_at}
    sale_id = sue.post("/api/sales", json=sale, headers=headers).json["id"]
    terms = {"title": "A clock", "currency": "USD", "startingPrice": 1000, "minIncrement": 100}
    lot = sue.post(f"/api/sales/{sale_id}/lots", json=terms, headers=headers).json
    page = f"/auctions/{lot['id']}/edit"
    assert 'name="endsAt"' not in sue.get(page).text
    assert send(sue, page, **ENGLISH, preview="yes").status_code == 200
    assert send(sue, page, **ENGLISH | {"title": "A larger clock"}).status_code == 303
    changed = sue.get(f"/api/auctions/{lot['id']}").json
    assert (changed["title"], changed["endsAt"]) == ("A larger clock", lot["endsAt"])


# --- managing ---


def listed(sue: FlaskClient, **terms: str) -> str:
    """Put something up for sale; the path of its page."""
    draft = send(sue, "/sell", **ENGLISH | terms).location
    assert send(sue, f"{draft}/publish").status_code == 303
    return draft


def test_the_seller_sees_the_bids_with_names_and_cancels_one(browser: MakeBrowser) -> None:
    sue, ann = browser("Sue"), browser("Annabel")
    page = listed(sue)
    lot = page.rpartition("/")[2]
    assert "No bids yet." in sue.get(f"{page}/manage").text
    send(ann, f"{page}/bids", amount="250")
    seen = sue.get(f"{page}/manage").text
    assert "Annabel" in seen
    assert "$250.00" in seen
    refused = send(sue, f"{page}/manage/cancel-bid", bid=f"{lot}-2", reason="")
    assert refused.status_code == 422
    assert refused.text.count('role="alert"') == 2  # the banner of every page is one
    assert re.search(r'<details class="step" open>\s*<summary>Cancel this bid', refused.text)
    answer = send(sue, f"{page}/manage/cancel-bid", bid=f"{lot}-2", reason="A <b>slip</b>")
    assert (answer.status_code, answer.location) == (303, f"{page}/manage")
    assert "Cancelled by you: A &lt;b&gt;slip" in sue.get(f"{page}/manage").text
    again = send(sue, f"{page}/manage/cancel-bid", bid=f"{lot}-2", reason="Again")
    assert again.status_code == 409
    assert "The bid was withdrawn before." in again.text


def test_a_bid_of_another_auction_is_not_cancelled_here(browser: MakeBrowser) -> None:
    sue, ann = browser("Sue"), browser("Ann")
    page, other = listed(sue), listed(sue)
    send(ann, f"{other}/bids", amount="100")
    number = other.rpartition("/")[2]
    for bid in (f"{number}-2", "nonsense", ""):
        assert send(sue, f"{page}/manage/cancel-bid", bid=bid, reason="x").status_code == 404
    assert sue.get(f"/api{other}").json["bidCount"] == 1


def test_a_bidder_is_blocked_with_their_bids_and_let_in_again(browser: MakeBrowser) -> None:
    sue, ann = browser("Sue"), browser("Annabel")
    page = listed(sue)
    lot = page.rpartition("/")[2]
    send(ann, f"{page}/bids", amount="250")
    send(ann, f"{page}/bids", amount="260", how="automatic")
    assert send(sue, f"{page}/manage/block", bid=f"{lot}-2", reason="").status_code == 422
    sent = send(sue, f"{page}/manage/block", bid=f"{lot}-2", reason="Never pays", cancelBids="yes")
    assert sent.status_code == 303
    seen = sue.get(f"{page}/manage").text
    assert "Blocked on all your auctions" in seen
    assert "Never pays" in seen
    assert ann.get(f"/api{page}").json["currentBid"] is None
    assert send(ann, f"{page}/bids", amount="300").status_code == 403
    [bidder] = re.findall(r'name="bidder" value="(\d+)"', seen)
    for wrong in ("", "x", "-1"):
        assert send(sue, f"{page}/manage/unblock", bidder=wrong).status_code == 422
    assert send(sue, f"{page}/manage/unblock", bidder="999999").status_code == 404
    assert send(sue, f"{page}/manage/unblock", bidder=bidder).status_code == 303
    assert send(ann, f"{page}/bids", amount="300").status_code == 303


def test_only_what_nobody_has_bid_on_can_be_called_off(browser: MakeBrowser) -> None:
    sue, ann = browser("Sue"), browser("Ann")
    page, other = listed(sue), listed(sue)
    send(ann, f"{page}/bids", amount="100")
    assert "Call it off" not in sue.get(f"{page}/manage").text
    refused = send(sue, f"{page}/manage/cancel")
    assert refused.status_code == 409
    assert "Call it off" in sue.get(f"{other}/manage").text
    assert send(sue, f"{other}/manage/cancel").status_code == 303
    assert ann.get(f"/api{other}").json["status"] == "CANCELLED"


def test_a_draft_is_discarded_on_its_page(browser: MakeBrowser) -> None:
    sue, ann = browser("Sue"), browser("Ann")
    page = send(sue, "/sell", **ENGLISH).location
    seen = sue.get(f"{page}/manage").text
    assert "Discard this draft" in seen
    assert "Call it off" not in seen
    assert send(ann, f"{page}/manage/discard").status_code == 404
    assert send(sue, f"{page}/manage/discard").location == "/me/selling"
    assert sue.get(page).status_code == 404
    assert "Discard" not in sue.get(f"{listed(sue)}/manage").text


def test_what_was_not_sold_is_offered_to_the_next_bidder_or_listed_again(
    app: Flask, browser: MakeBrowser
) -> None:
    sue, ann, ben = browser("Sue"), browser("Annabel"), browser("Benjamin")
    page = listed(sue, reservePrice="5000")
    send(ann, f"{page}/bids", amount="200")
    send(ben, f"{page}/bids", amount="300")
    early = send(sue, f"{page}/manage/offer", hours="48")
    assert (early.status_code, "The auction is not over." in early.text) == (409, True)
    with app.app_context():
        service.end(int(page.rpartition("/")[2]))
    for wrong in ("", "0", "many", "1000"):
        assert send(sue, f"{page}/manage/offer", hours=wrong).status_code == 422
        assert send(sue, f"{page}/manage/relist", days=wrong).status_code == 422
    assert send(sue, f"{page}/manage/offer", hours="48").status_code == 303
    seen = sue.get(f"{page}/manage").text
    assert re.search(r'Benjamin</span>\s*<span class="pill" data-offer="OPEN">', seen)
    assert "List it again" not in seen
    [offer] = ben.get("/api/second-chance").json["items"]
    headers = {"Origin": "http://localhost"}
    ben.post(f"/api/second-chance/{offer['id']}/decline", headers=headers)
    assert 'data-offer="DECLINED"' in sue.get(f"{page}/manage").text
    sent = send(sue, f"{page}/manage/relist", days="7")
    assert sent.status_code == 303
    assert sue.get(f"/api{sent.location}").json["status"] == "DRAFT"
    assert f'href="{sent.location}/manage"' in sue.get(f"{page}/manage").text
    assert send(sue, f"{page}/manage/relist", days="7").status_code == 409


def test_the_orders_of_a_lot_are_a_click_away(app: Flask, browser: MakeBrowser) -> None:
    sue, ann = browser("Sue"), browser("Annabel")
    page = listed(sue)
    send(ann, f"{page}/bids", amount="200")
    with app.app_context():
        service.end(int(page.rpartition("/")[2]))
    seen = sue.get(f"{page}/manage").text
    assert re.search(r'<a href="/orders/\d+">To Annabel</a>', seen)
    assert "List it again" not in seen


def test_earlier_bids_are_on_further_pages(browser: MakeBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.web.managing.BIDS_A_PAGE", 2)
    sue, bidders = browser("Sue"), [browser("Ann"), browser("Ben")]
    page = listed(sue)
    for number in range(5):
        send(bidders[number % 2], f"{page}/bids", amount=str(100 + 10 * number))
    path, amounts = f"{page}/manage", []
    while path:
        seen = sue.get(path).text
        amounts += re.findall(r"</time>\s*<strong>\$(\d+)", seen)
        following = re.search(r'href="([^"]*before=[^"#]*)', seen)
        path = following[1] if following else ""
    assert amounts == ["140", "130", "120", "110", "100"]


def test_no_bid_is_lost_between_the_pages(browser: MakeBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.web.managing.BIDS_A_PAGE", 1)
    sue, ann, ben = browser("Sue"), browser("Ann"), browser("Ben")
    page = listed(sue)
    send(ann, f"{page}/bids", amount="200", how="automatic")
    send(ben, f"{page}/bids", amount="150")
    path, amounts = f"{page}/manage", []
    while path:
        seen = sue.get(path).text
        amounts += re.findall(r"</time>\s*<strong>\$(\d+)", seen)
        following = re.search(r'href="([^"]*before=[^"#]*)', seen)
        path = following[1] if following else ""
    # The automatic answer has the number of the bid that it answers.
    assert len(amounts) == 3


def test_nobody_else_finds_the_page_and_no_action_but_those_there_are(
    browser: MakeBrowser, auction: MakeAuction, person: MakePerson
) -> None:
    sue, ann = browser("Sue"), browser("Ann")
    page = listed(sue)
    assert browser().get(f"{page}/manage").location == f"/login?next={page}/manage"
    assert '<a href="/me/selling">Selling</a>' in sue.get(f"{page}/manage").text
    for action in ("cancel", "cancel-bid", "block", "unblock", "offer", "relist", "nonsense"):
        assert send(ann, f"{page}/manage/{action}").status_code == 404
    assert ann.get(f"{page}/manage").status_code == 404
    assert send(sue, f"{page}/manage/nonsense").status_code == 404
    assert ann.get(f"/api{page}").json["status"] == "RUNNING"


def test_the_page_of_a_dutch_auction_names_who_took_what(browser: MakeBrowser, app: Flask) -> None:
    sue, ann = browser("Sue"), browser("Annabel")
    page = send(sue, "/sell", **DUTCH).location
    send(sue, f"{page}/publish")
    assert send(ann, f"{page}/bids", amount="500").status_code == 303
    seen = sue.get(f"{page}/manage").text
    assert "Annabel" in seen
    assert "3 of 4 left" in seen
    assert "Cancel this bid" not in seen
    parser = Inline()
    parser.feed(seen)
    assert parser.found == []


# --- sales with several lots ---

SALE = {
    "title": "An estate",
    "closing": "CASCADE",
    "interval": "120",
    "endsAt": f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%dT%H:%M:00}",
    "premiumRate": "20",
    "taxRate": "0",
    "paymentDays": "5",
}


def draft(sue: FlaskClient, title: str) -> str:
    """The id of a new draft."""
    location: str = send(sue, "/sell", **ENGLISH | {"title": title}).location
    return location.rpartition("/")[2]


def lots(sue: FlaskClient, sale: str) -> list[str]:
    """The titles of a sale's lots, in order."""
    return [lot["title"] for lot in sue.get(f"/api/sales/{sale.rpartition('/')[2]}").json["lots"]]


def test_a_sale_is_put_together_from_drafts_and_published(browser: MakeBrowser) -> None:
    sue = browser("Sue")
    clock, chair, lamp = (draft(sue, title) for title in ("A clock", "A chair", "A lamp"))
    send(sue, "/sell", **DUTCH | {"title": "Bulbs"})
    sale = send(sue, "/sell/sales", **SALE).location
    offered = sue.get(sale).text
    assert "A clock" in offered
    assert "Bulbs" not in offered
    data = {"draft": [clock, chair, lamp]}
    assert sue.post(f"{sale}/add", data=data, headers=ORIGIN).location == sale
    assert lots(sue, sale) == ["A clock", "A chair", "A lamp"]
    send(sue, f"{sale}/move", move=f"earlier-{lamp}")
    send(sue, f"{sale}/remove", lot=clock)
    assert lots(sue, sale) == ["A lamp", "A chair"]
    assert sue.get(f"/api/auctions/{clock}").json["saleId"] is None
    # With its sale, and not by itself.
    assert [f"/auctions/{each}/publish" in sue.get(f"/auctions/{each}").text for each in (lamp, clock)] == [
        False,
        True,
    ]
    first, second = (sue.get(f"/api/auctions/{lot}").json for lot in (lamp, chair))
    ends = [datetime.fromisoformat(lot["endsAt"]) for lot in (first, second)]
    assert ends[1] - ends[0] == timedelta(seconds=120)
    assert (first["premiumRate"], first["paymentDays"]) == (2000, 5)
    assert send(sue, f"{sale}/publish").status_code == 303
    assert browser().get(f"/api/auctions/{chair}").json["status"] == "RUNNING"
    assert "An estate" in sue.get("/sell/sales").text
    for action, fields in (("add", {"draft": clock}), ("remove", {"lot": chair}), ("publish", {})):
        assert send(sue, f"{sale}/{action}", **fields).status_code == 409
    assert lots(sue, sale) == ["A lamp", "A chair"]


def test_two_lots_that_are_added_at_once_are_both_there(
    browser: MakeBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    sue = browser("Sue")
    clock, chair = draft(sue, "A clock"), draft(sue, "A chair")
    sale = send(sue, "/sell/sales", **SALE).location
    lock = sales._own_sale

    def while_another_is_added(sale_id: int, seller_id: int) -> Sale:
        monkeypatch.setattr(sales, "_own_sale", lock)
        assert send(sue, f"{sale}/add", draft=clock).status_code == 303
        return lock(sale_id, seller_id)

    monkeypatch.setattr(sales, "_own_sale", while_another_is_added)
    assert send(sue, f"{sale}/add", draft=chair).status_code == 303
    assert lots(sue, sale) == ["A clock", "A chair"]


def test_what_cannot_be_a_lot_is_refused_and_nothing_changes(browser: MakeBrowser) -> None:
    sue, ann = browser("Sue"), browser("Ann")
    clock, others = draft(sue, "A clock"), draft(ann, "Not hers")
    running = listed(sue).rpartition("/")[2]
    dutch = send(sue, "/sell", **DUTCH).location.rpartition("/")[2]
    sale, other_sale = (send(sue, "/sell/sales", **SALE).location for _ in range(2))
    send(sue, f"{sale}/add", draft=clock)
    for wrong, status in ((others, 404), (running, 409), (dutch, 422), (clock, 422), ("x", 422)):
        assert send(sue, f"{sale}/add", draft=wrong).status_code == status
    assert send(sue, f"{other_sale}/add", draft=clock).status_code == 409
    for move in ("later-999999", "sideways", f"later{clock}"):
        assert send(sue, f"{sale}/move", move=move).status_code == 404
    assert send(sue, f"{sale}/nonsense").status_code == 404
    assert lots(sue, sale) == ["A clock"]
    for path in (sale, "/sell/sales"):
        assert "A clock" not in ann.get(path).text
        assert browser().get(path).status_code == 303
    assert ann.get(sale).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"closing": "NEVER"},
        {"interval": "soon"},
        {"endsAt": "tomorrow"},
        {"premiumRate": "much"},
        {"paymentDays": "0"},
    ],
)
def test_terms_of_a_sale_that_do_not_fit_are_marked(browser: MakeBrowser, change: dict[str, str]) -> None:
    sue = browser("Sue")
    refused = send(sue, "/sell/sales", **SALE | change)
    assert refused.status_code == 422
    assert f'id="{next(iter(change))}-notes"' in refused.text
    assert "Your sales" not in sue.get("/sell/sales").text
