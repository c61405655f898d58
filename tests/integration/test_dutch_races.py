"""Many buyers, two web processes, one falling price: nothing is sold twice, and nothing is lost."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psutil
import pytest
import requests
from flask import Flask
from sqlalchemy import Connection, Engine, Row, TextualSelect, text
from sqlalchemy.exc import IntegrityError

from marketplace.bidding import desk, dutch, rows, service
from marketplace.bidding.answers import Answer, BidRequest
from marketplace.bidding.chain import breaks
from marketplace.bidding.desk import Desk
from marketplace.bidding.english import Bid
from marketplace.dev.stack import Stack
from marketplace.errors import MarketplaceError, SoldOut
from marketplace.extensions import db
from marketplace.runtime import runtime
from tests.clients import Bidder, House, events_after, wait_until
from tests.people import MakeAuction, MakePerson
from tests.stock import Sampler

TULIPS = {
    "format": "DUTCH",
    "minIncrement": None,
    "startingPrice": 1000,
    "floorPrice": 500,
    "dropAmount": 100,
    "dropEvery": 3600,
}

BUYERS = 200
ITEMS = 20
PER_BUYER = 2
START, FLOOR, DROP = 100_000, 20_000, 4_000
HOLD_SECONDS = 2
LASTS_SECONDS = 40
#: What a buyer in the race may be told. Anything else would be a bug, however it is worded.
REFUSALS = {"price_changed", "sold_out", "buyer_limit_reached", "auction_ended"}


# -- two desks on one database: what the lock is for ---------------------------------------------------------


@pytest.fixture
def race(
    app: Flask, person: MakePerson, auction: MakeAuction, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], tuple[int, list[Answer | MarketplaceError]]]]:
    """Two people want the last item at two desks, which read the auction at the same time if they can."""
    both_have_read = threading.Barrier(2)

    def read_then_wait(connection: Connection, *asked: Any, **more: Any) -> Row[Any]:
        found = rows.begin_and_lock(connection, *asked, **more)
        with suppress(threading.BrokenBarrierError):  # the lock keeps the other one out
            both_have_read.wait(1)
        return found

    monkeypatch.setattr(desk, "begin_and_lock", read_then_wait)

    def run() -> tuple[int, list[Answer | MarketplaceError]]:
        buyers, lot = [person("Ann"), person("Ben")], auction(**TULIPS)

        def take(buyer_id: int) -> Answer | MarketplaceError:
            try:
                return Desk(engine).place(BidRequest(lot, buyer_id, "Somebody", 1000))
            except MarketplaceError as error:
                return error

        with ThreadPoolExecutor(2) as pool:
            return lot, list(pool.map(take, [buyer.id for buyer in buyers]))

    with app.app_context():
        engine = runtime().desk.engine
        yield run


def _without_lock(statement: TextualSelect) -> TextualSelect:
    sql = statement.element.text
    assert "FOR NO KEY UPDATE" in sql
    return text(sql.replace("FOR NO KEY UPDATE", "")).columns(*statement.column_args)


def _taken(lot: int) -> tuple[int, int]:
    """Items that went according to the log, and according to the auction."""
    query = text(
        "SELECT (SELECT count(*) FROM bids WHERE auction_id = a.id AND kind = 'TAKE'), held + sold"
        " FROM auctions a WHERE id = :id"
    )
    logged, counted = db.session.execute(query, {"id": lot}).one()
    return logged, counted


def test_the_last_item_is_sold_twice_without_the_lock(
    race: Callable[[], tuple[int, list[Answer]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: take the lock out, and the same race sells one item to two people."""
    monkeypatch.setattr(rows, "_BEGIN_WITH_AUCTION", _without_lock(rows._BEGIN_WITH_AUCTION))
    connection = db.session.connection()
    # The keys would catch it too, as an error for the second buyer.
    for table in ("bids", "events", "reservations"):
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}"))
    db.session.commit()

    lot, answers = race()

    assert [answer.accepted["remainingItems"] for answer in answers if answer.accepted] == [0, 0]
    assert _taken(lot) == (2, 1)


def test_without_the_lock_the_keys_still_refuse_the_second_buyer(
    race: Callable[[], tuple[int, list[Answer | MarketplaceError]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_BEGIN_WITH_AUCTION", _without_lock(rows._BEGIN_WITH_AUCTION))
    lot, answers = race()
    assert sum(isinstance(answer, MarketplaceError) for answer in answers) == 1
    assert _taken(lot) == (1, 1)


def test_the_table_refuses_to_hold_more_than_there_is(app: Flask, auction: MakeAuction) -> None:
    """Whatever else goes wrong: ``ck_auctions_stock``."""
    lot = auction(**TULIPS, quantity=3)
    with app.app_context(), db.engine.connect() as connection:
        for held, sold in ((3, 1), (-1, 0), (4, -1)):
            too_many = text(f"UPDATE auctions SET held = {held}, sold = {sold} WHERE id = {lot}")
            with pytest.raises(IntegrityError, match="ck_auctions_stock"):
                connection.execute(too_many)
            connection.rollback()


def test_the_lock_lets_only_one_have_it(race: Callable[[], tuple[int, list[Answer]]]) -> None:
    lot, answers = race()
    assert sorted(answer.accepted is not None for answer in answers) == [False, True]
    [refusal] = [answer.refusal for answer in answers if answer.refusal]
    assert isinstance(refusal, SoldOut)
    assert refusal.facts == {"remainingItems": 0, "heldItems": 1}
    assert _taken(lot) == (1, 1)


def test_who_waited_for_the_lock_knows_what_was_taken_meanwhile(
    app: Flask, person: MakePerson, auction: MakeAuction
) -> None:
    """Else nobody would look again when that hold is over, and its item would be lost for good.

    After a wait PostgreSQL shows the locked row as it is, but other tables as they were before the wait.
    """
    ann, lot = person("Ann"), auction(**TULIPS, quantity=2)

    def end() -> None:
        with app.app_context():
            service.end(lot)

    with app.app_context():
        engine = db.engine
    with ThreadPoolExecutor(1) as pool, engine.connect() as connection:
        book = rows.open_book(connection, lot)
        book.place(Bid(ann.id, 1000), bidder_name="Ann")
        rows.save(connection, [book])
        waiting = pool.submit(end)
        wait_until(lambda: _somebody_waits(engine), "the administrator waits for the lock")
        connection.commit()
        waiting.result()
    with app.app_context():
        row = db.session.execute(
            text("SELECT a.status, due_at, expires_at FROM auctions a JOIN reservations ON auction_id = a.id")
        ).one()
    assert row.status == "ENDED"
    assert row.due_at == row.expires_at


def _somebody_waits(engine: Engine) -> bool:
    waiting = text(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with engine.connect() as connection:
        return connection.execute(waiting).first() is not None


# -- two web processes, 200 buyers, 20 items -----------------------------------------------------------------


@pytest.fixture(scope="module")
def house(stack: Stack) -> House:
    return House(stack)


@pytest.fixture(scope="module")
def urls(stack: Stack, house: House) -> list[str]:
    """Two web servers that let everybody bid as often as they like, two clocks and two relays."""
    stack.env["BID_RATE_LIMIT"] = "100000 per second"
    stack.start("web", "cron", "clock-1", "clock-2", "relay-1", "relay-2")
    return [stack.url, stack.start_web()]


@dataclass(frozen=True)
class Told:
    """A bid, and what its buyer was told in the end."""

    buyer_id: int
    amount: int
    answer: requests.Response

    @property
    def body(self) -> dict[str, Any]:
        return self.answer.json()  # type: ignore[no-any-return]


def test_200_buyers_race_for_20_items_while_holds_expire_and_workers_die(
    stack: Stack, house: House, urls: list[str]
) -> None:
    lot = house.auction(
        format="DUTCH",
        lasts=LASTS_SECONDS,
        starting_price=START,
        floor_price=FLOOR,
        drop_amount=DROP,
        drop_every=1,
        quantity=ITEMS,
        hold_seconds=HOLD_SECONDS,
        per_buyer=PER_BUYER,
    )
    buyers = [house.bidder() for _ in range(BUYERS)]
    ends = time.monotonic() + LASTS_SECONDS
    retried: list[tuple[requests.Response, requests.Response]] = []
    confirmed: set[int] = set()

    def buy(buyer: Bidder) -> list[Told]:
        """Wait for a price, then want an item at what one has last seen, until the auction has ended."""
        chance, told = random.Random(buyer.id), []
        seen = chance.randrange(FLOOR + DROP, START)
        while time.monotonic() < ends + 5:
            key = f"{buyer.id}-{len(told)}"
            answer = buyer.insist(urls, lot, seen, key)
            told.append(Told(buyer.id, seen, answer))
            if chance.random() < 0.2:
                retried.append((answer, buyer.insist(urls, lot, seen, key)))
            if answer.status_code == 201:
                settle(buyer, answer.json(), chance)
            elif answer.json()["code"] == "auction_ended":
                break
            elif answer.json()["code"] == "price_changed" and chance.random() < 0.3:
                seen = answer.json()["currentPrice"]
            time.sleep(chance.uniform(0.5, 3))
        buyer.http.close()
        return told

    def settle(buyer: Bidder, taken: dict[str, Any], chance: random.Random) -> None:
        """Some check out in time, some at the last moment, some give it back, most let it expire."""
        what = chance.random()
        if what < 0.1 or 0.3 < what < 0.4:
            time.sleep(chance.uniform(0, 1) if what < 0.1 else HOLD_SECONDS - 0.02)
            if house.confirm(lot, taken["seq"], buyer.id):
                confirmed.add(taken["seq"])
        elif what < 0.2:
            with suppress(requests.RequestException):  # a dying server; then it expires
                buyer.http.delete(f"{urls[0]}/api/reservations/{taken['reservationId']}", timeout=20)

    with Sampler(stack.env["DATABASE_URL"], lot) as sampler, ThreadPoolExecutor(BUYERS) as pool:
        racing = [pool.submit(buy, buyer) for buyer in buyers]
        _kill_now_and_then(stack, until=ends - 2)
        told = [one for race in racing for one in race.result()]
        wait_until(lambda: _state(house, lot) == ("ENDED", 0), "the auction is over, and nothing held")

    sampler.check()
    answers = Counter(one.answer.status_code if one.answer.ok else one.body["code"] for one in told)
    print(f"{len(sampler.samples)} samples, {len(set(sampler.samples))} different; answers: {dict(answers)}")
    assert len(set(sampler.samples)) > ITEMS
    _check_answers(told, retried)
    _check_log(house, lot, told)
    _check_reservations(house, lot, confirmed)
    stack.wait_ready("web", "web-2")
    events = events_after(buyers[0], urls[0], lot)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    # It was a race: sold out and open again, with holds that expired and items that were given back.
    names = Counter(event["event"] for event in events)
    assert names["auction:end"] > 1
    reasons = {
        reason for [reason] in house.rows("SELECT DISTINCT reason FROM bids WHERE auction_id = %s", lot)
    }
    assert reasons >= {"expired", "released"}
    assert confirmed
    # Whatever was killed: each item that is sold has one order, at its price.
    orders = house.rows("SELECT origin, buyer_id, price FROM orders WHERE auction_id = %s", lot)
    sold = house.rows(
        "SELECT 'take:' || seq, buyer_id, price FROM reservations"
        " WHERE auction_id = %s AND status = 'CONFIRMED'",
        lot,
    )
    assert sorted(orders) == sorted(sold)


def _kill_now_and_then(stack: Stack, until: float) -> None:
    """One of everything but the database, again and again: the worker, and the process that runs its job."""
    victims = ["clock-1", "web-2", "clock-2", "relay-1", "web", "cron", "clock-1", "relay-2", "clock-2"]
    for name in victims:
        if time.monotonic() > until:
            return
        time.sleep(2)
        pid = stack.pid(name)
        for child in psutil.Process(pid).children(recursive=True) if pid and "web" not in name else []:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        stack.kill(name)
        if "web" in name:
            # One server at a time: without any there would be no race.
            stack.wait_ready(name)


def _state(house: House, lot: int) -> tuple[str, int]:
    [state] = house.rows("SELECT status, held FROM auctions WHERE id = %s", lot)
    return state  # type: ignore[return-value]


def _check_answers(told: list[Told], retried: list[tuple[requests.Response, requests.Response]]) -> None:
    refused = [one for one in told if one.answer.status_code != 201]
    codes = Counter((one.answer.status_code, one.body["code"]) for one in refused)
    assert codes.keys() <= {(409, code) for code in REFUSALS}, codes
    assert codes[409, "price_changed"]
    assert codes[409, "sold_out"]
    for one in refused:
        if one.body["code"] == "price_changed":
            assert one.body["currentPrice"] > one.amount
    for one in told:
        if one.answer.status_code == 201:
            assert one.body["amount"] <= one.amount
    assert retried
    for first, again in retried:
        assert {**first.json(), "requestId": ""} == {**again.json(), "requestId": ""}
        assert again.headers["Idempotent-Replayed"] == "true"


def _check_log(house: House, lot: int, told: list[Told]) -> None:
    """Every accepted answer is in the log, once; and the log keeps every promise."""
    house.verify(lot)
    links, head, starts_at = house.chain(lot)
    assert list(breaks(links, head)) == []
    log = [link.entry for link in links]
    takes = [entry for entry in log if entry.kind == "TAKE"]
    accepted = [one for one in told if one.answer.status_code == 201]
    assert sorted((one.body["seq"], one.buyer_id, one.body["amount"]) for one in accepted) == [
        (entry.seq, entry.bidder_id, entry.amount) for entry in takes
    ]
    terms = dutch.Terms(
        seller_id=0,
        starting_price=START,
        floor=FLOOR,
        drop_amount=DROP,
        drop_every=timedelta(seconds=1),
        quantity=ITEMS,
        hold=timedelta(seconds=HOLD_SECONDS),
    )
    has: Counter[int] = Counter()
    gone = 0
    for entry in log:
        step = 1 if entry.kind == "TAKE" else -1
        has[entry.bidder_id] += step
        gone += step
        assert 0 <= has[entry.bidder_id] <= PER_BUYER
        assert 0 <= gone <= ITEMS
    for entry in takes:
        assert entry.secret
        assert entry.secret.amount is not None
        assert entry.amount == dutch.price_at(terms, starts_at, entry.placed_at).amount
        assert FLOOR <= entry.amount <= entry.secret.amount
    # They were taken while the price fell, not all at one.
    assert len({entry.amount for entry in takes}) > 5


def _check_reservations(house: House, lot: int, confirmed: set[int]) -> None:
    """There is one for each TAKE, and what became of it is what the log says."""
    query = """
        SELECT t.seq, t.placed_at, r.expires_at, r.status, r.settled_at, b.reason, b.placed_at
        FROM bids t LEFT JOIN reservations r USING (auction_id, seq)
        LEFT JOIN bids b ON b.auction_id = t.auction_id AND b.refers_to_seq = t.seq
        WHERE t.auction_id = %s AND t.kind = 'TAKE' AND (r.buyer_id, r.price) = (t.bidder_id, t.amount)
    """
    found = house.rows(query, lot)
    counts = "SELECT count(*) FILTER (WHERE kind = 'TAKE') FROM bids WHERE auction_id = %s"
    assert [(len(found),)] == house.rows(counts, lot)
    assert {seq for seq, _, _, status, *_ in found if status == "CONFIRMED"} == confirmed
    became = {"CONFIRMED": None, "EXPIRED": "expired", "RELEASED": "released"}
    for _, placed_at, expires_at, status, settled_at, reason, returned_at in found:
        assert expires_at == placed_at + timedelta(seconds=HOLD_SECONDS)
        assert reason == became[status]
        assert returned_at == (None if status == "CONFIRMED" else settled_at)
        assert (settled_at >= expires_at) == (status == "EXPIRED")
