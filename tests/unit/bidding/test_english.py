"""The rules of an English auction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace import errors
from marketplace.bidding.english import (
    AntiSnipe,
    Bid,
    End,
    Price,
    SnipePolicy,
    Standing,
    Step,
    StepKind,
    Terms,
    accept,
    buy,
    outcome,
)
from marketplace.increments import Increments

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
END = NOW + timedelta(hours=1)
MOMENT = timedelta(microseconds=1)
SELLER, ANN, BOB, CEM = 1, 2, 3, 4


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def anti_snipe(policy: SnipePolicy, window: float = 60, extension: float = 120, **caps: Any) -> AntiSnipe:
    return AntiSnipe(policy, seconds(window), seconds(extension), **caps)


def lot(*, starts_at: int = 1000, step: int = 100, late: AntiSnipe | None = None, **terms: Any) -> Standing:
    """A running auction that nobody has bid on."""
    late = late or anti_snipe(SnipePolicy.OFF)
    return Standing(Terms(SELLER, starts_at, Increments.fixed(step), late, **terms), "RUNNING", End(END, END))


def up_to(maximum: int, bidder: int = ANN) -> Bid:
    return Bid(bidder, maximum=maximum)


def exactly(amount: int, bidder: int = ANN, *, up_to: int | None = None) -> Bid:
    return Bid(bidder, amount, up_to)


def after(standing: Standing, *bids: Bid, at: datetime = NOW) -> Standing:
    """Where it stands after these bids, each of them accepted."""
    for bid in bids:
        standing, _ = accept(standing, bid, at)
    return standing


def steps_of(standing: Standing, bid: Bid) -> list[tuple[str, int, int]]:
    """What the bid writes into the log: kind, whose, and at what price."""
    _, steps = accept(standing, bid, NOW)
    return [(str(step.kind), step.price.leader_id, step.price.amount) for step in steps]


def leader(standing: Standing) -> tuple[int, int]:
    """Who leads, and at what price."""
    assert standing.price
    return standing.price.leader_id, standing.price.amount


# --- the published examples ---


def test_maxima_of_10_then_15_make_11() -> None:
    auction = after(lot(starts_at=1, step=1), up_to(10, ANN), up_to(15, BOB))
    assert leader(auction) == (BOB, 11)


def test_of_maxima_65_and_55_the_higher_leads_one_increment_over_the_lower() -> None:
    first = after(lot(starts_at=50, step=5), up_to(65, ANN))
    assert leader(first) == (ANN, 50)
    assert leader(after(first, up_to(55, BOB))) == (ANN, 60)


def test_a_maximum_bids_20_over_15_and_answers_40_with_45() -> None:
    stands = after(lot(starts_at=15, step=5), exactly(15, CEM))
    first = after(stands, up_to(50, ANN))
    assert leader(first) == (ANN, 20)
    assert leader(after(first, up_to(40, BOB))) == (ANN, 45)


def test_an_earlier_maximum_of_100_leads_over_an_exact_100() -> None:
    auction = after(lot(starts_at=50, step=5), up_to(100, ANN), exactly(100, BOB))
    assert leader(auction) == (ANN, 100)
    assert auction.minimum_next_bid == 105


def test_a_maximum_at_the_reserve_jumps_to_it_and_a_rivals_tie_changes_nothing() -> None:
    auction = after(lot(starts_at=3000, step=100, reserve=5000), up_to(5000, ANN))
    assert leader(auction) == (ANN, 5000)
    assert auction.reserve_met is True
    with pytest.raises(errors.BidTooLow) as refused:
        accept(auction, up_to(5000, BOB), NOW)
    assert refused.value.facts == {"minimumNextBid": 5100, "currentBid": 5000}
    assert auction.minimum_next_bid == 5100


def test_a_maximum_under_the_reserve_goes_as_far_as_it_can_and_the_lot_stays_unsold() -> None:
    auction = after(lot(starts_at=3000, step=100, reserve=10_000), up_to(5000, ANN))
    assert leader(auction) == (ANN, 5000)
    assert auction.reserve_met is False
    assert outcome(auction) == "RESERVE_NOT_MET"


def test_a_later_maximum_over_the_reserve_is_at_the_reserve_and_over_a_bid_that_stands_there_above_it() -> (
    None
):
    under = after(lot(starts_at=3000, step=100, reserve=10_000), up_to(5000, ANN))
    assert leader(after(under, up_to(15_000, BOB))) == (BOB, 10_000)
    stood = after(under, exactly(10_000, CEM))
    met = after(stood, up_to(15_000, BOB))
    assert leader(met) == (BOB, 10_100)
    assert outcome(met) == "SOLD"


# --- increments ---


def test_a_beaten_maximum_is_beaten_by_the_increment_at_that_maximum() -> None:
    table = Increments.table([(0, 5), (100, 25)])
    auction = replace(lot(), terms=replace(lot().terms, starting_price=50, increments=table))
    auction = after(auction, up_to(120, ANN))
    assert (leader(auction), auction.minimum_next_bid) == ((ANN, 50), 55)
    assert leader(after(auction, up_to(900, BOB))) == (BOB, 145)
    assert leader(after(auction, up_to(98, BOB))) == (ANN, 103)
    assert leader(after(auction, up_to(100, BOB))) == (ANN, 120)


# --- an exact amount, a maximum, or both ---


def test_the_first_bid_may_be_the_starting_price() -> None:
    auction = after(lot(), exactly(1000))
    assert (leader(auction), auction.bid_count) == ((ANN, 1000), 1)
    assert auction.minimum_next_bid == 1100


def test_the_first_maximum_bids_only_the_starting_price() -> None:
    assert leader(after(lot(), up_to(9000))) == (ANN, 1000)


def test_an_exact_bid_may_jump() -> None:
    auction = after(lot(), exactly(1000, ANN), exactly(99_999, BOB))
    assert auction.price == Price(99_999, BOB, 99_999)


def test_a_maximum_needs_to_reach_the_minimum_and_may_lead_at_less_than_an_increment_over_the_others() -> (
    None
):
    auction = after(lot(), up_to(2000, ANN), exactly(1900, BOB))
    assert leader(auction) == (ANN, 2000)
    with pytest.raises(errors.BidTooLow):
        accept(auction, up_to(2099, BOB), NOW)
    # 2,150 beats 2,100 but not by the increment.
    more = after(auction, up_to(2100, BOB), up_to(2210, CEM))
    assert leader(more) == (CEM, 2200)
    close = after(auction, up_to(2100, BOB), up_to(2250, CEM), up_to(2320, ANN))
    assert leader(close) == (ANN, 2320)


def test_both_is_an_exact_bid_with_strength_in_reserve() -> None:
    auction = after(lot(), exactly(1000, ANN), exactly(1500, BOB, up_to=3000))
    assert auction.price == Price(1500, BOB, 3000)
    assert leader(after(auction, exactly(2000, ANN))) == (BOB, 2100)


def test_both_bids_more_than_its_amount_when_a_hidden_maximum_needs_it() -> None:
    auction = after(lot(), up_to(2000, ANN))
    assert leader(after(auction, exactly(1500, BOB, up_to=3000))) == (BOB, 2100)
    assert leader(after(auction, exactly(2500, BOB, up_to=3000))) == (BOB, 2500)
    assert leader(after(auction, exactly(1500, BOB, up_to=2050))) == (BOB, 2050)


def test_of_both_the_amount_must_reach_the_minimum_however_high_the_maximum() -> None:
    auction = after(lot(), exactly(1000, ANN))
    with pytest.raises(errors.BidTooLow):
        accept(auction, exactly(1099, BOB, up_to=9000), NOW)


def test_the_earliest_wins_a_tie() -> None:
    auction = after(lot(), up_to(2000, ANN), up_to(2000, BOB))
    assert leader(auction) == (ANN, 2000)
    assert leader(after(lot(), up_to(2000, BOB), up_to(2000, ANN))) == (BOB, 2000)


# --- what is written down ---


def test_a_rivals_bid_and_the_automatic_answer_are_separate_entries() -> None:
    auction = after(lot(), up_to(5000, ANN))
    assert steps_of(auction, up_to(2000, BOB)) == [("BID", BOB, 2000), ("AUTO", ANN, 2100)]
    assert after(auction, up_to(2000, BOB)).bid_count == 3


def test_a_bid_that_takes_the_lead_is_one_entry() -> None:
    auction = after(lot(), up_to(5000, ANN))
    assert steps_of(auction, up_to(9000, BOB)) == [("BID", BOB, 5100)]


def test_an_answer_never_shows_more_than_is_needed() -> None:
    auction = after(lot(), up_to(5000, ANN), exactly(2000, BOB))
    assert auction.price == Price(2100, ANN, 5000)


# --- the leader ---


def test_the_leader_raises_their_maximum_without_moving_price_count_or_end() -> None:
    auction = after(lot(late=anti_snipe(SnipePolicy.RESET)), up_to(2000, ANN))
    late = END - seconds(10)
    raised, steps = accept(auction, up_to(9000, ANN), late)
    assert steps == [Step(StepKind.RAISE, Price(1000, ANN, 9000))]
    assert raised == replace(auction, price=Price(1000, ANN, 9000))


@pytest.mark.parametrize("maximum", [1, 1999, 2000])
def test_the_leader_does_not_lower_or_repeat_their_maximum(maximum: int) -> None:
    auction = after(lot(), up_to(2000, ANN))
    with pytest.raises(errors.MaximumNotRaised):
        accept(auction, up_to(maximum, ANN), NOW)


def test_a_raised_maximum_keeps_the_lead_against_one_in_between() -> None:
    auction = after(lot(), up_to(2000, ANN), up_to(9000, ANN), up_to(5000, BOB))
    assert auction.price == Price(5100, ANN, 9000)


def test_a_raise_does_not_lose_the_earlier_place_in_a_tie() -> None:
    auction = after(lot(), up_to(2000, ANN), up_to(5000, ANN), up_to(5000, BOB))
    assert leader(auction) == (ANN, 5000)


def test_the_leader_does_not_bid_against_themselves() -> None:
    auction = after(lot(), exactly(1000, ANN))
    for bid in (exactly(1100, ANN), exactly(1100, ANN, up_to=2000)):
        with pytest.raises(errors.AlreadyLeading):
            accept(auction, bid, NOW)


def test_too_low_is_said_before_already_leading() -> None:
    with pytest.raises(errors.BidTooLow):
        accept(after(lot(), exactly(1000, ANN)), exactly(1, ANN), NOW)


# --- refusals ---


def test_a_bid_below_the_minimum_is_told_the_minimum() -> None:
    with pytest.raises(errors.BidTooLow) as refused:
        accept(lot(), exactly(999), NOW)
    assert refused.value.facts == {"minimumNextBid": 1000, "currentBid": None}
    with pytest.raises(errors.BidTooLow) as refused:
        accept(after(lot(), exactly(1000, ANN)), exactly(1099, BOB), NOW)
    assert refused.value.facts == {"minimumNextBid": 1100, "currentBid": 1000}


@pytest.mark.parametrize("bid", [exactly(1000, SELLER), up_to(9000, SELLER)])
def test_the_seller_does_not_bid_or_buy_even_after_the_end(bid: Bid) -> None:
    for standing in (lot(buy_now_price=5000), replace(lot(buy_now_price=5000), status="ENDED")):
        with pytest.raises(errors.SellerCannotBid):
            accept(standing, bid, NOW)
        with pytest.raises(errors.SellerCannotBid):
            buy(standing, buyer_id=SELLER, now=NOW)


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        ("DRAFT", errors.AuctionNotRunning),
        ("SCHEDULED", errors.AuctionNotRunning),
        ("ENDED", errors.AuctionEnded),
        ("CANCELLED", errors.AuctionCancelled),
    ],
)
def test_only_a_running_auction_takes_bids_or_is_bought(
    status: str, refusal: type[errors.MarketplaceError]
) -> None:
    auction = replace(lot(buy_now_price=5000), status=status)
    with pytest.raises(refusal):
        accept(auction, exactly(1000), NOW)
    with pytest.raises(refusal):
        buy(auction, buyer_id=ANN, now=NOW)


def test_the_end_is_judged_by_the_clock_and_not_by_the_status() -> None:
    auction = lot(buy_now_price=5000)
    assert leader(after(auction, exactly(1000), at=END - MOMENT)) == (ANN, 1000)
    with pytest.raises(errors.AuctionEnded):
        accept(auction, exactly(1000), END)
    with pytest.raises(errors.AuctionEnded):
        buy(auction, buyer_id=ANN, now=END)


# --- late bids ---


def end_after(late: AntiSnipe, *lefts: float) -> tuple[float, int]:
    """Bids that many seconds before the end as it then is: by how much it moved in all, and how often."""
    auction = lot(late=late)
    for n, left in enumerate(lefts):
        auction = after(auction, exactly(1000 + 100 * n, ANN + n % 2), at=auction.end.at - seconds(left))
    assert auction.end.scheduled == END
    return (auction.end.at - END).total_seconds(), auction.end.extensions


def test_without_a_policy_a_late_bid_moves_nothing() -> None:
    assert end_after(anti_snipe(SnipePolicy.OFF), 10) == (0, 0)


def test_reset_moves_the_end_to_the_extension_after_the_bid() -> None:
    assert end_after(anti_snipe(SnipePolicy.RESET, window=60, extension=120), 60) == (60, 1)
    assert end_after(anti_snipe(SnipePolicy.RESET, window=60, extension=120), 10, 15) == (110 + 105, 2)


def test_fixed_moves_the_end_on_by_the_extension() -> None:
    assert end_after(anti_snipe(SnipePolicy.FIXED, window=60, extension=120), 60) == (120, 1)
    assert end_after(anti_snipe(SnipePolicy.FIXED, window=60, extension=120), 10, 15) == (240, 2)


def test_due_at_4_00_with_an_extension_of_2_minutes_a_bid_at_3_59_makes_4_02() -> None:
    assert end_after(anti_snipe(SnipePolicy.FIXED, window=120, extension=120), 60) == (120, 1)


def test_due_at_4_02_with_an_extension_of_5_minutes_a_bid_at_4_01_makes_4_07() -> None:
    assert end_after(anti_snipe(SnipePolicy.FIXED, window=300, extension=300), 60) == (300, 1)


@pytest.mark.parametrize("policy", [SnipePolicy.RESET, SnipePolicy.FIXED])
def test_a_bid_before_the_window_moves_nothing(policy: SnipePolicy) -> None:
    assert end_after(anti_snipe(policy, window=60, extension=120), 60.000001) == (0, 0)
    assert end_after(anti_snipe(policy, window=60, extension=120), 60)[1] == 1
    assert end_after(anti_snipe(policy, window=60, extension=120), 0.000001)[1] == 1


def test_an_extension_never_moves_the_end_back() -> None:
    assert end_after(anti_snipe(SnipePolicy.RESET, window=600, extension=10), 300) == (0, 0)
    assert end_after(anti_snipe(SnipePolicy.RESET, window=600, extension=300), 300) == (0, 0)
    assert end_after(anti_snipe(SnipePolicy.RESET, window=600, extension=301), 300) == (1, 1)


@pytest.mark.parametrize("policy", [SnipePolicy.RESET, SnipePolicy.FIXED])
def test_so_many_extensions_and_no_more(policy: SnipePolicy) -> None:
    moved, count = end_after(anti_snipe(policy, window=60, extension=60, max_count=2), *[30] * 5)
    assert count == 2
    assert moved == (60 if policy is SnipePolicy.RESET else 120)


@pytest.mark.parametrize("policy", [SnipePolicy.RESET, SnipePolicy.FIXED])
def test_so_much_time_in_all_and_no_more(policy: SnipePolicy) -> None:
    late = anti_snipe(policy, window=60, extension=60, max_total=seconds(100))
    assert end_after(late, *[10] * 5) == (100, 2)
    # At the cap a bid moves nothing, and counts for nothing.
    assert end_after(late, *[10] * 2)[1] == 2


def test_no_time_in_all_is_no_extension() -> None:
    assert end_after(anti_snipe(SnipePolicy.FIXED, max_total=seconds(0)), 10) == (0, 0)


@pytest.mark.parametrize("policy", [SnipePolicy.RESET, SnipePolicy.FIXED])
def test_in_sudden_death_a_bid_moves_nothing(policy: SnipePolicy) -> None:
    late = anti_snipe(policy, window=60, extension=120, sudden_death=seconds(20))
    assert end_after(late, 20.000001)[1] == 1
    assert end_after(late, 20) == (0, 0)
    assert end_after(late, 1) == (0, 0)


def test_a_bid_with_its_automatic_answer_extends_once() -> None:
    auction = after(lot(late=anti_snipe(SnipePolicy.FIXED, extension=60)), up_to(9000, ANN))
    answered = after(auction, exactly(2000, BOB), at=END - seconds(5))
    assert answered.end == End(END + seconds(60), END, 1)


def test_a_refused_bid_extends_nothing() -> None:
    auction = after(lot(late=anti_snipe(SnipePolicy.RESET)), exactly(1000))
    with pytest.raises(errors.BidTooLow):
        accept(auction, exactly(1001, BOB), END - seconds(5))
    assert auction.end == End(END, END)


# --- the reserve ---


def test_without_a_reserve_there_is_nothing_to_meet() -> None:
    assert lot().reserve_met is None
    assert after(lot(), exactly(1000)).reserve_met is None


def test_a_maximum_over_the_reserve_jumps_to_it_and_keeps_the_rest() -> None:
    auction = after(lot(reserve=5000), up_to(9000))
    assert auction.price == Price(5000, ANN, 9000)


def test_both_jumps_to_the_reserve_too() -> None:
    assert leader(after(lot(reserve=5000), exactly(2000, up_to=9000))) == (ANN, 5000)
    assert leader(after(lot(reserve=5000), exactly(6000, up_to=9000))) == (ANN, 6000)


def test_an_exact_bid_under_the_reserve_stays_where_it_is() -> None:
    auction = after(lot(reserve=5000), exactly(2000))
    assert (leader(auction), auction.reserve_met) == ((ANN, 2000), False)
    assert auction.minimum_next_bid == 2100


def test_one_under_the_reserve_is_not_met_and_exactly_it_is() -> None:
    assert after(lot(reserve=5000), exactly(4999)).reserve_met is False
    assert after(lot(reserve=5000), exactly(5000)).reserve_met is True


def test_a_leader_under_the_reserve_who_raises_jumps_for_all_to_see() -> None:
    auction = after(lot(reserve=5000), up_to(2000))
    raised, steps = accept(auction, up_to(6000), NOW)
    assert steps == [Step(StepKind.BID, Price(5000, ANN, 6000))]
    assert (raised.bid_count, raised.reserve_met) == (2, True)


def test_the_reserve_once_met_is_no_concern_of_the_next_bid() -> None:
    auction = after(lot(reserve=5000), up_to(9000, ANN), exactly(6000, BOB))
    assert leader(auction) == (ANN, 6100)


# --- buying at once ---


def test_who_buys_gets_the_lot_at_once_at_its_price() -> None:
    bought = buy(lot(buy_now_price=5000), buyer_id=ANN, now=NOW)
    assert (leader(bought), bought.end.at, bought.bid_count) == ((ANN, 5000), NOW, 1)
    assert outcome(bought) == "SOLD"


def test_without_a_share_the_first_bid_closes_it() -> None:
    auction = lot(buy_now_price=5000)
    assert auction.buy_now_open
    bid_on = after(auction, exactly(1000))
    assert not bid_on.buy_now_open
    with pytest.raises(errors.BuyNowGone):
        buy(bid_on, buyer_id=BOB, now=NOW)


def test_with_a_share_it_stays_open_under_that_share_of_the_price() -> None:
    auction = lot(buy_now_price=5000, buy_now_share=50)
    under = after(auction, exactly(2499))
    assert under.buy_now_open
    assert leader(buy(under, buyer_id=BOB, now=NOW)) == (BOB, 5000)
    assert not after(auction, exactly(2500)).buy_now_open


def test_a_hidden_maximum_does_not_close_it() -> None:
    assert after(lot(buy_now_price=5000, buy_now_share=50), up_to(9000)).buy_now_open


def test_with_the_whole_share_it_is_open_until_the_price_reaches_it() -> None:
    auction = lot(buy_now_price=5000, buy_now_share=100)
    assert after(auction, exactly(4999)).buy_now_open
    assert not after(auction, exactly(5000)).buy_now_open


def test_a_lot_without_such_a_price_cannot_be_bought() -> None:
    assert not lot().buy_now_open
    with pytest.raises(errors.BuyNowGone):
        buy(lot(), buyer_id=ANN, now=NOW)


# --- how it ends ---


def test_an_auction_with_a_bid_is_sold_and_without_one_is_not() -> None:
    assert outcome(lot()) == "UNSOLD"
    assert outcome(lot(reserve=5000)) == "UNSOLD"
    assert outcome(after(lot(), exactly(1000))) == "SOLD"


# --- whatever is bid ---


@given(st.lists(st.tuples(st.integers(2, 5), st.integers(0, 5000), st.booleans()), max_size=40))
def test_the_price_only_rises_and_whoever_leads_is_strongest(bids: list[tuple[int, int, bool]]) -> None:
    auction = lot()
    strongest = 0
    for bidder, asked, is_exact in bids:
        bid = exactly(asked, bidder) if is_exact else up_to(asked, bidder)
        try:
            next_standing, steps = accept(auction, bid, NOW)
        except errors.BidRefused:
            continue
        strongest = max(strongest, asked)
        prices = [auction.price.amount if auction.price else 0] + [step.price.amount for step in steps]
        assert prices == sorted(prices)
        assert next_standing.price
        assert next_standing.price.strength == strongest
        assert next_standing.price.amount <= strongest
        auction = next_standing


@given(
    st.lists(st.tuples(st.sampled_from([BOB, CEM]), st.integers(1000, 6000)), max_size=30),
    st.integers(10_000, 99_999),
    st.integers(10_000, 99_999),
)
def test_what_others_see_does_not_depend_on_how_far_the_leader_would_go(
    bids: list[tuple[int, int]], one: int, other: int
) -> None:
    def seen(maximum: int) -> list[Any]:
        auction, told = after(lot(), up_to(maximum)), []
        for bidder, asked in bids:
            try:
                auction, steps = accept(auction, up_to(asked, bidder), NOW)
            except errors.BidRefused as refusal:
                told.append((refusal.code, refusal.facts))
            else:
                told.append([(step.kind, step.price.leader_id, step.price.amount) for step in steps])
        return told

    assert seen(one) == seen(other)
