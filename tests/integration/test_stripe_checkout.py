"""Paying through Stripe Checkout: buyers are sent to one session, whatever happens on the way."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace import payments
from marketplace.errors import MethodUnsuitable, PaymentServiceAway
from marketplace.extensions import db
from marketplace.models import Order
from marketplace.payments import stripe_checkout
from marketplace.runtime import runtime
from marketplace.transactions import database_now
from tests.people import MakeOrder
from tests.stripe_server import StripeServer

BACK_TO = "https://auctions.example.com/orders/1"


def start(app: Flask, order_id: int, *, back_to: str = BACK_TO) -> str | None:
    """Send the buyer to pay."""
    with app.app_context():
        method = payments.methods(runtime().config)["stripe"]
        order = db.session.get(Order, order_id)
        assert order
        return method.start(order, back_to=back_to)


def checkout(app: Flask) -> Any:
    with app.app_context():
        return payments.methods(runtime().config)["stripe"]


def change(app: Flask, statement: str) -> None:
    with app.app_context():
        db.session.execute(text(statement))
        db.session.commit()


def test_without_keys_there_is_only_the_invoice(app: Flask, order: MakeOrder) -> None:
    with app.app_context():
        offered = payments.methods(runtime().config)
        assert list(offered) == ["invoice"]
        found = db.session.get(Order, order().id)
        assert found
        assert offered["invoice"].start(found, back_to=BACK_TO) is None


def test_the_session_says_what_is_due(stripe: StripeServer, app: Flask, order: MakeOrder) -> None:
    made = order(price=12_345, premium=3_086, tax=2_932, currency="EUR", title="پرانی گھڑی")
    assert start(app, made.id) == stripe.sessions["cs_test_1"]["url"]
    [(key, sent)] = stripe.requests
    assert key == f"order-{made.id}-1"
    expires_at = int(sent.pop("expires_at"))
    assert 23 * 3600 < expires_at - time.time() < 24 * 3600
    assert sent == {
        "mode": "payment",
        "client_reference_id": str(made.id),
        "metadata[order_id]": str(made.id),
        "payment_intent_data[metadata][order_id]": str(made.id),
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "18363",
        "line_items[0][price_data][product_data][name]": "پرانی گھڑی",
        "adaptive_pricing[enabled]": "false",
        "success_url": BACK_TO,
        "cancel_url": BACK_TO,
    }


def test_zero_decimal_currencies_are_sent_as_they_are(
    stripe: StripeServer, app: Flask, order: MakeOrder
) -> None:
    start(app, order(price=500, currency="JPY").id)
    start(app, order(price=500, currency="ISK").id)
    amounts = [sent["line_items[0][price_data][unit_amount]"] for _, sent in stripe.requests]
    assert amounts == ["500", "50000"]


def test_an_amount_that_stripe_does_not_take_is_refused_before_it_is_asked(
    stripe: StripeServer, app: Flask, order: MakeOrder
) -> None:
    made = order(price=5_124, currency="KWD")
    with pytest.raises(MethodUnsuitable):
        start(app, made.id)
    assert stripe.requests == []


def test_the_session_ends_with_the_time_to_pay_or_as_early_as_stripe_lets_it(
    stripe: StripeServer, app: Flask, order: MakeOrder
) -> None:
    for hours in (5, 0):
        start(app, order(due_in=timedelta(hours=hours)).id)
    in_hours, at_once = (int(sent["expires_at"]) - time.time() for _, sent in stripe.requests)
    assert in_hours == pytest.approx(5 * 3600, abs=60)
    assert 30 * 60 < at_once < 35 * 60


def test_coming_again_leads_to_the_same_session(stripe: StripeServer, app: Flask, order: MakeOrder) -> None:
    made = order()
    first = start(app, made.id)
    assert start(app, made.id) == first
    assert len(stripe.requests) == 1


def test_a_double_click_makes_one_session(stripe: StripeServer, app: Flask, order: MakeOrder) -> None:
    made = order()
    stripe.delay = 0.3  # all are on their way before the first is answered
    with ThreadPoolExecutor(8) as clicks:
        urls = set(clicks.map(lambda _: start(app, made.id), range(8)))
    assert len(urls) == len(stripe.sessions) == 1
    assert len(stripe.requests) > 1, "they did come at the same time"


def test_a_session_that_is_over_is_replaced(stripe: StripeServer, app: Flask, order: MakeOrder) -> None:
    made = order()
    first = start(app, made.id)
    change(app, "UPDATE stripe_sessions SET expires_at = clock_timestamp() + interval '1 minute'")
    second = start(app, made.id)
    assert second != first
    assert [key for key, _ in stripe.requests] == [f"order-{made.id}-1", f"order-{made.id}-2"]


def attempts(app: Flask) -> list[tuple[int, str | None]]:
    with app.app_context():
        return [tuple(row) for row in db.session.execute(text("SELECT attempt, url FROM stripe_sessions"))]


def test_an_answer_that_was_lost_is_had_again(
    stripe: StripeServer, app: Flask, order: MakeOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe made the session and hung: asked again, it is the same session, not a second one."""
    monkeypatch.setattr(checkout(app)._client._requestor._client, "_timeout", 0.3)
    stripe.delay = 2
    made = order()
    began = time.monotonic()
    with pytest.raises(PaymentServiceAway):
        start(app, made.id)
    assert time.monotonic() - began < 3
    assert len(stripe.requests) == 2, "the library tries once more by itself"
    assert attempts(app) == [(1, None)]
    stripe.delay = 0
    assert start(app, made.id) == stripe.sessions["cs_test_1"]["url"]
    assert len(stripe.sessions) == 1


def test_waiting_for_stripe_is_bounded_and_holds_no_transaction(
    stripe: StripeServer, app: Flask, order: MakeOrder
) -> None:
    assert (stripe_checkout.RETRIES + 1) * stripe_checkout.TIMEOUT_SECONDS < 10
    made = order()
    stripe.delay = 1
    with ThreadPoolExecutor(1) as buyer, app.app_context():
        url = buyer.submit(start, app, made.id)
        while not stripe.requests:
            time.sleep(0.01)
        busy = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
        )
        assert db.session.execute(busy).scalar_one() == 0
        assert url.result() is not None


def test_stripe_refusing_the_connection(
    stripe: StripeServer, app: Flask, order: MakeOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(checkout(app)._client._requestor._options.base_addresses, "api", "http://127.0.0.1:1")
    made = order()
    with pytest.raises(PaymentServiceAway):
        start(app, made.id)
    monkeypatch.undo()
    assert start(app, made.id) == stripe.sessions["cs_test_1"]["url"]


@pytest.mark.parametrize(
    ("status", "kind", "raised"),
    [
        (500, "api_error", PaymentServiceAway),
        (429, "invalid_request_error", PaymentServiceAway),
        (403, "invalid_request_error", PaymentServiceAway),
        (400, "invalid_request_error", MethodUnsuitable),
    ],
)
def test_after_an_error_the_next_try_is_a_new_one(
    stripe: StripeServer,
    app: Flask,
    order: MakeOrder,
    caplog: pytest.LogCaptureFixture,
    status: int,
    kind: str,
    raised: type[Exception],
) -> None:
    """Stripe would repeat the error to the same key for a day."""
    stripe.failures = [(status, {"error": {"type": kind, "message": "no"}})] * 2
    made = order()
    with caplog.at_level(logging.WARNING), pytest.raises(raised):
        start(app, made.id)
    assert "sk_test" not in caplog.text
    stripe.failures.clear()
    assert start(app, made.id) == stripe.sessions["cs_test_1"]["url"]
    assert len({key for key, _ in stripe.requests}) == 2


def test_other_addresses_in_a_retry_do_not_lock_the_buyer_out(
    stripe: StripeServer, app: Flask, order: MakeOrder
) -> None:
    """Stripe refuses a key that it knows with other parameters."""
    made = order()
    start(app, made.id)
    change(app, "UPDATE stripe_sessions SET session_id = NULL, url = NULL")  # killed before it was kept
    with pytest.raises(PaymentServiceAway):
        start(app, made.id, back_to="https://www.auctions.example.com/orders/1")
    assert start(app, made.id, back_to="https://www.auctions.example.com/orders/1")
    assert [key for key, _ in stripe.requests][-1] == f"order-{made.id}-2"


def test_a_retry_much_later_asks_for_another_session(
    stripe: StripeServer, app: Flask, order: MakeOrder
) -> None:
    made = order()
    start(app, made.id)
    change(
        app,
        "UPDATE stripe_sessions SET url = NULL, expires_at = clock_timestamp() + interval '30 minutes'",
    )
    assert start(app, made.id) == stripe.sessions["cs_test_2"]["url"]
    with app.app_context():
        left = db.session.execute(text("SELECT expires_at FROM stripe_sessions")).scalar_one()
        assert isinstance(left, datetime)
        assert left > database_now() + timedelta(hours=1)
