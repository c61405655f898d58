"""Dutch auctions over HTTP: listing one, its snapshot, taking items, and what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from marketplace.extensions import db
from tests.people import MakeAuction, MakePerson, Person

DUTCH = {
    "format": "DUTCH",
    "title": "Tulips",
    "currency": "EUR",
    "startingPrice": 1000,
    "floorPrice": 200,
    "dropAmount": 100,
    "dropEvery": 60,
    "quantity": 3,
}
#: What no Dutch auction has, and what only one has.
ENGLISH_ONLY = {
    "minIncrement": 100,
    "incrementTable": [[0, 100]],
    "reservePrice": 2000,
    "buyNowPrice": 3000,
    "buyNowShare": 50,
    "antiSnipe": "RESET",
    "extensionWindow": 60,
    "extension": 60,
    "maxExtensions": 3,
    "maxExtensionTotal": 600,
    "suddenDeath": 10,
}
DUTCH_ONLY = {
    "floorPrice": 200,
    "dropAmount": 100,
    "dropEvery": 60,
    "quantity": 1,
    "holdSeconds": 600,
    "perBuyer": 1,
}


def in_a_day() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


def refused_fields(answer: Any) -> set[str]:
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request"), answer.json
    return {error["field"] for error in answer.json["errors"]}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


@pytest.fixture
def dutch(auction: MakeAuction, app: Flask) -> MakeAuction:
    """Make a running Dutch auction: ``dutch(began=90)`` opened so many seconds ago."""

    def make(*, began: float = 0, **terms: Any) -> int:
        lot = auction(minIncrement=None, **{**DUTCH, **terms})
        if began:
            change(app, "starts_at = starts_at - :seconds * interval '1 second'", lot, seconds=began)
        return lot

    return make


def change(app: Flask, what: str, lot: int, **values: Any) -> None:
    with app.app_context():
        db.session.execute(text(f"UPDATE auctions SET {what} WHERE id = :lot"), {"lot": lot, **values})
        db.session.commit()


def let_holds_expire(app: Flask, lot: int) -> None:
    with app.app_context():
        late = {"lot": lot}
        expire = "UPDATE reservations SET expires_at = clock_timestamp() WHERE auction_id = :lot"
        db.session.execute(text(expire + " AND status = 'HELD'"), late)
        db.session.execute(text("UPDATE auctions SET due_at = clock_timestamp() WHERE id = :lot"), late)
        db.session.commit()


def take(buyer: Person, lot: int, amount: int = 1000, **headers: str) -> dict[str, Any]:
    answer = buyer.post(f"/api/auctions/{lot}/bids", json={"amount": amount}, headers=headers)
    assert answer.status_code == 201, answer.json
    taken: dict[str, Any] = answer.json
    return taken


# --- listing ------------------------------------------------------------------------------------------------


def test_a_draft_shows_its_terms_and_can_be_changed(person: MakePerson) -> None:
    seller = person("Seller")
    made = seller.post("/api/auctions", json=DUTCH | {"endsAt": in_a_day()})
    assert made.status_code == 201, made.json
    draft = made.json
    assert {name: draft[name] for name in DUTCH} == DUTCH
    assert (draft["holdSeconds"], draft["perBuyer"], draft["status"]) == (600, None, "DRAFT")
    assert (draft["currentPrice"], draft["dropsRemaining"], draft["nextDropAt"]) == (1000, 8, None)
    path = f"/api/auctions/{draft['id']}"
    changed = seller.request("PATCH", path, json={"floorPrice": 950, "perBuyer": 2}).json
    assert (changed["floorPrice"], changed["dropsRemaining"], changed["perBuyer"]) == (950, 1, 2)
    published = seller.post(f"{path}/publish").json
    assert (published["status"], published["remainingItems"]) == ("RUNNING", 3)
    late = seller.request("PATCH", path, json={"floorPrice": 100})
    assert code(late) == (409, "not_a_draft")


@pytest.mark.parametrize("field", ENGLISH_ONLY)
def test_what_belongs_to_english_auctions_is_refused(person: MakePerson, field: str) -> None:
    seller = person()
    wrong = seller.post("/api/auctions", json=DUTCH | {"endsAt": in_a_day(), field: ENGLISH_ONLY[field]})
    assert refused_fields(wrong) == {field}
    draft = seller.post("/api/auctions", json=DUTCH | {"endsAt": in_a_day()}).json
    wrong = seller.request("PATCH", f"/api/auctions/{draft['id']}", json={field: ENGLISH_ONLY[field]})
    assert refused_fields(wrong) == {field}


@pytest.mark.parametrize("field", DUTCH_ONLY)
def test_what_belongs_to_dutch_auctions_is_refused_in_an_english_one(person: MakePerson, field: str) -> None:
    english = {"title": "A watch", "currency": "USD", "startingPrice": 1000, "minIncrement": 100}
    wrong = person().post("/api/auctions", json=english | {"endsAt": in_a_day(), field: DUTCH_ONLY[field]})
    assert refused_fields(wrong) == {field}


@pytest.mark.parametrize(
    "wrong",
    [
        {"floorPrice": 1001},
        {"floorPrice": -1},
        {"floorPrice": None},
        {"dropAmount": 0},
        {"dropAmount": None},
        {"dropAmount": 1.5},
        {"dropEvery": 0},
        {"dropEvery": 86_401},
        {"dropEvery": None},
        {"quantity": 0},
        {"quantity": 10_001},
        {"quantity": None},
        {"holdSeconds": 0},
        {"holdSeconds": 86_401},
        {"perBuyer": 0},
        {"startingPrice": 0, "floorPrice": 0},
        {"currency": "ZZZ"},
        {"endsAt": "2020-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_wrong_terms_are_refused_with_the_field(person: MakePerson, wrong: dict[str, Any]) -> None:
    seller = person()
    answer = seller.post("/api/auctions", json=DUTCH | {"endsAt": in_a_day()} | wrong)
    assert refused_fields(answer) & wrong.keys()
    assert seller.get("/api/auctions").json["items"] == []


def test_a_clock_with_too_many_steps_is_refused(person: MakePerson) -> None:
    terms = DUTCH | {"endsAt": in_a_day(), "startingPrice": 10_001, "floorPrice": 0}
    assert refused_fields(person().post("/api/auctions", json=terms | {"dropAmount": 1})) == {"dropAmount"}
    assert person().post("/api/auctions", json=terms | {"dropAmount": 2}).status_code == 201


def test_a_price_that_never_falls_is_a_sale_at_a_fixed_price(dutch: MakeAuction, client: FlaskClient) -> None:
    lot = client.get(f"/api/auctions/{dutch(floorPrice=1000)}").json
    assert (lot["currentPrice"], lot["dropsRemaining"], lot["nextDropAt"]) == (1000, 0, None)


def test_the_format_is_fixed_when_the_draft_is_made(person: MakePerson) -> None:
    seller = person()
    draft = seller.post("/api/auctions", json=DUTCH | {"endsAt": in_a_day()}).json
    path = f"/api/auctions/{draft['id']}"
    assert refused_fields(seller.request("PATCH", path, json={"format": "ENGLISH"})) == {"format"}
    same = seller.request("PATCH", path, json={"format": "DUTCH", "title": "Roses"})
    assert (same.status_code, same.json["title"]) == (200, "Roses")


def test_a_dutch_auction_is_no_lot_of_a_sale(person: MakePerson) -> None:
    seller = person()
    sale = {"title": "Estate", "closing": "CASCADE", "endsAt": in_a_day()}
    sale_id = seller.post("/api/sales", json=sale).json["id"]
    assert refused_fields(seller.post(f"/api/sales/{sale_id}/lots", json=DUTCH)) == {"format"}
    assert seller.get(f"/api/sales/{sale_id}").json["lots"] == []


def test_lists_are_filtered_by_format(
    person: MakePerson, auction: MakeAuction, dutch: MakeAuction, client: FlaskClient
) -> None:
    english, falling = auction(), dutch()

    def listed(query: str) -> set[int]:
        return {item["id"] for item in client.get(f"/api/auctions{query}").json["items"]}

    assert (listed("?format=DUTCH"), listed("?format=ENGLISH")) == ({falling}, {english})
    assert listed("") == {english, falling}
    assert client.get("/api/auctions?format=SILENT").status_code == 422


# --- the snapshot -------------------------------------------------------------------------------------------


def test_the_snapshot_has_the_price_at_the_database_clock(dutch: MakeAuction, client: FlaskClient) -> None:
    lot = dutch(began=150)
    found = client.get(f"/api/auctions/{lot}").json
    assert (found["currentPrice"], found["dropsRemaining"]) == (800, 6)
    starts_at = datetime.fromisoformat(found["startsAt"])
    assert datetime.fromisoformat(found["nextDropAt"]) == starts_at + timedelta(minutes=3)
    assert (found["remainingItems"], found["heldItems"], found["soldItems"]) == (3, 0, 0)


def test_the_price_stops_at_the_floor(dutch: MakeAuction, client: FlaskClient) -> None:
    found = client.get(f"/api/auctions/{dutch(began=60 * 60)}").json
    assert (found["currentPrice"], found["dropsRemaining"], found["nextDropAt"]) == (200, 0, None)


def test_no_drop_is_announced_for_after_the_end(dutch: MakeAuction, client: FlaskClient) -> None:
    found = client.get(f"/api/auctions/{dutch(began=90, lasts=20)}").json
    assert (found["currentPrice"], found["dropsRemaining"], found["nextDropAt"]) == (900, 7, None)


def test_each_format_shows_its_own_fields_only(
    auction: MakeAuction, dutch: MakeAuction, client: FlaskClient
) -> None:
    english, falling = (client.get(f"/api/auctions/{lot}").json for lot in (auction(), dutch()))
    only_english = {"reserveMet", "currentBid", "minimumNextBid", "bidderName", "extensionCount"}
    only_dutch = {"currentPrice", "dropsRemaining", "nextDropAt", "remainingItems", "heldItems", "soldItems"}
    assert english.keys() - falling.keys() == (only_english | ENGLISH_ONLY.keys()) - {"reservePrice"}
    assert falling.keys() - english.keys() == only_dutch | DUTCH_ONLY.keys()


def test_a_drop_changes_the_etag(dutch: MakeAuction, client: FlaskClient, app: Flask) -> None:
    lot = dutch(began=58)
    path = f"/api/auctions/{lot}"
    first = client.get(path)
    assert (first.json["currentPrice"], first.json["seq"]) == (1000, 1)
    deadline = datetime.fromisoformat(first.json["nextDropAt"]) + timedelta(seconds=20)
    while (again := client.get(path, headers={"If-None-Match": first.headers["ETag"]})).status_code == 304:
        assert datetime.now(UTC) < deadline
    assert (again.json["currentPrice"], again.json["seq"]) == (900, 1), "nothing was written"


# --- taking -------------------------------------------------------------------------------------------------


def test_an_item_is_taken_at_the_price_now(
    person: MakePerson, dutch: MakeAuction, client: FlaskClient
) -> None:
    ann, lot = person("Ann"), dutch(began=150)
    taken = take(ann, lot, 1000)
    assert (taken["amount"], taken["currency"], taken["remainingItems"]) == (800, "EUR", 2)
    assert taken["reservationId"] == taken["bidId"] == f"{lot}-{taken['seq']}"
    held = datetime.fromisoformat(taken["expiresAt"]) - datetime.fromisoformat(taken["receivedAt"])
    assert held == timedelta(minutes=10)
    found = client.get(f"/api/auctions/{lot}").json
    assert (found["remainingItems"], found["heldItems"], found["bidCount"]) == (2, 1, 1)


def test_who_saw_a_lower_price_is_told_the_price_now(person: MakePerson, dutch: MakeAuction) -> None:
    refused = person().bid(dutch(began=150), 799)
    assert code(refused) == (409, "price_changed")
    assert (refused.json["currentPrice"], refused.json["dropsRemaining"]) == (800, 6)


def test_a_maximum_is_for_english_auctions(person: MakePerson, dutch: MakeAuction) -> None:
    ann, lot = person(), dutch()
    for body in ({"maxAmount": 1000}, {"amount": 1000, "maxAmount": 1000}):
        assert refused_fields(ann.post(f"/api/auctions/{lot}/bids", json=body)) == {"maxAmount"}


def test_the_same_key_gets_the_same_answer(person: MakePerson, dutch: MakeAuction) -> None:
    ann, lot = person(), dutch()
    first, again = ann.bid(lot, 1000, "a-key"), ann.bid(lot, 1000, "a-key")
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert ann.get(f"/api/auctions/{lot}").json["heldItems"] == 1


@pytest.mark.parametrize("socket_id", ["", "1", "1.2.3", "1.2\n", "a.b", "1." + "2" * 30])
def test_what_is_no_socket_id_is_malformed(
    person: MakePerson, auction: MakeAuction, dutch: MakeAuction, socket_id: str
) -> None:
    ann = person()
    for lot in (auction(), dutch()):
        if "\n" in socket_id:
            socket_id = "1.2 x"  # no client can send a line break in a header
        answer = ann.post(
            f"/api/auctions/{lot}/bids", json={"amount": 1000}, headers={"X-Socket-Id": socket_id}
        )
        assert code(answer) == (400, "malformed_request")
        assert ann.get(f"/api/auctions/{lot}").json["bidCount"] == 0


def test_the_buyers_own_connection_is_noted_with_the_event(
    person: MakePerson, dutch: MakeAuction, app: Flask
) -> None:
    ann, lot = person(), dutch()
    take(ann, lot, **{"X-Socket-Id": "12.34"})
    take(ann, lot)
    with app.app_context():
        rows = db.session.execute(
            text(
                "SELECT except_socket FROM events WHERE auction_id = :lot AND name = 'item:sold' ORDER BY seq"
            ),
            {"lot": lot},
        )
        assert rows.scalars().all() == ["12.34", None]


def test_the_last_item_ends_it_and_one_that_comes_back_opens_it_again(
    person: MakePerson, dutch: MakeAuction, client: FlaskClient
) -> None:
    ann, ben, lot = person("Ann"), person("Ben"), dutch(quantity=1)
    taken = take(ann, lot)
    found = client.get(f"/api/auctions/{lot}").json
    assert (found["status"], found["outcome"], found["remainingItems"]) == ("ENDED", "SOLD", 0)
    assert code(ben.bid(lot, 1000)) == (409, "sold_out")
    assert ann.request("DELETE", f"/api/reservations/{taken['reservationId']}").status_code == 200
    found = client.get(f"/api/auctions/{lot}").json
    assert (found["status"], found["outcome"], found["remainingItems"]) == ("RUNNING", None, 1)
    take(ben, lot)
    names = [event["event"] for event in client.get(f"/api/auctions/{lot}/events").json["items"]]
    assert names == [
        "auction:status",
        "item:sold",
        "auction:end",
        "item:returned",
        "auction:status",
        "item:sold",
        "auction:end",
    ]


# --- the log ------------------------------------------------------------------------------------------------


def test_who_buys_is_told_to_the_buyer_and_the_seller_alone(
    person: MakePerson, dutch: MakeAuction, client: FlaskClient
) -> None:
    seller, ann, ben = person("Seller"), person("Ann"), person("Ben")
    lot = dutch(seller=seller)
    taken = take(ann, lot)
    ann.request("DELETE", f"/api/reservations/{taken['reservationId']}")
    for reader, name in ((seller, "Ann"), (ann, "Ann"), (ben, None)):
        back, went = reader.get(f"/api/auctions/{lot}/bids").json["items"]
        assert (went["kind"], went["withdrawn"], went["bidderName"], went["amount"]) == (
            "TAKE",
            True,
            name,
            1000,
        )
        assert (back["kind"], back["refersTo"], back["reason"], back["bidderName"]) == (
            "RETURN",
            taken["bidId"],
            "released",
            name,
        )
        assert reader.get(f"/api/bids/{taken['bidId']}").json == went
    assert client.get(f"/api/bids/{taken['bidId']}").json["bidderName"] is None


def test_what_is_done_in_english_auctions_only_is_refused(person: MakePerson, dutch: MakeAuction) -> None:
    seller, ann = person(), person()
    lot = dutch(seller=seller)
    bid = f"/api/bids/{take(ann, lot)['bidId']}"
    assert code(ann.request("DELETE", bid, json={})) == (409, "wrong_format")
    assert code(seller.post(f"{bid}/cancel", json={"reason": "No."})) == (409, "wrong_format")
    assert code(ann.post(f"/api/auctions/{lot}/buy-now")) == (409, "buy_now_gone")
    assert code(seller.post(f"/api/auctions/{lot}/second-chance", json={})) == (409, "wrong_format")
    assert ann.get(f"/api/auctions/{lot}").json["heldItems"] == 1


# --- about me -----------------------------------------------------------------------------------------------


def test_about_me_has_my_reservations_and_how_many_more_i_may_take(
    person: MakePerson, dutch: MakeAuction
) -> None:
    seller, ann, ben = person(), person(), person()
    lot = dutch(seller=seller, quantity=3, perBuyer=2)

    def about(who: Person) -> tuple[int, list[str]]:
        me = who.get(f"/api/auctions/{lot}/me").json
        return me["mayTake"], [each["reservationId"] for each in me["reservations"]]

    assert (about(seller), about(ann)) == ((0, []), (2, []))
    first = take(ann, lot)["reservationId"]
    second = take(ann, lot)["reservationId"]
    assert (about(ann), about(ben)) == ((0, [second, first]), (1, []))
    assert code(ann.bid(lot, 1000)) == (409, "buyer_limit_reached")
    ann.request("DELETE", f"/api/reservations/{first}")
    assert about(ann) == (1, [second, first])
    me = seller.get(f"/api/auctions/{lot}/me").json
    assert (me["isSeller"], me["blocked"]) == (True, False)


def test_nobody_may_take_what_is_over(person: MakePerson, dutch: MakeAuction, app: Flask) -> None:
    ann, lot = person(), dutch()
    change(app, "ends_at = clock_timestamp(), due_at = clock_timestamp()", lot)
    assert ann.get(f"/api/auctions/{lot}/me").json["mayTake"] == 0


# --- reservations -------------------------------------------------------------------------------------------


def test_my_reservations_come_in_pages_the_latest_first(person: MakePerson, dutch: MakeAuction) -> None:
    ann, ben = person(), person()
    lots = [dutch(quantity=5), dutch()]
    made = [take(ann, lots[n % 2])["reservationId"] for n in range(5)]
    take(ben, lots[0])
    found, cursor = [], ""
    while cursor is not None:
        page = ann.get(f"/api/reservations?limit=2{cursor and f'&cursor={cursor}'}").json
        found += [item["reservationId"] for item in page["items"]]
        cursor = page["nextCursor"]
    assert found == made[::-1]
    ann.request("DELETE", f"/api/reservations/{made[0]}")
    released = ann.get("/api/reservations?status=RELEASED").json["items"]
    assert [item["reservationId"] for item in released] == [made[0]]
    for query in ("cursor=W10", "limit=0", "status=GONE"):
        assert ann.get(f"/api/reservations?{query}").status_code == 422


def test_a_reservation_is_its_buyers_business(person: MakePerson, dutch: MakeAuction) -> None:
    seller, ann, ben, admin = person(), person("Ann"), person(), person(admin=True)
    lot = dutch(seller=seller)
    taken = take(ann, lot)
    path = f"/api/reservations/{taken['reservationId']}"
    found = ann.get(path).json
    assert found == {
        "reservationId": taken["reservationId"],
        "auctionId": lot,
        "title": "Tulips",
        "price": 1000,
        "currency": "EUR",
        "status": "HELD",
        "expiresAt": taken["expiresAt"],
        "createdAt": taken["receivedAt"],
        "settledAt": None,
    }
    for method in ("GET", "DELETE"):
        for other in (seller, ben, admin):
            assert code(other.request(method, path)) == (404, "not_found")
        for missing in (f"{lot}-999", f"{lot}-{taken['seq']}.1", "nonsense", f"999999-{taken['seq']}"):
            assert code(ann.request(method, f"/api/reservations/{missing}")) == (404, "not_found")
    assert ann.get(path).json["status"] == "HELD"


def test_giving_back_twice_is_giving_back_once(person: MakePerson, dutch: MakeAuction) -> None:
    ann, lot = person(), dutch()
    path = f"/api/reservations/{take(ann, lot)['reservationId']}"
    first, again = ann.request("DELETE", path), ann.request("DELETE", path)
    assert (first.status_code, first.json["status"]) == (200, "RELEASED")
    assert again.json == first.json
    found = ann.get(f"/api/auctions/{lot}").json
    assert (found["remainingItems"], found["heldItems"]) == (3, 0)


@pytest.mark.parametrize("look", ["one", "all", "snapshot", "me"])
def test_whoever_looks_at_an_overdue_reservation_settles_it(
    person: MakePerson, dutch: MakeAuction, app: Flask, look: str
) -> None:
    ann, lot = person(), dutch(quantity=1)
    place = take(ann, lot)["reservationId"]
    let_holds_expire(app, lot)
    path = {
        "one": f"/api/reservations/{place}",
        "all": "/api/reservations",
        "snapshot": f"/api/auctions/{lot}",
        "me": f"/api/auctions/{lot}/me",
    }[look]
    found = ann.get(path).json
    if look == "snapshot":
        assert (found["status"], found["remainingItems"]) == ("RUNNING", 1)
    else:
        mine = {"one": [found]}.get(look) or found.get("items") or found["reservations"]
        assert [each["status"] for each in mine] == ["EXPIRED"]
    assert ann.request("DELETE", f"/api/reservations/{place}").json["status"] == "EXPIRED"


# --- again --------------------------------------------------------------------------------------------------


def test_what_was_not_sold_is_listed_again_and_only_that(
    person: MakePerson, dutch: MakeAuction, app: Flask
) -> None:
    seller, ann, admin = person(), person(), person(admin=True)
    lot = dutch(seller=seller, quantity=5, perBuyer=2, holdSeconds=90)
    again = f"/api/auctions/{lot}/relist"
    assert code(seller.post(again, json={"endsAt": in_a_day()})) == (409, "not_unsold")
    place = take(ann, lot)["reservationId"]
    admin.post(f"/api/auctions/{lot}/end")
    waits = seller.post(again, json={"endsAt": in_a_day()})
    assert code(waits) == (409, "not_unsold")
    assert "held" in waits.json["detail"]
    sell(app, place)
    made = seller.post(again, json={"endsAt": in_a_day()})
    assert made.status_code == 201, made.json
    draft = made.json
    kept = DUTCH | {"quantity": 4, "perBuyer": 2, "holdSeconds": 90, "status": "DRAFT", "startsAt": None}
    assert {name: draft[name] for name in kept} == kept
    assert code(seller.post(again, json={"endsAt": in_a_day()})) == (409, "offer_binds")


def test_a_dutch_auction_that_is_sold_out_is_not_listed_again(
    person: MakePerson, dutch: MakeAuction, app: Flask
) -> None:
    seller, ann = person(), person()
    lot = dutch(seller=seller, quantity=1)
    sell(app, take(ann, lot)["reservationId"])
    assert code(seller.post(f"/api/auctions/{lot}/relist", json={"endsAt": in_a_day()})) == (
        409,
        "not_unsold",
    )


def sell(app: Flask, place: str) -> None:
    """Check out."""
    from marketplace.bidding import reservations
    from marketplace.transactions import transaction

    with app.app_context(), transaction():
        auction_id, seq = map(int, place.split("-"))
        reservations.confirm(reservations.open_reservation(auction_id, seq))


# --- for members only ---------------------------------------------------------------------------------------


def test_whoever_is_no_member_any_more_has_no_reservation(person: MakePerson, dutch: MakeAuction) -> None:
    seller, ann = person(), person()
    tenant = seller.post("/api/tenants", json={"name": "The club"}).json["id"]
    seller.post(f"/api/tenants/{tenant}/members", json={"email": ann.email, "role": "MEMBER"})
    lot = dutch(seller=seller, tenantId=tenant)
    path = f"/api/reservations/{take(ann, lot)['reservationId']}"
    assert ann.get(path).status_code == 200
    seller.request("DELETE", f"/api/tenants/{tenant}/members/{ann.id}")
    assert code(ann.get(path)) == code(ann.request("DELETE", path)) == (404, "not_found")
    assert ann.get("/api/reservations").json["items"] == []


def test_the_document_shows_both_formats(client: FlaskClient) -> None:
    schemas = client.get("/api/openapi.json").json["components"]["schemas"]
    assert {"EnglishAuction", "DutchAuction", "EnglishBidAnswer", "DutchBidAnswer"} <= schemas.keys()
    assert schemas["AuctionView"]["discriminator"]["propertyName"] == "format"
    page = client.get("/api/docs").text
    for name in ("EnglishAuction", "DutchAuction", "EnglishBidAnswer", "DutchBidAnswer", "AboutMeInDutch"):
        assert f'<a href="#schema-{name}">' in page
