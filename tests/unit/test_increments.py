"""Tables of increments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.errors import Invalid
from marketplace.increments import MAX_ROWS, PRESETS, Increments

EBAY = next(preset for preset in PRESETS if preset.name == "ebay")


def test_a_fixed_step_is_the_same_at_every_price() -> None:
    assert [Increments.fixed(25).after(price) for price in (0, 1, 10**12)] == [25, 25, 25]


def test_a_row_holds_from_its_price_up_to_the_next() -> None:
    table = Increments.table([[0, 5], [100, 25], [500, 50]])
    assert [table.after(price) for price in (0, 99, 100, 499, 500, 10**12)] == [5, 5, 25, 25, 50, 50]


@pytest.mark.parametrize(
    ("price", "step"),
    [
        (1, 5),
        (99, 5),
        (100, 25),
        (499, 25),
        (500, 50),
        (2_499, 50),
        (2_500, 100),
        (9_999, 100),
        (10_000, 250),
        (24_999, 250),
        (25_000, 500),
        (49_999, 500),
        (50_000, 1_000),
        (99_999, 1_000),
        (100_000, 2_500),
        (249_999, 2_500),
        (250_000, 5_000),
        (499_999, 5_000),
        (500_000, 10_000),
        (10**12, 10_000),
    ],
)
def test_ebays_table_is_the_published_one_at_both_ends_of_each_row(price: int, step: int) -> None:
    assert Increments.table(EBAY.rows).after(price) == step


def test_every_preset_is_acceptable_and_names_its_source() -> None:
    for preset in PRESETS:
        assert Increments.table(preset.rows).rows == preset.rows
        assert "https://" in preset.source
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [[1, 5]],
        [[0, 0]],
        [[0, -1]],
        [[0, 5], [0, 10]],
        [[0, 5], [100, 10], [100, 20]],
        [[0, 5], [100, 10], [50, 20]],
        [[0, 5], [100, 4]],
        [[n, 1] for n in range(MAX_ROWS + 1)],
    ],
)
def test_a_table_that_makes_no_sense_is_refused(rows: list[list[int]]) -> None:
    with pytest.raises(Invalid) as refused:
        Increments.table(rows)
    assert [error["field"] for error in refused.value.facts["errors"]] == ["incrementTable"]


def test_the_longest_table_is_accepted() -> None:
    assert len(Increments.table([[n, 1] for n in range(MAX_ROWS)]).rows) == MAX_ROWS


def test_an_auction_has_its_table_or_else_its_step() -> None:
    assert Increments.stored(100, None) == Increments.fixed(100)
    assert Increments.stored(5, [[0, 5], [100, 25]]) == Increments.table([(0, 5), (100, 25)])


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[int, int]]:
    prices = draw(st.lists(st.integers(1, 10_000), unique=True, max_size=MAX_ROWS - 1))
    steps = draw(st.lists(st.integers(1, 500), min_size=len(prices) + 1, max_size=len(prices) + 1))
    return list(zip([0, *sorted(prices)], sorted(steps), strict=True))


@given(tables(), st.integers(0, 12_000))
def test_the_step_is_that_of_the_last_row_not_above_the_price(rows: list[Any], price: int) -> None:
    assert Increments.table(rows).after(price) == [step for start, step in rows if start <= price][-1]


@given(tables(), st.integers(0, 12_000), st.integers(0, 12_000))
def test_a_higher_price_never_asks_for_a_lower_bid(rows: list[Any], one: int, other: int) -> None:
    table, (low, high) = Increments.table(rows), sorted((one, other))
    assert low + table.after(low) <= high + table.after(high)
