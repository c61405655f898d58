"""What the benchmarks share: people with sessions, cheap HTTP connections, and the report.

Every aim is a ratio to a baseline that runs in the same minutes on the same machine, in turns with what is
measured, and the median over several rounds is what counts; see ``docs/benchmarks.md``.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import select
import socket
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from marketplace import create_app, listings
from marketplace.bidding import service
from marketplace.bidding.answers import BidRequest
from marketplace.bidding.desk import Desk
from marketplace.config import Config
from marketplace.dev.stack import Stack
from marketplace.extensions import limiter
from marketplace.runtime import runtime

PASSWORD = "correct horse"
#: The same when registering and when bidding: a session is bound to it.
USER_AGENT = "bench"
#: Large, so that amounts have the same number of digits all along.
STARTING_PRICE = 1_000_000_000
#: How long anything may take to happen.
PATIENCE_SECONDS = 180.0

_numbers = itertools.count(1)


# -- who and what there is -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """Somebody with an account, as a browser that has logged in."""

    id: int
    name: str
    cookie: str


class House:
    """Fills a stack with people and auctions, and looks into its database."""

    def __init__(self, stack: Stack) -> None:
        stack.migrate()
        self._app = create_app(Config.from_env(stack.env))
        # In this process only: how often one address may register is not what is measured.
        limiter.enabled = False
        self._connection = psycopg2.connect(stack.env["DATABASE_URL"])
        self._connection.autocommit = True
        with self._app.app_context():
            # One that sends nothing: events are the relay's.
            self._desk = Desk(runtime().desk.engine)
        self.seller, self.bidder = self.people(2)

    def person(self) -> Person:
        """Somebody new, registered through the API: the session cookie is the real one."""
        number = next(_numbers)
        client = self._app.test_client()
        answer = client.post(
            "/api/auth/register",
            json={
                "email": f"bench-{os.getpid()}-{number}@example.com",
                "password": PASSWORD,
                "displayName": f"Bidder {number}",
            },
            headers={"User-Agent": USER_AGENT},
        )
        cookie = client.get_cookie(self._app.config["SESSION_COOKIE_NAME"])
        if answer.status_code != 201 or cookie is None:
            raise RuntimeError(f"could not register: {answer.get_data(as_text=True)}")
        account = answer.get_json()
        return Person(account["id"], account["displayName"], f"{cookie.key}={cookie.value}")

    def people(self, count: int) -> list[Person]:
        return [self.person() for _ in range(count)]

    def auction(self, *, ends_at: datetime | None = None, **terms: Any) -> int:
        """A running auction; an English one of an hour, unless told otherwise."""
        english = {"starting_price": STARTING_PRICE, "min_increment": 1}
        with self._app.app_context():
            auction = listings.create(
                self.seller.id,
                title="A watch",
                description="",
                currency="USD",
                ends_at=ends_at or datetime.now(UTC) + timedelta(hours=1),
                **english | terms,
            )
            service.publish(auction.id, by=self.seller.id)
            return auction.id

    def bid(self, auction_id: int) -> None:
        """The first bid on an auction, without HTTP."""
        answer = self._desk.place(BidRequest(auction_id, self.bidder.id, self.bidder.name, STARTING_PRICE))
        if answer.refusal:
            raise answer.refusal

    def let_end(self, auction_ids: list[int], *, seconds: float) -> None:
        """Let these auctions end in so many seconds, one after the other within one second."""
        self.rows(
            "UPDATE auctions SET due_at = clock_timestamp(), ends_at = now() + %s * interval '1 second'"
            " + interval '1 second' * (array_position(%s, id) - 1) / %s WHERE id = ANY(%s) RETURNING id",
            *(seconds, auction_ids, len(auction_ids), auction_ids),
        )

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database says."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    def run(self, statement: str) -> None:
        """Something that answers nothing."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def value(self, statement: str, *values: object) -> Any:
        [[value]] = self.rows(statement, *values)
        return value

    def outbox(self) -> int:
        """How many events still have to be sent."""
        waiting: int = self.value(
            "SELECT count(*) FROM events WHERE published_at IS NULL"
            " OR (delivered_at IS NULL AND direct IS NOT NULL)"
        )
        return waiting

    def forget_outbox(self) -> None:
        """Let nothing be left to send: after a flood, the messages to single users would take a minute."""
        now = "clock_timestamp()"
        self.rows(
            f"UPDATE events SET published_at = coalesce(published_at, {now}), delivered_at = {now}"
            " WHERE published_at IS NULL OR (delivered_at IS NULL AND direct IS NOT NULL) RETURNING 1"
        )

    def wait_for_empty_outbox(self) -> float:
        """Wait until every event has been sent; returns how many seconds that took."""
        started = time.monotonic()
        wait_until(lambda: self.outbox() == 0, "the outbox is empty")
        return time.monotonic() - started


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE_SECONDS:.0f} s: {what}")
        time.sleep(0.05)


# -- HTTP, as cheap as Python allows: the load shares the processors with what it measures -------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """A header's value; empty without one."""
        return _header(self.head, name.lower().encode()).decode()

    @property
    def code(self) -> str:
        """Why it was refused."""
        return str(json.loads(self.body)["code"]) if self.body else str(self.status)


class Connection:
    """One keep-alive connection that sends prebuilt requests."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def send(self, request: bytes) -> None:
        self.socket.sendall(request)

    def receive(self) -> Answer | None:
        """Read what is there; None while the answer is not complete."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < int(_header(head, b"content-length") or 0):
            return None
        self._received = b""
        return Answer(int(head[9:12]), head, body)

    def ask(self, request: bytes) -> Answer:
        """Send, and wait for the answer."""
        self.send(request)
        while (answer := self.receive()) is None:
            pass
        return answer

    def close(self) -> None:
        self.socket.close()


def _header(head: bytes, name: bytes) -> bytes:
    start = head.lower().find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    return head[start + len(name) + 3 :].split(b"\r\n", 1)[0].strip()


class BidRequests:
    """Prebuilt requests of one bidder for one auction: as a browser sends them, with a key of their own."""

    def __init__(self, url: str, auction_id: int, bidder: Person) -> None:
        host = urlsplit(url).netloc
        self._head = (
            f"POST /api/auctions/{auction_id}/bids HTTP/1.1\r\nHost: {host}\r\nOrigin: {url}\r\n"
            f"User-Agent: {USER_AGENT}\r\nCookie: {bidder.cookie}\r\nAccept: application/json\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(self._body(STARTING_PRICE))}\r\nIdempotency-Key: {bidder.id}-"
        ).encode()

    @staticmethod
    def _body(amount: int) -> bytes:
        return b'{"amount":%d}' % amount

    def bid(self, amount: int) -> bytes:
        return b"%s%d\r\n\r\n%s" % (self._head, amount, self._body(amount))


def get_request(url: str, path: str, **headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass
class Measured:
    """What came back in the seconds that count."""

    seconds: float
    #: Seconds from request to answer, of the answers that were hoped for.
    latencies: list[float] = field(default_factory=list)
    #: The others, by reason.
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """In milliseconds."""
        return percentile(self.latencies, percent) * 1000


def closed_loop(
    connections: Sequence[Connection],
    request: Callable[[int], bytes],
    *,
    hoped_for: int,
    seconds: float,
    warm_up: float = 1.0,
) -> Measured:
    """Each connection sends its next request as soon as it has its answer.

    ``request`` makes the next one of a connection, by its number; ``hoped_for`` is the status that counts.
    """
    measured = Measured(seconds)
    clock = time.perf_counter
    poll = select.epoll()
    numbers = {connection.socket.fileno(): number for number, connection in enumerate(connections)}
    sent = [0.0] * len(connections)
    with no_garbage_collection():
        from_, until = clock() + warm_up, clock() + warm_up + seconds
        for number, connection in enumerate(connections):
            poll.register(connection.socket.fileno(), select.EPOLLIN)
            sent[number] = clock()
            connection.send(request(number))
        while numbers:
            ready = poll.poll(30)
            if not ready:
                raise TimeoutError("the server does not answer")
            for descriptor, _ in ready:
                number = numbers[descriptor]
                connection = connections[number]
                answer = connection.receive()
                if answer is None:
                    continue
                now = clock()
                if from_ <= now < until:
                    if answer.status == hoped_for:
                        measured.latencies.append(now - sent[number])
                    else:
                        measured.refused[answer.code] += 1
                if now >= until:
                    poll.unregister(descriptor)
                    del numbers[descriptor]
                    continue
                sent[number] = clock()
                connection.send(request(number))
    poll.close()
    return measured


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# -- figures -------------------------------------------------------------------------------------------------


def percentile(values: Iterable[float], percent: float) -> float:
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


@dataclass
class Report:
    """A table, the aims, and one line of JSON."""

    title: str
    #: What is measured -> column -> one value a round.
    figures: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    aims: list[tuple[str, float, bool]] = field(default_factory=list)

    def add(self, subject: str, **values: float) -> None:
        """The values of one round."""
        columns = self.figures.setdefault(subject, {})
        for column, value in values.items():
            columns.setdefault(column.replace("_", " "), []).append(value)

    def median(self, subject: str, column: str) -> float:
        return statistics.median(self.figures[subject][column])

    def ratio(self, column: str, subject: str, baseline: str) -> float:
        """The median of the rounds' ratios: what disturbs a whole round disturbs both."""
        pairs = zip(self.figures[subject][column], self.figures[baseline][column], strict=True)
        return statistics.median(value / base for value, base in pairs)

    def aim(
        self, text: str, value: float, *, at_least: float | None = None, at_most: float | None = None
    ) -> None:
        met = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
        self.aims.append((text, value, met))

    def finish(self) -> int:
        """Print it all; returns the exit code: 1 if an aim was missed."""
        columns = list(dict.fromkeys(column for values in self.figures.values() for column in values))
        width = max(map(len, self.figures), default=0) + 2
        print(f"\n{self.title}\n{'':{width}}" + "".join(f"{column:>18}" for column in columns))
        for subject, values in self.figures.items():
            cells = (f"{statistics.median(values[column]):18,.1f}" for column in columns)
            print(f"{subject:{width}}" + "".join(cells))
        print()
        for text, value, met in self.aims:
            print(f"{'met   ' if met else 'MISSED'}  {text}: {value:.2f}")
        print(json.dumps(self.as_json()))
        return 0 if all(met for _, _, met in self.aims) else 1

    def as_json(self) -> Mapping[str, Any]:
        rounded = {
            subject: {column: [round(value, 3) for value in rounds] for column, rounds in values.items()}
            for subject, values in self.figures.items()
        }
        aims = [{"aim": text, "value": round(value, 3), "met": met} for text, value, met in self.aims]
        return {"bench": self.title, "rounds": rounded, "aims": aims}


def say(text: str) -> None:
    """What is going on, for whoever waits."""
    print(text, file=sys.stderr, flush=True)
