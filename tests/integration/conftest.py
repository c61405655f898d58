"""People and auctions, made through the HTTP API."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace import accounts, suspicions
from marketplace.extensions import limiter
from tests.pages import PASSWORD, MakeBrowser, send
from tests.people import Person

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


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    accounts.forget_viewers()
    suspicions._noted.clear()
    yield
    if limiter._storage:
        limiter._storage_dead = False
