"""From an item that is held to an order, by the API and on pages; and back to the stock."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from marketplace.extensions import db
from marketplace.orders import service as orders
from tests.pages import MakeBrowser, send
from tests.people import MakeAuction, MakePerson, Person

FALLING = {
    "format": "DUTCH",
    "minIncrement": None,
    "startingPrice": 10_000,
    "floorPrice": 2_000,
    "dropAmount": 500,
    "dropEvery": 600,
    "quantity": 2,
    "premiumRate": 1_000,
    "taxRate": 2_000,
    "paymentDays": 3,
}
FORM = {"shipTo": "Ann Okafor\r\n1 Long Lane", "method": "invoice"}


def stock(person: Person, lot: int) -> tuple[int, int, int]:
    """Free, held, sold."""
    snapshot = person.get(f"/api/auctions/{lot}").json
    return snapshot["remainingItems"], snapshot["heldItems"], snapshot["soldItems"]


def held_by(person: Person, lot: int) -> str:
    taken: str = person.bid(lot, 10_000).json["reservationId"]
    return taken


def test_checking_out_makes_one_order_however_often_it_is_sent(
    person: MakePerson, auction: MakeAuction
) -> None:
    ann, lot = person("Ann"), auction(**FALLING)
    path = f"/api/reservations/{held_by(ann, lot)}/checkout"
    first = ann.post(path, json=FORM)
    assert first.status_code == 200, first.json
    order = first.json
    assert (order["price"], order["premium"], order["tax"], order["total"]) == (10_000, 1_000, 2_200, 13_200)
    assert (order["state"], order["redirectUrl"], order["origin"]) == ("AWAITING_PAYMENT", None, "take:2")
    assert ann.post(path, json=FORM).json["id"] == order["id"]
    assert [each["id"] for each in ann.get("/api/orders").json["items"]] == [order["id"]]
    assert stock(ann, lot) == (1, 0, 1)
    assert ann.get(path.removesuffix("/checkout")).json["status"] == "CONFIRMED"


def test_what_is_not_held_any_more_is_not_sold(person: MakePerson, auction: MakeAuction, app: Flask) -> None:
    ann, lot = person("Ann"), auction(**FALLING)
    given_back, expired = held_by(ann, lot), held_by(ann, lot)
    ann.request("DELETE", f"/api/reservations/{given_back}")
    with app.app_context():
        db.session.execute(
            text("UPDATE reservations SET expires_at = clock_timestamp() WHERE status = 'HELD'")
        )
        db.session.commit()
    for over in (given_back, expired):
        answer = ann.post(f"/api/reservations/{over}/checkout", json=FORM)
        assert (answer.status_code, answer.json["code"]) == (409, "reservation_over")
    assert ann.get("/api/orders").json["items"] == []


def test_nothing_is_sold_by_a_request_that_cannot_be_read(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person("Ann"), auction(**FALLING)
    path = f"/api/reservations/{held_by(ann, lot)}/checkout"
    for bad in ({**FORM, "method": "shells"}, {**FORM, "shipTo": ""}, {}):
        assert ann.post(path, json=bad).status_code == 422
    assert stock(ann, lot) == (1, 1, 0)


@pytest.mark.parametrize(("called_off", "reason"), [(True, "cancelled"), (False, "unpaid")])
def test_an_order_that_is_called_off_or_not_paid_gives_the_item_back_once(
    person: MakePerson, auction: MakeAuction, app: Flask, called_off: bool, reason: str
) -> None:
    sue, ann = person("Sue"), person("Ann")
    lot = auction(seller=sue, **FALLING)
    order = ann.post(f"/api/reservations/{held_by(ann, lot)}/checkout", json=FORM).json["id"]
    other = ann.post(f"/api/reservations/{held_by(ann, lot)}/checkout", json=FORM).json["id"]
    assert stock(ann, lot) == (0, 0, 2)
    for _ in range(2):
        if called_off:
            assert sue.post(f"/api/orders/{order}/cancel", json={"reason": "broken"}).status_code == 200
        else:
            with app.app_context():
                db.session.execute(
                    text("UPDATE orders SET due_at = clock_timestamp() WHERE id = :id"), {"id": order}
                )
                db.session.commit()
                orders.close_overdue()
    # It is sold out no more, and the other order stands.
    assert stock(ann, lot) == (1, 0, 1)
    assert ann.get(f"/api/auctions/{lot}").json["status"] == "RUNNING"
    returns = [
        each for each in ann.get(f"/api/auctions/{lot}/bids").json["items"] if each["kind"] == "RETURN"
    ]
    assert [each["reason"] for each in returns] == [reason]
    assert ann.get(f"/api/orders/{other}").json["state"] == "AWAITING_PAYMENT"


# --- pages ---


@pytest.fixture
def ann(browser: MakeBrowser) -> FlaskClient:
    return browser("Ann")


@pytest.fixture
def held(ann: FlaskClient, auction: MakeAuction) -> str:
    """An item that is held for Ann at 100.00, which comes to 132.00 with premium and tax."""
    lot = auction(title="A <b>crate</b>", **FALLING)
    assert send(ann, f"/auctions/{lot}/bids", amount="100.00").status_code == 303
    reservation: str = ann.get("/api/reservations").json["items"][0]["reservationId"]
    return reservation


def test_the_page_shows_what_it_comes_to_and_sells_it(ann: FlaskClient, held: str) -> None:
    page = f"/reservations/{held}/checkout"
    assert page in ann.get(f"/auctions/{held.partition('-')[0]}").text
    assert page in ann.get("/me").text
    lot = ann.get(f"/auctions/{held.partition('-')[0]}").text
    assert "On top of the price come a premium of 10%, and tax of" in lot
    assert ann.get(f"/reservations/{held}").location == page
    seen = ann.get(page).text
    for words in ("$100.00", "$10.00", "$22.00", "Buy for $132.00", "A &lt;b&gt;crate&lt;/b&gt;", "3 days"):
        assert words in seen
    bought = send(ann, page, **FORM)
    assert bought.status_code == 303
    assert "Checked out." in ann.get(bought.location).text
    # Looked at or sent again, it is the same order.
    assert ann.get(page).location == bought.location
    assert send(ann, page, **FORM).location == bought.location
    seen = ann.get(f"/auctions/{held.partition('-')[0]}").text
    assert "You bought 1 item here." in seen
    assert "0 held · 1 sold" in seen


def test_a_form_that_is_not_filled_in_sells_nothing(ann: FlaskClient, held: str) -> None:
    answer = send(ann, f"/reservations/{held}/checkout", shipTo="", method="invoice")
    assert answer.status_code == 422
    assert "Buy for $132.00" in answer.text
    assert ann.get("/api/orders").json["items"] == []


def test_a_hold_that_is_over_says_so(ann: FlaskClient, held: str) -> None:
    send(ann, f"/auctions/{held.partition('-')[0]}/release", reservation=held)
    page = f"/reservations/{held}/checkout"
    for answer in (ann.get(page), send(ann, page, **FORM)):
        assert "It is not held for you any more: you gave it back" in answer.text
        assert "Buy for" not in answer.text


def test_only_the_buyer_sees_it(browser: MakeBrowser, ann: FlaskClient, held: str) -> None:
    page = f"/reservations/{held}/checkout"
    assert browser("Bob").get(page).status_code == 404
    assert send(browser("Cleo"), page, **FORM).status_code == 404
    assert browser().get(page).location == f"/login?next={page}"
    assert send(browser(), page, **FORM).location == f"/login?next=/reservations/{held}"
