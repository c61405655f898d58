"""What a buyer pays: to the last cent."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.money import MAX_AMOUNT
from marketplace.orders.fees import lines

AMOUNTS = st.integers(0, MAX_AMOUNT)
RATES = st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("price", "premium_rate", "tax_rate", "premium", "tax", "total"),
    [
        # Published: $1,500,000 with 10 % premium and 7.25 % sales tax, see orders/fees.py.
        (150_000_000, 1000, 725, 15_000_000, 11_962_500, 176_962_500),
        # The same page: without premium, the tax is on the price.
        (165_000_000, 0, 725, 0, 11_962_500, 176_962_500),
        # A lot at 100.00 with 25 % and 20 %.
        (10_000, 2500, 2000, 2_500, 2_500, 15_000),
        (10_000, 0, 0, 0, 0, 10_000),
        (0, 2500, 2000, 0, 0, 0),
        # Half a cent goes up; less goes down.
        (1, 5000, 0, 1, 0, 2),
        (1, 4999, 0, 0, 0, 1),
        # The tax is on the rounded premium, which the buyer sees: 0.03 + 0.02 rounded, half of 0.05.
        (3, 5000, 5000, 2, 3, 8),
        # The largest lot there can be stays exact, where floating point would not.
        (MAX_AMOUNT - 1, 3333, 1, 3_333_000_000_000, 1_333_300_000, 13_334_333_299_999),
    ],
)
def test_figures(price: int, premium_rate: int, tax_rate: int, premium: int, tax: int, total: int) -> None:
    due = lines(price, premium_rate=premium_rate, tax_rate=tax_rate)
    assert (due.premium, due.tax, due.total) == (premium, tax, total)


@given(AMOUNTS, RATES, RATES)
def test_each_line_is_what_decimal_arithmetic_rounds_half_up(price: int, premium: int, tax: int) -> None:
    def share(amount: int, rate: int) -> int:
        exact = Decimal(amount) * Decimal(rate) / 10_000
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))

    due = lines(price, premium_rate=premium, tax_rate=tax)
    assert due.premium == share(price, premium)
    assert due.tax == share(price + due.premium, tax)
    assert due.total == price + due.premium + due.tax


@given(AMOUNTS, st.integers(0, 1000), RATES, RATES)
def test_a_higher_price_never_costs_less(price: int, more: int, premium: int, tax: int) -> None:
    cheap, dear = (lines(p, premium_rate=premium, tax_rate=tax).total for p in (price, price + more))
    assert dear - cheap >= more
