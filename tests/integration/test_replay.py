"""Recorded auctions, exported logs, and the verifier that stands alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from marketplace import replay
from marketplace.export import export
from marketplace.extensions import db
from marketplace.verification import verify
from tests.people import MakeAuction, MakePerson

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT.parent / "shared" / "data" / "ebay-auctions.json"

#: The worked example of the data's description: ends at 177.50.
EXAMPLE = {
    "id": "1638893549",
    "item": "Cartier wristwatch",
    "openingPrice": "99",
    "finalPrice": "177.5",
    "winner": "254dfe8b0c",
    "reproducible": True,
    "bids": [
        {"day": "2.2", "maxAmount": "175", "bidder": "20e9d191ea"},
        {"day": "2.3", "maxAmount": "100", "bidder": "3777b082a0"},
        {"day": "2.4", "maxAmount": "120", "bidder": "ffe03bb9a0"},
        {"day": "2.5", "maxAmount": "150", "bidder": "ffe03bb9a0"},
        {"day": "2.9", "maxAmount": None, "bidder": "254dfe8b0c"},
    ],
}


def run(app: Flask, file: Path) -> list[replay.Replayed]:
    with app.app_context():
        return replay.replay(app, replay.read(file))


def test_a_recording_ends_as_it_did(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps([EXAMPLE, EXAMPLE | {"finalPrice": "200", "reproducible": False}]))
    same, other = run(app, file)
    assert same.difference == ""
    assert other.difference == "it ends at 177.50 and not at 200.00"


def test_the_command_ends_with_the_count(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps([EXAMPLE]))
    result = app.test_cli_runner().invoke(args=["auction", "replay", str(file)])
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "1 of 1 reproduced")
    file.write_text('[{"id": 1}]')
    refused = app.test_cli_runner().invoke(args=["auction", "replay", str(file)])
    assert refused.exit_code == 1
    assert "does not hold recorded auctions" in refused.output


def test_every_reproducible_recording_is_reproduced(app: Flask) -> None:
    if not RECORDINGS.exists():
        pytest.skip("left out: the recorded auctions are not part of this clone")
    results = run(app, RECORDINGS)
    wanted = [result for result in results if result.recording.reproducible]
    assert [result for result in wanted if result.difference] == []
    assert len(wanted) == 229
    with app.app_context():
        for auction_id in range(1, len(results) + 1, 20):
            assert verify(db.session.connection(), auction_id) == []


# --- the exported log ---


@pytest.fixture
def exported(app: Flask, person: MakePerson, auction: MakeAuction) -> dict[str, Any]:
    """An auction with a retraction, an automatic answer and a raise, exported."""
    ann, bob, admin = person("Ann"), person("Bob"), person("Admin", admin=True)
    lot = auction(startingPrice=1000, minIncrement=100, reservePrice=1500)
    path = f"/api/auctions/{lot}/bids"
    ann.post(path, json={"maxAmount": 5000})
    slip = bob.post(path, json={"maxAmount": 9900}).json["bidId"]
    assert bob.request("DELETE", f"/api/bids/{slip}", json={}).status_code == 200
    bob.post(path, json={"amount": 2000})
    ann.post(path, json={"maxAmount": 6000})
    with app.app_context(), pytest.raises(Exception, match="not over"):
        export(db.session.connection(), lot)
    admin.post(f"/api/auctions/{lot}/end")
    with app.app_context():
        assert verify(db.session.connection(), lot) == []
        return export(db.session.connection(), lot)


def check(log: dict[str, Any], tmp_path: Path) -> tuple[int, str]:
    file = tmp_path / "log.json"
    file.write_text(json.dumps(log))
    # -I: nothing of this project, and nothing of this environment.
    verifier = [sys.executable, "-I", str(ROOT / "script" / "verify-log"), str(file)]
    done = subprocess.run(verifier, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_verifier_needs_only_the_exported_log(exported: dict[str, Any], tmp_path: Path) -> None:
    assert [entry["kind"] for entry in exported["log"]] == [
        "BID",
        "BID",
        "RETRACTION",
        "BID",
        "AUTO",
        "RAISE",
    ]
    code, said = check(exported, tmp_path)
    assert code == 0, said
    assert "price 2100 and outcome SOLD follow" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda log: log["log"][3].update(amount=2100), "its hash should be"),
        (lambda log: log["log"][0].update(askedMaximum=4000), "its hash should be"),
        (lambda log: log["log"].pop(1), "its hash should be"),
        (lambda log: log["log"].pop(), "does not end with the hash"),
        (lambda log: log.update(price=2200), "the price should be 2100"),
        (lambda log: log.update(winnerId=99), "the winner should be"),
        (lambda log: log.update(reservePrice=9000), "the outcome should be"),
    ],
)
def test_the_verifier_finds_what_was_changed(
    exported: dict[str, Any], tmp_path: Path, change: Any, said: str
) -> None:
    change(exported)
    code, output = check(exported, tmp_path)
    assert code == 1
    assert said in output
