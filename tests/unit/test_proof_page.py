"""docs/proof.md says what is hashed: its worked example must be right, to the last character."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marketplace.bidding.chain import Entry, Secret

ROOT = Path(__file__).parents[2]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE = (ROOT / "docs" / "proof.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert found, f"the page has no block of {language}"
    return found[1]


def number(text: str) -> int | None:
    return int(text) if text else None


@pytest.fixture
def exported() -> dict[str, Any]:
    """The example as ``flask auction export`` would write it, put together from the page alone."""
    secrets = {place: (nonce, asked) for place, nonce, asked in map(str.split, block("secrets").splitlines())}
    log = []
    for row in block("log").splitlines():
        digest, line = row.split(" ", 1)
        _, seq, part, kind, bidder, amount, placed_at, _, refers_to, reason = line.split("|")
        nonce, asked = secrets.get(f"{seq}.{part}", (None, "/"))
        exact, maximum = asked.split("/")
        log.append(
            {
                "seq": int(seq),
                "part": int(part),
                "kind": kind,
                "bidderId": int(bidder),
                "amount": int(amount),
                "placedAt": int(placed_at),
                "askedAmount": number(exact),
                "askedMaximum": number(maximum),
                "nonce": nonce,
                "refersTo": [int(each) for each in refers_to.split(".")] if refers_to else None,
                "reason": "asked for by the bidder" if reason else None,
                "hash": digest,
            }
        )
    return {
        "version": 1,
        "auctionId": 42,
        "currency": "USD",
        "sellerId": 1,
        "startingPrice": 5000,
        "increments": [[0, 500]],
        "reservePrice": None,
        "buyNowPrice": None,
        "buyNowShare": 0,
        "status": "ENDED",
        "outcome": "SOLD",
        "price": 5000,
        "winnerId": 7,
        "logHash": log[-1]["hash"],
        "log": log,
    }


def test_the_verifier_agrees_with_the_example(exported: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "auction-42.json"
    file.write_text(json.dumps(exported))
    command = [sys.executable, "-I", str(ROOT / "script" / "verify-log"), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "price 5000 and outcome SOLD follow" in done.stdout


def test_the_marketplace_hashes_as_the_page_says(exported: dict[str, Any]) -> None:
    previous = None
    for row, given in zip(block("log").splitlines(), exported["log"], strict=True):
        secret = None
        if given["nonce"]:
            secret = Secret(bytes.fromhex(given["nonce"]), given["askedAmount"], given["askedMaximum"])
        entry = Entry(
            42,
            given["seq"],
            given["part"],
            given["kind"],
            given["bidderId"],
            given["amount"],
            EPOCH + timedelta(microseconds=given["placedAt"]),
            secret,
            tuple(given["refersTo"]) if given["refersTo"] else None,
            given["reason"],
        )
        previous = entry.hash(previous)
        assert row == f"{previous.hex()} {entry.line}"


def test_the_commitment_is_the_one_that_is_spelled_out() -> None:
    commitment = hashlib.sha256(bytes.fromhex("aa" * 16) + b"/6500").hexdigest()
    assert f"`{commitment}`" in PAGE
    assert commitment in block("log")


def run_program(log: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "log.txt").write_text(log)
    command = [sys.executable, "-I", "-c", block("python")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_program_on_the_page_finds_the_last_hash(tmp_path: Path) -> None:
    done = run_program(block("log"), tmp_path)
    assert done.stdout.split()[-1] == block("log").splitlines()[-1].split()[0]


def test_the_program_on_the_page_finds_a_changed_entry(tmp_path: Path) -> None:
    done = run_program(block("log").replace("|5500|", "|5400|", 1), tmp_path)
    assert "AssertionError: 42|3|0|BID|8|5400|" in done.stderr
