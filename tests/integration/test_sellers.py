"""What sellers do about bidders and unsold lots: blocking, relisting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.people import MakeAuction, MakePerson

LATER = (datetime.now(UTC) + timedelta(days=2)).isoformat()


def test_a_blocked_bidder_bids_on_none_of_the_sellers_lots(person: MakePerson, auction: MakeAuction) -> None:
    seller, ann, bob = person("Seller"), person("Ann"), person("Bob")
    lot, other, elsewhere = auction(seller=seller), auction(seller=seller), auction()
    bid = ann.bid(lot, 1000).json["bidId"]
    body = {"bidId": bid, "reason": "never pays"}
    assert bob.post(f"/api/auctions/{lot}/blocked", json=body).status_code == 403
    assert seller.post(f"/api/auctions/{other}/blocked", json=body).status_code == 404
    blocked = seller.post(f"/api/auctions/{lot}/blocked", json=body)
    assert (blocked.status_code, blocked.json["bidCount"]) == (200, 1), (
        "the bid stands unless asked otherwise"
    )
    refused = ann.bid(other, 1000)
    assert (refused.status_code, refused.json["code"]) == (403, "bidder_blocked")
    assert ann.get(f"/api/auctions/{other}/me").json["blocked"] is True
    assert ann.bid(elsewhere, 1000).status_code == 201
    assert bob.bid(other, 1000).status_code == 201
    [entry] = seller.get("/api/blocked").json["items"]
    assert (entry["bidder"]["displayName"], entry["reason"]) == ("Ann", "never pays")
    assert seller.request("DELETE", "/api/blocked", json={"bidderId": ann.id}).status_code == 204
    assert ann.bid(other, 2000).status_code == 201


def test_blocking_cancels_the_bids_on_request(person: MakePerson, auction: MakeAuction) -> None:
    seller, ann, bob = person("Seller"), person("Ann"), person("Bob")
    lot = auction(seller=seller, startingPrice=1000, minIncrement=100)
    bob.bid(lot, 1000)
    bid = ann.bid(lot, 5000).json["bidId"]
    body = {"bidId": bid, "reason": "never pays", "cancelBids": True}
    after = seller.post(f"/api/auctions/{lot}/blocked", json=body).json
    assert (after["currentBid"], after["bidderName"], after["bidCount"]) == (1000, "Bob", 1)
    withdrawn = {
        entry["bidId"]: entry["withdrawn"] for entry in bob.get(f"/api/auctions/{lot}/bids").json["items"]
    }
    assert withdrawn[bid] is True


def test_a_lot_that_was_not_sold_is_listed_again(person: MakePerson, auction: MakeAuction) -> None:
    seller, ann, admin = person("Seller"), person("Ann"), person("Admin", admin=True)
    terms = {"incrementTable": [[0, 50], [1000, 100]], "minIncrement": None, "reservePrice": 9000}
    lot, sold = auction(seller=seller, **terms), auction(seller=seller)
    path = f"/api/auctions/{lot}/relist"
    assert seller.post(path, json={"endsAt": LATER}).json["code"] == "not_unsold"
    ann.bid(lot, 1000)
    ann.bid(sold, 1000)
    for ended in (lot, sold):
        admin.post(f"/api/auctions/{ended}/end")
    assert ann.post(path, json={"endsAt": LATER}).status_code == 404
    again = seller.post(path, json={"endsAt": LATER})
    assert again.status_code == 201
    assert (again.json["status"], again.json["bidCount"], again.json["seq"]) == ("DRAFT", 0, 0)
    assert again.json["incrementTable"] == [[0, 50], [1000, 100]]
    assert seller.get(f"/api/auctions/{again.json['id']}/me").json["reservePrice"] == 9000
    assert seller.post(f"/api/auctions/{sold}/relist", json={"endsAt": LATER}).json["code"] == "not_unsold"
