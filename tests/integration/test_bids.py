"""Placing bids through the API, and reading the log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.bidding import service
from marketplace.bidding.answers import Answer, BidRequest
from marketplace.bidding.desk import _Waiting
from marketplace.bidding.rows import open_book
from marketplace.errors import MarketplaceError, Unavailable
from marketplace.extensions import db
from marketplace.runtime import Runtime
from marketplace.verification import verify
from tests.people import MakeAuction, MakePerson


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_a_bid_takes_the_lead(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person("Ann"), auction(startingPrice=1000, minIncrement=100)
    answer = ann.bid(lot, 1000)
    assert answer.status_code == 201
    assert answer.json["youLead"] is True
    assert (answer.json["amount"], answer.json["currency"]) == (1000, "USD")
    assert (answer.json["currentBid"], answer.json["minimumNextBid"]) == (1000, 1100)
    snapshot = ann.get(f"/api/auctions/{lot}").json
    assert (snapshot["currentBid"], snapshot["bidderName"], snapshot["bidCount"]) == (1000, "Ann", 1)
    assert snapshot["seq"] == answer.json["seq"]
    me = ann.get(f"/api/auctions/{lot}/me").json
    assert (me["youLead"], me["yourMaxAmount"], me["isSeller"]) == (True, 1000, False)
    bob = person("Bob")
    assert (me["hasBid"], bob.get(f"/api/auctions/{lot}/me").json["hasBid"]) == (True, False)
    bob.bid(lot, 1100)
    ann.request("DELETE", f"/api/bids/{answer.json['bidId']}", json={"reason": None})
    assert ann.get(f"/api/auctions/{lot}/me").json["hasBid"] is False


def test_refusals_say_why_and_change_nothing(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, seller = person("Ann"), person("Bob"), person("Seller")
    lot = auction(seller=seller, startingPrice=1000, minIncrement=100)
    assert code(ann.bid(lot, 999)) == (409, "bid_too_low")
    ann.bid(lot, 1000)
    too_low = bob.bid(lot, 1099)
    assert code(too_low) == (409, "bid_too_low")
    assert (too_low.json["minimumNextBid"], too_low.json["currentBid"]) == (1100, 1000)
    assert code(ann.bid(lot, 1100)) == (409, "already_leading")
    assert code(seller.bid(lot, 5000)) == (403, "seller_cannot_bid")
    assert code(bob.bid(999_999, 5000)) == (404, "not_found")
    assert bob.get(f"/api/auctions/{lot}").json["bidCount"] == 1


def test_a_bid_is_placed_for_whom_the_page_was_made_or_for_nobody(
    person: MakePerson, auction: MakeAuction
) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=1000)
    path, asks = f"/api/auctions/{lot}/bids", {"X-User-Id": str(ann.id)}
    assert code(bob.post(path, json={"amount": 1000}, headers=asks)) == (409, "other_account")
    assert bob.get(f"/api/auctions/{lot}").json["bidCount"] == 0
    assert ann.post(path, json={"amount": 1000}, headers=asks).status_code == 201


def test_a_draft_of_somebody_else_does_not_exist(person: MakePerson, auction: MakeAuction) -> None:
    ann, seller = person("Ann"), person("Seller")
    lot = auction(seller=seller, publish=False)
    assert code(ann.bid(lot, 1000)) == (404, "not_found")
    assert ann.get(f"/api/auctions/{lot}").status_code == 404
    assert ann.get(f"/api/auctions/{lot}/bids").status_code == 404
    assert ann.get(f"/api/auctions/{lot}/events").status_code == 404
    assert seller.get(f"/api/auctions/{lot}").json["status"] == "DRAFT"
    assert code(seller.bid(lot, 1000)) == (403, "seller_cannot_bid")


def test_a_scheduled_auction_takes_no_bids_yet(person: MakePerson, auction: MakeAuction) -> None:
    starts_at = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    lot = auction(startsAt=starts_at)
    assert code(person().bid(lot, 1000)) == (409, "auction_not_running")


@pytest.mark.parametrize(
    "body",
    [
        {"amount": "1000"},
        {"amount": 1000.5},
        {"amount": 1000.0},
        {"amount": True},
        {"amount": None},
        {"amount": -1},
        {"amount": 10**14},
        {},
        {"amount": 1000, "surprise": 1},
    ],
)
def test_an_amount_is_a_whole_number_of_minor_units(
    person: MakePerson, auction: MakeAuction, body: dict[str, Any]
) -> None:
    ann, lot = person(), auction()
    answer = ann.post(f"/api/auctions/{lot}/bids", json=body)
    assert code(answer) == (422, "invalid_request")
    assert answer.json["errors"][0]["field"] in {"amount", "surprise", "body"}
    assert ann.get(f"/api/auctions/{lot}").json["bidCount"] == 0


def test_a_body_that_cannot_be_read_is_told_from_a_wrong_one(
    person: MakePerson, auction: MakeAuction
) -> None:
    ann, path = person(), f"/api/auctions/{auction()}/bids"
    assert code(ann.post(path, data="{", content_type="application/json")) == (400, "malformed_request")
    assert code(ann.post(path, data="[]", content_type="application/json")) == (400, "malformed_request")
    assert code(ann.post(path, data='"{}"', content_type="application/json")) == (400, "malformed_request")
    deep = "[" * 60_000
    assert code(ann.post(path, data=deep, content_type="application/json")) == (400, "malformed_request")
    assert code(ann.post(path, data="amount=1000")) == (415, "unsupported_media_type")
    huge = '{"amount": 1000, "x": "' + "x" * 70_000 + '"}'
    assert code(ann.post(path, data=huge, content_type="application/json")) == (413, "too_large")


def test_bidding_needs_an_account(person: MakePerson, auction: MakeAuction, app: Flask) -> None:
    lot = auction()
    answer = app.test_client().post(f"/api/auctions/{lot}/bids", json={"amount": 1000})
    assert code(answer) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


# --- idempotency ---


def test_the_same_key_gets_the_same_answer(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person(), person(), auction()
    first = ann.bid(lot, 1000, key="k1")
    bob.bid(lot, 2000)
    again = ann.bid(lot, 1000, key="k1")
    assert (again.status_code, again.data) == (201, first.data)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert ann.get(f"/api/auctions/{lot}").json["bidCount"] == 2


def test_a_refusal_is_repeated_too(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person(), auction(startingPrice=1000)
    first = ann.bid(lot, 10, key="k1")
    again = ann.bid(lot, 10, key="k1")
    assert code(first) == code(again) == (409, "bid_too_low")
    assert again.json["minimumNextBid"] == 1000
    assert again.headers["Idempotent-Replayed"] == "true"


def test_another_body_under_the_same_key_is_refused(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person(), auction()
    ann.bid(lot, 1000, key="k1")
    assert code(ann.bid(lot, 2000, key="k1")) == (422, "idempotency_key_reused")


def test_a_key_is_the_bidders_own(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person(), person(), auction()
    assert ann.bid(lot, 1000, key="k1").status_code == 201
    assert bob.bid(lot, 2000, key="k1").status_code == 201


@pytest.mark.parametrize("key", [" ", "a" * 201, "naïve", "two words"])
def test_a_key_is_visible_ascii(person: MakePerson, auction: MakeAuction, key: str) -> None:
    ann, lot = person(), auction()
    assert code(ann.bid(lot, 1000, key=key)) == (400, "malformed_request")


def test_one_key_sent_fifty_times_at_once_is_one_bid(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person(), auction()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: ann.bid(lot, 1000, key="k1"), range(50)))
    assert {answer.status_code for answer in answers} == {201}, "the limit of five a minute counts it once"
    assert len({answer.data for answer in answers}) == 1
    assert ann.get(f"/api/auctions/{lot}").json["bidCount"] == 1


# --- limits ---


def test_bids_are_limited_per_bidder(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person(), person(), auction()
    answers = [ann.bid(lot, 1) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [409] * 5 + [429]
    assert answers[-1].json["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert bob.bid(lot, 1000).status_code == 201


def test_over_the_limit_an_answer_is_still_repeated(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person(), auction()
    first = ann.bid(lot, 1000, key="k1")
    for _ in range(5):
        ann.bid(lot, 1)
    again = ann.bid(lot, 1000, key="k1")
    assert (again.status_code, again.data) == (201, first.data)
    assert ann.bid(lot, 2000, key="k2").status_code == 429
    assert code(ann.bid(lot, 2000, key="k1")) == (422, "idempotency_key_reused")


def test_a_bid_over_the_limit_does_not_wait_for_the_lock(
    person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    ann, lot = person(), auction()
    for _ in range(5):
        ann.bid(lot, 1)
    with app.app_context(), db.engine.connect() as connection:
        open_book(connection, lot)
        assert ann.bid(lot, 1000).status_code == 429


def test_a_bid_that_cannot_be_stored_does_not_spoil_the_others(
    person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    ann, lot = person("Ann"), auction(startingPrice=1000, minIncrement=100)
    runtime: Runtime = app.extensions["marketplace"]
    gone = BidRequest(lot, 999_999, "Nobody", 5000, idempotency_key="k1")

    def place(request: BidRequest) -> Answer | MarketplaceError:
        try:
            return runtime.desk.place(request)
        except MarketplaceError as error:
            return error

    requests = [BidRequest(lot, ann.id, "Ann", 1000, idempotency_key="k2"), gone]
    with app.app_context(), db.engine.connect() as connection, ThreadPoolExecutor(2) as pool:
        # While the lock is held both arrive, and are decided together.
        open_book(connection, lot)
        answers = pool.map(place, requests)
        connection.rollback()
        mine, nobodys = answers
    assert isinstance(mine, Answer)
    assert mine.accepted
    assert isinstance(nobodys, MarketplaceError)
    assert ann.get(f"/api/auctions/{lot}").json["bidderName"] == "Ann"


def test_a_text_that_no_database_takes_does_not_spoil_the_others(
    person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=1000)
    runtime: Runtime = app.extensions["marketplace"]
    group = [
        _Waiting(BidRequest(lot, ann.id, "Ann", 1000), "k1"),
        _Waiting(BidRequest(lot, bob.id, "Bob", 5000), "a\0b"),
    ]
    with app.app_context():
        runtime.desk._decide_all(lot, group)
    assert group[0].future.result(0).accepted
    assert isinstance(group[1].future.exception(0), Unavailable)


# --- late bids ---


def test_nobody_who_reads_waits_for_an_overdue_auction_that_is_locked(
    person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    reader, lot = person(), auction()
    _end_now(app, lot)
    with app.app_context(), db.engine.connect() as connection:
        open_book(connection, lot)
        assert reader.get(f"/api/auctions/{lot}").json["status"] == "RUNNING"
        assert reader.get("/api/auctions").status_code == 200
    assert reader.get(f"/api/auctions/{lot}").json["status"] == "ENDED"


def test_a_late_bid_extends_the_auction(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person(), auction(lasts=30, extensionWindow=60, extension=120)
    before = ann.get(f"/api/auctions/{lot}").json
    answer = ann.bid(lot, 1000)
    after = ann.get(f"/api/auctions/{lot}").json
    assert after["endsAt"] == answer.json["endsAt"] > before["endsAt"]
    assert after["extensionCount"] == 1
    events = ann.get(f"/api/auctions/{lot}/events?after={before['seq']}").json["items"]
    assert [event["event"] for event in events] == ["bid:new", "auction:extend"]
    assert events[0]["data"]["extendedEndTime"] == events[1]["data"]["endsAt"] == after["endsAt"]


def test_a_bid_after_the_end_is_refused_though_no_job_has_run(
    person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction()
    ann.bid(lot, 1000)
    _end_now(app, lot)
    assert code(bob.bid(lot, 2000)) == (409, "auction_ended")
    snapshot = bob.get(f"/api/auctions/{lot}").json
    assert (snapshot["status"], snapshot["outcome"], snapshot["bidderName"]) == ("ENDED", "SOLD", "Ann")


def test_reading_an_overdue_auction_closes_it(person: MakePerson, auction: MakeAuction, app: Flask) -> None:
    lot = auction()
    _end_now(app, lot)
    reader = app.test_client()
    assert reader.get(f"/api/auctions/{lot}").json["outcome"] == "UNSOLD"
    events = reader.get(f"/api/auctions/{lot}/events").json["items"]
    assert [event["event"] for event in events].count("auction:end") == 1


def _end_now(app: Flask, auction_id: int) -> None:
    with app.app_context():
        db.session.execute(
            text(
                "UPDATE auctions SET ends_at = clock_timestamp(), due_at = clock_timestamp(),"
                " starts_at = clock_timestamp() - interval '1 hour' WHERE id = :id"
            ),
            {"id": auction_id},
        )
        db.session.commit()


# --- reading ---


def test_the_log_pages_in_both_directions(person: MakePerson, auction: MakeAuction) -> None:
    people, lot = [person(), person()], auction(startingPrice=100, minIncrement=1)
    placed = [people[n % 2].bid(lot, 100 + n).json for n in range(7)]
    reader = people[0]

    def pages(query: str) -> list[int]:
        found, cursor = [], ""
        while True:
            page = reader.get(f"/api/auctions/{lot}/bids?limit=3{query}{cursor}").json
            found += [bid["amount"] for bid in page["items"]]
            if page["nextCursor"] is None:
                return found
            cursor = f"&cursor={page['nextCursor']}"

    assert pages("") == [106, 105, 104, 103, 102, 101, 100]
    assert pages(f"&since={placed[1]['seq']}") == [102, 103, 104, 105, 106]
    assert pages(f"&before={placed[2]['seq']}") == [101, 100]
    assert pages("&since=2020-01-01T00:00:00Z") == [100, 101, 102, 103, 104, 105, 106]
    assert pages("&since=2199-01-01T00:00:00Z") == []
    one = reader.get(f"/api/bids/{placed[3]['bidId']}").json
    assert (one["amount"], one["seq"]) == (103, placed[3]["seq"])
    assert reader.get("/api/bids/1-999").status_code == 404
    assert reader.get("/api/bids/nonsense").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=2020-01-01",
        "since=0001-01-01T00:00:00%2B23:59",
        "since=9999-12-31T23:59:59-23:59",
        "limit=0",
        "limit=101",
        "before=-1",
        "cursor=x",
    ],
)
def test_a_wrong_query_is_said_so(person: MakePerson, auction: MakeAuction, query: str) -> None:
    answer = person().get(f"/api/auctions/{auction()}/bids?{query}")
    assert code(answer) == (422, "invalid_request")


def test_the_log_proves_the_price(person: MakePerson, auction: MakeAuction, app: Flask) -> None:
    people, lot = [person(), person()], auction(startingPrice=100, minIncrement=1)
    for n in range(5):
        people[n % 2].bid(lot, 100 + n)
    with app.app_context():
        connection = db.session.connection()
        assert verify(connection, lot) == []
        connection.execute(
            text("UPDATE bids SET amount = amount - 1 WHERE auction_id = :id AND seq = 4"), {"id": lot}
        )
        assert verify(connection, lot) == [
            "bid 4 is not what was hashed",
            "bid 4 does not follow from the bids before it",
        ]


def test_events_are_numbered_without_a_gap(person: MakePerson, auction: MakeAuction, app: Flask) -> None:
    people, lot = [person(), person()], auction(startingPrice=100, minIncrement=1)
    for n in range(4):
        people[n % 2].bid(lot, 100 + n)
    with app.app_context():
        service.end(lot)
    events = people[0].get(f"/api/auctions/{lot}/events").json["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["event"] == "auction:end"
    assert events[-1]["data"]["winningBid"] == 103
    missed = people[0].get(f"/api/auctions/{lot}/events?after={events[2]['seq']}").json["items"]
    assert missed == events[3:]
