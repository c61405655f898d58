"""Automatic bids, secrets, reserve, buying at once, and taking bids back: through the API.

Whatever a test does, the log of each of its auctions proves the price in the end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, Row, TextualSelect, text

from marketplace.bidding import rows, service
from marketplace.config import Config
from marketplace.dev.stack import Stack
from marketplace.errors import MarketplaceError
from marketplace.extensions import db
from marketplace.increments import PRESETS
from marketplace.verification import verify
from tests.people import MakeAuction, MakePerson, Person

#: Amounts that stand nowhere by chance, and their digits as a page would show them.
SECRET, HIGHER_SECRET, RESERVE = 7_654_321, 8_765_437, 6_543_217
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


@pytest.fixture
def config(services: Stack, database_url: str, redis_url: str) -> Config:
    """Here people bid as often as they like."""
    return Config.from_env(
        {
            **services.env,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "BID_RATE_LIMIT": "100000 per second",
        }
    )


@pytest.fixture
def auction(auction: MakeAuction, app: Flask) -> Iterator[MakeAuction]:
    """Make an auction; when the test is over its log must prove it."""
    made: list[int] = []

    def make(**terms: Any) -> int:
        made.append(auction(**terms))
        return made[-1]

    yield make
    with app.app_context():
        assert {lot: verify(db.session.connection(), lot) for lot in made} == {lot: [] for lot in made}


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let the clock of everything but bids and listings go ahead by so many seconds."""

    def set_clock(seconds: float) -> None:
        clock = text(f"SELECT clock_timestamp() + interval '{seconds} seconds'")
        monkeypatch.setattr(rows, "_CLOCK", clock)

    return set_clock


def place(who: Person, lot: int, **body: Any) -> Any:
    """Place a bid that is accepted."""
    answer = who.post(f"/api/auctions/{lot}/bids", json=body)
    assert answer.status_code == 201, answer.json
    return answer.json


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def snapshot(who: Person, lot: int) -> Any:
    return who.get(f"/api/auctions/{lot}").json


def price(who: Person, lot: int) -> tuple[int, str]:
    seen = snapshot(who, lot)
    return seen["currentBid"], seen["bidderName"]


def log(who: Person, lot: int) -> list[Any]:
    """Oldest first."""
    items: list[Any] = who.get(f"/api/auctions/{lot}/bids").json["items"]
    return items[::-1]


def events(who: Person, lot: int) -> list[Any]:
    items: list[Any] = who.get(f"/api/auctions/{lot}/events").json["items"]
    return items


def end(app: Flask, lot: int) -> None:
    with app.app_context():
        service.end(lot)


# --- exact, up to a maximum, or both ---


def test_a_maximum_bids_only_what_is_needed(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=5000, minIncrement=500)
    first = place(ann, lot, maxAmount=6500)
    assert (first["amount"], first["maxAmount"], first["currentBid"]) == (5000, 6500, 5000)
    second = place(bob, lot, maxAmount=5500)
    assert (second["amount"], second["currentBid"], second["youLead"]) == (5500, 6000, False)
    assert second["minimumNextBid"] == 6500
    assert price(bob, lot) == (6000, "Ann")


def test_the_answer_to_a_rival_is_an_entry_and_an_event_of_its_own(
    person: MakePerson, auction: MakeAuction
) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=1000, minIncrement=100)
    place(ann, lot, maxAmount=5000)
    rival = place(bob, lot, amount=2000)
    shown = [(bid["kind"], bid["bidderName"], bid["amount"], bid["seq"]) for bid in log(bob, lot)]
    seq = rival["seq"]
    assert shown[1:] == [("BID", "Bob", 2000, seq), ("AUTO", "Ann", 2100, seq + 1)]
    told = [event["data"] for event in events(bob, lot) if event["seq"] >= seq]
    assert [(data["currentBid"], data["bidderName"], data["bidCount"]) for data in told] == [
        (2000, "Bob", 2),
        (2100, "Ann", 3),
    ]


def test_both_is_an_exact_bid_with_strength_in_reserve(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=1000, minIncrement=100)
    assert place(ann, lot, amount=1500, maxAmount=3000)["currentBid"] == 1500
    assert place(bob, lot, amount=2000)["youLead"] is False
    assert price(bob, lot) == (2100, "Ann")


def test_the_earliest_wins_a_tie(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=50, minIncrement=5)
    place(ann, lot, maxAmount=100)
    tied = place(bob, lot, amount=100)
    assert (tied["youLead"], tied["currentBid"], tied["minimumNextBid"]) == (False, 100, 105)


@pytest.mark.parametrize(
    "body",
    [
        {"maxAmount": "1000"},
        {"maxAmount": 1000.5},
        {"maxAmount": True},
        {"maxAmount": -1},
        {"maxAmount": 10**14},
        {"maxAmount": None},
        {"amount": 2000, "maxAmount": 1999},
        {"amount": None, "maxAmount": None},
    ],
)
def test_a_maximum_is_a_whole_number_and_not_below_the_amount(
    person: MakePerson, auction: MakeAuction, body: dict[str, Any]
) -> None:
    ann, lot = person(), auction()
    assert refused(ann.post(f"/api/auctions/{lot}/bids", json=body)) == (422, "invalid_request")
    assert snapshot(ann, lot)["bidCount"] == 0


def test_a_key_with_another_maximum_is_another_request(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person(), auction()
    path, key = f"/api/auctions/{lot}/bids", {"Idempotency-Key": "k1"}
    first = ann.post(path, json={"maxAmount": 5000}, headers=key)
    again = ann.post(path, json={"maxAmount": 5000}, headers=key)
    assert (again.status_code, again.data) == (201, first.data)
    other = ann.post(path, json={"maxAmount": 6000}, headers=key)
    assert refused(other) == (422, "idempotency_key_reused")


def test_the_seller_cannot_bid_in_any_way(person: MakePerson, auction: MakeAuction) -> None:
    seller = person("Seller")
    lot = auction(seller=seller, buyNowPrice=5000)
    for body in ({"amount": 1000}, {"maxAmount": 1000}, {"amount": 1000, "maxAmount": 2000}):
        answer = seller.post(f"/api/auctions/{lot}/bids", json=body)
        assert refused(answer) == (403, "seller_cannot_bid")
    assert refused(seller.post(f"/api/auctions/{lot}/buy-now")) == (403, "seller_cannot_bid")


# --- the leader's maximum ---


def test_the_leader_raises_their_maximum_and_nothing_moves(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(lasts=30, extensionWindow=60, extension=120)
    place(ann, lot, maxAmount=2000)
    before = snapshot(ann, lot)
    raised = place(ann, lot, maxAmount=9000)
    assert (raised["amount"], raised["maxAmount"], raised["currentBid"]) == (1000, 9000, 1000)
    assert raised["endsAt"] == before["endsAt"]
    assert snapshot(ann, lot) == before
    assert ann.get(f"/api/auctions/{lot}/me").json["yourMaxAmount"] == 9000
    place(bob, lot, maxAmount=5000)
    assert price(bob, lot) == (5100, "Ann")


def test_the_leader_does_not_lower_it_or_bid_exactly(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person("Ann"), auction()
    place(ann, lot, maxAmount=5000)
    for maximum in (4999, 5000):
        answer = ann.post(f"/api/auctions/{lot}/bids", json={"maxAmount": maximum})
        assert refused(answer) == (409, "maximum_not_raised")
    assert refused(ann.bid(lot, 2000)) == (409, "already_leading")


# --- secrecy ---


@pytest.fixture
def outsiders(person: MakePerson, app: Flask) -> list[Person]:
    """Whoever is not the leader: a rival, somebody else, an administrator, and nobody we know."""
    nobody = Person(0, "Nobody", "", "", app.test_client())
    return [person("Rival"), person("Stranger"), person("Admin", admin=True), nobody]


def views(who: Person, lot: int) -> dict[str, tuple[int, str | None, str]]:
    """Everything that somebody can look at about an auction: status, ETag and text, by address."""
    seen = [bid["bidId"] for bid in log(who, lot)]
    # A raise is stored beside the entry before it.
    guessed = [f"{name}.{part}" for name in seen for part in (1, 2)]
    paths = [
        f"/api/auctions/{lot}",
        f"/api/auctions/{lot}/events",
        f"/api/auctions/{lot}/bids",
        f"/api/auctions/{lot}/bids?since=0",
        f"/api/auctions/{lot}/bids?limit=1",
        f"/api/auctions/{lot}/me",
        "/api/auctions",
        *(f"/api/bids/{name}" for name in seen + guessed),
    ]
    answers = {path: who.get(path) for path in paths}
    return {
        path: (answer.status_code, answer.headers.get("ETag"), _without_request_id(answer))
        for path, answer in answers.items()
    }


def _without_request_id(answer: Any) -> str:
    if answer.status_code >= 400:
        return str({name: value for name, value in answer.json.items() if name != "requestId"})
    return str(answer.text)


def assert_nobody_reads(secret: int, lot: int, people: list[Person]) -> None:
    for who in people:
        seen = {path: body for path, (_, _, body) in views(who, lot).items()}
        seen["page"] = who.get(f"/auctions/{lot}").text.replace(",", "").replace(".", "")
        assert [path for path, body in seen.items() if str(secret) in body] == [], who.name


def test_nobody_else_reads_the_leaders_maximum(
    person: MakePerson, auction: MakeAuction, outsiders: list[Person]
) -> None:
    ann, seller = person("Ann"), person("Seller")
    lot = auction(seller=seller, startingPrice=1000, minIncrement=100)
    place(ann, lot, maxAmount=SECRET)
    place(outsiders[0], lot, maxAmount=5000)
    assert_nobody_reads(SECRET, lot, [seller, *outsiders])
    # The control: the leader does read it.
    assert str(SECRET) in ann.get(f"/api/auctions/{lot}/me").text


def test_no_refusal_tells_it(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, seller = person("Ann"), person("Bob"), person("Seller")
    lot = auction(seller=seller)
    place(ann, lot, maxAmount=SECRET)
    place(bob, lot, amount=2000)
    path = f"/api/auctions/{lot}/bids"
    answers = [
        bob.post(path, json={"amount": 2100}),
        bob.post(path, json={"maxAmount": 1}),
        bob.post(path, json={}),
        seller.post(path, json={"maxAmount": 9_999_999}),
        bob.post(f"/api/auctions/{lot}/buy-now"),
        bob.request("DELETE", f"/api/bids/{lot}-2", json={}),
        seller.post(f"/api/auctions/{lot}/cancel"),
    ]
    assert {answer.status_code for answer in answers} == {403, 404, 409, 422}
    assert [answer.text for answer in answers if str(SECRET) in answer.text] == []


def test_a_raise_leaves_no_trace(person: MakePerson, auction: MakeAuction, outsiders: list[Person]) -> None:
    ann, seller = person("Ann"), person("Seller")
    lot = auction(seller=seller)
    place(ann, lot, maxAmount=SECRET)
    place(outsiders[0], lot, amount=2000)
    everybody = [seller, *outsiders]
    before = [views(who, lot) for who in everybody]
    raised = place(ann, lot, maxAmount=HIGHER_SECRET)
    assert [views(who, lot) for who in everybody] == before
    assert_nobody_reads(HIGHER_SECRET, lot, everybody)
    for who in everybody:
        assert who.get(f"/api/bids/{raised['bidId']}").status_code == 404
    # What a rival is told next does not betray it either: it goes on without a gap.
    rival = place(outsiders[0], lot, amount=3000)
    assert rival["seq"] == before[1][f"/api/auctions/{lot}/events"][2].count('"seq"') // 2 + 1
    assert_nobody_reads(HIGHER_SECRET, lot, everybody)


def test_the_maximum_of_who_was_outbid_by_an_exact_bid_stays_secret(
    person: MakePerson, auction: MakeAuction, outsiders: list[Person]
) -> None:
    ann, seller = person("Ann"), person("Seller")
    lot = auction(seller=seller)
    place(ann, lot, maxAmount=SECRET)
    place(outsiders[0], lot, amount=9_000_000)
    assert price(ann, lot) == (9_000_000, "Rival")
    assert_nobody_reads(SECRET, lot, [seller, *outsiders])
    assert ann.get(f"/api/auctions/{lot}/me").json["yourMaxAmount"] is None


def test_hashes_are_told_when_the_auction_is_over_and_the_raise_with_them(
    person: MakePerson, auction: MakeAuction, app: Flask, outsiders: list[Person]
) -> None:
    ann, lot, reader = person("Ann"), auction(), outsiders[-1]
    place(ann, lot, maxAmount=SECRET)
    place(ann, lot, maxAmount=HIGHER_SECRET)
    assert [(bid["kind"], bid["hash"], bid["previousHash"]) for bid in log(reader, lot)] == [
        ("BID", None, None)
    ]
    end(app, lot)
    over = log(reader, lot)
    assert [bid["kind"] for bid in over] == ["BID", "RAISE"]
    assert over[0]["previousHash"] is None
    assert over[1]["previousHash"] == over[0]["hash"]
    assert len({bid["hash"] for bid in over}) == 2
    # Even then it is nobody's business how far the winner would have gone.
    assert_nobody_reads(HIGHER_SECRET, lot, outsiders)


# --- increments ---


def test_bids_rise_by_the_table(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob = person("Ann"), person("Bob")
    [ebay] = [preset for preset in PRESETS if preset.name == "ebay"]
    lot = auction(startingPrice=9900, minIncrement=None, incrementTable=[list(row) for row in ebay.rows])
    seen = snapshot(ann, lot)
    assert seen["incrementTable"] == [list(row) for row in ebay.rows]
    assert place(ann, lot, maxAmount=17_500)["minimumNextBid"] == 10_000
    assert place(bob, lot, maxAmount=10_000)["currentBid"] == 10_250
    assert refused(bob.bid(lot, 10_499)) == (409, "bid_too_low")
    assert place(bob, lot, maxAmount=12_000)["currentBid"] == 12_250
    assert place(bob, lot, maxAmount=15_000)["currentBid"] == 15_250
    # As auction 1638893549 of eBay's went: 175 is beaten by one increment.
    assert place(bob, lot, maxAmount=99_999)["currentBid"] == 17_750


@pytest.mark.parametrize(
    "wrong",
    [
        {"incrementTable": [[1, 5]]},
        {"incrementTable": [[0, 0]]},
        {"incrementTable": [[0, 5], [100, 4]]},
        {"incrementTable": [[0, 5], [0, 10]]},
        {"incrementTable": []},
        {"incrementTable": [[0, 5, 7]]},
        {"incrementTable": [[0, "5"]]},
        {"incrementTable": [[n, 1] for n in range(31)]},
        {"incrementTable": [[0, 5]], "minIncrement": 5},
        {},
    ],
)
def test_a_table_that_makes_no_sense_is_refused(person: MakePerson, wrong: dict[str, Any]) -> None:
    terms = {"title": "A watch", "currency": "USD", "startingPrice": 1000, "endsAt": TOMORROW}
    answer = person().post("/api/auctions", json=terms | wrong)
    assert refused(answer) == (422, "invalid_request")
    assert {error["field"].split(".")[0] for error in answer.json["errors"]} & {
        "incrementTable",
        "minIncrement",
    }


# --- the reserve ---


def test_a_maximum_jumps_to_the_reserve_and_everybody_sees_that_it_is_met(
    person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    ann, bob = person("Ann"), person("Bob")
    lot = auction(startingPrice=3000, minIncrement=100, reservePrice=5000)
    assert snapshot(bob, lot)["reserveMet"] is False
    place(bob, lot, amount=3000)
    assert snapshot(bob, lot)["reserveMet"] is False
    assert place(ann, lot, maxAmount=5000)["currentBid"] == 5000
    assert snapshot(bob, lot)["reserveMet"] is True
    tie = bob.post(f"/api/auctions/{lot}/bids", json={"maxAmount": 5000})
    assert (refused(tie), tie.json["minimumNextBid"]) == ((409, "bid_too_low"), 5100)
    assert [event["data"]["reserveMet"] for event in events(bob, lot) if event["event"] == "bid:new"] == [
        False,
        True,
    ]
    end(app, lot)
    assert snapshot(ann, lot)["outcome"] == "SOLD"


def test_under_the_reserve_nothing_is_sold(person: MakePerson, auction: MakeAuction, app: Flask) -> None:
    ann, lot = person("Ann"), auction(startingPrice=3000, minIncrement=100, reservePrice=10_000)
    assert place(ann, lot, maxAmount=5000)["currentBid"] == 5000
    end(app, lot)
    over = snapshot(ann, lot)
    assert (over["status"], over["outcome"], over["reserveMet"]) == ("ENDED", "RESERVE_NOT_MET", False)
    last = events(ann, lot)[-1]
    assert last["event"] == "auction:end"
    assert (last["data"]["outcome"], last["data"]["winnerName"]) == ("RESERVE_NOT_MET", None)
    assert last["data"]["winningBid"] is None


def test_a_later_maximum_is_one_increment_over_10000_when_that_stood(
    person: MakePerson, auction: MakeAuction
) -> None:
    ann, bob = person("Ann"), person("Bob")
    lot = auction(startingPrice=3000, minIncrement=100, reservePrice=10_000)
    place(ann, lot, maxAmount=10_000)
    assert place(bob, lot, maxAmount=15_000)["currentBid"] == 10_100


def test_only_the_seller_knows_the_reserve(
    person: MakePerson, auction: MakeAuction, app: Flask, outsiders: list[Person]
) -> None:
    seller, ann = person("Seller"), person("Ann")
    lot = auction(seller=seller, reservePrice=RESERVE)
    place(ann, lot, maxAmount=2000)
    assert_nobody_reads(RESERVE, lot, [ann, *outsiders])
    assert seller.get(f"/api/auctions/{lot}/me").json["reservePrice"] == RESERVE
    end(app, lot)
    assert_nobody_reads(RESERVE, lot, [ann, *outsiders])


# --- buying at once ---


def test_who_buys_has_it_and_nobody_bids_any_more(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(buyNowPrice=9000)
    assert snapshot(bob, lot)["buyNowPrice"] == 9000
    bought = ann.post(f"/api/auctions/{lot}/buy-now")
    assert (bought.status_code, bought.json["amount"]) == (201, 9000)
    over = snapshot(bob, lot)
    assert (over["status"], over["outcome"], over["currentBid"]) == ("ENDED", "SOLD", 9000)
    assert (over["bidderName"], over["endsAt"]) == ("Ann", bought.json["endsAt"])
    assert over["buyNowPrice"] is None
    assert [(bid["kind"], bid["amount"]) for bid in log(bob, lot)] == [("BUY_NOW", 9000)]
    last = events(bob, lot)[-1]["data"]
    assert (last["reason"], last["winnerName"], last["winningBid"]) == ("bought", "Ann", 9000)
    assert refused(bob.bid(lot, 99_999)) == (409, "auction_ended")
    assert refused(bob.post(f"/api/auctions/{lot}/buy-now")) == (409, "auction_ended")


def test_the_first_bid_closes_it(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(buyNowPrice=9000)
    place(ann, lot, maxAmount=2000)
    assert snapshot(bob, lot)["buyNowPrice"] is None
    assert refused(bob.post(f"/api/auctions/{lot}/buy-now")) == (409, "buy_now_gone")


def test_with_a_share_it_is_open_until_the_price_is_there(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob = person("Ann"), person("Bob")
    lot = auction(startingPrice=1000, minIncrement=100, buyNowPrice=10_000, buyNowShare=50)
    place(ann, lot, maxAmount=SECRET)
    place(bob, lot, amount=4800)
    assert price(bob, lot) == (4900, "Ann")
    assert snapshot(bob, lot)["buyNowPrice"] == 10_000
    place(bob, lot, amount=5000)
    assert snapshot(bob, lot)["buyNowPrice"] is None
    assert refused(bob.post(f"/api/auctions/{lot}/buy-now")) == (409, "buy_now_gone")


@pytest.mark.parametrize(
    "wrong",
    [
        {"buyNowPrice": 999},
        {"buyNowPrice": 0},
        {"buyNowPrice": 4999, "reservePrice": 5000},
        {"buyNowShare": 50},
        {"buyNowPrice": 5000, "buyNowShare": 101},
        {"reservePrice": 1000},
        {"reservePrice": 0},
    ],
)
def test_prices_that_make_no_sense_together_are_refused(person: MakePerson, wrong: dict[str, Any]) -> None:
    terms = {"title": "A watch", "currency": "USD", "startingPrice": 1000, "minIncrement": 100}
    answer = person().post("/api/auctions", json=terms | {"endsAt": TOMORROW} | wrong)
    assert refused(answer) == (422, "invalid_request")
    assert {error["field"] for error in answer.json["errors"]} <= {
        "buyNowPrice",
        "buyNowShare",
        "reservePrice",
    }


def test_of_eight_buyers_at_once_one_has_it(person: MakePerson, auction: MakeAuction) -> None:
    buyers, lot = [person(f"Buyer {n}") for n in range(8)], auction(buyNowPrice=9000)
    start = threading.Barrier(len(buyers))

    def buy(who: Person) -> Any:
        start.wait()
        return who.post(f"/api/auctions/{lot}/buy-now")

    with ThreadPoolExecutor(len(buyers)) as pool:
        answers = list(pool.map(buy, buyers))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"auction_ended"}
    [winner] = [who for who, answer in zip(buyers, answers, strict=True) if answer.status_code == 201]
    assert price(winner, lot) == (9000, winner.name)
    assert [event["event"] for event in events(winner, lot)].count("auction:end") == 1
    assert len(log(winner, lot)) == 1


def test_without_the_lock_two_buyers_both_have_it(
    person: MakePerson, auction: MakeAuction, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: take the lock out, and the keys that would catch it, and the same lot is sold twice."""
    both_have_read = threading.Barrier(2)

    def read_then_wait(connection: Connection, auction_id: int) -> Row[Any]:
        found = lock_row(connection, auction_id)
        with suppress(threading.BrokenBarrierError):
            both_have_read.wait(5)
        return found

    def buy(who: Person) -> int | str:
        with app.app_context():
            try:
                return int(service.buy_now(lot, buyer_id=who.id, buyer_name=who.name)["amount"])
            except MarketplaceError as error:
                return error.code

    lock_row = rows.lock_row
    buyers, lot = [person("Ann"), person("Bob")], auction(buyNowPrice=9000)
    with app.app_context():
        connection = db.session.connection()
        connection.execute(text("ALTER TABLE bids DROP CONSTRAINT pk_bids"))
        connection.execute(text("ALTER TABLE events DROP CONSTRAINT pk_events"))
        db.session.commit()
    monkeypatch.setattr(rows, "lock_row", read_then_wait)
    monkeypatch.setattr(rows, "_LOCK_ONE", _without_lock(rows._LOCK_ONE))
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(buy, buyers)) == [9000, 9000]
    with app.app_context():
        assert verify(db.session.connection(), lot)
        db.session.execute(text("TRUNCATE bids, events"))
        db.session.execute(
            text(
                "UPDATE auctions SET seq = 0, bid_count = 0, log_hash = NULL, status = 'DRAFT',"
                " outcome = NULL, current_bid = NULL, leader_id = NULL, leader_strength = NULL WHERE id = :id"
            ),
            {"id": lot},
        )
        db.session.commit()


def _without_lock(statement: TextualSelect) -> TextualSelect:
    sql = statement.element.text
    assert "FOR NO KEY UPDATE" in sql
    return text(sql.replace("FOR NO KEY UPDATE", "")).columns(*statement.column_args)


# --- retraction ---


def retract(who: Person, bid: Any, reason: str | None = None) -> Any:
    body = {} if reason is None else {"reason": reason}
    return who.request("DELETE", f"/api/bids/{bid['bidId']}", json=body)


def test_a_bid_is_retracted_within_30_seconds_without_a_reason(
    person: MakePerson, auction: MakeAuction
) -> None:
    ann, bob, cem, lot = person("Ann"), person("Bob"), person("Cem"), auction()
    place(ann, lot, maxAmount=3000)
    slip = place(bob, lot, maxAmount=SECRET)
    place(cem, lot, amount=50_000)
    assert price(ann, lot) == (50_100, "Bob")
    answer = retract(bob, slip)
    assert answer.status_code == 200, answer.json
    # As if Bob had never been: Cem's exact bid beats Ann's maximum.
    assert (answer.json["currentBid"], answer.json["bidderName"]) == (50_000, "Cem")
    assert (answer.json["bidCount"], answer.json["minimumNextBid"]) == (2, 50_100)
    told = events(ann, lot)[-1]
    assert (told["event"], told["data"]["currentBid"]) == ("bid:retracted", 50_000)
    assert (told["data"]["bidderName"], told["data"]["bidCount"]) == ("Cem", 2)
    shown = log(ann, lot)
    assert [bid["withdrawn"] for bid in shown] == [False, True, False, False, False]
    assert (shown[-1]["kind"], shown[-1]["refersTo"]) == ("RETRACTION", slip["bidId"])
    assert (shown[-1]["bidderName"], shown[-1]["reason"]) == ("Bob", None)
    assert refused(retract(bob, slip)) == (409, "bid_withdrawn")


def test_when_the_only_bid_goes_it_is_as_before(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(buyNowPrice=9000)
    fresh = snapshot(bob, lot)
    after = retract(ann, place(ann, lot, maxAmount=3000)).json
    assert {name for name in after if after[name] != fresh[name]} == {"seq"}
    assert place(bob, lot, amount=1000)["youLead"] is True


def test_after_30_seconds_it_takes_a_reason(
    person: MakePerson, auction: MakeAuction, later: Callable[[float], None]
) -> None:
    ann, lot = person("Ann"), auction()
    bid = place(ann, lot, amount=1000)
    later(60)
    answer = retract(ann, bid)
    assert refused(answer) == (409, "retraction_not_allowed")
    assert answer.json["needs"] == "reason"
    assert retract(ann, bid, "BECAUSE").status_code == 422
    assert retract(ann, bid, "WRONG_AMOUNT").status_code == 200
    assert log(ann, lot)[-1]["reason"] == "WRONG_AMOUNT"


def test_more_than_12_hours_before_the_end_all_bids_of_the_bidder_go(
    person: MakePerson, auction: MakeAuction, later: Callable[[float], None]
) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(lasts=14 * 3600)
    place(ann, lot, amount=1000)
    place(bob, lot, amount=2000)
    latest = place(ann, lot, amount=3000)
    later(60)
    after = retract(ann, latest, "DESCRIPTION_CHANGED").json
    assert (after["currentBid"], after["bidderName"], after["bidCount"]) == (2000, "Bob", 1)
    shown = log(bob, lot)
    assert [(bid["kind"], bid["withdrawn"]) for bid in shown[:3]] == [
        ("BID", True),
        ("BID", False),
        ("BID", True),
    ]
    assert [(bid["kind"], bid["amount"]) for bid in shown[3:]] == [("RETRACTION", 1000), ("RETRACTION", 3000)]


def test_later_only_the_latest_goes_and_only_within_an_hour(
    person: MakePerson, auction: MakeAuction, later: Callable[[float], None]
) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(lasts=11 * 3600)
    first = place(ann, lot, amount=1000)
    place(bob, lot, amount=2000)
    latest = place(ann, lot, amount=3000)
    later(3540)
    assert refused(retract(ann, first, "WRONG_AMOUNT")) == (409, "retraction_not_allowed")
    later(3660)
    assert refused(retract(ann, latest, "WRONG_AMOUNT")) == (409, "retraction_not_allowed")
    later(3540)
    assert retract(ann, latest, "WRONG_AMOUNT").json["currentBid"] == 2000
    assert snapshot(ann, lot)["bidderName"] == "Bob"


def test_nobody_retracts_what_is_not_theirs_or_over(
    person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction()
    place(ann, lot, maxAmount=3000)
    bid = place(bob, lot, amount=2000)
    answer_of_ann = log(ann, lot)[-1]
    assert refused(retract(ann, bid)) == (404, "not_found")
    # An automatic answer is part of the bid that it defends.
    assert refused(retract(ann, answer_of_ann)) == (404, "not_found")
    assert refused(retract(ann, {"bidId": f"{lot}-999"})) == (404, "not_found")
    end(app, lot)
    assert refused(retract(bob, bid)) == (409, "auction_over")


def test_an_extension_stays_when_the_bid_that_caused_it_goes(
    person: MakePerson, auction: MakeAuction
) -> None:
    ann, lot = person("Ann"), auction(lasts=30, extensionWindow=60, extension=600)
    bid = place(ann, lot, amount=1000)
    assert retract(ann, bid).json["endsAt"] == bid["endsAt"]


def test_a_raise_can_be_taken_back(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction()
    place(ann, lot, maxAmount=2000)
    raised = place(ann, lot, maxAmount=9000)
    assert retract(ann, raised).status_code == 200
    assert ann.get(f"/api/auctions/{lot}/me").json["yourMaxAmount"] == 2000
    assert place(bob, lot, maxAmount=5000)["youLead"] is True


def test_a_bid_that_was_raised_goes_with_the_raise(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person("Ann"), auction()
    bid = place(ann, lot, maxAmount=2000)
    place(ann, lot, maxAmount=9000)
    after = retract(ann, bid).json
    assert (after["currentBid"], after["bidderName"], after["bidCount"]) == (None, None, 0)


def test_not_even_a_retraction_betrays_that_a_maximum_had_been_raised(
    person: MakePerson, auction: MakeAuction, outsiders: list[Person]
) -> None:
    ann, seller = person("Ann"), person("Seller")
    seen = []
    for raises in (False, True):
        lot = auction(seller=seller)
        bid = place(ann, lot, maxAmount=SECRET)
        if raises:
            place(ann, lot, maxAmount=HIGHER_SECRET)
        retract(ann, bid)
        seen.append(
            [
                [(entry["kind"], entry["amount"], entry["withdrawn"]) for entry in log(who, lot)]
                for who in [seller, *outsiders]
            ]
        )
    assert seen[0] == seen[1]


# --- the seller cancels ---


def cancel(who: Person, bid: Any, reason: str = "I do not know this bidder.") -> Any:
    return who.post(f"/api/bids/{bid['bidId']}/cancel", json={"reason": reason})


def test_the_seller_cancels_a_bid_with_a_reason_that_everybody_reads(
    person: MakePerson, auction: MakeAuction, later: Callable[[float], None]
) -> None:
    seller, ann, bob = person("Seller"), person("Ann"), person("Bob")
    lot = auction(seller=seller)
    place(ann, lot, maxAmount=3000)
    bid = place(bob, lot, maxAmount=9000)
    later(3000)
    after = cancel(seller, bid, "Bob has never paid.")
    assert (after.status_code, after.json["currentBid"], after.json["bidderName"]) == (200, 1000, "Ann")
    shown = log(ann, lot)[-1]
    assert (shown["kind"], shown["reason"]) == ("CANCELLATION", "Bob has never paid.")
    assert (shown["refersTo"], shown["amount"]) == (bid["bidId"], 3100)
    assert events(ann, lot)[-1]["event"] == "bid:retracted"
    assert refused(cancel(seller, bid)) == (409, "bid_withdrawn")


def test_only_the_seller_cancels_and_only_with_a_reason_while_it_runs(
    person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    seller, ann, bob, admin = person("Seller"), person("Ann"), person("Bob"), person(admin=True)
    lot = auction(seller=seller)
    bid = place(ann, lot, maxAmount=3000)
    for other in (ann, bob, admin):
        assert refused(cancel(other, bid)) == (403, "forbidden")
    for body in ({}, {"reason": ""}, {"reason": "x" * 201}, {"reason": "two\nlines"}):
        answer = seller.post(f"/api/bids/{bid['bidId']}/cancel", json=body)
        assert refused(answer) == (422, "invalid_request")
    end(app, lot)
    assert refused(cancel(seller, bid)) == (409, "auction_over")


def test_a_cancelled_bid_takes_the_raises_along_that_the_seller_cannot_see(
    person: MakePerson, auction: MakeAuction
) -> None:
    seller, ann = person("Seller"), person("Ann")
    lot = auction(seller=seller)
    bid = place(ann, lot, maxAmount=3000)
    place(ann, lot, maxAmount=9000)
    after = cancel(seller, bid).json
    assert (after["currentBid"], after["bidderName"], after["bidCount"]) == (None, None, 0)


# --- proof ---


def test_whatever_is_changed_in_the_log_is_found(
    person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction()
    place(ann, lot, maxAmount=5000)
    place(bob, lot, maxAmount=3000)
    place(ann, lot, maxAmount=9000)
    slip = place(bob, lot, amount=4000)
    retract(bob, slip)
    changes = [
        "UPDATE bids SET amount = amount + 1 WHERE auction_id = :id AND seq = 2 AND part = 0",
        "UPDATE bids SET asked_maximum = 6000 WHERE auction_id = :id AND seq = 2 AND part = 0",
        "UPDATE bids SET asked_maximum = 8000 WHERE auction_id = :id AND kind = 'RAISE'",
        "UPDATE bids SET bidder_id = :other WHERE auction_id = :id AND kind = 'AUTO'",
        "UPDATE bids SET placed_at = placed_at - interval '1 second' WHERE auction_id = :id",
        "UPDATE bids SET refers_to_seq = 3 WHERE auction_id = :id AND kind = 'RETRACTION'",
        "DELETE FROM bids WHERE auction_id = :id AND kind = 'RAISE'",
        "DELETE FROM bids WHERE auction_id = :id AND kind = 'RETRACTION'",
        "UPDATE auctions SET current_bid = current_bid - 1 WHERE id = :id",
        "UPDATE auctions SET leader_id = :other WHERE id = :id",
        "UPDATE auctions SET leader_strength = leader_strength + 1 WHERE id = :id",
        "DELETE FROM events WHERE auction_id = :id AND seq = 3",
    ]
    with app.app_context():
        for change in changes:
            db.session.execute(text(change), {"id": lot, "other": bob.id})
            assert verify(db.session.connection(), lot), change
            db.session.rollback()
        assert verify(db.session.connection(), lot) == []
