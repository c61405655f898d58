"""Sales with several lots: cascade, individually, together."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.extensions import db
from marketplace.verification import verify
from tests.people import MakePerson, Person

LOT = {"title": "A lot", "currency": "EUR", "startingPrice": 1000, "minIncrement": 100}


@pytest.fixture
def sale(person: MakePerson) -> Callable[..., tuple[Person, list[int]]]:
    """Make a published sale, whose first lot is due in ``due`` minutes."""

    def make(
        closing: str, *, lots: int, due: float, every: float = 0, **lot: Any
    ) -> tuple[Person, list[int]]:
        seller = person("Seller")
        ends_at = datetime.now(UTC) + timedelta(minutes=due)
        body = {
            "title": "Estate",
            "closing": closing,
            "interval": int(every * 60),
            "endsAt": ends_at.isoformat(),
        }
        created = seller.post("/api/sales", json=body)
        assert created.status_code == 201, created.json
        path = f"/api/sales/{created.json['id']}"
        for _ in range(lots):
            added = seller.post(f"{path}/lots", json=LOT | lot)
            assert added.status_code == 201, added.json
        published = seller.post(f"{path}/publish")
        assert published.status_code == 200, published.json
        return seller, [lot["id"] for lot in published.json["lots"]]

    return make


def ends(reader: Person, lots: list[int]) -> list[datetime]:
    return [datetime.fromisoformat(reader.get(f"/api/auctions/{lot}").json["endsAt"]) for lot in lots]


def moved(reader: Person, lots: list[int], before: list[datetime]) -> list[float]:
    """By how many minutes each lot has moved."""
    after = ends(reader, lots)
    return [round((b - a).total_seconds() / 60, 2) for a, b in zip(before, after, strict=True)]


def test_in_a_cascade_an_extension_moves_the_later_lots(sale: Any, person: MakePerson) -> None:
    # Lot 2 is due at 4:02, extension 5: a bid at 4:01 moves it to 4:07, and the later lots as far.
    late = {"antiSnipe": "FIXED", "extensionWindow": 60, "extension": 300}
    _, lots = sale("CASCADE", lots=4, due=0.5, every=0.25, **late)
    ann = person("Ann")
    before = ends(ann, lots)
    assert ann.bid(lots[1], 1000).status_code == 201
    assert moved(ann, lots, before) == [0, 5, 5, 5]
    told = ann.get(f"/api/auctions/{lots[3]}/events").json["items"][-1]
    assert told["event"] == "auction:extend"


def test_individually_only_that_lot_moves(sale: Any, person: MakePerson) -> None:
    late = {"antiSnipe": "FIXED", "extensionWindow": 60, "extension": 300}
    _, lots = sale("INDIVIDUAL", lots=3, due=0.5, every=0.25, **late)
    ann = person("Ann")
    before = ends(ann, lots)
    ann.bid(lots[1], 1000)
    assert moved(ann, lots, before) == [0, 5, 0]


def test_together_all_lots_move(sale: Any, person: MakePerson) -> None:
    # All lots, extension 2: due at 4:00, a bid at 3:59 moves them to 4:02.
    late = {"antiSnipe": "FIXED", "extensionWindow": 60, "extension": 120}
    _, lots = sale("TOGETHER", lots=3, due=0.9, **late)
    ann = person("Ann")
    before = ends(ann, lots)
    assert len(set(before)) == 1
    ann.bid(lots[2], 1000)
    assert moved(ann, lots, before) == [2, 2, 2]


def test_a_cascade_is_planned_from_the_interval(sale: Any, person: MakePerson) -> None:
    _, lots = sale("CASCADE", lots=3, due=240, every=2)
    first, second, third = ends(person(), lots)
    assert (second - first, third - second) == (timedelta(minutes=2), timedelta(minutes=2))


def test_bids_on_all_lots_at_once_never_wait_for_each_other(
    sale: Any, person: MakePerson, app: Flask
) -> None:
    late = {"antiSnipe": "RESET", "extensionWindow": 3600, "extension": 7200}
    _, lots = sale("TOGETHER", lots=6, due=30, **late)
    bidders = [person() for _ in range(6)]

    def bid(n: int) -> int:
        return bidders[n % 6].bid(lots[(n * 5) % 6], 1000 + 100 * (n // 6)).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(bid, range(24)))
    assert set(statuses) <= {201, 409}
    assert statuses.count(201) >= 6
    assert len(set(ends(bidders[0], lots))) == 1
    with app.app_context():
        for lot in lots:
            assert verify(db.session.connection(), lot) == []
        deadlocks = db.session.execute(
            text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        ).scalar_one()
    assert deadlocks == 0


def test_a_sale_is_the_sellers_alone_and_closed_once_published(sale: Any, person: MakePerson) -> None:
    seller, lots = sale("CASCADE", lots=1, due=60, every=1)
    sale_id = seller.get(f"/api/auctions/{lots[0]}").json["saleId"]
    stranger = person()
    assert stranger.post(f"/api/sales/{sale_id}/lots", json=LOT).status_code == 404
    assert stranger.post(f"/api/sales/{sale_id}/publish").status_code == 404
    assert seller.post(f"/api/sales/{sale_id}/lots", json=LOT).json["code"] == "already_published"
    assert seller.post(f"/api/sales/{sale_id}/publish").json["code"] == "already_published"
    assert [lot["lotNumber"] for lot in stranger.get(f"/api/sales/{sale_id}").json["lots"]] == [1]
    refused = seller.post(f"/api/sales/{sale_id}/lots", json=LOT | {"endsAt": "2030-01-01T00:00:00Z"})
    assert refused.status_code == 422


def test_drafts_of_a_sale_are_hidden_from_others(person: MakePerson) -> None:
    seller, stranger = person(), person()
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"title": "Estate", "closing": "CASCADE", "interval": 60, "endsAt": ends_at}
    sale_id = seller.post("/api/sales", json=body).json["id"]
    assert seller.post(f"/api/sales/{sale_id}/publish").json["code"] == "invalid_request"
    seller.post(f"/api/sales/{sale_id}/lots", json=LOT)
    assert len(seller.get(f"/api/sales/{sale_id}").json["lots"]) == 1
    assert stranger.get(f"/api/sales/{sale_id}").status_code == 404


def test_a_lot_is_published_and_timed_by_its_sale_alone(person: MakePerson) -> None:
    seller, stranger = person(), person()
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"title": "Estate", "closing": "CASCADE", "interval": 60, "endsAt": ends_at}
    sale_id = seller.post("/api/sales", json=body).json["id"]
    lot = seller.post(f"/api/sales/{sale_id}/lots", json=LOT).json["id"]
    assert stranger.get(f"/api/sales/{sale_id}").status_code == 404, "nobody sees it before it is published"
    assert seller.post(f"/api/auctions/{lot}/publish").json["code"] == "lot_of_a_sale"
    moved = seller.request("PATCH", f"/api/auctions/{lot}", json={"endsAt": ends_at})
    assert moved.json["code"] == "lot_of_a_sale"
    renamed = seller.request("PATCH", f"/api/auctions/{lot}", json={"title": "A clock", "format": "ENGLISH"})
    assert (renamed.status_code, renamed.json["title"]) == (200, "A clock")
    assert seller.post(f"/api/sales/{sale_id}/publish").status_code == 200
    assert stranger.get(f"/api/sales/{sale_id}").status_code == 200


def test_a_lot_that_is_discarded_leaves_the_sale_which_goes_on(person: MakePerson) -> None:
    seller = person()
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"title": "Estate", "closing": "CASCADE", "interval": 60, "endsAt": ends_at}
    path = f"/api/sales/{seller.post('/api/sales', json=body).json['id']}"
    first, second, third = (seller.post(f"{path}/lots", json=LOT).json["id"] for _ in range(3))
    before = ends(seller, [first, second])
    assert seller.post(f"/api/auctions/{second}/cancel").json["code"] == "not_published"
    assert seller.request("DELETE", f"/api/auctions/{second}").status_code == 204
    lots = seller.get(path).json["lots"]
    assert [(lot["id"], lot["lotNumber"]) for lot in lots] == [(first, 1), (third, 2)]
    assert ends(seller, [first, third]) == before
    assert seller.post(f"{path}/publish").status_code == 200
