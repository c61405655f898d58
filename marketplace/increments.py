"""By how much the next bid must exceed the current one."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .errors import Invalid

#: Rows of a table at most.
MAX_ROWS = 30


@dataclass(frozen=True, slots=True)
class Increments:
    """A table of prices, rising from 0, and the step that a bid over each of them must make."""

    rows: tuple[tuple[int, int], ...]

    @classmethod
    def fixed(cls, step: int) -> Increments:
        """The same step at every price."""
        return cls(((0, step),))

    @classmethod
    def table(cls, rows: Sequence[Sequence[int]]) -> Increments:
        """A checked table.

        Raises:
            Invalid: it does not start at 0, or prices do not rise, or steps shrink.
        """
        pairs = tuple((start, step) for start, step in rows)
        starts = [start for start, _ in pairs]
        steps = [step for _, step in pairs]
        if not 1 <= len(pairs) <= MAX_ROWS:
            raise _invalid(f"must have 1 to {MAX_ROWS} rows")
        if starts[0] != 0 or any(a >= b for a, b in itertools.pairwise(starts)):
            raise _invalid("must begin at 0, each row at a higher price than the one before")
        # A step that shrinks would let a bid be refused that would have been accepted at a higher price.
        if steps[0] < 1 or any(a > b for a, b in itertools.pairwise(steps)):
            raise _invalid("must have steps of at least 1 that never shrink")
        return cls(pairs)

    @classmethod
    def stored(cls, step: int, rows: Sequence[Sequence[int]] | None) -> Increments:
        """The increments of an auction, whose table was checked when it was set."""
        return cls.fixed(step) if rows is None else cls(tuple((start, by) for start, by in rows))

    def after(self, amount: int) -> int:
        """The step that a bid over ``amount`` must make."""
        return self.rows[bisect_right(self.rows, amount, key=lambda row: row[0]) - 1][1]


def _invalid(message: str) -> Invalid:
    return Invalid(
        "The table of increments is not acceptable.",
        errors=[{"field": "incrementTable", "message": message}],
    )


@dataclass(frozen=True, slots=True)
class Preset:
    """A table from the trade, in hundredths of the currency's main unit."""

    name: str
    source: str
    rows: tuple[tuple[int, int], ...]

    def in_currency(self, digits: int) -> list[list[int]]:
        """The rows in the minor unit of a currency with so many digits.

        Raises:
            Invalid: the currency has no coin as small as some of the steps.
        """
        scaled = [[Decimal(number).scaleb(digits - 2) for number in row] for row in self.rows]
        if any(number % 1 for row in scaled for number in row):
            raise _invalid("must be another one: this currency has no coins as small as these steps")
        return [[int(number) for number in row] for row in scaled]


PRESETS = (
    Preset(
        "ebay",
        "eBay, Bid increments, https://www.ebay.com/help/buying/bidding/automatic-bidding?id=4014",
        (
            (0, 5),
            (100, 25),
            (500, 50),
            (2_500, 100),
            (10_000, 250),
            (25_000, 500),
            (50_000, 1_000),
            (100_000, 2_500),
            (250_000, 5_000),
            (500_000, 10_000),
        ),
    ),
)
