"""Amounts as Stripe counts them."""

from __future__ import annotations

import pytest
from babel.numbers import list_currencies
from hypothesis import given
from hypothesis import strategies as some

from marketplace.money import MAX_AMOUNT
from marketplace.payments.stripe_amounts import (
    THREE_DECIMAL,
    WHOLE_ONLY,
    ZERO_DECIMAL,
    from_stripe,
    to_stripe,
)

#: With more decimals than Stripe has: the Libyan dinar, and two units of account.
_MORE_DIGITS = frozenset({"LYD", "CLF", "UYW"})


@pytest.mark.parametrize(
    ("amount", "currency", "theirs"),
    [
        # The examples of https://docs.stripe.com/currencies
        (1000, "USD", 1000),
        (500, "JPY", 500),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (5120, "KWD", 5120),
        (1000, "HUF", 1000),
        # Unicode counts no decimals here, Stripe two.
        (7, "RSD", 700),
    ],
)
def test_stripes_own_examples(amount: int, currency: str, theirs: int) -> None:
    assert to_stripe(amount, currency) == theirs
    assert from_stripe(theirs, currency) == amount


@pytest.mark.parametrize(("amount", "currency"), [(5124, "KWD"), (1, "TND")])
def test_what_stripe_does_not_take_is_not_rounded(amount: int, currency: str) -> None:
    with pytest.raises(ValueError, match=currency):
        to_stripe(amount, currency)


@given(some.integers(0, MAX_AMOUNT), some.sampled_from(sorted(list_currencies("en"))))
def test_there_and_back_is_the_same(amount: int, currency: str) -> None:
    try:
        theirs = to_stripe(amount, currency)
    except ValueError:
        assert currency in THREE_DECIMAL | _MORE_DIGITS
        return
    assert from_stripe(theirs, currency) == amount
    assert currency not in WHOLE_ONLY or theirs % 100 == 0
    assert currency not in THREE_DECIMAL or theirs % 10 == 0
    assert currency not in ZERO_DECIMAL or theirs == amount
