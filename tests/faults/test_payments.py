"""A process killed at any line while a buyer is sent to pay, or while the payment is taken."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from marketplace.dev.stack import Stack
from tests.clients import House
from tests.faults.killing import Mortal, no_relays, some_of
from tests.stripe_server import SECRET_KEY, WEBHOOK_SECRET, StripeServer, serving, signed


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with serving() as server:
        yield server


@pytest.fixture
def mortal(stack: Stack, stripe: StripeServer) -> Iterator[Mortal]:
    """A process that can die, with Stripe's keys."""
    keys = {"STRIPE_SECRET_KEY": SECRET_KEY, "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}
    process = Mortal({**stack.env, **keys, "STRIPE_API_BASE": stripe.url})
    yield process
    process.close()


@pytest.fixture
def sold(house: House) -> Callable[[], tuple[int, int]]:
    """Make an order: ``lot, order_id = sold()``."""
    ann = house.bidder("Ann")

    def make() -> tuple[int, int]:
        lot = house.auction()
        house.place(lot, ann.id, 1000)
        house.end(lot)
        [[order_id]] = house.rows("SELECT id FROM orders WHERE auction_id = %s", lot)
        return lot, order_id

    return make


def test_a_process_killed_at_any_line_sends_the_buyer_to_one_session(
    stripe: StripeServer, mortal: Mortal, sold: Callable[[], tuple[int, int]], chance: random.Random
) -> None:
    def sessions(order_id: int) -> set[str]:
        mine = {"order_id": str(order_id)}
        return {each["url"] for each in stripe.sessions.values() if each["metadata"] == mine}

    lot, order_id = sold()
    lived = mortal.do("start_payment", lot, orderId=order_id)
    assert {lived["answer"]} == sessions(order_id)
    assert "stripe_checkout.py" in {point.split(":")[0] for point in lived["reached"]}
    made_before = set()
    for point in some_of(lived["reached"], chance):
        lot, order_id = sold()
        assert mortal.do("start_payment", lot, orderId=order_id, dieAt=point)["killed"], point
        made_before.add(bool(sessions(order_id)))
        assert {mortal.do("start_payment", lot, orderId=order_id)["answer"]} == sessions(order_id), point
    assert made_before == {False, True}, "some were killed before Stripe was asked and some after it"


def test_a_process_killed_at_any_line_takes_a_payment_once(
    stack: Stack,
    house: House,
    stripe: StripeServer,
    mortal: Mortal,
    sold: Callable[[], tuple[int, int]],
    chance: random.Random,
) -> None:
    """PAID, the payment, the mark of the webhook, and what both are told come together or not at all."""

    def paid_event() -> tuple[int, int, dict[str, Any]]:
        lot, order_id = sold()
        url = mortal.do("start_payment", lot, orderId=order_id)["answer"]
        return lot, order_id, stripe.event("checkout.session.completed", url.rpartition("/")[2])

    def deliver(lot: int, event: dict[str, Any], die_at: str | None = None) -> dict[str, Any]:
        body, headers = signed(event)  # anew each time, as Stripe does
        signature = headers["Stripe-Signature"]
        return mortal.do("take_webhook", lot, body=body.decode(), signature=signature, dieAt=die_at)

    def found(order_id: int, event: dict[str, Any]) -> tuple[Any, ...]:
        [row] = house.rows(
            "SELECT state, (SELECT count(*) FROM payments WHERE order_id = orders.id AND state = 'RECEIVED'),"
            " (SELECT count(*) FROM stripe_events WHERE id = %s),"
            " (SELECT count(*) FROM user_events WHERE data->>'orderId' = orders.id::text)"
            " FROM orders WHERE id = %s",
            event["id"],
            order_id,
        )
        return row

    nothing, everything = ("AWAITING_PAYMENT", 0, 0, 2), ("PAID", 1, 1, 4)
    with no_relays(stack):
        lot, order_id, event = paid_event()
        lived = deliver(lot, event)
        assert (lived["answer"], found(order_id, event)) == (True, everything)
        files = {point.split(":")[0] for point in lived["reached"]}
        assert files >= {"stripe_webhook.py", "receiving.py", "service.py", "user_events.py"}
        half_way = set()
        for point in some_of(lived["reached"], chance):
            lot, order_id, event = paid_event()
            assert deliver(lot, event, die_at=point)["killed"], point
            half_way.add(found(order_id, event))
            deliver(lot, event)
            assert found(order_id, event) == everything, point
        assert half_way == {nothing, everything}, "some were killed before the commit and some after it"
