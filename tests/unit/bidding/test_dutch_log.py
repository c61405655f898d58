"""The log of a Dutch auction is gone through item by item: every fault that is planted in it is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplace.bidding.chain import Entry, Secret, microseconds
from marketplace.bidding.dutch import Standing, Terms
from marketplace.verification import Stock
from tests.unit.bidding.test_verify_log import verifier

BEGINNING = datetime(2026, 11, 20, 12, tzinfo=UTC)
SELLER, ANN, BEN = 1, 2, 3
TERMS = Terms(
    seller_id=SELLER,
    starting_price=1000,
    floor=700,
    drop_amount=100,
    drop_every=timedelta(minutes=1),
    quantity=2,
    hold=timedelta(minutes=10),
    per_buyer=1,
)
STANDING = Standing(TERMS, "ENDED", BEGINNING, BEGINNING + timedelta(hours=1))


def take(seq: int, buyer: int, price: int, minute: float, asked: int = 1000) -> Entry:
    at = BEGINNING + timedelta(minutes=minute)
    return Entry(7, seq, 0, "TAKE", buyer, price, at, Secret(b"n" * 16, asked, None))


def back(seq: int, buyer: int, price: int, of: int, reason: str = "expired") -> Entry:
    at = BEGINNING + timedelta(minutes=30)
    return Entry(7, seq, 0, "RETURN", buyer, price, at, refers_to=(of, 0), reason=reason)


#: Ann takes one, which comes back; Ben takes one at once, and Ann one for the floor price.
LOG = [
    take(2, ANN, 1000, 0.5),
    take(3, BEN, 900, 1),
    back(4, ANN, 1000, of=2),
    take(6, ANN, 700, 40),
]


def changed(n: int, **what: Any) -> list[Entry]:
    log = list(LOG)
    log[n] = replace(log[n], **what)
    return log


def problems(log: list[Entry]) -> list[str]:
    return list(Stock(STANDING).problems(log))


def said_by_the_verifier_that_stands_alone(log: list[Entry]) -> list[str]:
    exported = {
        "startingPrice": TERMS.starting_price,
        "floorPrice": TERMS.floor,
        "dropAmount": TERMS.drop_amount,
        "dropEvery": 60,
        "quantity": TERMS.quantity,
        "perBuyer": TERMS.per_buyer,
        "startsAt": microseconds(STANDING.starts_at),
        "endsAt": microseconds(STANDING.ends_at),
        "sellerId": SELLER,
        "status": "ENDED",
        "outcome": "SOLD",
        "itemsOut": 2,
        "log": [
            {
                "seq": entry.seq,
                "part": entry.part,
                "kind": entry.kind,
                "bidderId": entry.bidder_id,
                "amount": entry.amount,
                "placedAt": entry.microseconds,
                "askedAmount": entry.secret and entry.secret.amount,
                "refersTo": entry.refers_to and list(entry.refers_to),
            }
            for entry in log
        ],
    }
    return list(verifier().stock_problems(exported))


def test_a_log_that_the_rules_made_is_whole() -> None:
    stock = Stock(STANDING)
    assert list(stock.problems(LOG)) == []
    assert (len(stock.taken), stock.returned, stock.out) == (3, {2: "expired"}, 2)
    assert said_by_the_verifier_that_stands_alone(LOG) == []


FAULTS: list[tuple[str, list[Entry], str]] = [
    ("a price of another moment", changed(0, amount=900), "bid 2 is at 900, the price then was 1000"),
    ("a price under the floor", changed(3, amount=600), "bid 6 is under the floor"),
    ("more than was asked", changed(1, secret=Secret(b"n" * 16, 899, None)), "above what was asked for"),
    ("nothing was asked", changed(1, secret=None), "bid 3 is above what was asked for"),
    ("before the start", changed(0, placed_at=BEGINNING - timedelta(seconds=1)), "when nothing was sold"),
    ("after the end", changed(3, placed_at=STANDING.ends_at), "bid 6 came when nothing was sold"),
    ("by the seller", changed(1, bidder_id=SELLER), "bid 3 is by the seller"),
    ("one too many", [*LOG, take(7, 9, 700, 41)], "bid 7 takes an item that is not there"),
    ("one too many for a buyer", changed(3, bidder_id=BEN), "bid 6 takes more than one buyer may have"),
    ("of nothing", changed(2, refers_to=None), "bid 4 returns what was not taken"),
    ("of what was never there", changed(2, refers_to=(99, 0)), "bid 4 returns what was not taken"),
    ("of somebody else", changed(2, bidder_id=BEN), "bid 4 returns what was not taken"),
    ("at another price", changed(2, amount=900), "bid 4 returns what was not taken"),
    ("twice", [*LOG, back(7, ANN, 1000, of=2)], "bid 7 returns what came back before"),
    ("of another format", changed(1, kind="BID"), "bid 3 is a BID, which no Dutch auction has"),
]


@pytest.mark.parametrize(("log", "said"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_found(log: list[Entry], said: str) -> None:
    assert any(said in problem for problem in problems(log)), problems(log)
    assert said_by_the_verifier_that_stands_alone(log), "and by the other one"


@pytest.mark.parametrize("reason", [None, "whatever"])
def test_a_return_says_why(reason: str | None) -> None:
    assert problems(changed(2, reason=reason)) == ["bid 4 does not say why"]


@pytest.mark.parametrize("wrong", [{"itemsOut": 1}, {"outcome": "SOLD"}], ids=str)
def test_the_verifier_that_stands_alone_finds_a_wrong_end(wrong: dict[str, Any]) -> None:
    nobody_bought = {"log": [], "itemsOut": 0, "status": "ENDED", "outcome": "UNSOLD"}
    assert list(verifier().stock_problems(nobody_bought)) == []
    assert len(list(verifier().stock_problems(nobody_bought | wrong))) == 1
