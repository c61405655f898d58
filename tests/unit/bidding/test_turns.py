"""The order of bids that arrived at the same moment."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from marketplace import errors
from marketplace.bidding.english import AntiSnipe, Bid, End, SnipePolicy, Standing, Terms, accept, turns
from marketplace.increments import Increments

STEP = Increments.fixed(10)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def order(*bids: tuple[int, int]) -> list[int]:
    return turns([Bid(bidder, amount) for bidder, amount in bids], STEP)


def test_the_weaker_goes_first() -> None:
    assert order((1, 300), (2, 100), (3, 200)) == [1, 2, 0]


def test_a_bid_that_would_crowd_out_the_strongest_goes_after_it() -> None:
    assert order((1, 155), (2, 150)) == [0, 1]
    assert order((1, 150), (2, 155)) == [1, 0]
    assert order((1, 150), (2, 160)) == [0, 1]


def test_equal_bids_keep_the_order_in_which_they_arrived() -> None:
    assert order((1, 100), (2, 100), (3, 100)) == [0, 1, 2]


def test_the_bids_of_one_bidder_keep_theirs() -> None:
    assert order((1, 300), (1, 100), (2, 200)) == [2, 0, 1]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_the_strongest_wins_and_the_first_of_equals(amounts: list[int]) -> None:
    bids = [Bid(bidder_id, amount * 5) for bidder_id, amount in enumerate(amounts, start=2)]
    snipe = AntiSnipe(SnipePolicy.OFF, timedelta(0), timedelta(0))
    end = NOW + timedelta(hours=1)
    standing = Standing(Terms(1, 1, STEP, snipe), "RUNNING", End(end, end))
    for n in turns(bids, STEP):
        with suppress(errors.BidTooLow):
            standing, _ = accept(standing, bids[n], NOW)
    strongest = max(bids, key=lambda bid: bid.strength)
    assert standing.price is not None
    assert (standing.price.leader_id, standing.price.amount) == (strongest.bidder_id, strongest.amount)
