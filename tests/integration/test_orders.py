"""Orders: made whenever something is sold, exactly once, and what buyer and seller do with them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, text
from werkzeug.test import TestResponse

from marketplace.bidding import service as auctions
from marketplace.errors import OrderNotAwaitingPayment
from marketplace.extensions import db
from marketplace.models import Order, OrderState
from marketplace.orders import making, service
from marketplace.realtime.publisher import ChannelsDown, Message
from marketplace.runtime import runtime
from marketplace.transactions import lock, transaction
from tests.people import MakeAuction, MakePerson, Person

FEES = {"premiumRate": 2500, "taxRate": 2000, "paymentDays": 14}
ADDRESS = {"shipTo": "Ann Okafor\n1 Long Lane", "method": "invoice"}


@dataclass(frozen=True)
class Deal:
    """A lot that Ann has won for 2000; Bob was outbid at 1000."""

    app: Flask
    lot: int
    order_id: int
    buyer: Person
    seller: Person
    rival: Person
    stranger: Person
    admin: Person

    @property
    def path(self) -> str:
        return f"/api/orders/{self.order_id}"

    def state(self) -> str:
        return str(self.sql(f"SELECT state FROM orders WHERE id = {self.order_id}")[0][0])

    def sql(self, statement: str) -> list[Any]:
        return sql(self.app, statement)

    def overdue(self) -> None:
        self.sql("UPDATE orders SET due_at = clock_timestamp() RETURNING id")

    def put_in(self, state: str) -> None:
        """As if it had just come to this state, and nothing else had ever happened to it."""
        entered = {
            "paid_at": state in {"PAID", "SHIPPED", "DONE"},
            "shipped_at": state in {"SHIPPED", "DONE"},
            "done_at": state == "DONE",
            "closed_at": state in {"CANCELLED", "UNPAID"},
        }
        moments = ", ".join(
            f"{name} = {'clock_timestamp()' if has else 'NULL'}" for name, has in entered.items()
        )
        self.sql(f"UPDATE orders SET state = '{state}', method = NULL, {moments} RETURNING id")


def sql(app: Flask, statement: str) -> list[Any]:
    with app.app_context(), db.engine.begin() as connection:
        return list(connection.execute(text(statement)))


@contextmanager
def held(app: Flask) -> Iterator[Connection]:
    """A transaction of somebody else, who holds what they lock in it."""
    with app.app_context():
        engine = db.engine
    with engine.begin() as connection:
        yield connection


def only(person: Person, role: str = "buyer") -> dict[str, Any]:
    """The one order of somebody."""
    [order] = person.get(f"/api/orders?role={role}").json["items"]
    return dict(order)


@pytest.fixture
def deal(app: Flask, person: MakePerson, auction: MakeAuction) -> Deal:
    seller, ann, bob, admin = person("Seller"), person("Ann"), person("Bob"), person("Ada", admin=True)
    lot = auction(seller=seller, startingPrice=1000, minIncrement=100, **FEES)
    assert bob.bid(lot, 1000).status_code == 201
    assert ann.bid(lot, 2000).status_code == 201
    assert admin.post(f"/api/auctions/{lot}/end").json["outcome"] == "SOLD"
    return Deal(app, lot, only(ann)["id"], ann, seller, bob, person("Stranger"), admin)


# --- made once, with the right figures ---


def time_up(app: Flask, lot: int, people: dict[str, Person]) -> None:
    _let_it_be_over(app, lot)
    with app.app_context():
        assert auctions.tick() == 1
        assert auctions.tick() == 0


def ended_by_administrator(app: Flask, lot: int, people: dict[str, Person]) -> None:
    assert people["admin"].post(f"/api/auctions/{lot}/end").status_code == 200


def found_by_a_reader(app: Flask, lot: int, people: dict[str, Person]) -> None:
    _let_it_be_over(app, lot)
    assert people["rival"].get(f"/api/auctions/{lot}").json["outcome"] == "SOLD"


def found_by_a_late_bid(app: Flask, lot: int, people: dict[str, Person]) -> None:
    _let_it_be_over(app, lot)
    assert people["rival"].bid(lot, 5000).json["code"] == "auction_ended"


def _let_it_be_over(app: Flask, lot: int) -> None:
    over = "ends_at = clock_timestamp(), due_at = clock_timestamp()"
    sql(app, f"UPDATE auctions SET {over} WHERE id = {lot} RETURNING id")


@pytest.mark.parametrize("close", [time_up, ended_by_administrator, found_by_a_reader, found_by_a_late_bid])
def test_however_an_auction_closes_the_winner_has_one_order(
    app: Flask, person: MakePerson, auction: MakeAuction, close: Callable[..., None]
) -> None:
    people = {"seller": person("Seller"), "admin": person(admin=True), "rival": person(), "ann": person()}
    lot = auction(seller=people["seller"], startingPrice=1000, minIncrement=100, **FEES)
    people["rival"].bid(lot, 1001)
    people["ann"].bid(lot, 12_345)
    close(app, lot, people)
    order = only(people["ann"])
    assert (order["price"], order["premium"], order["tax"]) == (12_345, 3_086, 3_086)
    assert (order["total"], order["currency"]) == (18_517, "USD")
    assert (order["state"], order["origin"], order["auctionId"]) == ("AWAITING_PAYMENT", "win", lot)
    assert moment(order["dueAt"]) - moment(order["createdAt"]) == timedelta(days=14)
    end = people["ann"].get(f"/api/auctions/{lot}/events").json["items"][-1]
    assert (end["event"], end["data"]["timestamp"]) == ("auction:end", order["createdAt"])
    # Whoever looks again makes no other.
    close_again = people["rival"].get(f"/api/auctions/{lot}")
    assert close_again.json["status"] == "ENDED"
    assert only(people["seller"], "seller")["id"] == order["id"]
    assert sql(app, "SELECT count(*) FROM orders") == [(1,)]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_buying_at_once_makes_an_order(person: MakePerson, auction: MakeAuction) -> None:
    ann = person("Ann")
    lot = auction(buyNowPrice=9000, premiumRate=1000)
    assert ann.post(f"/api/auctions/{lot}/buy-now").status_code == 201
    order = only(ann)
    assert (order["origin"], order["price"], order["premium"], order["total"]) == (
        "buy_now",
        9000,
        900,
        9900,
    )


def test_what_is_not_sold_makes_no_order(app: Flask, person: MakePerson, auction: MakeAuction) -> None:
    admin, ann = person(admin=True), person("Ann")
    no_bids, reserve = auction(), auction(reservePrice=9000)
    ann.bid(reserve, 2000)
    for lot in (no_bids, reserve):
        assert admin.post(f"/api/auctions/{lot}/end").json["outcome"] != "SOLD"
    assert sql(app, "SELECT count(*) FROM orders") == [(0,)]
    assert ann.get("/api/orders").json == {"items": [], "nextCursor": None}


def test_an_accepted_second_chance_makes_an_order_and_a_declined_one_none(
    app: Flask, person: MakePerson, auction: MakeAuction
) -> None:
    seller, admin, ann, bob = person("Seller"), person(admin=True), person("Ann"), person("Bob")
    lot = auction(seller=seller, reservePrice=9000, **FEES)
    bob.bid(lot, 1000)
    ann.bid(lot, 2000)
    admin.post(f"/api/auctions/{lot}/end")
    first = seller.post(f"/api/auctions/{lot}/second-chance", json={}).json
    ann.post(f"/api/second-chance/{first['id']}/decline")
    assert sql(app, "SELECT count(*) FROM orders") == [(0,)]
    second = seller.post(f"/api/auctions/{lot}/second-chance", json={}).json
    assert bob.post(f"/api/second-chance/{second['id']}/accept").status_code == 200
    order = only(bob)
    assert (order["origin"], order["price"], order["total"]) == (f"offer:{second['id']}", 1000, 1500)
    refused = seller.post(f"/api/auctions/{lot}/second-chance", json={})
    assert (refused.status_code, refused.json["code"]) == (409, "lot_sold")
    assert relist(seller, lot).json["code"] == "offer_binds"


def test_an_item_taken_is_one_order_however_often_it_is_checked_out(
    app: Flask, person: MakePerson, auction: MakeAuction
) -> None:
    ann = person("Ann")
    falls = {"startingPrice": 5000, "floorPrice": 1000, "dropAmount": 500, "dropEvery": 3600, "quantity": 2}
    lot = auction(format="DUTCH", minIncrement=None, **falls, **FEES)
    taken = ann.bid(lot, 5000).json
    address = f"/api/reservations/{taken['reservationId']}/checkout"
    first, again = ann.post(address, json=ADDRESS).json, ann.post(address, json=ADDRESS).json
    assert first["id"] == again["id"]
    order = only(ann)
    assert (order["origin"], order["price"], order["total"]) == (f"take:{taken['seq']}", 5000, 7500)
    [(due,)] = sql(app, "SELECT due_at - created_at FROM orders")
    assert due == timedelta(days=14)


def test_an_auction_is_closed_with_its_order_or_not_at_all(
    app: Flask, person: MakePerson, auction: MakeAuction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever breaks while the order is written, the next to look sells the lot."""
    ann, lot = person("Ann"), auction()
    ann.bid(lot, 1000)
    _let_it_be_over(app, lot)
    with monkeypatch.context() as broken, app.app_context():
        broken.setattr(making, "_INSERT", "SELECT 1/0, :orders")
        with pytest.raises(Exception, match="division by zero"):
            auctions.tick()
    assert sql(app, "SELECT outcome FROM auctions") == [(None,)]
    assert sql(app, "SELECT count(*) FROM user_events") == [(0,)]
    assert ann.get(f"/api/auctions/{lot}").json["outcome"] == "SOLD"
    assert only(ann)["price"] == 1000


# --- where the fees come from ---


def test_lots_have_the_fees_of_their_sale_and_keep_them_when_listed_again(person: MakePerson) -> None:
    seller, admin = person("Seller"), person(admin=True)
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"title": "Estate", "closing": "INDIVIDUAL", "endsAt": ends_at, **FEES}
    sale = seller.post("/api/sales", json=body).json
    assert {name: sale[name] for name in FEES} == FEES
    terms = {"title": "A lot", "currency": "EUR", "startingPrice": 1000, "minIncrement": 100}
    path = f"/api/sales/{sale['id']}"
    own = seller.post(f"{path}/lots", json=terms | {"taxRate": 1})
    assert (own.status_code, own.json["errors"][0]["field"]) == (422, "taxRate")
    lot = seller.post(f"{path}/lots", json=terms).json
    assert {name: lot[name] for name in FEES} == FEES
    refused = seller.request("PATCH", f"/api/auctions/{lot['id']}", json={"premiumRate": 1})
    assert (refused.status_code, refused.json["code"]) == (409, "lot_of_a_sale")
    assert seller.post(f"{path}/publish").status_code == 200
    admin.post(f"/api/auctions/{lot['id']}/end")
    again = relist(seller, lot["id"]).json
    assert {name: again[name] for name in FEES} == FEES
    assert again["saleId"] is None


@pytest.mark.parametrize(
    "fees",
    [{"premiumRate": 10_001}, {"taxRate": -1}, {"paymentDays": 0}, {"paymentDays": 91}, {"taxRate": 2.5}],
)
def test_fees_out_of_bounds_are_refused(person: MakePerson, auction: MakeAuction, fees: Any) -> None:
    seller = person()
    lot = auction(seller=seller, publish=False)
    for answer in (
        seller.request("PATCH", f"/api/auctions/{lot}", json=fees),
        seller.post("/api/sales", json={"title": "S", "closing": "TOGETHER", "endsAt": SOON, **fees}),
    ):
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, *fees)


SOON = (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def test_a_draft_changes_its_fees(person: MakePerson, auction: MakeAuction) -> None:
    seller = person()
    lot = auction(seller=seller, publish=False)
    changed = seller.request("PATCH", f"/api/auctions/{lot}", json=FEES).json
    assert {name: changed[name] for name in FEES} == FEES


# --- who may do what, in every state ---

BODIES: dict[str, dict[str, Any]] = {
    "checkout": ADDRESS,
    "ship": {"carrier": "Post", "tracking": "XY1"},
    "cancel": {"reason": "It broke."},
}
PARTY = {
    "checkout": "buyer",
    "confirm-payment": "seller",
    "ship": "seller",
    "received": "buyer",
    "cancel": "seller",
    "lift-strike": "seller",
}
#: What each step makes of each state for the one who may take it; a code: it is refused so.
STEPS = """
                  checkout                   confirm-payment            ship            received          cancel                     lift-strike
AWAITING_PAYMENT  AWAITING_PAYMENT           PAID                       order_not_paid  order_not_shipped CANCELLED                  no_strike
PAID              order_not_awaiting_payment PAID                       SHIPPED         order_not_shipped order_not_awaiting_payment no_strike
SHIPPED           order_not_awaiting_payment SHIPPED                    SHIPPED         DONE              order_not_awaiting_payment no_strike
DONE              order_not_awaiting_payment DONE                       DONE            DONE              order_not_awaiting_payment no_strike
CANCELLED         order_not_awaiting_payment order_not_awaiting_payment order_not_paid  order_not_shipped CANCELLED                  no_strike
UNPAID            order_not_awaiting_payment PAID                       order_not_paid  order_not_shipped order_not_awaiting_payment UNPAID
"""  # noqa: E501
_NAMES, *_ROWS = [line.split() for line in STEPS.strip().splitlines()]
CELLS = [(row[0], step, outcome) for row in _ROWS for step, outcome in zip(_NAMES, row[1:], strict=True)]
ROLES = ("buyer", "seller", "rival", "stranger", "admin")


def take(person: Person, deal: Deal, step: str) -> TestResponse:
    return person.post(f"{deal.path}/{step}", json=BODIES.get(step, {}))


def test_the_tables_know_every_state_and_step(app: Flask) -> None:
    rule = "/api/orders/<id:order_id>/"
    routes = {
        str(each).removeprefix(rule)
        for each in app.url_map.iter_rules()
        if str(each).startswith(rule) and "POST" in (each.methods or ())
    }
    assert set(_NAMES) == set(PARTY) == routes
    assert [row[0] for row in _ROWS] == list(OrderState)


@pytest.mark.parametrize("state", list(OrderState))
def test_every_step_in_every_state_by_everybody(deal: Deal, state: str) -> None:
    """Each attempt starts from the same state, and only the one that is allowed changes anything."""
    for step, party in PARTY.items():
        outcome = next(each[2] for each in CELLS if each[:2] == (state, step))
        for role in ROLES:
            deal.sql("DELETE FROM strikes RETURNING order_id")
            deal.put_in(state)
            if state == "UNPAID":
                struck = f"VALUES ({deal.order_id}, {deal.buyer.id})"
                deal.sql(f"INSERT INTO strikes (order_id, user_id) {struck} RETURNING order_id")
            answer = take(getattr(deal, role), deal, step)
            where = f"{step} by {role} in {state}"
            if role in {"rival", "stranger"}:
                assert (answer.status_code, deal.state()) == (404, state), where
            elif role != party:
                assert (answer.status_code, deal.state()) == (403, state), where
            elif outcome in set(OrderState):
                assert (answer.status_code, answer.json.get("state")) == (200, outcome), where
                assert deal.state() == outcome, where
                again = take(getattr(deal, role), deal, step)
                assert (again.status_code, again.json) == (200, answer.json), f"{where}, twice"
            else:
                assert (answer.status_code, answer.json["code"]) == (409, outcome), where
                assert deal.state() == state, where


def test_from_sold_to_received(deal: Deal) -> None:
    checked_out = deal.buyer.post(f"{deal.path}/checkout", json=ADDRESS).json
    assert (checked_out["method"], checked_out["redirectUrl"]) == ("invoice", None)
    assert checked_out["shipTo"] == "Ann Okafor\n1 Long Lane"
    moved = {**ADDRESS, "shipTo": "Ann Okafor\n2 Short Lane"}
    assert deal.buyer.post(f"{deal.path}/checkout", json=moved).json["shipTo"] == moved["shipTo"]
    assert deal.seller.post(f"{deal.path}/confirm-payment").json["paidAt"]
    sent = deal.seller.post(f"{deal.path}/ship", json={"carrier": "Post", "tracking": "X1"}).json
    assert (sent["carrier"], sent["tracking"]) == ("Post", "X1")
    corrected = deal.seller.post(f"{deal.path}/ship", json={"carrier": "Post", "tracking": "X2"}).json
    assert (corrected["tracking"], corrected["shippedAt"]) == ("X2", sent["shippedAt"])
    assert deal.buyer.post(f"{deal.path}/received").json["state"] == "DONE"
    late = deal.seller.post(f"{deal.path}/ship", json={"carrier": "Other"}).json
    assert (late["state"], late["carrier"]) == ("DONE", "Post")
    for reader in (deal.buyer, deal.seller, deal.admin):
        assert reader.get(deal.path).json["state"] == "DONE"


def test_an_order_keeps_how_the_seller_was_paid_when_it_was_made(
    person: MakePerson, auction: MakeAuction
) -> None:
    seller, ann, admin = person("Seller"), person("Ann"), person(admin=True)

    def say(text: str) -> None:
        assert seller.request("PUT", "/api/me/payment-details", json={"text": text}).status_code == 200

    say("Before")
    lot = auction(seller=seller)
    say("At the sale\nIBAN 1")
    ann.bid(lot, 1000)
    admin.post(f"/api/auctions/{lot}/end")
    say("Later")
    order_id = only(ann)["id"]
    for party, role in ((ann, "buyer"), (seller, "seller")):
        assert only(party, role)["paymentDetails"] == "At the sale\nIBAN 1"
        assert party.get(f"/api/orders/{order_id}").json["paymentDetails"] == "At the sale\nIBAN 1"
        assert "At the sale\nIBAN 1" in party.get(f"/orders/{order_id}").text
    assert admin.get(f"/api/orders/{order_id}").json["paymentDetails"] is None
    assert "IBAN 1" not in admin.get(f"/orders/{order_id}").text


def test_without_a_word_on_payment_the_buyer_is_told_to_ask(deal: Deal) -> None:
    assert deal.buyer.get(deal.path).json["paymentDetails"] is None
    assert "ask the seller how" in deal.buyer.get(f"/orders/{deal.order_id}").text


def test_a_way_of_paying_that_is_not_offered_is_refused(deal: Deal) -> None:
    refused = deal.buyer.post(f"{deal.path}/checkout", json={**ADDRESS, "method": "barter"})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "method")
    for wrong in ({"shipTo": "", "method": "invoice"}, {"shipTo": "x" * 1001, "method": "invoice"}):
        refused = deal.buyer.post(f"{deal.path}/checkout", json=wrong)
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "shipTo")
    assert deal.buyer.get(deal.path).json["method"] is None


def test_what_a_service_reports_is_not_for_the_seller_to_confirm(deal: Deal) -> None:
    deal.sql("UPDATE orders SET method = 'card' RETURNING id")
    refused = deal.seller.post(f"{deal.path}/confirm-payment")
    assert (refused.status_code, refused.json["code"], refused.json["method"]) == (
        409,
        "paid_elsewhere",
        "card",
    )


def pay(deal: Deal) -> None:
    """As when a payment service has the money."""
    with deal.app.app_context(), transaction():
        service.pay(lock(Order, deal.order_id), method="card")


def test_an_order_is_paid_through_a_service_once(deal: Deal) -> None:
    pay(deal)
    paid_at = deal.buyer.get(deal.path).json["paidAt"]
    deal.seller.post(f"{deal.path}/ship", json={"carrier": "Post"})
    with pytest.raises(OrderNotAwaitingPayment):
        pay(deal)
    order = deal.buyer.get(deal.path).json
    assert (order["state"], order["method"], order["paidAt"]) == ("SHIPPED", "card", paid_at)


@pytest.mark.parametrize("state", ["CANCELLED", "UNPAID"])
def test_a_payment_for_what_is_called_off_is_refused(deal: Deal, state: str) -> None:
    deal.put_in(state)
    with pytest.raises(OrderNotAwaitingPayment):
        pay(deal)
    assert deal.state() == state


# --- not paid in time ---


def close_overdue(app: Flask) -> int:
    with app.app_context():
        return service.close_overdue()


def test_what_is_not_paid_in_time_becomes_unpaid_with_one_strike(deal: Deal) -> None:
    assert close_overdue(deal.app) == 0
    deal.overdue()
    assert close_overdue(deal.app) == 1
    assert close_overdue(deal.app) == 0
    order = deal.seller.get(deal.path).json
    assert (order["state"], order["buyerStrikes"]) == ("UNPAID", 1)
    assert order["strike"] == {"at": order["closedAt"], "liftedAt": None}
    assert deal.buyer.get("/api/me").json["strikes"] == 1
    assert deal.seller.get("/api/me").json["strikes"] == 0
    assert deal.buyer.get(deal.path).json["buyerStrikes"] is None


@pytest.mark.parametrize("path", ["/api/orders", "/api/orders/ID"])
def test_whoever_reads_an_overdue_order_closes_it(deal: Deal, path: str) -> None:
    deal.overdue()
    found = deal.buyer.get(path.replace("ID", str(deal.order_id))).json
    assert (found["items"][0] if "items" in found else found)["state"] == "UNPAID"
    assert close_overdue(deal.app) == 0
    assert deal.buyer.get("/api/me").json["strikes"] == 1


@pytest.mark.parametrize(("who", "step"), [("buyer", "checkout"), ("seller", "cancel")])
def test_too_late_is_too_late_even_if_nobody_has_noticed(deal: Deal, who: str, step: str) -> None:
    deal.overdue()
    refused = take(getattr(deal, who), deal, step)
    assert (refused.status_code, refused.json["code"]) == (409, "order_not_awaiting_payment")
    assert (refused.json["state"], deal.state()) == ("UNPAID", "UNPAID")


def test_the_clock_is_read_after_the_lock(deal: Deal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the lock the time runs out: the order is not called off any more."""
    real = service.lock

    def late(*asked: Any) -> Any:
        deal.overdue()
        return real(*asked)

    monkeypatch.setattr(service, "lock", late)
    refused = take(deal.seller, deal, "cancel")
    assert (refused.status_code, refused.json["code"]) == (409, "order_not_awaiting_payment")
    assert refused.json["state"] == "UNPAID"


def test_a_strike_is_lifted_by_the_seller_for_good(deal: Deal) -> None:
    deal.overdue()
    close_overdue(deal.app)
    lifted = deal.seller.post(f"{deal.path}/lift-strike").json
    assert lifted["strike"]["liftedAt"]
    assert lifted["buyerStrikes"] == 0
    assert deal.seller.post(f"{deal.path}/lift-strike").json == lifted
    assert deal.buyer.get("/api/me").json["strikes"] == 0


def test_many_overdue_orders_are_closed_in_one_run_but_for_those_somebody_holds(
    deal: Deal, auction: MakeAuction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    lots = [auction(seller=deal.seller) for _ in range(4)]  # five bids a minute, and one is placed
    for lot in lots:
        deal.rival.bid(lot, 1000)
        deal.admin.post(f"/api/auctions/{lot}/end")
    deal.overdue()
    with held(deal.app) as holder:
        holder.execute(text(f"SELECT FROM auctions WHERE id = {lots[-1]} FOR UPDATE"))
        assert close_overdue(deal.app) == 4
    assert close_overdue(deal.app) == 1
    assert deal.sql("SELECT count(*) FROM strikes") == [(5,)]


def test_killed_while_closing_it_leaves_nothing_half_done(
    deal: Deal, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal.overdue()
    deal.sql("DELETE FROM user_events RETURNING id")

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    for moment in ("_call_off", "_move", "execute_together"):
        with monkeypatch.context() as broken:
            broken.setattr(service, moment, killed)
            with pytest.raises(KeyboardInterrupt):
                close_overdue(deal.app)
        assert (deal.state(), deal.sql("SELECT FROM strikes")) == ("AWAITING_PAYMENT", []), moment
        assert deal.sql("SELECT FROM user_events") == [], moment
    assert close_overdue(deal.app) == 1
    assert len(deal.sql("SELECT FROM user_events")) == 2


# --- two at the same time ---


def together(*calls: Callable[[], TestResponse]) -> list[int]:
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], TestResponse]) -> int:
        start.wait(10)
        return call().status_code

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_two_people_who_confirm_at_the_same_time_confirm_once(deal: Deal) -> None:
    deal.sql("DELETE FROM user_events RETURNING id")
    confirm = lambda: take(deal.seller, deal, "confirm-payment")  # noqa: E731
    assert together(confirm, confirm, confirm) == [200, 200, 200]
    assert len(deal.sql("SELECT FROM user_events")) == 2, "buyer and seller are told once"


def test_cancelling_and_confirming_at_the_same_time_only_one_happens(
    deal: Deal, auction: MakeAuction
) -> None:
    for _ in range(5):
        lot = auction(seller=deal.seller)
        deal.rival.bid(lot, 1000)
        deal.admin.post(f"/api/auctions/{lot}/end")
        order_id = deal.rival.get("/api/orders").json["items"][0]["id"]
        path = f"/api/orders/{order_id}"
        answers = together(
            lambda path=path: deal.seller.post(f"{path}/confirm-payment"),
            lambda path=path: deal.seller.post(f"{path}/cancel", json={"reason": "no"}),
        )
        state = deal.rival.get(path).json["state"]
        assert answers == {"PAID": [200, 409], "CANCELLED": [409, 200]}[state]


def test_the_time_runs_out_while_somebody_pays_and_only_one_happens(deal: Deal) -> None:
    """Payments and the job come together in the moment the time is up; whoever has the lock decides."""
    seen = set()
    for _ in range(12):
        deal.sql("DELETE FROM strikes RETURNING order_id")
        deal.put_in("AWAITING_PAYMENT")
        deal.sql("UPDATE orders SET due_at = clock_timestamp() + interval '60 ms' RETURNING id")
        start = threading.Barrier(4)

        def report(start: threading.Barrier = start) -> None:
            start.wait(10)
            time.sleep(0.055)
            with suppress(OrderNotAwaitingPayment):
                pay(deal)

        def close(start: threading.Barrier = start) -> None:
            start.wait(10)
            time.sleep(0.055)
            for _ in range(5):
                close_overdue(deal.app)

        with ThreadPoolExecutor(4) as pool:
            for job in [pool.submit(each) for each in (report, close, report, close)]:
                job.result(20)
        deal.buyer.get(deal.path)
        seen.add((deal.state(), len(deal.sql("SELECT FROM strikes"))))
    assert seen <= {("PAID", 0), ("UNPAID", 1)}


# --- a second chance, or another listing ---


def relist(seller: Person, lot: int) -> TestResponse:
    return seller.post(f"/api/auctions/{lot}/relist", json={"endsAt": SOON})


def test_while_the_buyer_may_pay_or_has_paid_the_lot_is_sold(deal: Deal) -> None:
    for state in ("AWAITING_PAYMENT", "PAID", "SHIPPED", "DONE"):
        deal.put_in(state)
        offered = deal.seller.post(f"/api/auctions/{deal.lot}/second-chance", json={})
        assert (offered.status_code, offered.json["code"]) == (409, "lot_sold")
        assert relist(deal.seller, deal.lot).json["code"] == "not_unsold"


def test_a_payment_that_came_late_counts_while_the_lot_is_nobody_elses(deal: Deal) -> None:
    deal.overdue()
    assert close_overdue(deal.app) == 1
    deal.sql("DELETE FROM user_events RETURNING id")
    confirmed = take(deal.seller, deal, "confirm-payment")
    assert (confirmed.status_code, confirmed.json["state"], confirmed.json["method"]) == (
        200,
        "PAID",
        "invoice",
    )
    assert (confirmed.json["closedAt"], confirmed.json["buyerStrikes"]) == (None, 1)
    assert len(deal.sql("SELECT FROM user_events")) == 2, "both are told"
    assert deal.seller.post(f"/api/auctions/{deal.lot}/second-chance", json={}).json["code"] == "lot_sold"
    assert relist(deal.seller, deal.lot).json["code"] == "not_unsold"
    assert take(deal.seller, deal, "ship").json["state"] == "SHIPPED"


@pytest.mark.parametrize("answer", [None, "decline", "accept"])
def test_a_late_payment_is_refused_while_the_lot_is_offered_or_sold_to_somebody_else(
    deal: Deal, answer: str | None
) -> None:
    deal.overdue()
    offer = deal.seller.post(f"/api/auctions/{deal.lot}/second-chance", json={}).json
    if answer:
        assert deal.rival.post(f"/api/second-chance/{offer['id']}/{answer}").status_code == 200
    late = take(deal.seller, deal, "confirm-payment")
    if answer == "decline":
        assert (late.status_code, late.json["state"]) == (200, "PAID")
    else:
        assert (late.status_code, late.json["code"]) == (409, "order_not_awaiting_payment")
        assert deal.state() == "UNPAID"


def test_a_late_payment_is_refused_when_the_lot_was_listed_again(deal: Deal) -> None:
    deal.overdue()
    assert relist(deal.seller, deal.lot).status_code == 201
    late = take(deal.seller, deal, "confirm-payment")
    assert (late.status_code, late.json["code"], deal.state()) == (
        409,
        "order_not_awaiting_payment",
        "UNPAID",
    )


def test_a_late_payment_through_a_service_is_not_the_sellers_to_confirm(deal: Deal) -> None:
    deal.overdue()
    close_overdue(deal.app)
    deal.sql("UPDATE orders SET method = 'stripe' RETURNING id")
    late = take(deal.seller, deal, "confirm-payment")
    assert (late.status_code, late.json["code"], deal.state()) == (409, "paid_elsewhere", "UNPAID")


def test_a_late_payment_for_an_item_that_went_back_is_refused(
    app: Flask, person: MakePerson, auction: MakeAuction
) -> None:
    seller, ann = person("Seller"), person("Ann")
    terms = {"minIncrement": None, "floorPrice": 500, "dropAmount": 100, "dropEvery": 60, "quantity": 2}
    lot = auction(seller=seller, format="DUTCH", **terms)
    held = ann.bid(lot, 1000).json["reservationId"]
    order = ann.post(f"/api/reservations/{held}/checkout", json=ADDRESS).json["id"]
    sql(app, "UPDATE orders SET due_at = clock_timestamp() RETURNING id")
    assert close_overdue(app) == 1
    late = seller.post(f"/api/orders/{order}/confirm-payment")
    assert (late.status_code, late.json["code"]) == (409, "order_not_awaiting_payment")
    snapshot = ann.get(f"/api/auctions/{lot}").json
    assert (snapshot["remainingItems"], snapshot["soldItems"]) == (2, 0)


def test_an_unpaid_lot_is_offered_to_the_next_and_sold_to_them(deal: Deal) -> None:
    deal.overdue()
    # The seller is the first to notice.
    offer = deal.seller.post(f"/api/auctions/{deal.lot}/second-chance", json={}).json
    assert offer["price"] == 1000
    assert relist(deal.seller, deal.lot).json["code"] == "offer_binds"
    assert deal.rival.post(f"/api/second-chance/{offer['id']}/accept").status_code == 200
    assert only(deal.rival)["total"] == 1500
    assert [each["state"] for each in deal.seller.get("/api/orders?role=seller").json["items"]] == [
        "AWAITING_PAYMENT",
        "UNPAID",
    ]
    assert deal.seller.post(f"/api/auctions/{deal.lot}/second-chance", json={}).json["code"] == "lot_sold"
    # Nor do they pay: nobody is left, and it can be listed again.
    deal.sql("UPDATE orders SET due_at = clock_timestamp() WHERE state = 'AWAITING_PAYMENT' RETURNING id")
    nobody = deal.seller.post(f"/api/auctions/{deal.lot}/second-chance", json={})
    assert (nobody.status_code, nobody.json["code"]) == (409, "nobody_to_offer")
    assert relist(deal.seller, deal.lot).status_code == 201
    assert relist(deal.seller, deal.lot).json["code"] == "offer_binds"


def test_a_cancelled_sale_frees_the_lot_without_a_strike(deal: Deal) -> None:
    cancelled = take(deal.seller, deal, "cancel").json
    assert (cancelled["state"], cancelled["reason"], cancelled["strike"]) == ("CANCELLED", "It broke.", None)
    assert deal.buyer.get("/api/me").json["strikes"] == 0
    assert relist(deal.seller, deal.lot).status_code == 201
    refused = deal.seller.post(f"/api/auctions/{deal.lot}/second-chance", json={})
    assert refused.json["code"] == "nobody_to_offer"


def test_the_database_itself_refuses_a_lot_owed_to_two(deal: Deal) -> None:
    with deal.app.app_context(), db.engine.begin() as connection:
        sold = making.Sold(
            auction_id=deal.lot, buyer_id=deal.rival.id, price=1, origin="offer:1", at=datetime.now(UTC)
        )
        [statement, _] = making.statements(connection, [sold])
        with pytest.raises(Exception, match="uq_orders_live"):
            connection.execute(text(statement.sql), statement.parameters)


# --- lists ---


def test_orders_come_in_pages_the_latest_first(deal: Deal, auction: MakeAuction) -> None:
    for _ in range(4):
        lot = auction(seller=deal.seller)
        deal.buyer.bid(lot, 1000)
        deal.admin.post(f"/api/auctions/{lot}/end")
    found: list[int] = []
    cursor = ""
    while True:
        page = deal.buyer.get(f"/api/orders?limit=2{cursor}").json
        found += [order["id"] for order in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert len(found) == 5
    assert found == sorted(found, reverse=True)
    take(deal.seller, deal, "cancel")
    cancelled = deal.buyer.get("/api/orders?state=CANCELLED").json["items"]
    assert [order["id"] for order in cancelled] == [deal.order_id]
    assert len(deal.seller.get("/api/orders?role=seller&state=AWAITING_PAYMENT").json["items"]) == 4
    for nobody in (deal.stranger, deal.admin, deal.rival):
        assert nobody.get("/api/orders").json["items"] == []
    for wrong in ("role=admin", "state=LOST", "cursor=nonsense", "limit=0"):
        assert deal.buyer.get(f"/api/orders?{wrong}").status_code == 422


def test_to_others_an_order_is_as_if_there_were_none(deal: Deal) -> None:
    never = "/api/orders/999999999"
    for other in (deal.rival, deal.stranger):
        for path in ("", *(f"/{step}" for step in PARTY)):
            method = "POST" if path else "GET"
            answers = [
                other.request(method, f"{order}{path}", json=BODIES.get(path.strip("/"), {}))
                for order in (deal.path, never)
            ]
            hidden, missing = ({**answer.json, "requestId": None} for answer in answers)
            assert hidden == missing
            assert answers[0].status_code == 404


def test_no_stranger_waits_for_an_order_that_is_locked(deal: Deal) -> None:
    with held(deal.app) as holder:
        holder.execute(text("SELECT FROM orders FOR UPDATE"))
        holder.execute(text(f"SELECT FROM auctions WHERE id = {deal.lot} FOR UPDATE"))
        assert take(deal.stranger, deal, "cancel").status_code == 404
        assert take(deal.buyer, deal, "cancel").status_code == 403


# --- what is told ---


class Channels:
    """Takes messages, when it is not down."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.down = False

    def send(self, messages: list[Message]) -> None:
        if self.down:
            raise ChannelsDown("away")
        self.sent += messages

    def subscription_counts(self, prefix: str) -> dict[str, int]:
        return {}

    def to(self, user_id: int) -> list[tuple[str, str]]:
        channel = f"private-user-{user_id}"
        return [(each.event, each.data) for each in self.sent if each.channel == channel]


def test_buyer_and_seller_are_told_of_every_state_in_order(deal: Deal) -> None:
    take(deal.buyer, deal, "checkout")
    take(deal.seller, deal, "confirm-payment")
    take(deal.seller, deal, "ship")
    channels = Channels()
    with deal.app.app_context():
        relay = replace(runtime(), publisher=channels).relay()  # type: ignore[arg-type]
        channels.down = True
        relay.run_once()
        assert channels.sent == []
        channels.down = False
        relay._pause.clear()
        relay.run_once()
    told = {
        person.name: [data for event, data in channels.to(person.id) if event == "order:updated"]
        for person in (deal.buyer, deal.seller)
    }
    for said in told.values():
        parsed = [json.loads(data) for data in said]
        assert [each["state"] for each in parsed] == ["AWAITING_PAYMENT", "PAID", "SHIPPED"]
        assert {each["orderId"] for each in parsed} == {deal.order_id}
        assert [each["eventId"] for each in parsed] == sorted({each["eventId"] for each in parsed})
        assert set(parsed[0]) == {"eventId", "timestamp", "orderId", "state", "title", "total", "currency"}
    # Nobody else hears of it, and nothing of it is public.
    elsewhere = [each for each in channels.sent if not each.channel.startswith("private-user-")]
    assert elsewhere
    assert not any("order" in each.event or "PAID" in each.data for each in elsewhere)
    assert "order:updated" not in {event for event, _ in channels.to(deal.rival.id)}
    assert deal.sql("SELECT FROM user_events") == []


def test_an_event_is_sent_again_until_it_is_taken_out_of_the_queue(
    deal: Deal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the sending and the deleting, the next relay sends it again, under the same number."""
    channels = Channels()
    with deal.app.app_context():
        relay = replace(runtime(), publisher=channels).relay()  # type: ignore[arg-type]
        with monkeypatch.context() as broken:
            broken.setattr("marketplace.realtime.user_events.forget", _killed)
            with pytest.raises(KeyboardInterrupt):
                relay.run_once()
        relay.run_once()
        relay.run_once()
    first, second = (data for event, data in channels.to(deal.buyer.id) if event == "order:updated")
    assert first == second


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt
