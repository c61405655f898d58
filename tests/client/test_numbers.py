"""Server and script write the same, so that nothing moves when the script takes over."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from marketplace import errors
from marketplace.errors import Invalid
from marketplace.money import minor_digits
from marketplace.times import iso
from marketplace.web import forms, locales, numbers, problems

CURRENCIES = ("USD", "EUR", "GBP", "CHF", "JPY", "PLN", "PKR", "KWD", "CAD", "AUD")
PROBLEMS = Path("marketplace/web/client/pages/problems.ts")
#: Of each, those with 0, 2 and 3 digits.
TYPED = (
    *(
        "1234.50",
        "1234,50",
        "1 234,50",
        "1\u00a0234,50",
        "1\u202f234.5",
        "1,234.50",
        "1.234,50",
        "1,234",
        "1.234",
    ),
    *(
        "1,000",
        "1.000",
        "1 000",
        "1,00",
        "1.00",
        "12 34",
        "1,23,456",
        "1 234 567,89",
        "1,234,567.89",
        "0",
        "0,5",
    ),
    *(
        ".5",
        "5.",
        "5,",
        "",
        " ",
        "-5",
        "+5",
        "1e3",
        "ten",
        "12.505",
        "12.5050",
        "٣٠",
        "۱۲۳۴٫۵",
        "۱٬۲۳۴٫۵۰",
        "9" * 15,
    ),
    *("9" * 16, " 5 ", "\u00a05", "5 ,5", "1'234.50", "١٢", "１２", "$5", "5 zł"),
)


@pytest.fixture(scope="module")
def pages() -> Flask:
    """What the server needs to know the reader's language, and nothing else."""
    app = Flask("marketplace")
    locales.register(app)
    return app


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_server_and_script_write_and_read_the_same(
    language: str, pages: Flask, node: str, bundles: Path, tmp_path: Path
) -> None:
    with pages.test_request_context(headers={"Accept-Language": language}):
        assert locales.language() == language
        facts = {
            "language": language,
            "money": [_money(amount, each) for each in CURRENCIES for amount in _amounts()],
            "moments": [_moment(each) for each in _moments()],
            "typed": [_typed(text, each) for text in _texts() for each in ("JPY", "USD", "KWD")],
            "spans": [(each, numbers.span(each)) for each in _spans()],
            "problems": _problems(),
        }
    (tmp_path / "facts.json").write_text(json.dumps(facts))
    command = [node, bundles / language / "numbers.mjs", tmp_path / "facts.json"]
    env = {**os.environ, "TZ": "UTC"}
    different = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert different.stdout.splitlines()[:10] == []


def test_a_text_is_never_another_amount_in_another_language(pages: Flask) -> None:
    for currency in ("JPY", "USD", "KWD"):
        for text in _texts():
            read = set()
            for language in locales.LANGUAGES:
                with pages.test_request_context(headers={"Accept-Language": language}):
                    read.add(_typed(text, currency)[2])
            assert len(read - {None}) <= 1, (text, currency, read)


def _amounts() -> list[int]:
    chance = random.Random(1)
    edges = [edge + each for digits in range(13) for edge in (10**digits,) for each in (-1, 0, 1)]
    return [*edges, *(chance.randrange(10 ** chance.randrange(1, 13)) for _ in range(200))]


def _moments() -> list[datetime]:
    return [
        datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours * 83, minutes=hours) for hours in range(110)
    ]


def _spans() -> list[int]:
    return [0, 1, 59, 60, 61, 400, 3_600, 3_601, 24_300, 86_399, 86_400, 86_401, 90_061, 10**7]


def _texts() -> list[str]:
    chance = random.Random(2)
    return [*TYPED, *("".join(chance.choices("1203 ,.", k=chance.randrange(1, 10))) for _ in range(2000))]


def _moment(moment: datetime) -> tuple[str, str]:
    """The script writes it in its own zone, which it does not name."""
    return iso(moment), numbers.moment(iso(moment)).replace(" UTC", "")


def _money(amount: int, currency: str) -> tuple[int, str, int, str]:
    return amount, currency, minor_digits(currency), numbers.money(amount, currency)


def _typed(text: str, currency: str) -> tuple[str, int, int | None]:
    try:
        read = forms.minor_units(text, currency, field="amount")
    except Invalid:
        read = None
    return text, minor_digits(currency), read


def _problems() -> dict[str, str]:
    """What the script has words for of its own, as the server says it."""
    codes = re.findall(r'case "(\w+)":', PROBLEMS.read_text())
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    said = {each.code: each for each in kinds if issubclass(each, errors.MarketplaceError)}
    return {code: problems.words(said[code]()) for code in codes if code != "rate_limited"}
