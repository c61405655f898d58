"""The clock, health, and the documentation of the API."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace import create_app
from marketplace.client_metrics import Counter
from marketplace.config import Config
from marketplace.runtime import runtime


def test_the_clock_counts_milliseconds(client: FlaskClient) -> None:
    answer = client.get("/api/time").json["timestamp"]
    assert abs(answer - datetime.now(UTC).timestamp() * 1000) < 60_000


def test_ready_means_the_database_answers(client: FlaskClient) -> None:
    assert client.get("/healthz").json["status"] == "ok"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["checks"]) == (200, {"database": "ok", "redis": "ok"})


@pytest.fixture
def unplugged(config: Config) -> FlaskClient:
    """The application without a database and without Redis."""
    nowhere = "127.0.0.1:1"
    return create_app(
        replace(config, database_url=f"postgresql+psycopg2://{nowhere}/x", redis_url=f"redis://{nowhere}")
    ).test_client()


def test_without_a_database_it_is_alive_but_not_ready(unplugged: FlaskClient) -> None:
    assert unplugged.get("/healthz").status_code == 200
    ready = unplugged.get("/readyz")
    assert ready.status_code == 503
    assert ready.json["checks"] == {"database": "unreachable", "redis": "unreachable"}
    answer = unplugged.get("/api/auctions/1")
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]


def test_without_a_database_people_get_a_page(unplugged: FlaskClient) -> None:
    answer = unplugged.get("/auctions/1?from=list")
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert 'href="/auctions/1?from=list"' in answer.text
    assert answer.headers["Retry-After"]
    assert answer.headers["Content-Security-Policy"]
    sent = unplugged.post("/login", data={"email": "ann@example.com", "password": "correct horse"})
    assert sent.status_code == 503
    assert 'href="/"' in sent.text


def test_every_answer_has_a_request_id(client: FlaskClient) -> None:
    made = client.get("/api/auctions/1")
    assert made.headers["X-Request-Id"] == made.json["requestId"]
    given = client.get("/healthz", headers={"X-Request-Id": "abc-123"})
    assert given.headers["X-Request-Id"] == "abc-123"
    forged = client.get("/healthz", headers={"X-Request-Id": "x" * 65})
    assert forged.headers["X-Request-Id"] != "x" * 65


def test_an_unexpected_error_tells_nothing(app: Flask, client: FlaskClient, monkeypatch: Any) -> None:
    def fail() -> None:
        raise RuntimeError("the secret is hunter2")

    monkeypatch.setitem(app.view_functions, "operations.server_time", fail)
    answer = client.get("/api/time")
    assert (answer.status_code, answer.json["code"]) == (500, "error")
    assert "hunter2" not in answer.text


def test_the_api_document_is_complete(app: Flask, client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    assert document["openapi"].startswith("3.1")
    documented = {
        (path, method.upper())
        for path, operations in document["paths"].items()
        for method in operations
        if method in {"get", "post", "patch", "delete", "put"}
    }
    served = {
        (_openapi_path(rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.rule.startswith(("/api/docs", "/api/openapi"))
        for method in rule.methods or ()
        if method in {"GET", "POST", "PATCH", "DELETE", "PUT"}
    }
    assert {entry for entry in documented if entry[0].startswith("/api/")} == served
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"], operation


def test_the_api_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page.text)
    for code in ("bid_too_low", "idempotency_key_reused", "outcome_unknown"):
        assert f"error-{code}" in page.text


def _openapi_path(rule: str) -> str:
    """``/x/<id:auction_id>`` -> ``/x/{auction_id}``."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


BEACON: dict[str, Any] = {
    "counters": {"connects": 2, "reconnects": 1},
    "latency": {"counts": [3, 1] + [0] * 10, "sumMs": 40},
    "connectMs": 80,
}


def test_what_pages_have_counted_is_summed_up(app: Flask, client: FlaskClient) -> None:
    for _ in range(2):
        assert client.post("/api/client-metrics", json=BEACON).status_code == 204
    with app.app_context():
        counters, latencies = runtime().client_metrics.totals()
    assert (counters[Counter.CONNECTS], counters[Counter.RECONNECTS], counters[Counter.BIDS]) == (4, 2, 0)
    assert (latencies.counts[:3], latencies.sum_ms) == ([6, 2, 0], 80)


def test_what_another_release_counts_is_ignored_and_the_rest_taken(app: Flask, client: FlaskClient) -> None:
    beacon = BEACON | {"counters": {"connects": 2, "teleports": "many"}}
    assert client.post("/api/client-metrics", json=beacon).status_code == 204
    with app.app_context():
        counters, _ = runtime().client_metrics.totals()
    assert {name: count for name, count in counters.items() if count} == {Counter.CONNECTS: 2}


@pytest.mark.parametrize(
    "changes",
    [
        {"counters": {"connects": -1}},
        {"counters": [1]},
        {"counters": {"connects": 1_000_001}},
        {"counters": {"connects": True}},
        {"latency": {"counts": [0] * 11, "sumMs": 0}},
        {"latency": {"counts": [0] * 13, "sumMs": 0}},
        {"latency": None},
        {"connectMs": "80"},
        {"more": 1},
    ],
)
def test_a_beacon_that_is_none_is_refused(app: Flask, client: FlaskClient, changes: dict[str, Any]) -> None:
    answer = client.post("/api/client-metrics", json=BEACON | changes)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    with app.app_context():
        assert not any(runtime().client_metrics.totals()[0].values())


def test_beacons_are_limited_by_address(client: FlaskClient) -> None:
    answers = [client.post("/api/client-metrics", json=BEACON).status_code for _ in range(125)]
    assert (answers.count(204), answers[-1]) == (120, 429)


def test_a_beacon_from_elsewhere_is_refused(client: FlaskClient) -> None:
    answer = client.post("/api/client-metrics", json=BEACON, headers={"Origin": "https://elsewhere.example"})
    assert (answer.status_code, answer.json["code"]) == (403, "invalid_origin")
