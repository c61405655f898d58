"""What a buyer pays: the price, a premium on it, and tax on both. Pure.

That the premium is a share of the hammer price, and the tax one of price and premium together, is the custom
of the trade: https://mantleauctioneer.com/post/is-sales-tax-charged-on-top-of-the-buyer-s-premium, whose
figures are a test. Each line is rounded by itself, half up, and the total is the sum of the rounded lines, as
EN 16931 wants it of an invoice (rules BR-DEC-*: no amount is finer than that; BR-CO-15: totals add up).
"""

from __future__ import annotations

from dataclasses import dataclass

#: Rates are in hundredths of a percent, as traders say "basis points".
WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of an invoice, in the currency's minor unit."""

    price: int
    premium: int
    tax: int

    @property
    def total(self) -> int:
        """What the buyer pays."""
        return self.price + self.premium + self.tax


def lines(price: int, *, premium_rate: int, tax_rate: int) -> Lines:
    """The lines for a price; rates in basis points (2500 is 25 %)."""
    premium = _share(price, premium_rate)
    return Lines(price, premium, _share(price + premium, tax_rate))


def _share(amount: int, rate: int) -> int:
    """A share of an amount, rounded half up. Whole numbers only: no amount is too large to be exact."""
    return (amount * rate + WHOLE // 2) // WHOLE
