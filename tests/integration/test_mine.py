"""What is mine: watched, bid on, won, lost, and sold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace import accounts, mine, watching
from marketplace.bidding import service
from marketplace.extensions import db
from marketplace.orders import service as service_of_orders
from tests.people import MakeAuction, MakePerson, Person
from tests.plans import plan_of

DUTCH = {"format": "DUTCH", "minIncrement": None, "floorPrice": 500, "dropAmount": 100, "dropEvery": 60}


def ids(who: Person, path: str) -> list[int]:
    """All auctions of a list, read by pages of one."""
    found: list[int] = []
    cursor = ""
    while True:
        page = who.get(f"/api/{path}?limit=1{cursor}")
        assert page.status_code == 200, page.json
        found += [item["id"] for item in page.json["items"]]
        if page.json["nextCursor"] is None:
            return found
        cursor = f"&cursor={page.json['nextCursor']}"


def watch(who: Person, lot: int) -> int:
    return who.request("PUT", f"/api/auctions/{lot}/watch").status_code


def unwatch(who: Person, lot: int) -> int:
    return who.request("DELETE", f"/api/auctions/{lot}/watch").status_code


@pytest.fixture
def end(app: Flask) -> Callable[[int], None]:
    def make(lot: int) -> None:
        with app.app_context():
            service.end(lot)

    return make


# --- watching -----------------------------------------------------------------------------------------------


def test_what_one_watches_is_listed_latest_first(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob = person("Ann"), person("Bob")
    first, second, third = (auction() for _ in range(3))
    for lot in (second, first, third, first):
        assert watch(ann, lot) == 204
    assert (ids(ann, "watching"), ids(bob, "watching")) == ([third, first, second], [])
    assert ann.get(f"/api/auctions/{first}/me").json["watching"] is True
    assert bob.get(f"/api/auctions/{first}/me").json["watching"] is False
    assert [unwatch(ann, lot) for lot in (first, first)] == [204, 204]
    assert ids(ann, "watching") == [third, second]
    assert ann.get(f"/api/auctions/{first}/me").json["watching"] is False


def test_a_dutch_auction_can_be_watched_too(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person(), auction(**DUTCH)
    assert watch(ann, lot) == 204
    assert ann.get(f"/api/auctions/{lot}/me").json["watching"] is True


def test_what_a_removed_member_watched_is_gone(person: MakePerson, auction: MakeAuction) -> None:
    seller, member = person(), person()
    tenant = seller.post("/api/tenants", json={"name": "A club"}).json["id"]
    members = f"/api/tenants/{tenant}/members"
    seller.post(members, json={"email": member.email, "role": "MEMBER"})
    lot, other = auction(seller=seller, tenantId=tenant), auction()
    for each in (lot, other):
        assert watch(member, each) == 204
    assert seller.request("DELETE", f"{members}/{member.id}").status_code == 204
    assert ids(member, "watching") == [other]
    assert (watch(member, lot), unwatch(member, lot)) == (404, 404)


def test_one_watches_only_so_many(
    person: MakePerson, auction: MakeAuction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MAX_WATCHED", 2)
    ann, bob = person(), person()
    lots = [auction() for _ in range(3)]
    assert [watch(ann, lot) for lot in lots] == [204, 204, 409]
    refused = ann.request("PUT", f"/api/auctions/{lots[2]}/watch").json
    assert (refused["code"], refused["maximum"]) == ("too_many_watched", 2)
    assert watch(ann, lots[0]) == 204, "what is watched already is no further one"
    assert watch(bob, lots[2]) == 204
    assert (unwatch(ann, lots[0]), watch(ann, lots[2])) == (204, 204)


# --- taking part --------------------------------------------------------------------------------------------


def test_each_auction_is_where_it_belongs(
    person: MakePerson, auction: MakeAuction, end: Callable[[int], None]
) -> None:
    seller, ann, bob = person("Seller"), person("Ann"), person("Bob")
    leads, outbid, won, lost, unmet, alone = (
        auction(seller=seller, reservePrice=9000 if name == "unmet" else None)
        for name in ("leads", "outbid", "won", "lost", "unmet", "alone")
    )
    for lot in (outbid, lost, leads, won, unmet):
        ann.bid(lot, 1000)
    for lot in (outbid, lost):
        bob.bid(lot, 2000)
    bob.bid(alone, 1000)
    for lot in (won, lost, unmet):
        end(lot)
    assert ids(ann, "mine/bidding") == [outbid, leads]
    assert (ids(ann, "mine/won"), ids(ann, "mine/lost")) == ([won], [unmet, lost])
    assert (ids(bob, "mine/bidding"), ids(bob, "mine/won")) == ([alone, outbid], [lost])
    assert ids(seller, "mine/selling") == [alone, unmet, lost, won, outbid, leads]
    assert [ids(seller, f"mine/{name}") for name in ("bidding", "won", "lost")] == [[], [], []]


def test_who_has_taken_everything_back_takes_no_part(
    person: MakePerson, auction: MakeAuction, end: Callable[[int], None]
) -> None:
    ann, lot = person("Ann"), auction()
    bid_id = ann.bid(lot, 1000).json["bidId"]
    assert ids(ann, "mine/bidding") == [lot]
    assert ann.request("DELETE", f"/api/bids/{bid_id}", json={}).status_code == 200
    assert ids(ann, "mine/bidding") == []
    end(lot)
    assert ids(ann, "mine/lost") == []


def test_the_second_chance_is_won_by_whom_it_was_offered(
    person: MakePerson, auction: MakeAuction, end: Callable[[int], None]
) -> None:
    seller, ann, bob = person(), person(), person()
    lot = auction(seller=seller, reservePrice=9000)
    ann.bid(lot, 1000)
    bob.bid(lot, 2000)
    end(lot)
    assert (ids(bob, "mine/won"), ids(bob, "mine/lost")) == ([], [lot])
    offer = seller.post(f"/api/auctions/{lot}/second-chance", json={"hours": 24}).json["id"]
    assert bob.post(f"/api/second-chance/{offer}/accept").status_code == 200
    assert (ids(bob, "mine/won"), ids(bob, "mine/lost")) == ([lot], [])
    assert (ids(ann, "mine/won"), ids(ann, "mine/lost")) == ([], [lot])


def test_what_is_not_paid_for_or_called_off_is_not_won(
    app: Flask, person: MakePerson, auction: MakeAuction, end: Callable[[int], None]
) -> None:
    seller, ann = person(), person()
    paid, unpaid, cancelled = (auction(seller=seller) for _ in range(3))
    for lot in (paid, unpaid, cancelled):
        ann.bid(lot, 1000)
        end(lot)
    assert ids(ann, "mine/won") == [cancelled, unpaid, paid]
    orders = {order["auctionId"]: order["id"] for order in ann.get("/api/orders").json["items"]}
    assert seller.post(f"/api/orders/{orders[paid]}/confirm-payment").status_code == 200
    assert (
        seller.post(f"/api/orders/{orders[cancelled]}/cancel", json={"reason": "Broken."}).status_code == 200
    )
    with app.app_context():
        db.session.execute(text("UPDATE orders SET due_at = now() WHERE state = 'AWAITING_PAYMENT'"))
        db.session.commit()
        assert service_of_orders.close_overdue() == 1
    assert (ids(ann, "mine/won"), ids(ann, "mine/lost")) == ([paid], [cancelled, unpaid])


def test_what_was_sold_before_there_were_orders_is_still_won(
    app: Flask, person: MakePerson, auction: MakeAuction, end: Callable[[int], None]
) -> None:
    ann, bob, lot = person(), person(), auction()
    bob.bid(lot, 1000)
    ann.bid(lot, 2000)
    end(lot)
    with app.app_context():
        db.session.execute(text("DELETE FROM orders"))
        db.session.commit()
    assert (ids(ann, "mine/won"), ids(bob, "mine/won"), ids(bob, "mine/lost")) == ([lot], [], [lot])


def test_an_item_that_is_held_is_won_until_it_is_given_back(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person(), auction(**DUTCH, quantity=2)
    held = ann.bid(lot, 1000).json["reservationId"]
    assert (ids(ann, "mine/won"), ids(ann, "mine/bidding")) == ([lot], [])
    assert ann.request("DELETE", f"/api/reservations/{held}").status_code == 200
    assert (ids(ann, "mine/won"), ids(ann, "mine/lost")) == ([], [])


def test_what_one_may_not_see_any_more_is_not_listed(
    person: MakePerson, auction: MakeAuction, end: Callable[[int], None]
) -> None:
    seller, member = person(), person()
    tenant = seller.post("/api/tenants", json={"name": "A club"}).json["id"]
    members = f"/api/tenants/{tenant}/members"
    seller.post(members, json={"email": member.email, "role": "MEMBER"})
    running, over = (auction(seller=seller, tenantId=tenant) for _ in range(2))
    for lot in (running, over):
        assert member.bid(lot, 1000).status_code == 201
    end(over)
    assert (ids(member, "mine/bidding"), ids(member, "mine/won")) == ([running], [over])
    seller.request("DELETE", f"{members}/{member.id}")
    assert (ids(member, "mine/bidding"), ids(member, "mine/won")) == ([], [])


@pytest.mark.parametrize("path", ["watching", "mine/bidding", "mine/won", "mine/lost", "mine/selling"])
def test_lists_of_ones_own_are_for_those_who_say_who_they_are(
    app: Flask, person: MakePerson, path: str
) -> None:
    assert app.test_client().get(f"/api/{path}").status_code == 401
    for query in ("limit=0", "limit=101", "cursor=nonsense", "cursor=WyJhIl0", "page=2"):
        assert person().get(f"/api/{path}?{query}").status_code == 422, query


_BIDS = """
INSERT INTO bids (auction_id, seq, kind, bidder_id, amount, placed_at, hash)
SELECT 1000000 + n % 10, n, 'BID', :bidder, n, now(), sha256('x') FROM generate_series(1, :bids) AS n
"""


def test_many_bids_do_not_matter(app: Flask, person: MakePerson, auction: MakeAuction) -> None:
    """From one auction to the next by the index: it is not the bids that are read, but their auctions."""
    ann, lot = person(), auction()
    ann.bid(lot, 1000)
    with app.app_context():
        db.session.execute(text(_BIDS), {"bidder": ann.id, "bids": 20_000})
        db.session.commit()
        db.session.execute(text("ANALYZE bids"))
        db.session.commit()
        viewer = accounts.viewer_for_token(ann.token)
        assert viewer
        listed: list[Any] = []
        plan = plan_of(lambda: listed.extend(mine.bidding(viewer, limit=20)), analyze=True)
    assert [view.auction.id for view in listed] == [lot]
    assert "Seq Scan on bids" not in plan, plan
    read = [
        float(line.split("actual rows=")[1].split()[0]) * int(line.split("loops=")[1].rstrip(")"))
        for line in plan.splitlines()
        if "on bids" in line and "actual" in line
    ]
    assert 0 < sum(read) < 50, plan
