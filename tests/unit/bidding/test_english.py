"""The rules of an English auction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace import errors
from marketplace.bidding.english import AntiSnipe, Increments, Standing, Terms, accept, outcome

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SELLER, ANN, BOB = 1, 2, 3


def standing(
    *, current_bid: int | None = None, leader_id: int | None = None, window: int = 60, extension: int = 120
) -> Standing:
    terms = Terms(
        seller_id=SELLER,
        starting_price=1000,
        increments=Increments(100),
        anti_snipe=AntiSnipe(timedelta(seconds=window), timedelta(seconds=extension)),
    )
    return Standing(
        terms,
        "RUNNING",
        NOW + timedelta(hours=1),
        current_bid,
        leader_id,
        bid_count=int(current_bid is not None),
    )


def test_the_first_bid_may_be_the_starting_price() -> None:
    after = accept(standing(), bidder_id=ANN, amount=1000, now=NOW)
    assert (after.current_bid, after.leader_id, after.bid_count) == (1000, ANN, 1)
    assert after.minimum_next_bid == 1100


def test_a_bid_below_the_minimum_is_told_the_minimum() -> None:
    with pytest.raises(errors.BidTooLow) as refused:
        accept(standing(current_bid=1000, leader_id=ANN), bidder_id=BOB, amount=1099, now=NOW)
    assert refused.value.facts == {"minimumNextBid": 1100, "currentBid": 1000}


def test_a_bid_may_jump() -> None:
    after = accept(standing(current_bid=1000, leader_id=ANN), bidder_id=BOB, amount=99_999, now=NOW)
    assert after.current_bid == 99_999


def test_the_leader_does_not_bid_against_themselves() -> None:
    with pytest.raises(errors.AlreadyLeading):
        accept(standing(current_bid=1000, leader_id=ANN), bidder_id=ANN, amount=1100, now=NOW)


def test_too_low_is_said_before_already_leading() -> None:
    with pytest.raises(errors.BidTooLow):
        accept(standing(current_bid=1000, leader_id=ANN), bidder_id=ANN, amount=1, now=NOW)


def test_the_seller_does_not_bid_even_after_the_end() -> None:
    ended = replace(standing(), status="ENDED")
    with pytest.raises(errors.SellerCannotBid):
        accept(ended, bidder_id=SELLER, amount=1000, now=NOW)


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        ("DRAFT", errors.AuctionNotRunning),
        ("SCHEDULED", errors.AuctionNotRunning),
        ("ENDED", errors.AuctionEnded),
        ("CANCELLED", errors.AuctionCancelled),
    ],
)
def test_only_a_running_auction_takes_bids(status: str, refusal: type[errors.MarketplaceError]) -> None:
    with pytest.raises(refusal):
        accept(replace(standing(), status=status), bidder_id=ANN, amount=1000, now=NOW)


def test_the_end_is_judged_by_the_clock_and_not_by_the_status() -> None:
    auction = standing()
    last = auction.ends_at - timedelta(microseconds=1)
    assert accept(auction, bidder_id=ANN, amount=1000, now=last).leader_id == ANN
    with pytest.raises(errors.AuctionEnded):
        accept(auction, bidder_id=ANN, amount=1000, now=auction.ends_at)


def test_a_late_bid_moves_the_end_to_the_extension_after_it() -> None:
    auction = standing(window=60, extension=120)
    late = auction.ends_at - timedelta(seconds=60)
    after = accept(auction, bidder_id=ANN, amount=1000, now=late)
    assert (after.ends_at, after.extension_count) == (late + timedelta(seconds=120), 1)


def test_a_bid_before_the_window_moves_nothing() -> None:
    auction = standing(window=60, extension=120)
    early = auction.ends_at - timedelta(seconds=60, microseconds=1)
    after = accept(auction, bidder_id=ANN, amount=1000, now=early)
    assert (after.ends_at, after.extension_count) == (auction.ends_at, 0)


def test_an_extension_never_moves_the_end_back() -> None:
    auction = standing(window=600, extension=10)
    after = accept(auction, bidder_id=ANN, amount=1000, now=auction.ends_at - timedelta(seconds=300))
    assert (after.ends_at, after.extension_count) == (auction.ends_at, 0)


def test_an_auction_with_a_bid_is_sold() -> None:
    assert outcome(standing()) == "UNSOLD"
    assert outcome(standing(current_bid=1000, leader_id=ANN)) == "SOLD"


@given(st.lists(st.tuples(st.integers(2, 6), st.integers(0, 10_000)), max_size=60))
def test_whatever_is_bid_the_price_only_rises_and_the_last_accepted_leads(
    bids: list[tuple[int, int]],
) -> None:
    now = standing()
    for bidder, amount in bids:
        try:
            after = accept(now, bidder_id=bidder, amount=amount, now=NOW)
        except errors.MarketplaceError:
            continue
        assert after.current_bid == amount >= now.minimum_next_bid
        assert (after.leader_id, after.bid_count) == (bidder, now.bid_count + 1)
        assert after.leader_id != now.leader_id
        now = after
