"""The rules of a Dutch auction: what the price is at a moment, and who may take an item at it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.bidding import dutch
from marketplace.bidding.dutch import Price, Standing, Terms, price_at, take
from marketplace.bidding.dutch_book import DutchBook, Item
from marketplace.bidding.english import Bid
from marketplace.errors import (
    AuctionCancelled,
    AuctionEnded,
    AuctionNotRunning,
    BuyerLimitReached,
    Invalid,
    MarketplaceError,
    PriceChanged,
    SellerCannotBid,
    SoldOut,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
SELLER, ANN, BEN = 1, 2, 3

#: 1000, 900, 800, 750: the last drop is a smaller one.
TULIPS = Terms(
    seller_id=SELLER,
    starting_price=1000,
    floor=750,
    drop_amount=100,
    drop_every=MINUTE,
    quantity=3,
    hold=timedelta(minutes=10),
)


def standing(status: str = "RUNNING", *, lasts: timedelta = timedelta(hours=1), **other: Any) -> Standing:
    terms = replace(TULIPS, **{name: other.pop(name) for name in ("per_buyer", "quantity") if name in other})
    return Standing(terms, status, NOON, NOON + lasts, **other)


# -- the price -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "amount", "drops_remaining", "next_drop"),
    [
        (-timedelta(days=1), 1000, 3, MINUTE),
        (-MOMENT, 1000, 3, MINUTE),
        (timedelta(0), 1000, 3, MINUTE),
        (MINUTE - MOMENT, 1000, 3, MINUTE),
        (MINUTE, 900, 2, 2 * MINUTE),
        (2 * MINUTE - MOMENT, 900, 2, 2 * MINUTE),
        (2 * MINUTE, 800, 1, 3 * MINUTE),
        (3 * MINUTE - MOMENT, 800, 1, 3 * MINUTE),
        (3 * MINUTE, 750, 0, None),
        (4 * MINUTE, 750, 0, None),
        (timedelta(days=366), 750, 0, None),
    ],
)
def test_the_price_drops_on_the_microsecond(
    after: timedelta, amount: int, drops_remaining: int, next_drop: timedelta | None
) -> None:
    expected = Price(amount, drops_remaining, None if next_drop is None else NOON + next_drop)
    assert price_at(TULIPS, NOON, NOON + after) == expected


@pytest.mark.parametrize(
    ("start", "floor", "drop", "drops"),
    [
        (1000, 1000, 1, 0),
        (0, 0, 5, 0),
        (1000, 999, 1, 1),
        (1000, 0, 1000, 1),
        (1000, 0, 999, 2),
        (7, 0, 9, 1),
    ],
)
def test_how_often_the_price_drops(start: int, floor: int, drop: int, drops: int) -> None:
    terms = replace(TULIPS, starting_price=start, floor=floor, drop_amount=drop)
    assert terms.drops == drops
    at_the_start, long_after = price_at(terms, NOON, NOON), price_at(terms, NOON, NOON + 100 * MINUTE)
    assert (at_the_start.amount, at_the_start.drops_remaining) == (start, drops)
    assert long_after == Price(floor, 0, None)


def test_after_the_end_the_price_stays_what_it_was() -> None:
    sale = standing(lasts=timedelta(seconds=90))
    at_the_end = sale.price_at(NOON + timedelta(seconds=90))
    assert at_the_end.amount == 900
    assert sale.price_at(NOON + timedelta(seconds=90) - MOMENT) == at_the_end
    assert sale.price_at(NOON + timedelta(days=9)) == at_the_end


def test_the_published_clock_of_81_steps_in_405_minutes() -> None:
    """The clock of ProZorro.Sale, Ukraine's public sales of the property of insolvent banks.

    81 prices in 405 minutes, each 1 % of the starting value under the one before, so that the last is 20 %
    of it: ``DUTCH_ROUNDS``, ``DUTCH_TIMEDELTA`` and ``DUTCH_DOWN_STEP`` in
    https://github.com/openprocurement/openprocurement.auction.insider/blob/master/openprocurement/auction/insider/constants.py
    """
    initial = 500_000
    every = timedelta(minutes=405) / 81
    clock = replace(TULIPS, starting_price=initial, floor=100_000, drop_amount=5_000, drop_every=every)
    assert every == timedelta(minutes=5)
    assert clock.drops == 80

    prices = [price_at(clock, NOON, NOON + n * every) for n in range(81)]

    assert [price.amount for price in prices] == list(range(500_000, 99_999, -5_000))
    assert [price.amount for price in prices] == [initial * (100 - n) // 100 for n in range(81)]
    assert [price.drops_remaining for price in prices] == list(range(80, -1, -1))
    for n, price in enumerate(prices[:-1], start=1):
        assert price.next_drop_at == NOON + n * every
    assert prices[-1].next_drop_at is None
    # Each price holds for five minutes, the last until the end.
    for n, price in enumerate(prices, start=1):
        assert price_at(clock, NOON, NOON + n * every - MOMENT) == price
    assert price_at(clock, NOON, NOON + timedelta(minutes=405)) == prices[-1]


@pytest.mark.parametrize(
    ("initial", "now", "then"),
    [("500000", "480700", "475700"), ("20000", "13655", "13455"), ("26000",) * 2 + ("25740",)],
)
def test_the_published_steps_of_that_clock(initial: str, now: str, then: str) -> None:
    """Single steps from its own tests, in hundredths.

    ``test_calculate_next_amount`` in
    https://github.com/openprocurement/openprocurement.auction.insider/blob/master/openprocurement/auction/insider/tests/unit/test_utils.py
    """
    in_hundredths = [int(Decimal(amount) * 100) for amount in (initial, now, then)]
    step = in_hundredths[0] // 100
    clock = replace(TULIPS, starting_price=in_hundredths[1], floor=in_hundredths[0] // 5, drop_amount=step)
    assert price_at(clock, NOON, NOON + MINUTE).amount == in_hundredths[2]


# -- the price, whatever the terms ---------------------------------------------------------------------------


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    floor = draw(st.integers(0, 10**6))
    fall = draw(st.integers(0, 10**6))
    return replace(
        TULIPS,
        starting_price=floor + fall,
        floor=floor,
        drop_amount=draw(st.integers(max(1, fall // 50), max(1, fall * 2))),
        drop_every=timedelta(seconds=draw(st.integers(1, 86_400))),
    )


@st.composite
def terms_and_moments(draw: st.DrawFn, moments: int = 1) -> tuple[Any, ...]:
    """Moments from before the start until after the floor, half of them close to a drop."""
    terms = draw(any_terms())
    last = (terms.drops + 2) * terms.drop_every
    anywhere = st.timedeltas(-terms.drop_every, last)
    at_a_drop = st.builds(
        lambda n, by: n * terms.drop_every + by * MOMENT, st.integers(0, terms.drops + 1), st.integers(-1, 1)
    )
    return terms, *(NOON + draw(anywhere | at_a_drop) for _ in range(moments))


def one_by_one(terms: Terms) -> list[int]:
    """Every price, worked out drop by drop."""
    prices = [terms.starting_price]
    while prices[-1] > terms.floor:
        prices.append(max(prices[-1] - terms.drop_amount, terms.floor))
    return prices


@given(terms_and_moments())
def test_the_price_is_that_of_the_drops_so_far(case: tuple[Terms, datetime]) -> None:
    terms, now = case
    prices = one_by_one(terms)
    assert len(prices) == terms.drops + 1
    past = sum(NOON + n * terms.drop_every <= now for n in range(1, len(prices)))
    price = price_at(terms, NOON, now)
    assert (price.amount, price.drops_remaining) == (prices[past], len(prices) - 1 - past)
    assert terms.floor <= price.amount <= terms.starting_price


@given(terms_and_moments(moments=2))
def test_the_price_never_rises(case: tuple[Terms, datetime, datetime]) -> None:
    terms, *moments = case
    earlier, later = (price_at(terms, NOON, moment) for moment in sorted(moments))
    assert earlier.amount >= later.amount
    assert earlier.drops_remaining >= later.drops_remaining


@given(terms_and_moments())
def test_the_next_drop_is_the_first_moment_at_which_the_price_differs(case: tuple[Terms, datetime]) -> None:
    terms, now = case
    price = price_at(terms, NOON, now)
    if price.next_drop_at is None:
        assert (price.amount, price.drops_remaining) == (terms.floor, 0)
        assert price_at(terms, NOON, now + timedelta(days=10_000)) == price
        return
    assert price.next_drop_at > now
    assert price_at(terms, NOON, price.next_drop_at - MOMENT) == price
    then = price_at(terms, NOON, price.next_drop_at)
    assert then.amount == max(price.amount - terms.drop_amount, terms.floor) < price.amount


@given(terms_and_moments())
def test_there_are_as_many_drops_as_it_says(case: tuple[Terms, datetime]) -> None:
    terms, now = case
    price = price_at(terms, NOON, now)
    said, drops = price.drops_remaining, 0
    while price.next_drop_at is not None:
        price = price_at(terms, NOON, price.next_drop_at)
        drops += 1
        assert price.drops_remaining == said - drops
    assert (drops, price.amount) == (said, terms.floor)


@given(terms_and_moments(moments=2))
def test_after_the_end_nothing_drops(case: tuple[Terms, datetime, datetime]) -> None:
    terms, now, end = case
    price = Standing(terms, "RUNNING", NOON, end).price_at(now)
    without_end = price_at(terms, NOON, min(now, end))
    assert replace(price, next_drop_at=None) == replace(without_end, next_drop_at=None)
    is_before_the_end = without_end.next_drop_at is not None and without_end.next_drop_at <= end
    assert price.next_drop_at == (without_end.next_drop_at if is_before_the_end else None)


# -- taking an item ------------------------------------------------------------------------------------------


def refusal_of(sale: Standing, **asked: Any) -> MarketplaceError:
    with pytest.raises(MarketplaceError) as caught:
        take(sale, **{"buyer_id": ANN, "amount": 1000, "has": 0, "now": NOON} | asked)
    return caught.value


def test_the_price_is_that_of_the_moment_however_much_more_the_buyer_saw() -> None:
    for seen in (900, 901, 1000, 10**12):
        assert take(standing(), buyer_id=ANN, amount=seen, has=0, now=NOON + MINUTE).amount == 900


def test_nobody_pays_more_than_they_saw() -> None:
    """Seen was the price after the next drop: one microsecond too early."""
    now = NOON + MINUTE - MOMENT
    refusal = refusal_of(standing(), amount=999, now=now)
    assert isinstance(refusal, PriceChanged)
    assert refusal.facts == {
        "currentPrice": 1000,
        "dropsRemaining": 3,
        "nextDropAt": "2026-11-20T12:01:00.000Z",
    }
    assert take(standing(), buyer_id=ANN, amount=999, has=0, now=now + MOMENT).amount == 900


def test_at_the_floor_no_next_drop_is_promised() -> None:
    refusal = refusal_of(standing(), amount=749, now=NOON + 30 * MINUTE)
    assert refusal.facts == {"currentPrice": 750, "dropsRemaining": 0, "nextDropAt": None}


@given(terms_and_moments(), st.integers(0, 2 * 10**6 + 1))
def test_whatever_is_taken_is_taken_at_the_price_of_the_moment_and_for_no_more_than_was_seen(
    case: tuple[Terms, datetime], seen: int
) -> None:
    terms, now = case
    sale = Standing(terms, "RUNNING", NOON, now + MOMENT)
    price = price_at(terms, NOON, now)
    if seen < price.amount:
        assert refusal_of(sale, amount=seen, now=now).facts["currentPrice"] == price.amount
    else:
        taken = take(sale, buyer_id=ANN, amount=seen, has=0, now=now)
        assert taken == sale.price_at(now)
        assert terms.floor <= taken.amount <= seen


def test_the_last_moment_is_the_one_before_the_end() -> None:
    end = NOON + timedelta(hours=1)
    assert take(standing(), buyer_id=ANN, amount=1000, has=0, now=end - MOMENT)
    # Whoever has not closed it yet: the clock decides, not the status.
    for status in ("RUNNING", "ENDING_SOON", "ENDED"):
        assert isinstance(refusal_of(standing(status), now=end), AuctionEnded)


#: Everything that can be wrong, in the order in which it is found, and what puts it right.
LADDER: list[tuple[type[MarketplaceError], dict[str, Any]]] = [
    (SellerCannotBid, {"buyer_id": ANN}),
    (AuctionCancelled, {"status": "RUNNING"}),
    (SoldOut, {"held": 2}),
    (BuyerLimitReached, {"has": 1}),
    (PriceChanged, {"amount": 1000}),
]


def test_of_several_refusals_the_first_in_the_order_is_told() -> None:
    now: dict[str, Any] = {"buyer_id": SELLER, "status": "CANCELLED", "held": 3, "has": 2, "amount": 999}
    for expected, remedy in LADDER:
        sale = standing(now["status"], per_buyer=2, held=now["held"])
        asked = {name: now[name] for name in ("buyer_id", "has", "amount")}
        assert type(refusal_of(sale, **asked)) is expected
        now |= remedy
    assert take(
        standing(per_buyer=2, held=now["held"]), buyer_id=ANN, amount=1000, has=1, now=NOON
    ) == price_at(TULIPS, NOON, NOON)


@pytest.mark.parametrize(
    ("status", "now", "stock", "expected"),
    [
        ("DRAFT", NOON, {}, AuctionNotRunning),
        ("SCHEDULED", NOON - MOMENT, {}, AuctionNotRunning),
        # Sold out, and nothing but that to tell: what is held may come back.
        ("ENDED", NOON, {"held": 1, "sold": 2}, SoldOut),
        ("ENDED", NOON, {"sold": 3}, SoldOut),
        # Over in any case, so that nothing comes back to it.
        ("ENDED", NOON + timedelta(hours=1), {"held": 3}, AuctionEnded),
        ("ENDED", NOON + timedelta(hours=1), {}, AuctionEnded),
        ("RUNNING", NOON + timedelta(hours=1), {"held": 3}, AuctionEnded),
        ("CANCELLED", NOON + timedelta(hours=1), {}, AuctionCancelled),
    ],
)
def test_nothing_is_taken_while_nothing_is_for_sale(
    status: str, now: datetime, stock: dict[str, int], expected: type[MarketplaceError]
) -> None:
    # A buyer over the limit with too low a price: neither is told of what cannot be bought at all.
    sale = standing(status, per_buyer=1, **stock)
    assert type(refusal_of(sale, has=1, amount=0, now=now)) is expected


def test_sold_out_says_how_many_may_come_back() -> None:
    assert refusal_of(standing(held=2, sold=1)).facts == {"remainingItems": 0, "heldItems": 2}


def test_the_limit_is_told_to_those_who_have_reached_it() -> None:
    assert refusal_of(standing(per_buyer=2), has=2).facts == {"limit": 2}
    assert refusal_of(standing(per_buyer=2), has=3).facts == {"limit": 2}
    assert take(standing(per_buyer=2), buyer_id=ANN, amount=1000, has=1, now=NOON)
    assert take(standing(), buyer_id=ANN, amount=1000, has=1_000_000, now=NOON)


@pytest.mark.parametrize(
    ("held", "sold", "outcome"), [(0, 0, "UNSOLD"), (1, 0, "SOLD"), (0, 1, "SOLD"), (2, 1, "SOLD")]
)
def test_sold_is_what_has_a_buyer(held: int, sold: int, outcome: str) -> None:
    assert dutch.outcome(standing("ENDED", held=held, sold=sold)) == outcome


# -- several in one transaction ------------------------------------------------------------------------------


def book(now: datetime = NOON, **stock: Any) -> DutchBook:
    """A running auction, opened at ``now``."""
    more = {name: stock.pop(name) for name in ("overdue", "next_expiry", "has") if name in stock}
    return DutchBook(
        auction_id=7,
        title="Tulips",
        currency="EUR",
        starts_at=NOON,
        standing=standing(**stock),
        outcome=None,
        seq=1,
        part=0,
        log_hash=None,
        last_event_at=None,
        closed_at=None,
        now=now,
        **more,
    )


def test_the_limit_of_a_buyer_counts_what_they_take_in_the_same_transaction() -> None:
    opened = book(per_buyer=2, quantity=9, has={ANN: 1})
    opened.place(Bid(ANN, 1000), bidder_name="Ann")
    with pytest.raises(BuyerLimitReached):
        opened.place(Bid(ANN, 1000), bidder_name="Ann")
    # Others have a limit of their own.
    opened.place(Bid(BEN, 1000), bidder_name="Ben")
    opened.place(Bid(BEN, 1000), bidder_name="Ben")
    with pytest.raises(BuyerLimitReached):
        opened.place(Bid(BEN, 1000), bidder_name="Ben")
    assert (opened.standing.held, opened.standing.bid_count, len(opened.taken)) == (3, 3, 3)


def test_of_five_who_ask_together_for_three_items_the_first_three_have_them() -> None:
    opened = book()
    assert opened.turns([Bid(buyer, 1000) for buyer in (6, 5, 4, 3, 2)]) == [0, 1, 2, 3, 4]
    for buyer in (6, 5, 4):
        opened.place(Bid(buyer, 1000), bidder_name="")
    for buyer in (3, 2):
        with pytest.raises(SoldOut):
            opened.place(Bid(buyer, 1000), bidder_name="")
    assert [item.buyer_id for item in opened.taken] == [6, 5, 4]
    assert (opened.standing.status, opened.standing.free, opened.outcome) == ("ENDED", 0, "SOLD")


@pytest.mark.parametrize("asked", [Bid(ANN, None, 1000), Bid(ANN, 1000, 1000)])
def test_there_is_no_maximum_in_a_dutch_auction(asked: Bid) -> None:
    opened = book()
    opened.stored_due_at = opened.due_at
    with pytest.raises(Invalid) as caught:
        opened.place(asked, bidder_name="Ann")
    assert [problem["field"] for problem in caught.value.facts["errors"]] == ["maxAmount"]
    assert not opened.changed


# -- when the clock has to look again ------------------------------------------------------------------------


def test_a_book_that_leaves_overdue_holds_to_others_stays_due() -> None:
    """Whoever checks out one item does not make the clock forget the others."""
    overdue = Item(2, BEN, 1000, NOON - MOMENT)
    opened = book(held=2, overdue=[overdue], next_expiry=NOON + MINUTE)
    opened.confirm(Item(3, ANN, 1000, NOON + MINUTE))
    assert opened.due_at == overdue.expires_at
    opened.advance()
    assert opened.due_at == NOON + MINUTE


def test_a_refusal_alone_is_nothing_to_write() -> None:
    opened = book()
    opened.stored_due_at = opened.due_at
    with pytest.raises(PriceChanged):
        opened.place(Bid(ANN, 1), bidder_name="Ann")
    assert not opened.changed
