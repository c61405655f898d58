"""Placing bids through the API."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from marketplace.extensions import db
from marketplace.verification import verify
from tests.people import MakeAuction, MakePerson, Person


def test_a_bid_takes_the_lead(person: MakePerson, auction: MakeAuction) -> None:
    ann, lot = person("Ann"), auction(startingPrice=1000, minIncrement=100)
    answer = ann.bid(lot, 1000)
    assert answer.status_code == 201
    assert answer.json["youLead"] is True
    assert answer.json["minimumNextBid"] == 1100
    snapshot = ann.get(f"/api/auctions/{lot}").json
    assert (snapshot["currentBid"], snapshot["bidderName"], snapshot["bidCount"]) == (1000, "Ann", 1)
    assert snapshot["seq"] == answer.json["seq"]
