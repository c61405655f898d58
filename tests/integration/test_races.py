"""Many clients, two web processes, one auction: only one of two bids over the same price can win."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import Connection, Row, TextualSelect, text

from marketplace.bidding import desk, rows
from marketplace.bidding.answers import Answer, BidRequest
from marketplace.bidding.desk import Desk
from marketplace.dev.stack import Stack
from marketplace.errors import BidTooLow, MarketplaceError
from marketplace.extensions import db
from marketplace.runtime import runtime
from marketplace.verification import verify
from tests.clients import Bidder, House, events_after, wait_until
from tests.people import MakeAuction, MakePerson

CLIENTS = 64
BIDS_EACH = 8
#: What a bid in a race may be told. Anything else would be a bug, however it is worded.
REFUSALS = {"bid_too_low", "already_leading"}


# -- two desks on one database: what the lock is for ---------------------------------------------------------


@pytest.fixture
def race(
    app: Flask, person: MakePerson, auction: MakeAuction, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], tuple[int, list[Answer | MarketplaceError]]]]:
    """Two people bid the same amount at two desks, which read the auction at the same time if they can."""
    both_have_read = threading.Barrier(2)

    def read_then_wait(connection: Connection, *asked: Any, **more: Any) -> Row[Any]:
        found = rows.begin_and_lock(connection, *asked, **more)
        with suppress(threading.BrokenBarrierError):  # the lock keeps the other one out
            both_have_read.wait(1)
        return found

    monkeypatch.setattr(desk, "begin_and_lock", read_then_wait)

    def run() -> tuple[int, list[Answer | MarketplaceError]]:
        bidders, lot = [person("Ann"), person("Ben")], auction(startingPrice=1000)

        def bid(bidder_id: int) -> Answer | MarketplaceError:
            try:
                return Desk(engine).place(BidRequest(lot, bidder_id, "Somebody", 1000))
            except MarketplaceError as error:
                return error

        with ThreadPoolExecutor(2) as pool:
            return lot, list(pool.map(bid, [bidder.id for bidder in bidders]))

    with app.app_context():
        engine = runtime().desk.engine
        yield run


def _without_lock(statement: TextualSelect) -> TextualSelect:
    sql = statement.element.text
    assert "FOR NO KEY UPDATE" in sql
    return text(sql.replace("FOR NO KEY UPDATE", "")).columns(*statement.column_args)


def test_two_bids_both_win_without_the_lock(
    race: Callable[[], tuple[int, list[Answer]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: take the lock out, and the same race ends with two winners and a log that is no log."""
    monkeypatch.setattr(rows, "_BEGIN_WITH_AUCTION", _without_lock(rows._BEGIN_WITH_AUCTION))
    connection = db.session.connection()
    # The keys would catch it too, as an error for the second bidder.
    connection.execute(text("ALTER TABLE bids DROP CONSTRAINT pk_bids"))
    connection.execute(text("ALTER TABLE events DROP CONSTRAINT pk_events"))
    db.session.commit()

    lot, answers = race()

    told = [(answer.accepted["seq"], answer.accepted["youLead"]) for answer in answers if answer.accepted]
    assert len(told) == 2
    assert told[0] == told[1]
    assert verify(db.session.connection(), lot)


def test_without_the_lock_the_keys_still_refuse_the_second_bid(
    race: Callable[[], tuple[int, list[Answer | MarketplaceError]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_BEGIN_WITH_AUCTION", _without_lock(rows._BEGIN_WITH_AUCTION))
    lot, answers = race()
    assert sum(isinstance(answer, MarketplaceError) for answer in answers) == 1
    assert verify(db.session.connection(), lot) == []


def test_the_lock_lets_only_one_win(race: Callable[[], tuple[int, list[Answer]]]) -> None:
    lot, answers = race()
    assert sorted(answer.accepted is not None for answer in answers) == [False, True]
    [refusal] = [answer.refusal for answer in answers if answer.refusal]
    assert isinstance(refusal, BidTooLow)
    assert refusal.facts == {"minimumNextBid": 1100, "currentBid": 1000}
    assert verify(db.session.connection(), lot) == []


def test_who_waited_for_the_lock_knows_the_new_leader_by_name(
    app: Flask, person: MakePerson, auction: MakeAuction
) -> None:
    """After the wait PostgreSQL shows the new version of the locked row, but joins it as before the wait."""
    ann, ben, lot = person("Ann"), person("Ben"), auction(startingPrice=1000)
    ann.bid(lot, 1000)
    lead = text(
        "UPDATE auctions SET leader_id = :leader, current_bid = 2000, leader_strength = 2000 WHERE id = :id"
    )
    with app.app_context():
        engine = db.engine

    def leader_of_locked_auction() -> str | None:
        with engine.connect() as connection:
            return rows.open_book(connection, lot).leader_name

    def somebody_waits() -> bool:
        waiting = text(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        with engine.connect() as connection:
            return connection.execute(waiting).first() is not None

    with ThreadPoolExecutor(1) as pool, engine.connect() as connection:
        rows.open_book(connection, lot)
        connection.execute(lead, {"leader": ben.id, "id": lot})
        waiting = pool.submit(leader_of_locked_auction)
        wait_until(somebody_waits, "the other one waits for the lock")
        connection.commit()
        assert waiting.result() == "Ben"


# -- two web processes ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def house(stack: Stack) -> House:
    return House(stack)


@pytest.fixture(scope="module")
def unlimited(stack: Stack, house: House) -> list[str]:
    """Two web servers that let everybody bid as often as they like."""
    stack.env["BID_RATE_LIMIT"] = "100000 per second"
    try:
        return [stack.start_web(), stack.start_web()]
    finally:
        del stack.env["BID_RATE_LIMIT"]


@pytest.fixture(scope="module")
def limited(stack: Stack, house: House) -> list[str]:
    """Two web servers as they are by default: five bids a minute."""
    assert "BID_RATE_LIMIT" not in stack.env
    return [stack.start_web(), stack.start_web()]


@dataclass(frozen=True)
class Told:
    """A bid, and what its bidder was told."""

    bidder_id: int
    amount: int
    server: int
    answer: requests.Response


def test_64_clients_race_on_two_web_processes(house: House, unlimited: list[str]) -> None:
    lot = house.auction(starting_price=1000, min_increment=10)
    clients = [house.bidder() for _ in range(CLIENTS)]
    start = threading.Barrier(CLIENTS)

    def compete(client: Bidder) -> list[Told]:
        """Bid over what one has last heard, at either server, all at the same time."""
        chance, told = random.Random(client.id), []
        minimum = 1000
        start.wait()
        for _ in range(BIDS_EACH):
            server, amount = chance.randrange(2), minimum + chance.randrange(200)
            answer = client.bid(unlimited[server], lot, amount)
            told.append(Told(client.id, amount, server, answer))
            minimum = answer.json().get("minimumNextBid") or amount
        return told

    with ThreadPoolExecutor(CLIENTS) as pool:
        told = [one for many in pool.map(compete, clients) for one in many]

    accepted = [one for one in told if one.answer.status_code == 201]
    refused = [one for one in told if one.answer.status_code != 201]
    # It was a race: both servers took bids, and refused some.
    assert {one.server for one in accepted} == {one.server for one in refused} == {0, 1}

    # Every 201 is in the log with its seq and amount, and nothing else is.
    log = house.log(lot)
    assert sorted((one.answer.json()["seq"], one.bidder_id, one.amount) for one in accepted) == log
    # Every other answer is a clear refusal.
    codes = Counter((one.answer.status_code, one.answer.json()["code"]) for one in refused)
    assert codes.keys() <= {(409, code) for code in REFUSALS}, codes
    for one in refused:
        assert one.answer.headers["Content-Type"] == "application/problem+json"
        if one.answer.json()["code"] == "bid_too_low":
            assert one.answer.json()["minimumNextBid"] > one.amount

    # seq has no gap, and the price only rises.
    events = events_after(clients[0], unlimited[0], lot)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    prices = [event["data"]["currentBid"] for event in events if event["event"] == "bid:new"]
    assert prices == [amount for _, _, amount in log]
    assert all(before < after for before, after in itertools.pairwise(prices))

    # The leader is the highest bid.
    highest = max(accepted, key=lambda one: one.amount)
    for url in unlimited:
        snapshot = clients[0].http.get(f"{url}/api/auctions/{lot}", timeout=20).json()
        assert (snapshot["currentBid"], snapshot["bidCount"]) == (highest.amount, len(accepted))
    leaders = [
        client.id
        for client in clients
        if client.http.get(f"{unlimited[0]}/api/auctions/{lot}/me", timeout=20).json()["youLead"]
    ]
    assert leaders == [highest.bidder_id]
    house.verify(lot)


def test_one_key_sent_fifty_times_at_once_is_one_bid(house: House, limited: list[str]) -> None:
    """With five bids a minute allowed: repeating a bid is not bidding again."""
    lot, ann = house.auction(), house.bidder("Ann")
    answers = _at_once(50, lambda n: ann.bid(limited[n % 2], lot, 1500, key="fifty"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert house.log(lot) == [(answers[0].json()["seq"], ann.id, 1500)]


def test_a_refusal_is_repeated_too(house: House, limited: list[str]) -> None:
    lot, ann, ben = house.auction(), house.bidder("Ann"), house.bidder("Ben")
    assert ann.bid(limited[0], lot, 2000).status_code == 201
    answers = _at_once(50, lambda n: ben.bid(limited[n % 2], lot, 1500, key="fifty"))
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "bid_too_low")}
    # Ann's next bid would change what a new refusal says, but not what this key was told.
    assert house.bidder("Cem").bid(limited[0], lot, 3000).status_code == 201
    assert ben.bid(limited[1], lot, 1500, key="fifty").json()["minimumNextBid"] == 2001


def test_another_body_under_the_same_key_is_refused(house: House, limited: list[str]) -> None:
    lot, ann = house.auction(), house.bidder("Ann")
    answers = _at_once(20, lambda n: ann.bid(limited[n % 2], lot, 1500 + n // 2 % 2, key="twenty"))
    placed = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code != 201]
    # Whichever came first is the bid; the other is told so, at once and for ever.
    assert len(placed) == len(refused) == 10
    assert len({answer.text for answer in placed}) == 1
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {
        (422, "idempotency_key_reused")
    }
    assert [amount for _, _, amount in house.log(lot)] == [placed[0].json()["amount"]]
    late = ann.bid(limited[0], lot, 9999, key="twenty")
    assert (late.status_code, late.json()["code"]) == (422, "idempotency_key_reused")


def _at_once(count: int, send: Callable[[int], requests.Response]) -> list[requests.Response]:
    """Send so many, all at the same time."""
    start = threading.Barrier(count)

    def one(number: int) -> requests.Response:
        start.wait()
        return send(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
