"""Stripe Checkout: the buyer pays on a page of Stripe's and comes back; a webhook says that they have paid.

The marketplace has one Stripe account, which its operator settles with the sellers.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import stripe
from flask_babel import gettext
from sqlalchemy.dialects.postgresql import insert

from marketplace.config import Config
from marketplace.errors import MethodUnsuitable, PaymentServiceAway, PaymentUnderWay
from marketplace.extensions import db
from marketplace.models import Order, StripeSession
from marketplace.transactions import database_now, lock, transaction

from .stripe_amounts import to_stripe

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

log = logging.getLogger(__name__)

#: To connect, and for each answer. The library tries once more, with the same idempotency key.
TIMEOUT_SECONDS = 4.0
RETRIES = 1
#: Stripe lets a session live from 30 minutes to 24 hours (https://docs.stripe.com/api/checkout/sessions/create,
#: ``expires_at``). Its clock is not ours, and a request may have to be sent again a little later.
SHORTEST_TO_ASK = timedelta(minutes=31)
SHORTEST = timedelta(minutes=33)
LONGEST = timedelta(hours=23, minutes=55)
#: A buyer is not sent to a session that has less than this to live.
LEFT_AT_LEAST = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A session that is to be asked for."""

    order_id: int
    number: int
    expires_at: datetime

    @property
    def idempotency_key(self) -> str:
        """With the same key, Stripe answers with the session that it made the first time."""
        return f"order-{self.order_id}-{self.number}"


class StripeCheckout:
    """Sends buyers to Stripe."""

    name = "stripe"

    @property
    def label(self) -> str:
        """What buyers choose, in the reader's language."""
        return gettext("Pay online")

    @property
    def hint(self) -> str:
        """What will happen then."""
        return gettext("By card or what else Stripe offers; the seller hears of it at once.")

    def __init__(self, config: Config) -> None:
        self._client = stripe.StripeClient(
            config.stripe_secret_key,
            base_addresses={"api": config.stripe_api_base},
            # Its sessions are one a thread.
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
            max_network_retries=RETRIES,
        )

    def start(self, order: Order, *, back_to: str) -> str:
        """The address of the order's Checkout Session, made if there is none that can still be paid.

        Raises:
            PaymentServiceAway: Stripe does not answer, or does not serve us.
            MethodUnsuitable: Stripe takes no such amount or currency.
            PaymentUnderWay: the buyer has paid in a way that takes days.
        """
        parameters = _parameters(order, back_to)
        found = _current_session(order)
        if isinstance(found, str):
            return found
        # From here on the order is not looked at: that would keep a transaction open while Stripe is asked.
        parameters["expires_at"] = int(found.expires_at.timestamp())
        return _keep(found, self._create(found, parameters))

    def _create(self, attempt: _Attempt, parameters: SessionCreateParams) -> stripe.checkout.Session:
        try:
            return self._client.v1.checkout.sessions.create(
                parameters, {"idempotency_key": attempt.idempotency_key}
            )
        except stripe.APIConnectionError as error:
            # It may have been made all the same: the next try asks with the same key.
            log.warning(
                "order %d: Stripe does not answer: %s", attempt.order_id, type(error.__cause__).__name__
            )
            raise PaymentServiceAway from error
        except stripe.StripeError as error:
            log.warning("order %d: Stripe answers %r", attempt.order_id, error)
            _give_up(attempt, error)
            if isinstance(error, stripe.InvalidRequestError):
                raise MethodUnsuitable from error
            raise PaymentServiceAway from error


def _parameters(order: Order, back_to: str) -> SessionCreateParams:
    try:
        amount = to_stripe(order.total, order.currency)
    except ValueError as error:
        raise MethodUnsuitable from error
    names = {"order_id": str(order.id)}
    return {
        "mode": "payment",
        "client_reference_id": str(order.id),
        "metadata": names,
        "payment_intent_data": {"metadata": names},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": order.currency.lower(),
                    "unit_amount": amount,
                    "product_data": {"name": order.title},
                },
            }
        ],
        # What is due is due in this currency: Stripe must not offer another one.
        "adaptive_pricing": {"enabled": False},
        "success_url": back_to,
        "cancel_url": back_to,
    }


def _current_session(order: Order) -> str | _Attempt:
    """The address of the session that can still be paid, or the attempt to make one.

    The attempt is written down before Stripe is asked: whoever asks again for the same gets the same session.
    """
    with transaction():
        db.session.execute(
            insert(StripeSession)
            .values(order_id=order.id, attempt=0, expires_at=database_now())
            .on_conflict_do_nothing()
        )
        row = lock(StripeSession, order.id)
        now = database_now()
        if row.under_way_at is not None:
            raise PaymentUnderWay
        if row.url is not None and row.expires_at - now > LEFT_AT_LEAST:
            return row.url
        # One without an address was handed to nobody; unless it is too old, it may still be had.
        if row.url is not None or row.expires_at - now < SHORTEST_TO_ASK:
            row.attempt += 1
            row.session_id = row.url = None
            row.expires_at = min(max(order.due_at, now + SHORTEST), now + LONGEST)
        return _Attempt(order.id, row.attempt, row.expires_at)


def _keep(attempt: _Attempt, made: stripe.checkout.Session) -> str:
    """Write down the session that was made, and return its address."""
    with transaction():
        row = lock(StripeSession, attempt.order_id)
        if row.attempt != attempt.number or made.url is None:
            # Given up meanwhile: there may be another one, and only one is handed out.
            raise PaymentServiceAway
        row.session_id, row.url, row.expires_at = made.id, made.url, attempt.expires_at
    return made.url


def _give_up(attempt: _Attempt, error: stripe.StripeError) -> None:
    """Make the next try a new one: Stripe repeats an error, too, to a key that it has seen.

    https://docs.stripe.com/api/idempotent_requests
    """
    if isinstance(error, stripe.IdempotencyError) and error.http_status == 409:
        return  # the same request is being answered just now
    with transaction():
        row = lock(StripeSession, attempt.order_id)
        if row.attempt == attempt.number and row.url is None:
            row.expires_at = database_now()  # too old to be asked for again
