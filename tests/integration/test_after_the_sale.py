"""Second-chance offers, and patterns worth a look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace import suspicions
from marketplace.extensions import db
from marketplace.verification import verify
from tests.people import MakeAuction, MakePerson, Person


@pytest.fixture
def unsold(person: MakePerson, auction: MakeAuction) -> tuple[Person, int, list[Person]]:
    """A lot whose reserve was not met: Ann bid 3000, Bob 2000, Cleo 1000."""
    seller, admin = person("Seller"), person("Admin", admin=True)
    lot = auction(seller=seller, startingPrice=1000, minIncrement=100, reservePrice=9000)
    cleo, bob, ann = person("Cleo"), person("Bob"), person("Ann")
    for bidder, amount in ((cleo, 1000), (bob, 2000), (ann, 3000)):
        assert bidder.bid(lot, amount).status_code == 201
    assert admin.post(f"/api/auctions/{lot}/end").json["outcome"] == "RESERVE_NOT_MET"
    return seller, lot, [ann, bob, cleo]


def offer(seller: Person, lot: int) -> dict[str, object]:
    made = seller.post(f"/api/auctions/{lot}/second-chance", json={"hours": 24})
    assert made.status_code == 201, made.json
    return made.json


def test_the_lot_is_offered_to_one_after_the_other(
    unsold: tuple[Person, int, list[Person]], app: Flask
) -> None:
    seller, lot, [ann, bob, cleo] = unsold
    first = offer(seller, lot)
    assert (first["price"], first["status"]) == (3000, "OPEN")
    assert [each["id"] for each in ann.get("/api/second-chance").json["items"]] == [first["id"]]
    assert bob.get("/api/second-chance").json["items"] == []
    pending = seller.post(f"/api/auctions/{lot}/second-chance", json={})
    assert (pending.status_code, pending.json["code"]) == (409, "offer_pending")
    assert bob.post(f"/api/second-chance/{first['id']}/accept").status_code == 404
    assert ann.post(f"/api/second-chance/{first['id']}/decline").json["status"] == "DECLINED"
    again = ann.post(f"/api/second-chance/{first['id']}/accept")
    assert (again.status_code, again.json["code"]) == (409, "offer_answered")

    second = offer(seller, lot)
    assert second["price"] == 2000
    assert bob.post(f"/api/second-chance/{second['id']}/accept").json["status"] == "ACCEPTED"
    assert seller.post(f"/api/auctions/{lot}/second-chance", json={}).json["code"] == "lot_sold"
    told = cleo.get(f"/api/auctions/{lot}/events").json["items"][-4:]
    assert [each["data"]["status"] for each in told] == ["OFFERED", "DECLINED", "OFFERED", "ACCEPTED"]
    assert "3000" not in str(told), "at what price is nobody else's business"
    with app.app_context():
        assert verify(db.session.connection(), lot) == []


def test_an_offer_ends_and_the_next_in_line_has_a_turn(
    unsold: tuple[Person, int, list[Person]], app: Flask
) -> None:
    seller, lot, [ann, *_] = unsold
    first = offer(seller, lot)
    with app.app_context():
        db.session.execute(text("UPDATE second_chance_offers SET expires_at = clock_timestamp()"))
        db.session.commit()
    late = ann.post(f"/api/second-chance/{first['id']}/accept")
    assert (late.status_code, late.json["code"]) == (409, "offer_expired")
    assert offer(seller, lot)["price"] == 2000


def test_a_lot_is_offered_or_listed_again_and_never_both(unsold: tuple[Person, int, list[Person]]) -> None:
    seller, lot, [ann, *_] = unsold
    again = {"endsAt": (datetime.now(UTC) + timedelta(days=2)).isoformat()}
    made = offer(seller, lot)
    assert seller.post(f"/api/auctions/{lot}/relist", json=again).json["code"] == "offer_binds"
    ann.post(f"/api/second-chance/{made['id']}/decline")
    assert seller.post(f"/api/auctions/{lot}/relist", json=again).status_code == 201
    assert seller.post(f"/api/auctions/{lot}/relist", json=again).json["code"] == "offer_binds"
    refused = seller.post(f"/api/auctions/{lot}/second-chance", json={})
    assert (refused.status_code, refused.json["code"]) == (409, "nobody_to_offer")


def test_who_was_blocked_since_does_not_accept(unsold: tuple[Person, int, list[Person]]) -> None:
    seller, lot, [ann, *_] = unsold
    made = offer(seller, lot)
    [bid] = [entry for entry in ann.get(f"/api/auctions/{lot}/bids").json["items"] if entry["amount"] == 3000]
    body = {"bidId": bid["bidId"], "reason": "never pays"}
    assert seller.post(f"/api/auctions/{lot}/blocked", json=body).status_code == 200
    refused = ann.post(f"/api/second-chance/{made['id']}/accept")
    assert (refused.status_code, refused.json["code"]) == (403, "bidder_blocked")
    assert ann.post(f"/api/second-chance/{made['id']}/decline").status_code == 200


def test_only_the_seller_offers_and_only_what_is_over(
    unsold: tuple[Person, int, list[Person]], auction: MakeAuction
) -> None:
    seller, lot, [ann, *_] = unsold
    assert ann.post(f"/api/auctions/{lot}/second-chance", json={}).status_code == 404
    running = auction(seller=seller)
    refused = seller.post(f"/api/auctions/{running}/second-chance", json={})
    assert (refused.status_code, refused.json["code"]) == (409, "nobody_to_offer")


def test_a_lot_whose_sale_fell_through_is_offered_to_the_runner_up_and_not_to_the_winner(
    person: MakePerson, auction: MakeAuction
) -> None:
    seller, ann, bob, admin = person("Seller"), person("Ann"), person("Bob"), person(admin=True)
    lot = auction(seller=seller, startingPrice=1000, minIncrement=100)
    ann.bid(lot, 1000)
    bob.bid(lot, 2000)
    admin.post(f"/api/auctions/{lot}/end")
    [order] = bob.get("/api/orders").json["items"]
    assert seller.post(f"/api/orders/{order['id']}/cancel", json={"reason": "No."}).status_code == 200
    made = offer(seller, lot)
    assert made["price"] == 1000
    assert ann.post(f"/api/second-chance/{made['id']}/decline").status_code == 200
    assert seller.post(f"/api/auctions/{lot}/second-chance", json={}).json["code"] == "nobody_to_offer"


# --- suspicions ---


def look(app: Flask) -> None:
    with app.app_context():
        suspicions.look()


def test_bidding_from_the_sellers_address_is_noticed_once(
    person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    seller, shill, honest, admin = person("Seller"), person("Shill"), person("Honest"), person(admin=True)
    lot = auction(seller=seller, startingPrice=1000, minIncrement=100)
    elsewhere = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    shill.bid(lot, 1000)
    honest.post(f"/api/auctions/{lot}/bids", json={"amount": 2000}, **elsewhere)
    look(app)
    look(app)
    [noticed] = admin.get("/api/suspicions").json["items"]
    assert (noticed["kind"], noticed["user"]["displayName"], noticed["auctionId"]) == (
        "SAME_ADDRESS",
        "Shill",
        lot,
    )
    assert seller.get("/api/suspicions").status_code == 403


def test_taking_bids_back_again_and_again_is_noticed(
    person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    fickle, admin = person("Fickle"), person(admin=True)
    for _ in range(3):
        bid = fickle.post(
            f"/api/auctions/{auction()}/bids",
            json={"amount": 1000},
            environ_base={"REMOTE_ADDR": "192.0.2.8"},
        ).json["bidId"]
        assert fickle.request("DELETE", f"/api/bids/{bid}", json={}).status_code == 200
    look(app)
    [noticed] = admin.get("/api/suspicions").json["items"]
    assert (noticed["kind"], noticed["user"]["displayName"]) == ("REPEATED_RETRACTIONS", "Fickle")
