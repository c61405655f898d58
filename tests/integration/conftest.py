"""People and auctions, made through the HTTP API; orders; and a Stripe to pay them at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace import accounts, suspicions
from marketplace.config import Config
from marketplace.extensions import db, limiter
from marketplace.models import Order
from marketplace.transactions import database_now
from tests.pages import PASSWORD, MakeBrowser, send
from tests.people import MakeAuction, MakePerson, Person, Sold
from tests.stripe_server import SECRET_KEY, WEBHOOK_SECRET, StripeServer, serving

_numbers = itertools.count(1)


@pytest.fixture
def person(app: Flask) -> Callable[..., Person]:
    """Make somebody: ``ann = person("Ann")``."""

    def make(name: str = "Somebody", *, admin: bool = False) -> Person:
        email = f"person{next(_numbers)}@example.com"
        with app.app_context():
            viewer = accounts.register(
                email=email, password="correct horse", display_name=name, is_admin=admin
            )
            _, token = accounts.issue_token(viewer.id, name="tests")
        return Person(viewer.id, name, email, token, app.test_client())

    return make


@pytest.fixture
def browser(app: Flask) -> MakeBrowser:
    """A browser, with somebody logged in: ``browser("Ann")``."""

    def make(name: str = "") -> FlaskClient:
        client = app.test_client()
        if name:
            fields = {"displayName": name, "email": f"{name}@example.com".lower(), "password": PASSWORD}
            assert send(client, "/register", **fields).status_code == 303
        return client

    return make


@pytest.fixture
def auction(person: Callable[..., Person]) -> Callable[..., int]:
    """Make a running auction, or whatever the keywords say: ``auction(startingPrice=1000)``."""

    def make(*, seller: Person | None = None, publish: bool = True, lasts: float = 3600, **terms: Any) -> int:
        seller = seller or person("Seller")
        ends_at = (datetime.now(UTC) + timedelta(seconds=lasts)).isoformat()
        body = {"title": "A watch", "currency": "USD", "startingPrice": 1000, "minIncrement": 100} | {
            "endsAt": ends_at,
            **terms,
        }
        created = seller.post("/api/auctions", json=body)
        assert created.status_code == 201, created.json
        auction_id: int = created.json["id"]
        if publish:
            published = seller.post(f"/api/auctions/{auction_id}/publish")
            assert published.status_code == 200, published.json
        return auction_id

    return make


@pytest.fixture
def order(app: Flask, person: MakePerson, auction: MakeAuction) -> Callable[..., Sold]:
    """Make an order that awaits payment: ``order(price=500, currency="JPY")``."""

    def make(
        *,
        price: int = 10_000,
        premium: int = 0,
        tax: int = 0,
        due_in: timedelta = timedelta(days=7),
        **rest: Any,
    ) -> Sold:
        buyer, seller = person("Buyer"), person("Seller")
        auction_id = auction(seller=seller)
        with app.app_context():
            now = database_now()
            sold = Order(
                **{"title": "A watch", "currency": "USD", "origin": "win", **rest},
                auction_id=auction_id,
                buyer_id=buyer.id,
                seller_id=seller.id,
                price=price,
                premium=premium,
                tax=tax,
                total=price + premium + tax,
                premium_rate=premium * 10_000 // max(price, 1),
                tax_rate=tax * 10_000 // max(price + premium, 1),
                due_at=now + due_in,
                created_at=now,
            )
            db.session.add(sold)
            db.session.commit()
            return Sold(sold.id, buyer, seller)

    return make


@pytest.fixture
def config(config: Config, request: pytest.FixtureRequest) -> Config:
    """With ``stripe``, the settings say where it is."""
    if "stripe" not in request.fixturenames:
        return config
    stripe: StripeServer = request.getfixturevalue("stripe")
    keys = {"stripe_secret_key": SECRET_KEY, "stripe_webhook_secret": WEBHOOK_SECRET}
    return replace(config, **keys, stripe_api_base=stripe.url)


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    """A Stripe of the test's own, which the application uses."""
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    accounts.forget_viewers()
    suspicions._noted.clear()
    yield
    if limiter._storage:
        limiter._storage_dead = False
