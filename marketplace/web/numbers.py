"""Amounts, moments and spans, as the reader writes them; ``client/pages/numbers.ts`` writes the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from flask_babel import gettext

from marketplace.money import format_money, format_rate
from marketplace.times import format_day, locale_of_dates

from .locales import language

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def money(amount: int, currency: str) -> str:
    """``15000, "USD"`` -> ``$150.00``."""
    return format_money(amount, currency, language())


def percent(rate: int) -> str:
    """A rate in basis points: ``1250`` -> ``12.5%``."""
    return format_rate(rate, language())


def number(value: float, decimals: int = 0) -> str:
    """``12500`` -> ``12,500``; with as many decimals as are asked for, even if they are zeros."""
    format_ = "#,##0." + "0" * decimals if decimals else None
    return format_decimal(value, format=format_, locale=language())


def moment(iso: str) -> str:
    """``20 Nov 2026, 17:32 UTC``: nothing is known of the reader's zone until a script runs."""
    at, locale = datetime.fromisoformat(iso).astimezone(UTC), locale_of_dates(language())
    # Browsers leave out the narrow space before AM and PM, for the sake of old pages.
    time = format_time(at, "short", locale=locale).replace("\u202f", " ")
    return gettext("%(date)s, %(time)s", date=format_date(at, "medium", locale), time=f"{time} UTC")


def day(at: datetime) -> str:
    """``20 November 2026``."""
    return format_day(at, language())


def time_left(iso: str) -> str:
    """How long until then: ``2 d 3 h``, ``3 h 20 min``, ``4:05``. A script counts on from there."""
    left = (datetime.fromisoformat(iso) - datetime.now(UTC)).total_seconds()
    seconds = max(0, math.ceil(left))
    if seconds >= _DAY:
        return f"{_days(seconds // _DAY)} {_hours(seconds // _HOUR % 24)}"
    if seconds >= _HOUR:
        return f"{_hours(seconds // _HOUR)} {_minutes(seconds // _MINUTE % 60)}"
    return f"{seconds // _MINUTE}:{seconds % _MINUTE:02d}"


def span(seconds: int) -> str:
    """``400`` -> ``6 min 40 s``, ``24_300`` -> ``6 h 45 min``: its two largest units."""
    return " ".join(list(_parts(seconds))[:2]) or _seconds(0)


def duration(seconds: int) -> str:
    """``90`` -> ``90 s``, ``600`` -> ``10 min``: in one unit, as rules are told."""
    for size, words in ((_HOUR, _hours), (_MINUTE, _minutes)):
        if seconds >= 2 * size and seconds % size == 0:
            return words(seconds // size)
    return _seconds(seconds)


def _parts(seconds: int) -> Iterator[str]:
    for size, words in ((_DAY, _days), (_HOUR, _hours), (_MINUTE, _minutes), (1, _seconds)):
        if seconds >= size:
            yield words(seconds // size)
            seconds %= size


def _days(num: int) -> str:
    return gettext("%(num)s d", num=num)


def _hours(num: int) -> str:
    return gettext("%(num)s h", num=num)


def _minutes(num: int) -> str:
    return gettext("%(num)s min", num=num)


def _seconds(num: int) -> str:
    return gettext("%(num)s s", num=num)
