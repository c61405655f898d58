"""Listing auctions: drafts, publishing, cancelling, ending, finding."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from marketplace import listings
from marketplace.extensions import db
from marketplace.models import Event, Watch
from tests.people import MakeAuction, MakePerson

END = (datetime.now(UTC) + timedelta(days=1)).isoformat()
WATCH = {"title": "A watch", "currency": "USD", "startingPrice": 1000, "minIncrement": 100, "endsAt": END}


def test_a_draft_can_be_changed_until_it_is_published(person: MakePerson) -> None:
    seller, other = person("Seller"), person()
    draft = seller.post("/api/auctions", json=WATCH).json
    assert (draft["status"], draft["seq"], draft["minimumNextBid"]) == ("DRAFT", 0, 1000)
    path = f"/api/auctions/{draft['id']}"
    changed = seller.request("PATCH", path, json={"title": "A clock"}).json
    assert (changed["title"], changed["startingPrice"]) == ("A clock", 1000)
    assert other.request("PATCH", path, json={"title": "Mine"}).status_code == 404
    published = seller.post(f"{path}/publish").json
    assert (published["status"], published["seller"]["displayName"]) == ("RUNNING", "Seller")
    late = seller.request("PATCH", path, json={"title": "A fake"})
    assert (late.status_code, late.json["code"]) == (409, "not_a_draft")
    again = seller.post(f"{path}/publish")
    assert (again.status_code, again.json["code"]) == (409, "already_published")


def test_an_auction_with_a_start_waits_for_it(person: MakePerson) -> None:
    start = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    seller = person()
    draft = seller.post("/api/auctions", json=WATCH | {"startsAt": start}).json
    assert seller.post(f"/api/auctions/{draft['id']}/publish").json["status"] == "SCHEDULED"


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": "x" * 201},
        {"title": "a\nb"},
        {"currency": "usd"},
        {"currency": "ZZZ"},
        {"startingPrice": -1},
        {"startingPrice": 10.5},
        {"startingPrice": "10"},
        {"minIncrement": 0},
        {"endsAt": "2020-01-01T00:00:00Z"},
        {"endsAt": "2026-01-01T00:00:00"},
        {"endsAt": "9999-12-31T23:59:59Z"},
        {"endsAt": "tomorrow"},
        {"startsAt": "2100-01-01T00:00:00Z"},
        {"extensionWindow": 60, "extension": 0},
        {"extensionWindow": -1},
        {"extensionWindow": 60, "extension": 60, "suddenDeath": 61},
        {"extensionWindow": 86_401},
        {"format": "SILENT"},
        {"status": "RUNNING"},
        {"description": "x" * 10_001},
    ],
)
def test_wrong_terms_are_refused_with_the_field(person: MakePerson, wrong: dict[str, Any]) -> None:
    seller = person()
    answer = seller.post("/api/auctions", json=WATCH | wrong)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    fields = {error["field"] for error in answer.json["errors"]}
    assert fields & (wrong.keys() | {"endsAt", "extension"})
    assert seller.get("/api/auctions").json["items"] == []


def test_the_first_bid_ends_the_right_to_cancel(person: MakePerson, auction: MakeAuction) -> None:
    seller, ann = person(), person()
    lot, other = auction(seller=seller), auction(seller=seller)
    assert ann.post(f"/api/auctions/{lot}/cancel").status_code == 403
    assert seller.post(f"/api/auctions/{lot}/cancel").json["status"] == "CANCELLED"
    refused = ann.bid(lot, 1000)
    assert (refused.status_code, refused.json["code"]) == (409, "auction_cancelled")
    ann.bid(other, 1000)
    late = seller.post(f"/api/auctions/{other}/cancel")
    assert (late.status_code, late.json["code"]) == (409, "has_bids")


def test_a_draft_is_not_called_off_but_discarded(
    app: Flask, person: MakePerson, auction: MakeAuction
) -> None:
    seller, admin = person(), person("Admin", admin=True)
    draft, other = auction(seller=seller, publish=False), auction(seller=seller, publish=False)
    path = f"/api/auctions/{draft}"
    assert seller.request("PUT", f"{path}/watch").status_code == 204
    for refused in (
        seller.post(f"{path}/cancel"),
        seller.post(f"{path}/status", json={"status": "CANCELLED"}),
        admin.post(f"{path}/cancel"),
    ):
        assert (refused.status_code, refused.json["code"]) == (409, "not_published")
    assert seller.get(path).json["status"] == "DRAFT"
    assert seller.request("DELETE", path).status_code == 204
    assert admin.request("DELETE", f"/api/auctions/{other}").status_code == 204
    assert [seller.get(path).status_code, seller.request("DELETE", path).status_code] == [404, 404]
    with app.app_context():
        assert db.session.scalars(select(Event.auction_id).where(Event.auction_id == draft)).all() == []
        assert db.session.scalars(select(Watch.auction_id).where(Watch.auction_id == draft)).all() == []


def test_an_account_has_so_many_drafts_and_no_more(
    person: MakePerson, auction: MakeAuction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "MAX_DRAFTS", 2)
    seller = person()
    over = auction(seller=seller)
    seller.post(f"/api/auctions/{over}/cancel")
    draft, _ = auction(seller=seller, publish=False), auction(seller=seller, publish=False)
    sale = seller.post("/api/sales", json={"title": "Estate", "closing": "CASCADE", "endsAt": END}).json["id"]
    lot = {name: value for name, value in WATCH.items() if name != "endsAt"}
    for path, body in (
        ("/api/auctions", WATCH),
        (f"/api/sales/{sale}/lots", lot),
        (f"/api/auctions/{over}/relist", {"endsAt": END}),
    ):
        refused = seller.post(path, json=body)
        assert (refused.status_code, refused.json["code"]) == (409, "too_many_drafts")
        assert refused.json["maximum"] == 2
    seller.post(f"/api/auctions/{draft}/publish")
    assert seller.post("/api/auctions", json=WATCH).status_code == 201


def test_what_is_published_is_not_discarded(person: MakePerson, auction: MakeAuction) -> None:
    seller = person()
    lot = auction(seller=seller)
    refused = seller.request("DELETE", f"/api/auctions/{lot}")
    assert (refused.status_code, refused.json["code"]) == (409, "not_a_draft")


def test_a_new_listing_that_is_discarded_can_be_made_again(person: MakePerson, auction: MakeAuction) -> None:
    seller = person()
    lot = auction(seller=seller)
    seller.post(f"/api/auctions/{lot}/cancel")
    ends_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    again = seller.post(f"/api/auctions/{lot}/relist", json={"endsAt": ends_at}).json["id"]
    assert seller.post(f"/api/auctions/{lot}/relist", json={"endsAt": ends_at}).status_code == 409
    assert seller.request("DELETE", f"/api/auctions/{again}").status_code == 204
    assert seller.post(f"/api/auctions/{lot}/relist", json={"endsAt": ends_at}).status_code == 201


def test_an_administrator_ends_an_auction(person: MakePerson, auction: MakeAuction) -> None:
    seller, ann, admin = person(), person("Ann"), person("Admin", admin=True)
    lot = auction(seller=seller)
    ann.bid(lot, 1500)
    for nobody in (seller, ann):
        assert nobody.post(f"/api/auctions/{lot}/end").status_code == 403
    ended = admin.post(f"/api/auctions/{lot}/end").json
    assert (ended["status"], ended["outcome"], ended["bidderName"]) == ("ENDED", "SOLD", "Ann")
    again = admin.post(f"/api/auctions/{lot}/end")
    assert (again.status_code, again.json["code"]) == (409, "auction_over")
    last = ann.get(f"/api/auctions/{lot}/events").json["items"][-1]
    assert last["data"]["reason"] == "ended_by_administrator"


def test_status_is_the_same_by_another_name(person: MakePerson, auction: MakeAuction) -> None:
    seller, admin = person(), person(admin=True)
    lot = auction(seller=seller, publish=False)
    path = f"/api/auctions/{lot}/status"
    assert seller.post(path, json={"status": "RUNNING"}).json["status"] == "RUNNING"
    assert seller.post(path, json={"status": "ENDED"}).status_code == 403
    assert admin.post(path, json={"status": "ENDED"}).json["outcome"] == "UNSOLD"
    assert seller.post(path, json={"status": "DRAFT"}).status_code == 422


def test_lists_page_without_losing_or_repeating(person: MakePerson, auction: MakeAuction) -> None:
    seller = person()
    lots = [auction(seller=seller, lasts=600 + n) for n in range(7)]
    auction(seller=seller, publish=False)
    reader = person()

    def pages(query: str) -> list[int]:
        found, cursor = [], ""
        while True:
            page = reader.get(f"/api/auctions?limit=3&{query}{cursor}").json
            found += [item["id"] for item in page["items"]]
            if page["nextCursor"] is None:
                return found
            cursor = f"&cursor={page['nextCursor']}"

    assert pages("") == lots
    assert pages("sort=newest") == lots[::-1]
    assert pages("status=ENDED,CANCELLED") == []
    assert pages("status=RUNNING,ENDING_SOON") == lots
    assert pages(f"sellerId={seller.id}") == lots
    assert pages("sellerId=999") == []
    assert pages("currency=EUR") == []
    assert len(seller.get("/api/auctions?status=DRAFT").json["items"]) == 1
    assert reader.get("/api/auctions?status=DRAFT").json["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        "status=OPEN",
        "limit=1000",
        "cursor=%21",
        "cursor=W10",
        "cursor=WyJub3BlIiwxXQ",
        "cursor=WzEsMl0",
        "sort=price",
        "page=2",
    ],
)
def test_a_wrong_query_is_said_so(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/api/auctions?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")


def test_an_unchanged_snapshot_is_304(person: MakePerson, auction: MakeAuction, client: FlaskClient) -> None:
    ann, lot = person("Ann"), auction()
    path = f"/api/auctions/{lot}"
    first = client.get(path)
    same = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    ann.bid(lot, 1000)
    changed = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, changed.json["currentBid"]) == (200, 1000)
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_a_poller_in_another_process_hears_of_a_change_soon(
    person: MakePerson, auction: MakeAuction, app: Flask, config: Any
) -> None:
    from marketplace import create_app

    elsewhere = create_app(config).test_client()
    ann, lot = person(), auction()
    etag = elsewhere.get(f"/api/auctions/{lot}").headers["ETag"]
    ann.bid(lot, 1000)
    assert elsewhere.get(f"/api/auctions/{lot}").json["currentBid"] == 1000, "without ETag: at once"
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    while elsewhere.get(f"/api/auctions/{lot}", headers={"If-None-Match": etag}).status_code == 304:
        assert datetime.now(UTC) < deadline


@pytest.mark.parametrize("path", ["0", "-1", "01", "x", "1.5", "9" * 19, "١"])
def test_what_is_no_id_is_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/api/auctions/{path}")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_a_table_from_the_trade_can_be_taken_as_it_is(person: MakePerson) -> None:
    seller = person()
    [ebay] = seller.get("/api/increment-tables").json["items"]
    assert ebay["source"].startswith("eBay")
    terms = {name: value for name, value in WATCH.items() if name != "minIncrement"}
    made = seller.post("/api/auctions", json=terms | {"incrementTable": ebay["rows"]})
    assert (made.status_code, made.json["incrementTable"]) == (201, ebay["rows"])
