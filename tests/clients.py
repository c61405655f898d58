"""Clients of a running stack: people who bid over HTTP, and a look into its database."""

from __future__ import annotations

import itertools
import random
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import requests

from marketplace import accounts, create_app, listings
from marketplace.accounts import Viewer
from marketplace.bidding import service
from marketplace.bidding.answers import Answer, BidRequest
from marketplace.bidding.chain import Link
from marketplace.bidding.desk import Desk
from marketplace.bidding.log import read_log
from marketplace.config import Config
from marketplace.dev.stack import Stack
from marketplace.errors import ReservationOver
from marketplace.extensions import db
from marketplace.models import Auction, User
from marketplace.orders import service as orders
from marketplace.runtime import runtime

#: How long anything may take on a machine that is busy with other things.
PATIENCE_SECONDS = 60.0

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Bidder:
    """Somebody with a bearer token and a connection of their own."""

    id: int
    name: str
    http: requests.Session

    def bid(self, url: str, auction_id: int, amount: int, key: str | None = None) -> requests.Response:
        """Send a bid once."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post(
            f"{url}/api/auctions/{auction_id}/bids", json={"amount": amount}, headers=headers, timeout=20
        )

    def insist(
        self, urls: Sequence[str], auction_id: int, amount: int, key: str | None = None
    ) -> requests.Response:
        """Send a bid, at any of the servers, until it is answered.

        After no answer, or 503, it is sent again with the same key.
        """
        key = key or uuid.uuid4().hex
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with suppress(requests.RequestException):
                answer = self.bid(random.choice(urls), auction_id, amount, key)
                if answer.status_code != 503:
                    return answer
            time.sleep(0.1)
        raise TimeoutError(f"nobody answered a bid within {PATIENCE_SECONDS:.0f} s")


class House:
    """Fills a stack with people and auctions, without HTTP, and looks into its database."""

    def __init__(self, stack: Stack) -> None:
        stack.migrate()
        self._stack = stack
        self._app = create_app(Config.from_env(stack.env))
        with self._app.app_context():
            self._desk = Desk(runtime().desk.engine)
        self.seller_id = self.bidder("Seller").id

    def bidder(self, name: str = "") -> Bidder:
        number = next(_numbers)
        with self._app.app_context():
            # No password to hash: they only ever use their token.
            user = User(
                email=f"client{number}@example.com", display_name=name or f"Bidder {number}", password_hash=""
            )
            db.session.add(user)
            db.session.commit()
            _, token = accounts.issue_token(user.id, name="tests")
            http = requests.Session()
            http.trust_env = False
            http.headers["Authorization"] = f"Bearer {token}"
            return Bidder(user.id, user.display_name, http)

    def session(self, user_id: int) -> tuple[str, str]:
        """The cookie, name and value, of somebody who has logged in: without a password, which takes time."""
        with self._app.test_client() as client:
            with client.session_transaction() as session:
                session["_user_id"] = str(user_id)
            cookie = client.get_cookie(self._app.config["SESSION_COOKIE_NAME"])
            assert cookie
            return cookie.key, cookie.value

    def auction(self, *, lasts: float = 3600, **terms: Any) -> int:
        """A running auction."""
        auction_id = self.draft(lasts=lasts, **terms)
        with self._app.app_context():
            service.publish(auction_id, by=self.seller_id)
        return auction_id

    def draft(self, *, lasts: float = 3600, **terms: Any) -> int:
        """An auction that is not published."""
        english = {"starting_price": 1000, "min_increment": 1, "extension_window": 0, "extension": 0}
        dutch = {"starting_price": 1000, "floor_price": 500, "drop_amount": 100, "drop_every": 3600}
        defaults: dict[str, Any] = dutch if terms.get("format") == "DUTCH" else english
        with self._app.app_context():
            auction = listings.create(
                self.seller_id,
                title="A watch",
                description="",
                currency="USD",
                ends_at=datetime.now(UTC) + timedelta(seconds=lasts),
                **defaults | terms,
            )
            return auction.id

    def place(self, auction_id: int, bidder_id: int, amount: int) -> Answer:
        """A bid at a desk that sends nothing: its events are the relay's."""
        with self._app.app_context():
            return self._desk.place(BidRequest(auction_id, bidder_id, "Somebody", amount))

    def confirm(self, auction_id: int, seq: int, buyer_id: int) -> bool:
        """Check out an item, which makes its order; whether it was still held."""
        buyer = Viewer(buyer_id, "Somebody", "", is_admin=False)
        with self._app.app_context(), suppress(ReservationOver):
            orders.order_reserved(auction_id, seq, by=buyer)
            return True
        return False

    def tick(self) -> int:
        """Be the clock, once."""
        with self._app.app_context():
            return service.tick()

    def end(self, auction_id: int) -> None:
        """End an auction now."""
        with self._app.app_context():
            service.end(auction_id)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database says; a connection each, because tests kill the server."""
        connection = psycopg2.connect(self._stack.env["DATABASE_URL"], connect_timeout=5)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall()
        finally:
            connection.close()

    def change(self, statement: str, *values: object) -> None:
        """Change something behind everybody's back."""
        with self._app.app_context(), db.engine.begin() as connection:
            connection.exec_driver_sql(statement, values)

    def log(self, auction_id: int) -> list[tuple[int, int, int]]:
        """The accepted bids as they are stored: ``(seq, bidder_id, amount)``."""
        return self.rows(
            "SELECT seq, bidder_id, amount FROM bids WHERE auction_id = %s ORDER BY seq", auction_id
        )

    def chain(self, auction_id: int) -> tuple[list[Link], bytes | None, datetime]:
        """The log with its hashes, the latest hash as the auction has it, and when the auction opened."""
        with self._app.app_context():
            auction = db.session.get_one(Auction, auction_id)
            return list(read_log(db.session.connection(), auction_id)), auction.log_hash, auction.starts_at

    def events(self, auction_id: int) -> list[tuple[int, str, dict[str, Any]]]:
        """All events as they are stored: ``(seq, name, data)``."""
        return self.rows("SELECT seq, name, data FROM events WHERE auction_id = %s ORDER BY seq", auction_id)

    def unsent(self, auction_id: int) -> int:
        """How many events, or messages to single users, still wait in the outbox."""
        [[count]] = self.rows(
            "SELECT count(*) FROM events WHERE auction_id = %s"
            " AND (published_at IS NULL OR (delivered_at IS NULL AND direct IS NOT NULL))",
            auction_id,
        )
        return int(count)

    def verify(self, auction_id: int) -> str:
        """``flask auction verify``; fails with what it found."""
        return self._stack.run("flask", "auction", "verify", str(auction_id))


def events_after(bidder: Bidder, url: str, auction_id: int, after: int = 0) -> list[dict[str, Any]]:
    """Everything that ``GET .../events?after=`` has to tell, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        answer = bidder.http.get(
            f"{url}/api/auctions/{auction_id}/events", params={"after": after}, timeout=20
        )
        answer.raise_for_status()
        page = answer.json()
        found += page["items"]
        if page["nextCursor"] is None:
            return found
        after = int(page["nextCursor"])


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition; what it depends on may be down meanwhile."""
    deadline = time.monotonic() + seconds
    last: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (psycopg2.Error, requests.RequestException) as error:
            last = error
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds:.0f} s" + (f"; last error: {last}" if last else ""))
