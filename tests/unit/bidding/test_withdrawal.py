"""Taking bids back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.bidding.chain import Entry, Secret
from marketplace.bidding.english import AntiSnipe, SnipePolicy, Terms
from marketplace.bidding.withdrawal import (
    RetractionReason,
    asked,
    fold,
    standing_bids,
    to_cancel,
    to_retract,
)
from marketplace.errors import BidWithdrawn, RetractionNotAllowed
from marketplace.increments import Increments

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
SELLER, ANN, BOB, CEM = 1, 2, 3, 4
REASON = RetractionReason.WRONG_AMOUNT
NEVER = timedelta(0)
TERMS = Terms(SELLER, 1000, Increments.fixed(100), AntiSnipe(SnipePolicy.OFF, NEVER, NEVER))

_places = iter(range(1, 1_000_000))


def bid(
    bidder: int = ANN,
    *,
    ago: timedelta = timedelta(minutes=5),
    amount: int | None = None,
    up_to: int | None = None,
    kind: str = "BID",
) -> Entry:
    if amount is None and up_to is None:
        amount = 1000
    secret = Secret(b"nonce", amount, up_to)
    return Entry(7, next(_places), 0, kind, bidder, amount or 1000, NOW - ago, secret)


def withdrawal_of(entry: Entry, kind: str = "RETRACTION") -> Entry:
    return Entry(7, next(_places), 0, kind, entry.bidder_id, entry.amount, NOW, refers_to=entry.place)


def retracted(
    entry: Entry, *standing: Entry, left: timedelta, reason: RetractionReason | None = REASON
) -> list[Entry]:
    """What goes when the entry is retracted, so long before the end."""
    return to_retract(entry, standing, reason=reason, ends_at=NOW + left, now=NOW)


LONG, SHORT = timedelta(hours=12) + MOMENT, timedelta(hours=12)


# --- in the first 30 seconds ---


@pytest.mark.parametrize("left", [LONG, SHORT, timedelta(seconds=1)])
def test_within_30_seconds_a_bid_goes_alone_and_without_a_reason(left: timedelta) -> None:
    before, slip = bid(ANN), bid(ANN, ago=timedelta(seconds=30))
    assert retracted(slip, before, slip, left=left, reason=None) == [slip]


def test_within_30_seconds_it_need_not_be_the_latest() -> None:
    slip, after = bid(ANN, ago=timedelta(seconds=20)), bid(ANN, ago=timedelta(seconds=10))
    assert retracted(slip, slip, after, left=SHORT, reason=None) == [slip]


@pytest.mark.parametrize("left", [LONG, SHORT])
def test_after_30_seconds_a_reason_is_needed(left: timedelta) -> None:
    late = bid(ANN, ago=timedelta(seconds=30) + MOMENT)
    with pytest.raises(RetractionNotAllowed) as refused:
        retracted(late, late, left=left, reason=None)
    assert refused.value.facts == {"needs": "reason"}
    assert retracted(late, late, left=left) == [late]


# --- more than 12 hours before the end, and less ---


def test_with_more_than_12_hours_left_all_bids_of_the_bidder_go() -> None:
    first, rival, second = bid(ANN, ago=timedelta(days=3)), bid(BOB), bid(ANN)
    assert retracted(first, first, rival, second, left=LONG) == [first, second]
    assert retracted(second, first, rival, second, left=LONG) == [first, second]


def test_with_12_hours_left_or_less_only_the_latest_goes() -> None:
    first, rival, second = bid(ANN), bid(BOB), bid(ANN)
    assert retracted(second, first, rival, second, left=SHORT) == [second]
    with pytest.raises(RetractionNotAllowed) as refused:
        retracted(first, first, rival, second, left=SHORT)
    assert refused.value.facts == {}


def test_and_only_within_an_hour_of_it() -> None:
    in_time, late = bid(ANN, ago=timedelta(hours=1)), bid(BOB, ago=timedelta(hours=1) + MOMENT)
    assert retracted(in_time, in_time, late, left=SHORT) == [in_time]
    with pytest.raises(RetractionNotAllowed):
        retracted(late, in_time, late, left=SHORT)


def test_when_the_latest_is_gone_the_one_before_is_the_latest() -> None:
    first, second = bid(ANN), bid(ANN)
    assert retracted(first, first, left=SHORT) == [first]
    assert retracted(second, second, left=SHORT) == [second]


def test_a_bid_is_withdrawn_once() -> None:
    gone, other = bid(ANN), bid(ANN)
    with pytest.raises(BidWithdrawn):
        retracted(gone, other, left=LONG)
    with pytest.raises(BidWithdrawn):
        to_cancel(gone, [other])


# --- raises of a maximum ---


def test_a_bid_takes_the_raises_of_it_along() -> None:
    first, raised = bid(ANN, ago=timedelta(seconds=20), up_to=2000), bid(ANN, up_to=3000, kind="RAISE")
    rival, second = bid(BOB), bid(ANN)
    again = bid(ANN, up_to=9000, kind="RAISE")
    standing = (first, raised, rival, second, again)
    assert to_cancel(first, standing) == [first, raised]
    assert to_cancel(second, standing) == [second, again]
    assert retracted(first, *standing, left=SHORT, reason=None) == [first, raised]
    assert retracted(second, *standing, left=SHORT) == [second, again]


def test_a_raise_can_be_taken_back_alone() -> None:
    first, raised = bid(ANN, up_to=2000), bid(ANN, up_to=3000, kind="RAISE")
    assert retracted(raised, first, raised, left=SHORT) == [raised]


# --- what stands ---


def test_what_was_retracted_or_cancelled_does_not_stand() -> None:
    one, two, three = bid(ANN), bid(BOB), bid(CEM)
    log = [one, two, withdrawal_of(one), three, withdrawal_of(three, "CANCELLATION")]
    assert standing_bids(log) == [two]


def test_automatic_answers_are_nobodys_bids() -> None:
    one, two = bid(ANN, up_to=3000), bid(BOB, amount=2000)
    answer = Entry(7, next(_places), 0, "AUTO", ANN, 2100, NOW)
    assert standing_bids([one, two, answer]) == [one, two]


def test_what_was_asked_is_read_from_the_secret() -> None:
    both = asked(bid(ANN, amount=2000, up_to=3000))
    assert (both.bidder_id, both.amount, both.maximum) == (ANN, 2000, 3000)


# --- the price without them ---


def stands_at(standing: Sequence[Entry]) -> tuple[int, int, int] | None:
    """Who leads, at what price, and how many entries everybody sees."""
    result = fold(TERMS, standing)
    return result.price and (result.price.leader_id, result.price.amount, result.steps)


def test_without_any_bid_there_is_no_price() -> None:
    assert stands_at([]) is None


def test_without_the_leader_the_second_leads_as_if_the_first_had_never_been() -> None:
    ann, bob, cem = bid(ANN, up_to=5000), bid(BOB, up_to=2000), bid(CEM, up_to=3000)
    assert stands_at([ann, bob, cem]) == (ANN, 3100, 5)
    assert stands_at([bob, cem]) == (CEM, 2100, 2)


def test_without_the_rival_the_leader_pays_less() -> None:
    ann, bob, cem = bid(ANN, up_to=5000), bid(BOB, up_to=2000), bid(CEM, up_to=3000)
    assert stands_at([ann, bob]) == (ANN, 2100, 3)
    assert stands_at([ann]) == (ANN, 1000, 1)
    assert stands_at([ann, cem]) == (ANN, 3100, 3)


def test_without_the_raise_the_leader_goes_as_far_as_before() -> None:
    ann, raised, bob = bid(ANN, up_to=2000), bid(ANN, up_to=9000, kind="RAISE"), bid(BOB, up_to=3000)
    assert stands_at([ann, raised, bob]) == (ANN, 3100, 3)
    assert stands_at([ann, bob]) == (BOB, 2100, 2)


def test_an_exact_bid_stays_what_it_is_when_the_rival_it_went_over_is_gone() -> None:
    ann, bob, again = bid(ANN, amount=1000), bid(BOB, amount=2000), bid(ANN, amount=3000)
    assert stands_at([ann, bob, again]) == (ANN, 3000, 3)
    assert stands_at([ann, again]) == (ANN, 3000, 2)


def test_a_maximum_is_a_raise_of_ones_own_when_the_rival_it_went_over_is_gone() -> None:
    ann, bob, again = bid(ANN, amount=1000), bid(BOB, amount=2000), bid(ANN, up_to=3000)
    assert stands_at([ann, bob, again]) == (ANN, 2100, 3)
    assert stands_at([ann, again]) == (ANN, 1000, 1)
