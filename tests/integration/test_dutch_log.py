"""What is stored of a Dutch auction follows from its log, and an auditor can see that."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.bidding import reservations, service
from marketplace.export import export
from marketplace.extensions import db
from marketplace.transactions import transaction
from marketplace.verification import verify
from tests.people import MakeAuction, MakePerson

VERIFIER = Path(__file__).parents[2] / "script" / "verify-log"


@pytest.fixture
def lot(person: MakePerson, auction: MakeAuction, app: Flask) -> int:
    """Two items: taken, both; one checked out, one given back, so that it opens again; that one taken once
    more, and expired."""
    ann, ben = person("Ann"), person("Ben")
    terms = {"startingPrice": 1000, "floorPrice": 700, "dropAmount": 100, "dropEvery": 60, "quantity": 2}
    lot = auction(format="DUTCH", minIncrement=None, **terms)
    bought, given_back = ann.bid(lot, 1000).json, ben.bid(lot, 1000).json
    with app.app_context(), transaction():
        reservations.confirm(reservations.open_reservation(lot, bought["seq"]))
    path = f"/api/reservations/{given_back['reservationId']}"
    assert ben.request("DELETE", path).json["status"] == "RELEASED"
    assert ben.bid(lot, 1000).status_code == 201
    with app.app_context(), transaction():
        expire = "UPDATE reservations SET expires_at = clock_timestamp() WHERE status = 'HELD'"
        db.session.execute(text(expire))
        db.session.execute(text("UPDATE auctions SET due_at = clock_timestamp()"))
    assert ann.get(f"/api/auctions/{lot}").json["status"] == "RUNNING"
    return lot


def test_all_that_happened_is_proved(lot: int, app: Flask) -> None:
    with app.app_context():
        assert verify(db.session.connection(), lot) == []
        service.end(lot)
        assert verify(db.session.connection(), lot) == []
    result = app.test_cli_runner().invoke(args=["auction", "verify", str(lot)])
    assert (result.exit_code, result.output) == (
        0,
        f"auction {lot}: the log is whole, and all that is stored follows from it\n",
    )


#: What is changed, and what is said then. The numbers: 1 it opens; 2 and 3 taken; 4 the end; 5 returned;
#: 6 open again; 7 taken; 8 the end; 9 returned; 10 open again.
FAULTS = (
    (
        "UPDATE bids SET amount = 900 WHERE seq = 2",
        "bid 2 is not what was hashed",
    ),
    (
        "UPDATE bids SET asked_amount = 900 WHERE seq = 2",
        "bid 2 is above what was asked for",
    ),
    (
        "DELETE FROM bids WHERE seq = 9",
        "the log does not end where the auction says it does",
    ),
    (
        "UPDATE auctions SET floor_price = 1000, starting_price = 1100",
        "bid 2 is at 1000, the price then was 1100",
    ),
    (
        "UPDATE auctions SET quantity = 1",
        "bid 3 takes an item that is not there",
    ),
    (
        "UPDATE auctions SET per_buyer = 1, seller_id = (SELECT bidder_id FROM bids WHERE seq = 2)",
        "bid 2 is by the seller",
    ),
    (
        "UPDATE auctions SET bid_count = 2",
        "2 bids are counted, the log has 3",
    ),
    (
        "UPDATE auctions SET sold = 2",
        "0 items are held and 2 sold, by the log 1 together",
    ),
    (
        "UPDATE auctions SET sold = 0, held = 1",
        "1 items are held and 0 sold, by the reservations 0 and 1",
    ),
    (
        "UPDATE auctions SET status = 'ENDED', outcome = 'UNSOLD', closed_at = now()",
        "the outcome is UNSOLD, and should be SOLD",
    ),
    (
        "UPDATE auctions SET status = 'ENDED', outcome = 'SOLD', closed_at = now()",
        "the auction has ended before its time, and something is left",
    ),
    (
        "UPDATE auctions SET quantity = 1",
        "the auction is RUNNING, and nothing is left",
    ),
    (
        "UPDATE reservations SET price = 900 WHERE seq = 2",
        "reservation 2 is not what was taken",
    ),
    (
        "UPDATE reservations SET buyer_id = buyer_id + 1 WHERE seq = 3",
        "reservation 3 is not what was taken",
    ),
    (
        "UPDATE reservations SET seq = 99 WHERE seq = 3",
        "there is no reservation 3",
    ),
    (
        "UPDATE reservations SET status = 'CONFIRMED' WHERE seq = 7",
        "reservation 7 is CONFIRMED, and its item came back",
    ),
    (
        "UPDATE reservations SET status = 'RELEASED' WHERE seq = 7",
        "reservation 7 is RELEASED, and its item came back",
    ),
    (
        "UPDATE reservations SET status = 'EXPIRED' WHERE seq = 2",
        "reservation 2 is EXPIRED, and its item never came back",
    ),
    (
        "UPDATE events SET name = 'auction:status' WHERE seq = 4",
        "there are 1 ends of an auction that is RUNNING",
    ),
    (
        "UPDATE events SET name = 'auction:end' WHERE seq = 10",
        "there are 3 ends of an auction that is RUNNING",
    ),
    (
        "DELETE FROM events WHERE seq = 5",
        "9 events are stored, the last is 10, 10 are counted",
    ),
)


def test_every_fault_is_found(lot: int, app: Flask) -> None:
    with app.app_context():
        for fault, said in FAULTS:
            db.session.execute(text(fault))
            assert said in verify(db.session.connection(), lot), fault
            db.session.rollback()
        assert verify(db.session.connection(), lot) == []


def check(log: dict[str, Any], folder: Path) -> tuple[int, str]:
    file = folder / "log.json"
    file.write_text(json.dumps(log))
    command = [sys.executable, "-I", str(VERIFIER), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_an_auditor_needs_only_the_exported_log(lot: int, app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        with pytest.raises(Exception, match="not over"):
            export(db.session.connection(), lot)
        service.end(lot)
        log = json.loads(json.dumps(export(db.session.connection(), lot)))
    assert [entry["kind"] for entry in log["log"]] == ["TAKE", "TAKE", "RETURN", "TAKE", "RETURN"]
    code, said = check(log, tmp_path)
    assert code == 0, said
    assert (
        said
        == f"auction {lot}: 5 entries, the chain is whole, prices, stock and outcome SOLD follow from them\n"
    )
    for changed, complaint in (
        ({"dropEvery": 1, "startsAt": log["startsAt"] - 10**6}, "the price was"),
        ({"quantity": 1}, "no item was left"),
        ({"perBuyer": 0}, "more than one buyer may have"),
        ({"itemsOut": 2}, "1 items should be out and not 2"),
        ({"outcome": "UNSOLD"}, "the outcome should be SOLD"),
        ({"endsAt": log["startsAt"]}, "nothing was sold at that time"),
        ({"logHash": "00" * 32}, "does not end with the hash"),
    ):
        code, said = check(log | changed, tmp_path)
        assert code == 1
        assert complaint in said


def test_an_auction_called_off_before_its_start_can_be_exported(
    person: MakePerson, auction: MakeAuction, app: Flask, tmp_path: Path
) -> None:
    seller = person()
    terms = {"startingPrice": 1000, "floorPrice": 700, "dropAmount": 100, "dropEvery": 60}
    start = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    lot = auction(seller=seller, format="DUTCH", minIncrement=None, startsAt=start, **terms)
    assert seller.post(f"/api/auctions/{lot}/cancel").json["status"] == "CANCELLED"
    with app.app_context():
        assert verify(db.session.connection(), lot) == []
        assert check(export(db.session.connection(), lot), tmp_path)[0] == 0
