"""What all schemas are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from unicodedata import category

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)
from pydantic.alias_generators import to_camel

from marketplace.money import MAX_AMOUNT
from marketplace.times import iso

MAX_PAGE = 100
#: Of moments that are sent.
MIN_YEAR, MAX_YEAR = 2000, 2200
#: Turn the text around them, also that which stands beside a name on a page.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: General categories of what leaves nothing to see: spaces, and what joins or parts the letters around it.
_UNSEEN = frozenset({"Cf", "Zs", "Zl", "Zp"})


class Schema(BaseModel):
    """Base of all: camelCase outside, unknown fields refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    def json_ready(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return self.model_dump(mode="json", by_alias=True)


def _printable(text: str) -> str:
    text = text.strip()
    # A NUL cannot be stored by PostgreSQL; the other control characters have no business in a line.
    if any(ord(character) < 32 and character not in "\n\r\t" for character in text) or not _is_unicode(text):
        raise ValueError("must not contain control characters")
    return text


def _is_unicode(text: str) -> bool:
    """JSON can spell half of a surrogate pair, which no database and no browser takes."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _one_line(text: str) -> str:
    if any(character in "\n\r\t" for character in text) or all(category(each) in _UNSEEN for each in text):
        raise ValueError("must be one line of text")
    if not _TURNING.isdisjoint(text):
        raise ValueError("must not contain control characters")
    return text


def _no_break(text: str) -> str:
    return _one_line(text) if text else text


def _within_reason(moment: datetime) -> datetime:
    if not MIN_YEAR <= moment.year <= MAX_YEAR:
        raise ValueError("must be between the years 2000 and 2200")
    return moment.astimezone(UTC)


def _number_from_query(value: Any) -> Any:
    # Query parameters are text; digits of other scripts and signs are not meant.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return value


Text = Annotated[str, AfterValidator(_printable)]

Line = Annotated[Text, AfterValidator(_one_line)]

#: Strict: neither a fraction nor a string is an amount.
Amount = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT, description="in the currency's minor unit")]

Moment = Annotated[datetime, PlainSerializer(iso, return_type=str, when_used="json")]

MomentIn = Annotated[AwareDatetime, AfterValidator(_within_reason)]

Seconds = Annotated[int, Field(strict=True, ge=0, le=86_400, description="seconds")]

QueryNumber = Annotated[int, BeforeValidator(_number_from_query), Field(strict=True, ge=0)]

PageSize = Annotated[int, BeforeValidator(_number_from_query), Field(strict=True, ge=1, le=MAX_PAGE)]


class Problem(Schema):
    """An error, as RFC 9457 has it; further members carry the facts that belong to the code."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None = None


class Person(Schema):
    """Somebody, as others see them."""

    id: int
    display_name: str


class PageQuery(Schema):
    """Which page."""

    limit: PageSize = 20
    cursor: Annotated[str | None, Field(max_length=200)] = None


class ItemPath(Schema):
    """The id in the path."""

    auction_id: int
