"""What Stripe reports: money is taken once, checked, and never lost."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from marketplace import payments
from marketplace.errors import PaymentUnderWay
from marketplace.extensions import db
from marketplace.models import Order
from marketplace.orders import service as orders
from marketplace.retention import forget_old_webhooks
from marketplace.runtime import runtime
from marketplace.transactions import transaction
from tests.people import MakeOrder, MakePerson, Sold
from tests.stripe_server import StripeServer, signed

COMPLETED = "checkout.session.completed"
SUCCEEDED = "checkout.session.async_payment_succeeded"
FAILED = "checkout.session.async_payment_failed"


@pytest.fixture
def sold(order: MakeOrder) -> Sold:
    return order(price=10_000, premium=2_500)


def start(app: Flask, sold: Sold) -> str:
    """Send the buyer to pay; returns the id of the session."""
    with app.app_context():
        found = db.session.get(Order, sold.id)
        assert found
        url = payments.methods(runtime().config)["stripe"].start(
            found, back_to="https://example.com/orders/1"
        )
        assert url
        return url.rpartition("/")[2]


def deliver(client: FlaskClient, event: Any, **how: Any) -> TestResponse:
    body, headers = signed(event, **how)
    return client.post("/payments/stripe/webhook", data=body, headers=headers)


def state(sold: Sold) -> str:
    found: str = sold.buyer.get(f"/api/orders/{sold.id}").json["state"]
    return found


def received(sold: Sold) -> list[tuple[str, str | None, int, str]]:
    items = sold.seller.get(f"/api/orders/{sold.id}/payments").json["items"]
    return [(each["state"], each["reason"], each["amount"], each["currency"]) for each in items]


def told(app: Flask) -> list[tuple[str, int, dict[str, Any]]]:
    """What single users are told: ``(event, user_id, data)``."""
    with app.app_context():
        rows = db.session.execute(text("SELECT name, user_id, data FROM user_events ORDER BY id"))
        return [tuple(row) for row in rows]


def count(app: Flask, table: str) -> int:
    with app.app_context():
        return int(db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


PAID = [("RECEIVED", None, 12_500, "USD")]


# --- genuine, or not ---


def test_a_payment_makes_the_order_paid(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    answer = deliver(client, stripe.event(COMPLETED, start(app, sold)))
    assert (answer.status_code, answer.json) == (200, {"status": "taken"})
    seen = sold.seller.get(f"/api/orders/{sold.id}").json
    assert (seen["state"], seen["method"]) == ("PAID", "stripe")
    assert seen["paidAt"]
    assert received(sold) == PAID
    paid = {(user_id, data["state"]) for name, user_id, data in told(app) if name == "order:updated"}
    assert paid == {(sold.buyer.id, "PAID"), (sold.seller.id, "PAID")}


def test_without_stripe_there_is_no_such_webhook(app: Flask, client: FlaskClient) -> None:
    answer = client.post("/payments/stripe/webhook", data=b"{}")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_what_stripe_did_not_sign_or_signed_long_ago_is_refused(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    event = stripe.event(COMPLETED, start(app, sold))
    body, headers = signed(event)
    signature = headers["Stripe-Signature"]
    path = "/payments/stripe/webhook"
    refused = [
        deliver(client, event, secret="whsec_of_a_forger"),
        deliver(client, event, age=301),
        client.post(path, data=body + b" ", headers=headers),
        client.post(path, data=body),
        client.post(path, data=body, headers={"Stripe-Signature": ""}),
        client.post(path, data=body, headers={"Stripe-Signature": signature.replace("v1=", "v0=")}),
        client.post(path, data=body, headers={"Stripe-Signature": "t=1,v1"}),
        client.post(path, data=body, headers={"Stripe-Signature": "t=1,v1=\u00e9"}),
        client.post(path, data=b"\xff\xfe", headers=headers),
        deliver(client, []),
        deliver(client, "not an event"),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json["code"]) == (401, "webhook_not_genuine")
    assert state(sold) == "AWAITING_PAYMENT"
    assert received(sold) == []
    assert deliver(client, event, age=290).status_code == 200


def test_it_comes_from_elsewhere_and_needs_no_origin_of_ours(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    body, headers = signed(stripe.event(COMPLETED, start(app, sold)))
    headers |= {"Origin": "https://stripe.com", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/payments/stripe/webhook", data=body, headers=headers).status_code == 200


# --- once ---


def test_a_repetition_changes_nothing(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    event = stripe.event(COMPLETED, start(app, sold))
    assert [deliver(client, event).json["status"] for _ in range(3)] == [
        "taken",
        "taken before",
        "taken before",
    ]
    assert received(sold) == PAID
    assert len([name for name, *_ in told(app) if name == "order:updated"]) == 2


def test_the_same_money_in_another_event_is_the_same_money(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    session = start(app, sold)
    for kind in (COMPLETED, SUCCEEDED, COMPLETED):
        assert deliver(client, stripe.event(kind, session)).json == {"status": "taken"}
    assert received(sold) == PAID


def test_twenty_at_once_are_one_payment(stripe: StripeServer, app: Flask, sold: Sold) -> None:
    event = stripe.event(COMPLETED, start(app, sold))
    with ThreadPoolExecutor(20) as stripes:
        answers = list(stripes.map(lambda _: deliver(app.test_client(), event), range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert [answer.json["status"] for answer in answers].count("taken") == 1
    assert received(sold) == PAID
    assert len([name for name, *_ in told(app) if name == "order:updated"]) == 2


def test_twenty_events_of_one_payment_at_once_are_one_payment(
    stripe: StripeServer, app: Flask, sold: Sold
) -> None:
    session = start(app, sold)
    events = [stripe.event(kind, session) for kind in (COMPLETED, SUCCEEDED) * 10]
    with ThreadPoolExecutor(20) as stripes:
        answers = list(stripes.map(lambda event: deliver(app.test_client(), event), events))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert received(sold) == PAID


def test_marks_of_old_webhooks_are_forgotten_and_the_payment_is_not_taken_again(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    event = stripe.event(COMPLETED, start(app, sold))
    deliver(client, event)
    with app.app_context():
        forget_old_webhooks()
        assert count(app, "stripe_events") == 1
        db.session.execute(text("UPDATE stripe_events SET received_at = received_at - interval '31 days'"))
        db.session.commit()
        assert forget_old_webhooks() == 1
    assert deliver(client, event).json == {"status": "taken"}
    assert received(sold) == PAID


# --- only what is due ---


@pytest.mark.parametrize(
    ("changes", "amount", "currency"),
    [
        ({"amount_total": 12_499}, 12_499, "USD"),
        ({"amount_total": 12_501}, 12_501, "USD"),
        ({"currency": "cad"}, 12_500, "CAD"),
        ({"amount_total": 125, "currency": "jpy"}, 125, "JPY"),
    ],
)
def test_another_amount_or_currency_pays_nothing_and_has_to_go_back(
    stripe: StripeServer,
    app: Flask,
    client: FlaskClient,
    sold: Sold,
    changes: dict[str, Any],
    amount: int,
    currency: str,
) -> None:
    assert deliver(client, stripe.event(COMPLETED, start(app, sold), **changes)).status_code == 200
    assert state(sold) == "AWAITING_PAYMENT"
    assert received(sold) == [("TO_REFUND", "other_amount", amount, currency)]
    [data] = refund_due(app, sold)
    assert (data["orderId"], data["amount"], data["currency"], data["reason"]) == (
        sold.id,
        amount,
        currency,
        "other_amount",
    )


def test_amounts_are_compared_as_stripe_counts(
    stripe: StripeServer, app: Flask, client: FlaskClient, order: MakeOrder
) -> None:
    sold = order(price=700, currency="ISK")
    deliver(client, stripe.event(COMPLETED, start(app, sold)))
    assert state(sold) == "PAID"
    assert received(sold) == [("RECEIVED", None, 700, "ISK")]


@pytest.mark.parametrize(
    "metadata", [{}, None, {"order_id": "999999"}, {"order_id": "x"}, {"order_id": "9" * 30}]
)
def test_what_is_for_no_order_here_is_answered_and_left(
    stripe: StripeServer,
    app: Flask,
    client: FlaskClient,
    sold: Sold,
    caplog: pytest.LogCaptureFixture,
    metadata: dict[str, str] | None,
) -> None:
    event = stripe.event(COMPLETED, start(app, sold), metadata=metadata)
    with caplog.at_level(logging.WARNING):
        assert deliver(client, event).status_code == 200
    assert "no order here" in caplog.text
    assert state(sold) == "AWAITING_PAYMENT"
    assert count(app, "payments") == 0


@pytest.mark.parametrize(
    "kind", ["checkout.session.expired", "payment_intent.succeeded", "charge.refunded", "x"]
)
def test_other_events_are_answered_and_ignored(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold, kind: str
) -> None:
    assert deliver(client, stripe.event(kind, start(app, sold))).status_code == 200
    assert state(sold) == "AWAITING_PAYMENT"
    assert count(app, "payments") == 0


# --- money that takes days ---


def test_money_on_its_way_pays_when_it_has_come(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    session = start(app, sold)
    deliver(client, stripe.event(COMPLETED, session, payment_status="unpaid"))
    assert state(sold) == "AWAITING_PAYMENT"
    with pytest.raises(PaymentUnderWay):
        start(app, sold)
    deliver(client, stripe.event(SUCCEEDED, session))
    assert state(sold) == "PAID"


def test_money_that_does_not_come_leaves_the_order_to_be_paid_anew(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    session = start(app, sold)
    deliver(client, stripe.event(COMPLETED, session, payment_status="unpaid"))
    deliver(client, stripe.event(FAILED, session, payment_status="unpaid"))
    assert (state(sold), received(sold)) == ("AWAITING_PAYMENT", [])
    another = start(app, sold)
    assert another != session
    deliver(client, stripe.event(COMPLETED, another))
    assert state(sold) == "PAID"


def test_nobody_has_failed_to_pay_while_their_money_is_on_its_way(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    session = start(app, sold)
    due_soon(app, sold)
    deliver(client, stripe.event(COMPLETED, session, payment_status="unpaid"))
    assert days_left(app, sold) == 14
    deliver(
        client,
        stripe.event(COMPLETED, session, payment_status="unpaid"),
    )
    with app.app_context():
        orders.close_overdue()
    assert state(sold) == "AWAITING_PAYMENT"
    # It does not come: there is time to pay in another way, and no more than that.
    deliver(client, stripe.event(FAILED, session, payment_status="unpaid"))
    assert days_left(app, sold) == 2
    deliver(client, stripe.event(COMPLETED, start(app, sold)))
    assert state(sold) == "PAID"


def due_soon(app: Flask, sold: Sold) -> None:
    with app.app_context(), transaction():
        db.session.execute(
            text("UPDATE orders SET due_at = clock_timestamp() + interval '1 hour' WHERE id = :id"),
            {"id": sold.id},
        )


def days_left(app: Flask, sold: Sold) -> int:
    """Until the order is due, rounded up."""
    left = text(
        "SELECT ceil(extract(epoch FROM due_at - clock_timestamp()) / 86400) FROM orders WHERE id = :id"
    )
    with app.app_context():
        return int(db.session.execute(left, {"id": sold.id}).scalar_one())


def test_events_may_come_in_any_order(
    stripe: StripeServer, app: Flask, client: FlaskClient, order: MakeOrder
) -> None:
    paid, failed = order(), order()
    session = start(app, paid)
    deliver(client, stripe.event(SUCCEEDED, session))
    deliver(client, stripe.event(COMPLETED, session, payment_status="unpaid"))
    assert state(paid) == "PAID"
    session = start(app, failed)
    deliver(client, stripe.event(FAILED, session, payment_status="unpaid"))
    deliver(client, stripe.event(COMPLETED, session, payment_status="unpaid"))
    assert start(app, failed) != session, "what came late does not keep the buyer from paying"


# --- money that nobody waits for ---


def refund_due(app: Flask, sold: Sold) -> list[dict[str, Any]]:
    return [
        data for name, user_id, data in told(app) if (name, user_id) == ("payment:to-refund", sold.seller.id)
    ]


def test_money_for_an_order_that_was_called_off_goes_back(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    session = start(app, sold)
    sold.seller.post(f"/api/orders/{sold.id}/cancel", json={"reason": "It broke."})
    deliver(client, stripe.event(COMPLETED, session))
    assert state(sold) == "CANCELLED"
    assert received(sold) == [("TO_REFUND", "order_cancelled", 12_500, "USD")]
    [data] = refund_due(app, sold)
    assert (data["amount"], data["reason"]) == (12_500, "order_cancelled")


def test_money_for_an_order_that_was_not_paid_in_time_goes_back(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    session = start(app, sold)
    with app.app_context():
        db.session.execute(text("UPDATE orders SET due_at = clock_timestamp()"))
        db.session.commit()
    assert state(sold) == "UNPAID"
    deliver(client, stripe.event(COMPLETED, session))
    assert state(sold) == "UNPAID"
    assert received(sold) == [("TO_REFUND", "order_unpaid", 12_500, "USD")]
    assert len(refund_due(app, sold)) == 1


def test_money_that_comes_before_anybody_has_closed_the_order_still_pays_it(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    session = start(app, sold)
    with app.app_context():
        db.session.execute(text("UPDATE orders SET due_at = clock_timestamp()"))
        db.session.commit()
    deliver(client, stripe.event(COMPLETED, session))
    assert state(sold) == "PAID"


def test_money_that_comes_twice_goes_back_once(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    first = start(app, sold)
    with app.app_context():
        db.session.execute(text("UPDATE stripe_sessions SET expires_at = clock_timestamp()"))
        db.session.commit()
    second = start(app, sold)
    deliver(client, stripe.event(COMPLETED, second))
    deliver(client, stripe.event(COMPLETED, first))
    assert state(sold) == "PAID"
    assert received(sold) == [*PAID, ("TO_REFUND", "paid_before", 12_500, "USD")]
    assert len(refund_due(app, sold)) == 1


def test_money_that_comes_after_the_sellers_own_word_goes_back(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    session = start(app, sold)
    checkout = {"shipTo": "1 High Street", "method": "invoice"}
    assert sold.buyer.post(f"/api/orders/{sold.id}/checkout", json=checkout).status_code == 200
    assert sold.seller.post(f"/api/orders/{sold.id}/confirm-payment").status_code == 200
    deliver(client, stripe.event(COMPLETED, session))
    assert received(sold) == [("TO_REFUND", "paid_before", 12_500, "USD")]
    assert sold.buyer.get(f"/api/orders/{sold.id}").json["method"] == "invoice"


def test_administrators_see_all_that_has_to_go_back(
    stripe: StripeServer, app: Flask, client: FlaskClient, order: MakeOrder, person: MakePerson
) -> None:
    one, other = order(), order()
    for sold in (one, other):
        deliver(client, stripe.event(COMPLETED, start(app, sold), amount_total=1))
    admin = person(admin=True)
    page = admin.get("/api/refunds?limit=1").json
    assert [each["orderId"] for each in page["items"]] == [other.id]
    rest = admin.get(f"/api/refunds?limit=1&cursor={page['nextCursor']}").json
    assert ([each["orderId"] for each in rest["items"]], rest["nextCursor"]) == ([one.id], None)
    assert one.seller.get("/api/refunds").status_code == 403


# --- through the API ---


def test_checking_out_leads_to_stripe_and_stripe_being_away_is_said_plainly(
    stripe: StripeServer, app: Flask, sold: Sold
) -> None:
    checkout = {"shipTo": "1 High Street", "method": "stripe"}
    path = f"/api/orders/{sold.id}/checkout"
    stripe.failures = [(500, {"error": {"type": "api_error", "message": "no"}})] * 2
    away = sold.buyer.post(path, json=checkout)
    assert (away.status_code, away.json["code"]) == (503, "payment_service_unavailable")
    assert away.headers["Retry-After"]
    seen = sold.buyer.get(f"/api/orders/{sold.id}").json
    assert (seen["state"], seen["method"], seen["shipTo"]) == ("AWAITING_PAYMENT", None, None)
    stripe.failures.clear()
    made = sold.buyer.post(path, json=checkout)
    assert made.status_code == 200, made.json
    assert made.json["redirectUrl"] == stripe.sessions["cs_test_1"]["url"]
    assert stripe.requests[-1][1]["success_url"] == f"http://localhost/orders/{sold.id}"


def test_what_stripe_does_not_take_can_be_paid_another_way(
    stripe: StripeServer, app: Flask, order: MakeOrder
) -> None:
    sold = order(price=10)  # under Stripe's least
    checkout = {"shipTo": "1 High Street", "method": "stripe"}
    refused = sold.buyer.post(f"/api/orders/{sold.id}/checkout", json=checkout)
    assert (refused.status_code, refused.json["code"]) == (409, "method_unsuitable")
    checkout["method"] = "invoice"
    assert sold.buyer.post(f"/api/orders/{sold.id}/checkout", json=checkout).json["redirectUrl"] is None


def test_the_secrets_are_told_to_nobody(
    stripe: StripeServer, app: Flask, client: FlaskClient, sold: Sold
) -> None:
    event = stripe.event(COMPLETED, start(app, sold))
    pages = [deliver(client, event, secret="x"), client.get("/api/openapi.json"), client.get("/api/realtime")]
    config = app.extensions["marketplace"].config
    for each in (*pages, config):
        shown = json.dumps(each.json) if isinstance(each, TestResponse) else repr(each)
        assert config.stripe_secret_key not in shown
        assert config.stripe_webhook_secret not in shown
