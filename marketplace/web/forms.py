"""Reading forms: text as people type it, checked by the schemas of the API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from babel.numbers import format_decimal, get_decimal_symbol
from flask import request
from pydantic import ValidationError

from marketplace.api.schemas import Schema
from marketplace.api.schemas.base import MAX_YEAR, MIN_YEAR
from marketplace.errors import Invalid, NotFound
from marketplace.money import is_currency, minor_digits

from .locales import language

AnySchema = TypeVar("AnySchema", bound=Schema)
Read = TypeVar("Read")
Item = TypeVar("Item")

#: What select boxes offer; the API takes every currency there is.
CURRENCIES = ("USD", "EUR", "GBP", "CHF", "JPY", "PLN", "PKR", "KWD", "CAD", "AUD")

#: An amount, by what the reader's language writes in it. No text is one amount here and another one there.
_AMOUNTS = {
    ",": re.compile(r"(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.([0-9]{1,4}))?"),
    " ": re.compile(r"(?:[0-9]{1,15}|[0-9]{1,3}(?: [0-9]{3}){1,4})(?:[.,]([0-9]{1,4}))?"),
}
#: Thousands or decimals?
_TWO_WAYS = re.compile(r"[0-9]{1,3},[0-9]{3}")
#: Spaces that do not break, as amounts on the page have them.
_SPACES = {0xA0: " ", 0x202F: " "}
#: What keyboards of a language may write for 0123456789.,
_DIGITS = {"ur": str.maketrans("۰۱۲۳۴۵۶۷۸۹٫٬", "0123456789.,")}
_PERCENT = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{1,2})?")
#: How pydantic begins what a page begins with "This".
_SAID = re.compile(r"^(?:Value error, must|(?:String|Input|Value) should) ")
_WHOLE = re.compile(r"[0-9]{1,9}")
#: By how many places the buttons beside something in a list move it.
_MOVES = {"earlier": -1, "later": 1}


def typed(form: Mapping[str, str], name: str) -> str:
    """What was typed into a field; nothing if there is no such field."""
    # A form sends a line break as two characters, though the browser counts it as one.
    return form.get(name, "").replace("\r\n", "\n")


def fields(*names: str) -> dict[str, str]:
    """What was typed into these fields of the form that was sent."""
    return {name: typed(request.form, name) for name in names}


def checked(schema: type[AnySchema], values: Mapping[str, Any]) -> AnySchema:
    """The values as the API would take them.

    Raises:
        Invalid: names the fields that are not acceptable.
    """
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        problems = [
            {"field": str(item["loc"][0]) if item["loc"] else "", "message": _SAID.sub("must ", item["msg"])}
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    raise _refusal(problems)


def _refusal(problems: Sequence[Mapping[str, str]]) -> Invalid:
    return Invalid("Please look at the marked fields.", errors=list(problems))


class Reader:
    """Reads a form as people filled it in; what cannot be read it notes, to tell all of it at once."""

    def __init__(self, form: Mapping[str, str], currency: str) -> None:
        self._form = form
        self._currency = currency
        self._problems: list[dict[str, str]] = []

    def text(self, name: str) -> str:
        """What was typed, without the spaces around it; nothing if there is no such field."""
        return typed(self._form, name).strip()

    def amount(self, name: str) -> int | None:
        """An amount, in minor units."""
        return self.read(lambda: minor_units(self.text(name), self._currency, field=name))

    def amount_or_none(self, name: str) -> int | None:
        """An amount that may be left empty."""
        return self.amount(name) if self.text(name) else None

    def rate(self, name: str) -> int | None:
        """Percent, in basis points."""
        return self.read(lambda: basis_points(self.text(name), field=name))

    def whole(self, name: str) -> int | str:
        """A whole number, 0 if the field is empty; what is none stays as it is, for the schema to refuse."""
        return whole(self.text(name) or "0")

    def whole_or_none(self, name: str) -> int | str | None:
        """A whole number that may be left empty."""
        return self.whole(name) if self.text(name) else None

    def read(self, parse: Callable[[], Read]) -> Read | None:
        """What ``parse`` makes of the form, or nothing, with the problem noted."""
        try:
            return parse()
        except Invalid as problem:
            self._problems += problem.facts["errors"]
            return None

    def checked(self, schema: type[AnySchema], values: Mapping[str, Any]) -> AnySchema:
        """The values as the API would take them.

        Raises:
            Invalid: names the fields that could not be read and those that are not acceptable, in the order
                of ``values``.
        """
        problems = [*self._problems]
        try:
            found = checked(schema, values)
        except Invalid as problem:
            told = {each["field"] for each in problems}
            problems += [each for each in problem.facts["errors"] if each["field"] not in told]
        if problems:
            places = {name: place for place, name in enumerate(values)}
            raise _refusal(sorted(problems, key=lambda each: places.get(each["field"], len(places))))
        return found


def minor_units(text: str, currency: str, *, field: str) -> int:
    """``"1,234.50"``, ``"USD"`` -> ``123450``; in Polish ``"1 234,50"``, too.

    A text is never one amount here and another one there: whoever changes the language, or has learned to
    write numbers elsewhere, sends what they mean or nothing. So what could be read in two ways is refused in
    every language: ``"1,234"`` where there are three decimals, ``"1.000"`` where there are fewer. The
    client's ``minor()`` reads the same.

    Raises:
        Invalid: it is not an amount of this currency.
    """
    digits = minor_digits(currency) if is_currency(currency) else 2
    separator = " " if get_decimal_symbol(language()) == "," else ","
    plain = _plain(text).translate(_SPACES)
    match = _AMOUNTS[separator].fullmatch(plain)
    if match is None or not _fits(match[1] or "", digits) or (digits > 2 and _TWO_WAYS.fullmatch(plain)):
        example = format_decimal(Decimal("1234.5"), format="#,##0." + "0" * digits, locale=language())
        raise _refusal([{"field": field, "message": f"must be an amount such as {example}"}])
    whole = plain.replace(separator, "").replace(",", ".")
    return int(Decimal(whole).scaleb(digits))


def _plain(text: str) -> str:
    """A number with the digits that all languages have."""
    return text.strip().translate(_DIGITS.get(language(), {}))


def _fits(fraction: str, digits: int) -> bool:
    # Three digits after a point or comma may be meant as thousands, even if they are zeros.
    return len(fraction.rstrip("0")) <= digits and (len(fraction) != 3 or digits > 2)


def basis_points(text: str, *, field: str) -> int:
    """``"12.5"`` percent -> ``1250``; nothing is 0.

    Raises:
        Invalid: it is not such a number.
    """
    match = _PERCENT.fullmatch(_plain(text) or "0")
    if match is None:
        raise _refusal([{"field": field, "message": "must be percent, such as 25 or 12.5"}])
    return int(Decimal(match[0].replace(",", ".")).scaleb(2))


def percent(rate: int) -> str:
    """``1250`` -> ``12.5``: as a rate is put into a form."""
    return f"{rate / 100:g}"


def major_units(amount: int, currency: str) -> str:
    """``123450``, ``"USD"`` -> ``1234.50``: as an amount is put into a form."""
    digits = minor_digits(currency)
    return f"{Decimal(amount).scaleb(-digits):.{digits}f}"


def table_rows(text: str, currency: str, *, field: str) -> list[list[int]]:
    """A table of increments as people type it, a row on each line: ``"100: 2.50"`` -> ``[[10000, 250]]``.

    Raises:
        Invalid: a row is not like that.
    """
    rows = []
    for line in filter(None, map(str.strip, text.splitlines())):
        start, colon, step = line.partition(":")
        if not colon:
            message = "must have rows such as 100: 2.50, one on each line"
            raise _refusal([{"field": field, "message": message}])
        rows.append([minor_units(number, currency, field=field) for number in (start, step)])
    return rows


def table_text(rows: Sequence[Sequence[int]], currency: str) -> str:
    """A table of increments as it is put into a form."""
    return "\n".join(f"{major_units(start, currency)}: {major_units(step, currency)}" for start, step in rows)


def moment(text: str) -> datetime | str | None:
    """A date and time: UTC, unless a script has added the zone. What is none stays text, to be refused."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text or None
    zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
    # So far away nothing can be reckoned: another zone, or some days more, may be beyond all dates.
    return zoned if MIN_YEAR <= zoned.year <= MAX_YEAR else zoned.isoformat()


def in_form(moment: datetime | str | None) -> str:
    """A moment as it is put into a form: in UTC, which a script turns into the reader's time."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" if isinstance(moment, datetime) else ""


def whole(text: str) -> int | str:
    """A whole number; what is none stays as it is, for the schema to refuse."""
    plain = _plain(text)
    return int(plain) if _WHOLE.fullmatch(plain) else text


def moved(items: Sequence[Item], move: str, *, id_of: Callable[[Item], int]) -> list[Item]:
    """The items with one of them a place further, as the button beside it says: ``earlier-12``, ``later-12``.

    Without a button they stay as they are.

    Raises:
        NotFound: it is not one of them, or there is no such button.
    """
    order = list(items)
    if not move:
        return order
    direction, _, number = move.partition("-")
    ids = [str(id_of(item)) for item in order]
    if direction not in _MOVES or number not in ids:
        raise NotFound
    place = ids.index(number)
    item = order.pop(place)
    order.insert(max(place + _MOVES[direction], 0), item)
    return order
