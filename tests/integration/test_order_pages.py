"""The pages of orders, as they work without script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from marketplace import payments
from marketplace.bidding import service
from marketplace.errors import PaymentServiceAway
from marketplace.extensions import db
from marketplace.models import Order

ORIGIN = {"Origin": "http://localhost"}
ADDRESS = "Ann Okafor\r\n1 Long Lane"
TERMS = {
    "title": "A <b>watch</b>",
    "currency": "USD",
    "startingPrice": "10.00",
    "increments": "fixed",
    "minIncrement": "1",
    "endsAt": f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M}",
    "premiumRate": "12.5",
    "taxRate": "20",
    "paymentDays": "3",
}


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    return client.post(path, data=fields, headers=ORIGIN)


@dataclass(frozen=True)
class Deal:
    """A lot that Ann has won from Sue for 20.00, with 12.5 % premium and 20 % tax: 27.00."""

    app: Flask
    ann: FlaskClient
    sue: FlaskClient
    lot: str
    order: str

    def overdue(self) -> None:
        with self.app.app_context():
            db.session.execute(text("UPDATE orders SET due_at = clock_timestamp()"))
            db.session.commit()


@pytest.fixture
def browser(app: Flask) -> Callable[[str], FlaskClient]:
    def make(name: str) -> FlaskClient:
        client = app.test_client()
        fields = {"displayName": name, "email": f"{name}@example.com".lower(), "password": "correct horse"}
        assert send(client, "/register", **fields).status_code == 303
        return client

    return make


@pytest.fixture
def deal(app: Flask, browser: Callable[[str], FlaskClient]) -> Deal:
    sue, ann = browser("Sue"), browser("Ann")
    lot = send(sue, "/sell", **TERMS).location
    assert send(sue, f"{lot}/publish").status_code == 303
    assert send(ann, f"{lot}/bids", amount="20.00", how="exact").status_code == 303
    with app.app_context():
        service.end(int(lot.rpartition("/")[2]))
    [order] = ann.get("/api/orders").json["items"]
    return Deal(app, ann, sue, lot, f"/orders/{order['id']}")


def test_fees_are_set_shown_with_an_example_and_changed(browser: Callable[[str], FlaskClient]) -> None:
    sue = browser("Sue")
    draft = send(sue, "/sell", **TERMS).location
    shown = sue.get(draft).text
    assert "a premium of 12.5%, and tax of 20% on both. A bid of $100.00 costs $135.00." in shown
    assert "To be paid within 3 days." in shown
    form = sue.get(f"{draft}/edit").text
    for name, value in (("premiumRate", "12.5"), ("taxRate", "20"), ("paymentDays", "3")):
        assert f'id="{name}" name="{name}"' in form
        assert f'value="{value}"' in form
    assert send(sue, f"{draft}/edit", **TERMS | {"premiumRate": "", "taxRate": "0"}).status_code == 303
    assert "Nothing besides the price. To be paid within 3 days." in sue.get(draft).text
    for field, wrong, said in (
        ("premiumRate", "a lot", "must be percent"),
        ("taxRate", "0.125", "must be percent"),
        ("taxRate", "101", "must be"),
        ("paymentDays", "0", "must be"),
    ):
        refused = send(sue, f"{draft}/edit", **TERMS | {field: wrong})
        assert refused.status_code == 422
        assert f'id="{field}-notes"><strong class="error">This {said}' in refused.text


def test_from_the_auction_to_the_door(deal: Deal) -> None:
    assert f'href="{deal.order}">Check out</a>' in deal.ann.get(deal.lot).text
    assert f'href="{deal.order}">The order</a>' in deal.sue.get(deal.lot).text
    for page in (deal.ann.get("/orders"), deal.sue.get("/sales")):
        assert f'<a href="{deal.order}">A &lt;b&gt;watch&lt;/b&gt;</a>' in page.text
        assert "$27.00" in page.text
    assert "You have not sold anything yet." in deal.ann.get("/sales").text

    page = deal.ann.get(deal.order).text
    for line in ("$20.00", "Buyer’s premium, 12.5%", "$2.50", "Tax, 20%", "$4.50", "$27.00"):
        assert line in page
    answer = send(deal.ann, f"{deal.order}/checkout", shipTo=ADDRESS, method="invoice")
    assert (answer.status_code, answer.location) == (303, deal.order)
    assert "Checked out." in deal.ann.get(deal.order).text

    assert "1 Long Lane" in deal.sue.get(deal.order).text
    assert send(deal.sue, f"{deal.order}/confirm-payment").location == deal.order
    assert send(deal.sue, f"{deal.order}/ship", carrier="Post", tracking="XY1").location == deal.order
    page = deal.ann.get(deal.order).text
    assert "Sent with</dt><dd>Post, <code>XY1</code>" in page
    assert send(deal.ann, f"{deal.order}/received").location == deal.order
    page = deal.ann.get(deal.order).text
    assert ">Received</span> <time" in page
    assert "<form" not in page.partition("<main")[2].partition("</main>")[0], "nothing is left to do"


def test_each_sees_only_what_they_can_do(deal: Deal, browser: Callable[[str], FlaskClient]) -> None:
    buyers, sellers = deal.ann.get(deal.order).text, deal.sue.get(deal.order).text
    for step in ("confirm-payment", "cancel"):
        assert f'action="{deal.order}/{step}"' in sellers
        assert f'action="{deal.order}/{step}"' not in buyers
    assert f'action="{deal.order}/checkout"' in buyers
    assert f'action="{deal.order}/checkout"' not in sellers
    refused = send(deal.ann, f"{deal.order}/confirm-payment")
    assert refused.status_code == 403
    assert "Only the seller may do this." in refused.text
    eve = browser("Eve")
    assert eve.get(deal.order).status_code == 404
    assert send(eve, f"{deal.order}/cancel", reason="x").status_code == 404
    nobody = deal.app.test_client()
    assert nobody.get(deal.order).location == f"/login?next={deal.order}"
    assert nobody.get("/orders").location == "/login?next=/orders"


def test_what_is_missing_is_marked_and_what_was_given_kept(deal: Deal) -> None:
    refused = send(deal.ann, f"{deal.order}/checkout", shipTo="  ", method="invoice")
    assert refused.status_code == 422
    assert 'id="shipTo-notes"><strong class="error">This must' in refused.text
    refused = send(deal.ann, f"{deal.order}/checkout", shipTo=ADDRESS, method="barter")
    assert refused.status_code == 422
    assert "1 Long Lane</textarea>" in refused.text
    refused = send(deal.sue, f"{deal.order}/cancel", reason="")
    assert refused.status_code == 422
    assert 'id="reason-notes"><strong class="error">This must' in refused.text


def test_a_sale_is_called_off_with_a_reason_that_the_buyer_reads(deal: Deal) -> None:
    assert send(deal.sue, f"{deal.order}/cancel", reason="It <i>broke</i>.").location == deal.order
    page = deal.ann.get(deal.order).text
    assert "The seller called it off: It &lt;i&gt;broke&lt;/i&gt;." in page
    assert "Called off</span> <time" in page
    assert send(deal.ann, f"{deal.order}/checkout", shipTo=ADDRESS, method="invoice").status_code == 409


def test_a_strike_is_shown_and_lifted(deal: Deal) -> None:
    deal.overdue()
    assert "You have a strike for it." in deal.ann.get(deal.order).text
    assert "You have 1 strike for not paying in time." in deal.ann.get("/me").text
    assert "Ann has 1 strike for not paying." in deal.sue.get(deal.order).text
    assert send(deal.sue, f"{deal.order}/lift-strike").location == deal.order
    assert "the seller lifted it" in deal.ann.get(deal.order).text
    assert "strike" not in deal.ann.get("/me").text


def test_a_payment_that_came_late_is_confirmed_while_the_lot_is_nobody_elses(deal: Deal) -> None:
    deal.overdue()
    page = deal.sue.get(deal.order).text
    assert "Did the money come after all?" in page
    assert "Did the money come after all?" not in deal.ann.get(deal.order).text
    assert send(deal.sue, f"{deal.order}/confirm-payment").location == deal.order
    assert ">Paid</span> <time" in deal.ann.get(deal.order).text


def test_what_is_awaited_names_the_buyer_in_the_sellers_list(deal: Deal) -> None:
    row = deal.sue.get("/sales").text.partition('<li class="lot"')[2].partition("</li>")[0]
    assert "to Ann" in row
    assert "to be paid until <time" in row


class Elsewhere:
    """A way of paying on another site."""

    name = "elsewhere"
    label = "Pay elsewhere"
    away = False

    def start(self, order: Order, *, back_to: str) -> str:
        if self.away:
            raise PaymentServiceAway
        assert back_to == f"http://localhost/orders/{order.id}"
        return f"https://pay.example.com/{order.total}"


def test_whoever_pays_elsewhere_is_sent_there(deal: Deal, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = Elsewhere()
    monkeypatch.setattr(payments, "methods", lambda config: {elsewhere.name: elsewhere})
    answer = send(deal.ann, f"{deal.order}/checkout", shipTo=ADDRESS, method="elsewhere")
    assert answer.status_code == 200
    # A redirect would be refused by browsers: the policy lets forms lead nowhere else.
    assert answer.headers["Refresh"] == "0; url=https://pay.example.com/2700"
    assert 'href="https://pay.example.com/2700"' in answer.text
    assert "The buyer pays through a service" in deal.sue.get(deal.order).text
    answer = deal.ann.post(
        f"/api{deal.order}/checkout", json={"shipTo": ADDRESS, "method": "elsewhere"}, headers=ORIGIN
    )
    assert answer.json["redirectUrl"] == "https://pay.example.com/2700"
    elsewhere.away = True
    refused = send(deal.ann, f"{deal.order}/checkout", shipTo=ADDRESS, method="elsewhere")
    assert refused.status_code == 503
    assert "nothing was paid" in refused.text


def test_long_lists_have_further_pages(deal: Deal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.web.orders.ORDERS_A_PAGE", 1)
    lot = send(deal.sue, "/sell", **TERMS).location
    send(deal.sue, f"{lot}/publish")
    send(deal.ann, f"{lot}/bids", amount="20.00", how="exact")
    with deal.app.app_context():
        service.end(int(lot.rpartition("/")[2]))
    first = deal.ann.get("/orders").text
    assert deal.order not in first
    further = first.partition('href="/orders?cursor=')[2].partition('"')[0]
    assert f'href="{deal.order}"' in deal.ann.get(f"/orders?cursor={further}").text
    assert deal.ann.get("/orders?cursor=nonsense").status_code == 422
