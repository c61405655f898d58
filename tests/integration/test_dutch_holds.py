"""Holds that are over, many at once: taken back in bounded transactions, and nobody waits for it long."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.bidding import reservations, rows, service
from marketplace.bidding.english import Bid
from marketplace.extensions import db
from marketplace.transactions import transaction
from marketplace.verification import verify
from tests.people import MakeAuction, MakePerson, Person

TULIPS = {
    "format": "DUTCH",
    "minIncrement": None,
    "startingPrice": 1000,
    "floorPrice": 500,
    "dropAmount": 100,
    "dropEvery": 3600,
}
#: How long a bid may wait behind the clock, on a machine that is busy with other things.
PATIENCE_SECONDS = 5.0


@pytest.fixture
def held(app: Flask, auction: MakeAuction) -> Callable[..., int]:
    """An auction of which ``count`` items are held, by one buyer, and the holds are over."""

    def make(buyer: Person, count: int, *, overdue: bool = True, **terms: Any) -> int:
        lot = auction(**TULIPS | {"quantity": count} | terms)
        with app.app_context(), transaction():
            connection = db.session.connection()
            book = rows.open_book(connection, lot)
            for _ in range(count):
                book.place(Bid(buyer.id, 1000), bidder_name=buyer.name)
            rows.save(connection, [book])
            if overdue:
                let_expire(lot)
        return lot

    return make


def let_expire(lot: int) -> None:
    at = {"lot": lot}
    expire = (
        "UPDATE reservations SET expires_at = clock_timestamp() WHERE auction_id = :lot AND status = 'HELD'"
    )
    db.session.execute(text(expire), at)
    db.session.execute(text("UPDATE auctions SET due_at = clock_timestamp() WHERE id = :lot"), at)


def state(lot: int) -> tuple[int, int, bool]:
    """Items held and returned, and whether the clock has to look again."""
    query = text(
        "SELECT held, (SELECT count(*) FROM bids WHERE auction_id = a.id AND kind = 'RETURN') AS returned,"
        " coalesce(due_at <= clock_timestamp(), false) AS due FROM auctions a WHERE id = :lot"
    )
    row = db.session.execute(query, {"lot": lot}).one()
    db.session.rollback()
    return row.held, row.returned, row.due


def test_5000_holds_that_end_together_are_taken_back_bit_by_bit(
    app: Flask,
    person: MakePerson,
    auction: MakeAuction,
    held: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And whoever bids meanwhile, here or elsewhere, is answered."""
    ann, ben = person("Ann"), person("Ben")
    # Only the time counts here.
    monkeypatch.setattr(
        "marketplace.limits.SharedLimit.take_each", lambda _self, bidders: [0.0] * len(bidders)
    )
    lot, other = held(ann, 5000), auction(**TULIPS, quantity=1000)
    ticks: list[float] = []

    def clock() -> None:
        with app.app_context():
            while state(lot)[2]:
                began = time.monotonic()
                service.tick()
                ticks.append(time.monotonic() - began)
                time.sleep(0.1)  # as the clock does

    waits: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(clock)
        while not working.done():
            for wanted in (lot, other):
                began = time.monotonic()
                assert ben.bid(wanted, 1000).status_code == 201
                waits.append(time.monotonic() - began)
        working.result()
    with app.app_context():
        assert state(lot)[1:] == (5000, False)
        assert service.tick() == 0
        # What happens in one transaction has one time.
        by_transaction = text("SELECT count(*) FROM bids WHERE kind = 'RETURN' GROUP BY placed_at")
        assert max(db.session.scalars(by_transaction)) == rows.MAX_RETURNED
    print(f"{len(ticks)} ticks, {max(ticks):.2f} s at most; {len(waits)} bids, {max(waits):.2f} s at most")
    assert max(waits) < PATIENCE_SECONDS
    assert max(ticks) < PATIENCE_SECONDS


def test_all_auctions_of_a_tick_together_take_back_so_many_items(
    app: Flask, person: MakePerson, auction: MakeAuction, held: Callable[..., int]
) -> None:
    """Otherwise a hundred auctions with many holds would be one transaction that never ends in time.

    What else is due is done in the first round: no closing waits for another auction's holds.
    """
    ann = person("Ann")
    lots = [held(ann, 300) for _ in range(3)]
    english = auction(lasts=1.2)
    with app.app_context():
        time.sleep(1.3)
        service.tick()
        assert [state(lot) for lot in lots] == [(0, 300, False), (100, 200, True), (300, 0, True)]
        status = text("SELECT status FROM auctions WHERE id = :id")
        assert db.session.execute(status, {"id": english}).scalar_one() == "ENDED"
        db.session.rollback()
        service.tick()
        assert [state(lot) for lot in lots] == [(0, 300, False)] * 3
        assert service.tick() == 0


def test_what_is_due_too_early_is_put_right_once(
    app: Flask, person: MakePerson, held: Callable[..., int]
) -> None:
    """A checkout leaves the hold's end in ``due_at``; the clock looks then, finds nothing, and rests."""
    ann = person("Ann")
    lot = held(ann, 2, overdue=False)
    with app.app_context():
        first, second = db.session.scalars(text("SELECT seq FROM reservations ORDER BY seq")).all()
        with transaction():
            reservations.confirm(reservations.open_reservation(lot, first, by=ann.id))
        with transaction():
            reservations.confirm(reservations.open_reservation(lot, second, by=ann.id))
        assert db.session.scalar(text("SELECT due_at IS NOT NULL FROM auctions WHERE id = :id"), {"id": lot})
        with transaction():
            db.session.execute(text("UPDATE auctions SET due_at = clock_timestamp()"))
        assert [service.tick() for _ in range(3)] == [1, 0, 0]
        row = db.session.execute(text("SELECT status, due_at, held, sold FROM auctions")).one()
        assert tuple(row) == ("ENDED", None, 0, 2)


def test_whoever_checks_out_leaves_overdue_holds_of_others_to_the_clock(
    app: Flask, person: MakePerson, held: Callable[..., int]
) -> None:
    ann = person("Ann")
    lot = held(ann, 2, overdue=False)
    with app.app_context():
        first, second = db.session.scalars(text("SELECT seq FROM reservations ORDER BY seq")).all()
        with transaction():
            db.session.execute(
                text("UPDATE reservations SET expires_at = clock_timestamp() WHERE seq = :seq"),
                {"seq": first},
            )
        with transaction():
            reservations.confirm(reservations.open_reservation(lot, second, by=ann.id))
        assert state(lot) == (1, 0, True)
        service.tick()
        assert state(lot) == (0, 1, False)


def test_what_a_buyer_has_lost_does_not_count_against_their_limit(
    app: Flask, person: MakePerson, held: Callable[..., int]
) -> None:
    """Also when nobody has taken it back yet: the same bid finds it overdue."""
    ann = person("Ann")
    lot = held(ann, 2, perBuyer=2, quantity=4)
    answer = ann.bid(lot, 1000)
    assert (answer.status_code, answer.json["remainingItems"]) == (201, 3)
    assert ann.bid(lot, 1000).status_code == 201
    refused = ann.bid(lot, 1000)
    assert (refused.status_code, refused.json["code"], refused.json["limit"]) == (
        409,
        "buyer_limit_reached",
        2,
    )


def test_a_poll_of_a_reader_takes_overdue_items_back(
    app: Flask, person: MakePerson, held: Callable[..., int]
) -> None:
    """Without any clock: whoever reads finds the item free again."""
    ann, ben = person("Ann"), person("Ben")
    lot = held(ann, 1)
    with app.app_context():
        assert state(lot) == (1, 0, True)
    assert ben.get(f"/api/auctions/{lot}").json["status"] == "RUNNING"
    with app.app_context():
        assert state(lot) == (0, 1, False)


def test_what_comes_back_after_the_end_is_no_fault_of_the_log(
    app: Flask, person: MakePerson, held: Callable[..., int]
) -> None:
    """It was sold out before its time, and something is left of it all the same."""
    ann = person("Ann")
    lot = held(ann, 2, lasts=1.2, overdue=False)
    with app.app_context():
        time.sleep(1.3)
        with transaction():
            let_expire(lot)
        service.tick()
        assert state(lot) == (0, 2, False)
        assert verify(db.session.connection(), lot) == []
