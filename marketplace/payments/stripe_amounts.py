"""Amounts as Stripe counts them. Pure.

https://docs.stripe.com/currencies: amounts are in the currency's minor unit, which is not the same
everywhere. *Zero-decimal currencies* have none. *Three-decimal* ones want a 0 as the last digit. *Special
cases*: the Icelandic króna and the Ugandan shilling have no minor unit, but Stripe counts them in hundredths,
of which there must be whole hundreds. All others have two decimals, also those in which Unicode's locale
data, which this marketplace follows, counts none, such as the Serbian dinar.
"""

from __future__ import annotations

from marketplace.money import minor_digits

_ZERO_DECIMAL = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
ZERO_DECIMAL = frozenset(_ZERO_DECIMAL.split())
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
#: Two decimals on paper, of which none may be used.
WHOLE_ONLY = frozenset({"ISK", "UGX"})


def to_stripe(amount: int, currency: str) -> int:
    """An amount in our minor unit, as Stripe wants it: ``15000, "USD"`` -> 15000; ``500, "UGX"`` -> 50000.

    Raises:
        ValueError: Stripe takes no such amount. It is not rounded: what is due is what is paid.
    """
    theirs, remainder = divmod(amount * _parts(currency), 10 ** minor_digits(currency))
    step = 100 if currency in WHOLE_ONLY else 10 if currency in THREE_DECIMAL else 1
    if remainder or theirs % step:
        raise ValueError(f"Stripe takes no {amount} of the minor unit of {currency}")
    return int(theirs)


def from_stripe(amount: int, currency: str) -> int:
    """An amount that Stripe reports, in our minor unit; what is smaller than that is left out."""
    return int(amount * 10 ** minor_digits(currency) // _parts(currency))


def _parts(currency: str) -> int:
    """Stripe's units in one of the currency's."""
    if currency in ZERO_DECIMAL:
        return 1
    return 1000 if currency in THREE_DECIMAL else 100
