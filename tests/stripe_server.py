"""Stands in for Stripe: its API for Checkout Sessions, and the webhooks it signs.

Written after https://docs.stripe.com/api/checkout/sessions/create, /api/idempotent_requests and
/webhooks#verify-manually, and not with the library that is tested.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

SECRET_KEY = "sk_test_of_nobody"
WEBHOOK_SECRET = "whsec_of_nobody"
MINUTE = 60

Answer = tuple[int, dict[str, Any]]


@dataclass
class StripeServer:
    """What it was asked, what it has made, and how it behaves."""

    url: str = ""
    #: Every request: its idempotency key and its parameters, by their names as they are sent.
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Answered instead of what is asked for, once each.
    failures: list[Answer] = field(default_factory=list)
    #: Seconds that every answer takes; the session is made before.
    delay: float = 0
    _answered: dict[str, tuple[dict[str, str], Answer]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, authorization: str, key: str, parameters: dict[str, str]) -> Answer:
        with self._lock:
            self.requests.append((key, parameters))
            if authorization != f"Bearer {SECRET_KEY}":
                return _error(401, "invalid_request_error", "Invalid API Key provided")
            if key in self._answered:
                before, answer = self._answered[key]
                if before != parameters:
                    return _error(400, "idempotency_error", "Keys can only be used with the same parameters")
                return answer
            if problem := _problem(parameters):
                return _error(400, "invalid_request_error", problem)
            answer = self.failures.pop(0) if self.failures else (200, self._make(parameters))
            if answer[0] != 429:
                self._answered[key] = (parameters, answer)
            return answer

    def _make(self, parameters: dict[str, str]) -> dict[str, Any]:
        number = next(self._numbers)
        session = {
            "id": f"cs_test_{number}",
            "object": "checkout.session",
            "url": f"https://checkout.stripe.com/c/pay/cs_test_{number}",
            "client_reference_id": parameters["client_reference_id"],
            "metadata": {"order_id": parameters["metadata[order_id]"]},
            "amount_total": int(parameters["line_items[0][price_data][unit_amount]"]),
            "currency": parameters["line_items[0][price_data][currency]"],
            "expires_at": int(parameters["expires_at"]),
            "payment_intent": None,
            "payment_status": "unpaid",
            "status": "open",
        }
        self.sessions[session["id"]] = session
        return session

    def event(self, kind: str, session_id: str, **changes: Any) -> dict[str, Any]:
        """An event about a session, which is paid unless ``changes`` say otherwise."""
        paid = {"payment_status": "paid", "status": "complete", "payment_intent": f"pi_of_{session_id}"}
        return {
            "id": f"evt_{next(self._numbers)}",
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "data": {"object": self.sessions[session_id] | paid | changes},
        }


def signed(event: Any, *, secret: str = WEBHOOK_SECRET, age: int = 0) -> tuple[bytes, dict[str, str]]:
    """A webhook as Stripe sends it: body and headers; ``age`` is how many seconds ago it was signed."""
    body = json.dumps(event, indent=2).encode()
    timestamp = int(time.time()) - age
    signature = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    header = (
        f"t={timestamp},v1={signature},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"
    )
    return body, {"Stripe-Signature": header, "Content-Type": "application/json"}


@contextmanager
def serving() -> Iterator[StripeServer]:
    """A server of one's own, on a free port of this machine."""
    stripe = StripeServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            parameters = dict(parse_qsl(body, keep_blank_values=True))
            assert self.path == "/v1/checkout/sessions"
            key = self.headers["Idempotency-Key"]
            status, content = stripe.answer(self.headers["Authorization"], key, parameters)
            time.sleep(stripe.delay)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that did not wait

    server = Server(("127.0.0.1", 0), Handler)
    stripe.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield stripe
    finally:
        server.shutdown()
        server.server_close()


def _problem(parameters: dict[str, str]) -> str | None:
    """What Stripe would refuse."""
    left = int(parameters["expires_at"]) - time.time()
    if not 30 * MINUTE <= left <= 24 * 60 * MINUTE:
        return "expires_at must be between 30 minutes and 24 hours from Checkout Session creation"
    if int(parameters["line_items[0][price_data][unit_amount]"]) < 50:
        return "The Checkout Session's total amount must convert to at least 50 cents"
    return None


def _error(status: int, kind: str, message: str) -> Answer:
    return status, {"error": {"type": kind, "message": message}}
