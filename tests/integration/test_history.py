"""Reading an auction's past: any part of a long log, the prices for a chart, and the page of all bids."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace import prices
from marketplace.api import paging
from marketplace.bidding import service
from marketplace.extensions import db
from tests.histories import write_bids
from tests.pages import MakeBrowser, send
from tests.people import MakeAuction, MakePerson, Person

_CANCELLATION = text(
    """
    WITH event AS (UPDATE auctions SET seq = seq + 1 WHERE id = :lot RETURNING seq)
    INSERT INTO bids (auction_id, seq, kind, bidder_id, amount, placed_at, refers_to_seq, refers_to_part,
        reason, hash)
    SELECT auction_id, (SELECT seq FROM event), 'CANCELLATION', bidder_id,
        amount, clock_timestamp(), seq, part, 'A joke', hash
    FROM bids WHERE auction_id = :lot ORDER BY bids.seq LIMIT 1
    """
)


def past(app: Flask, lot: int, bids: int, *, ann: Person, bob: Person) -> None:
    with app.app_context():
        write_bids(db.session.connection(), lot, bids, ann=ann.id, bob=bob.id)
        db.session.commit()


def at(reader: Person, lot: int, position: int, limit: int = 3) -> tuple[list[int], int]:
    page = reader.get(f"/api/auctions/{lot}/bids?position={position}&limit={limit}&count=true").json
    assert page["nextCursor"] is None
    return [bid["amount"] for bid in page["items"]], page["total"]


def test_any_part_of_a_log_is_read_by_position(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=100, minIncrement=1)
    assert at(ann, lot, 0) == ([], 0)
    for n in range(7):
        (ann, bob)[n % 2].bid(lot, 100 + n)
    assert at(ann, lot, 0) == ([100, 101, 102], 7)
    assert at(ann, lot, 5) == ([105, 106], 7)
    assert at(ann, lot, 7) == ([], 7)
    # What stood there before stands there still when more has come.
    bob.bid(lot, 200)
    assert at(ann, lot, 5) == ([105, 106, 200], 8)
    page = ann.get(f"/api/auctions/{lot}/bids?position=6").json
    assert page["total"] is None
    assert [(bid["bidderName"], bid["mine"]) for bid in page["items"]] == [("Ann", True), ("Bob", False)]


def test_raises_take_no_position_before_the_end(person: MakePerson, auction: MakeAuction, app: Flask) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=100, minIncrement=10)
    ann.post(f"/api/auctions/{lot}/bids", json={"maxAmount": 500})
    ann.post(f"/api/auctions/{lot}/bids", json={"maxAmount": 900})
    bob.bid(lot, 300)
    assert at(ann, lot, 0) == ([100, 300, 310], 3)
    with app.app_context():
        service.end(lot)
    assert at(ann, lot, 0, limit=9) == ([100, 100, 300, 310], 4)


@pytest.mark.parametrize("position", ["-1", "x", "1.5", "1000000001"])
def test_a_wrong_position_is_said_so(person: MakePerson, auction: MakeAuction, position: str) -> None:
    answer = person().get(f"/api/auctions/{auction()}/bids?position={position}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")


# --- prices ---


def told(reader: Person, lot: int) -> list[Any]:
    return [point["price"] for point in reader.get(f"/api/auctions/{lot}/prices").json["points"]]


def test_the_prices_go_as_the_auction_went(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=100, minIncrement=10)
    assert told(ann, lot) == []
    ann.post(f"/api/auctions/{lot}/bids", json={"maxAmount": 400})
    ann.post(f"/api/auctions/{lot}/bids", json={"maxAmount": 900})
    bob.bid(lot, 300)
    assert told(ann, lot) == [100, 300, 310]
    # Taken back: what others would have paid is the price again, and without any bid there is none.
    lost = bob.get(f"/api/auctions/{lot}/bids?limit=2").json["items"][1]["bidId"]
    assert bob.request("DELETE", f"/api/bids/{lost}", json={}).status_code == 200
    assert told(ann, lot) == [100, 300, 310, 100]
    first = ann.get(f"/api/auctions/{lot}/bids?position=0").json["items"][0]["bidId"]
    assert ann.request("DELETE", f"/api/bids/{first}", json={}).status_code == 200
    assert told(ann, lot) == [100, 300, 310, 100, None]


def test_prices_are_not_read_again_while_nothing_happens(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person("Ann"), auction()
    first = ann.get(f"/api/auctions/{lot}/prices")
    again = {"If-None-Match": first.headers["ETag"]}
    assert ann.get(f"/api/auctions/{lot}/prices", headers=again).status_code == 304
    ann.bid(lot, 1000)
    later = ann.get(f"/api/auctions/{lot}/prices", headers=again)
    assert (later.status_code, later.json["seq"]) == (200, first.json["seq"] + 1)


def test_what_was_paid_in_a_dutch_auction(person: MakePerson, auction: MakeAuction) -> None:
    terms = {"format": "DUTCH", "floorPrice": 100, "dropAmount": 10, "dropEvery": 3600, "quantity": 3}
    ann, lot = person("Ann"), auction(minIncrement=None, **terms)
    held = ann.bid(lot, 1000).json["reservationId"]
    person("Bob").bid(lot, 1000)
    ann.request("DELETE", f"/api/reservations/{held}")
    assert told(ann, lot) == [1000, 1000]


def test_a_long_history_is_told_in_few_points(person: MakePerson, auction: MakeAuction, app: Flask) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=100, minIncrement=1)
    past(app, lot, 5_000, ann=ann, bob=bob)
    with app.app_context():
        # A typing error, taken back at once: it must not vanish between two points.
        slip = text("UPDATE bids SET amount = 999999 WHERE auction_id = :lot AND amount = 2600")
        db.session.execute(slip, {"lot": lot})
        db.session.commit()
    points = told(ann, lot)
    assert len(points) <= 2 * prices.SPANS + 2
    assert points[-1] == 5_099
    assert 999_999 in points
    usual = [price for price in points if price != 999_999]
    assert usual == sorted(usual)
    # Each step is that of its span of time, and none is left out.
    steps = [later - earlier for earlier, later in pairwise(usual)]
    assert max(steps) <= 5_000 / prices.SPANS + 1


# --- the page ---


def test_all_bids_are_read_page_by_page_without_script(
    browser: MakeBrowser, person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    ann, bob, lot = person("Ann"), person("Bob"), auction(startingPrice=100, minIncrement=100)
    past(app, lot, 120, ann=ann, bob=bob)
    reader = browser()
    seen = reader.get(f"/auctions/{lot}").text
    assert f'href="/auctions/{lot}/bids"' in seen
    assert "Show all 120 bids" in seen
    amounts: list[str] = []
    path = f"/auctions/{lot}/bids"
    while path:
        page = reader.get(path).text
        amounts += [part.partition("<")[0] for part in page.split("data-amount>")[1:]]
        path = page.partition('rel="next" href="')[2].partition('"')[0]
    assert amounts == [f"${n}.00" for n in range(120, 0, -1)]
    assert reader.get(f"/auctions/{lot}/bids?cursor=nonsense").status_code == 422


def test_the_log_of_a_dutch_auction_says_what_was_taken_and_not_by_whom(
    browser: MakeBrowser, auction: MakeAuction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.web.history.BIDS_A_PAGE", 1)
    terms = {"format": "DUTCH", "floorPrice": 100, "dropAmount": 10, "dropEvery": 3600, "quantity": 3}
    lot = auction(minIncrement=None, **terms)
    ann = browser("Annabel")
    for _ in range(2):
        send(ann, f"/auctions/{lot}/bids", amount="10.00")
    path, taken = f"/auctions/{lot}/bids", 0
    while path:
        seen = browser().get(path).text
        assert "Annabel" not in seen
        taken += seen.count('data-kind="TAKE"')
        older = re.search(r'href="([^"]*cursor=[^"]*)', seen)
        path = older[1] if older else ""
    assert taken == 2


def test_a_bid_taken_back_is_marked_on_whatever_page_it_is(
    browser: MakeBrowser, person: MakePerson, auction: MakeAuction, app: Flask
) -> None:
    ann, bob = person("Ann"), person("Bob")
    lot = auction(startingPrice=100, minIncrement=100)
    past(app, lot, 120, ann=ann, bob=bob)
    with app.app_context():
        db.session.execute(_CANCELLATION, {"lot": lot})
        db.session.commit()
    first = browser().get(f"/auctions/{lot}/bids").text
    # On the first page, of a bid that is on the last.
    assert "Cancelled by the seller, an earlier bid: A joke" in first
    older = first
    while 'rel="next"' in older:
        older = browser().get(older.partition('rel="next" href="')[2].partition('"')[0]).text
    assert "<s>$1.00</s>" in older
    assert "Cancelled by the seller: A joke" in older


def test_whoever_may_take_bids_back_can_on_the_page_of_all(
    browser: MakeBrowser, auction: MakeAuction, person: MakePerson
) -> None:
    lot = auction(startingPrice=100, minIncrement=100)
    ann = browser("Ann")
    send(ann, f"/auctions/{lot}/bids", amount="1")
    assert "Retract bid" in ann.get(f"/auctions/{lot}/bids").text
    assert "Retract bid" not in browser().get(f"/auctions/{lot}/bids").text


def test_on_an_older_page_nobody_is_offered_what_they_cannot_take_back_any_more(
    browser: MakeBrowser, auction: MakeAuction, person: MakePerson, app: Flask
) -> None:
    lot, bob = auction(startingPrice=100, minIncrement=1), person("Bob")
    ann = browser("Ann")
    send(ann, f"/auctions/{lot}/bids", amount="1")
    bob.bid(lot, 200)
    older = f"/auctions/{lot}/bids?cursor={paging.encode(3, 0)}"
    with app.app_context():
        db.session.execute(text("UPDATE bids SET placed_at = placed_at - interval '10 minutes'"))
        db.session.commit()
    assert "Retract bid" in ann.get(older).text, "her latest bid, for an hour"
    send(ann, f"/auctions/{lot}/bids", amount="3")
    send(ann, f"/auctions/{lot}/bids", how="automatic", amount="9")
    assert "Retract bid" not in ann.get(older).text
    newest = ann.get(f"/auctions/{lot}/bids").text
    assert newest.count("Retract bid") == 2, "her latest bid, and the raise of it"
