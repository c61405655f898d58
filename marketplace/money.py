"""Money is an integer in the currency's minor unit; pages turn it into text, as their readers do."""

from __future__ import annotations

import re
from decimal import Decimal

from babel.numbers import format_currency, format_percent, get_currency_precision, list_currencies

#: The largest amount accepted: far above any lot, far below what JavaScript counts exactly (2^53).
MAX_AMOUNT = 10**13

_CURRENCIES = frozenset(list_currencies("en"))
_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[A-Za-z])(?=[0-9])")


def is_currency(code: str) -> bool:
    """Whether this is an ISO 4217 code that Unicode's locale data knows."""
    return code in _CURRENCIES


def minor_digits(currency: str) -> int:
    """Digits after the decimal point: 2 for USD, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def format_money(amount: int, currency: str, locale: str = "en") -> str:
    """``15000, "USD"`` -> ``$150.00``; in Polish ``150,00 USD``.

    The client's ``money()`` writes the same, so that nothing moves when it takes over.
    """
    text = format_currency(Decimal(amount).scaleb(-minor_digits(currency)), currency, locale=locale)
    # As browsers do it, which Babel does not: a space between letters and digits ("CHF 650.00").
    return _LETTER_BEFORE_DIGIT.sub("\u00a0", text)


def format_rate(basis_points: int, locale: str = "en") -> str:
    """``1250`` -> ``12.5%``."""
    return format_percent(Decimal(basis_points).scaleb(-4), locale=locale, decimal_quantization=False)
