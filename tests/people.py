"""Somebody who uses the API, for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


@dataclass(frozen=True)
class Person:
    """Somebody with an account and a bearer token."""

    id: int
    name: str
    email: str
    token: str
    client: FlaskClient

    def request(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.request("POST", path, **options)

    def bid(self, auction_id: int, amount: Any, key: str | None = None) -> TestResponse:
        headers = {"Idempotency-Key": key} if key else {}
        return self.post(f"/api/auctions/{auction_id}/bids", json={"amount": amount}, headers=headers)


MakePerson = Callable[..., Person]
MakeAuction = Callable[..., int]


@dataclass(frozen=True)
class Sold:
    """An order, and its two people."""

    id: int
    buyer: Person
    seller: Person


MakeOrder = Callable[..., Sold]
