"""``script/words``: which texts it finds, and what it does not let pass in a catalogue."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages import Catalog

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def words() -> ModuleType:
    spec = importlib.util.spec_from_file_location("words", ROOT / "script" / "lib" / "words.py")
    assert spec and spec.loader
    module = sys.modules["words"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('gettext("a") + x.gettext("b", n=gettext("c"))', {("a",), ("b",), ("c",)}),
        ("f\"{gettext('a')} and {ngettext('b', 'bs', n)}\"", {("a",), ("b", "bs")}),
        ('ngettext("%(num)s bid",\n "%(num)s " "bids", n)', {("%(num)s bid", "%(num)s bids")}),
        ("gettext(text) + gettext(f'{x}') + other('a')", set()),
        ('raise Forbidden("Not you.", why=1)', {("Not you.",)}),
    ],
)
def test_texts_are_found_where_they_stand(
    words: ModuleType, source: str, found: set[tuple[str, ...]]
) -> None:
    keywords = {**words.KEYWORDS, "Forbidden": 1}
    assert set(words._texts_of_python(source, keywords)) == found


def test_the_texts_of_code_templates_errors_and_scripts_are_in_one_catalogue(words: ModuleType) -> None:
    found = words.extracted()
    for text in (
        "To be paid within a day.",
        "Try again",
        "The auction has ended.",
        "Only the seller may do this.",
        "You see every bid at once.",
        "%(num)s bid",
    ):
        assert found.get(text) is not None, text
    # Once for the template, once for the script.
    assert len(found.get("The server does not answer, so what you see may be old.").locations) > 1


GOOD = {
    "Bid": "Oferta",
    "You lead at %(price)s.": "Prowadzisz z %(price)s.",
    ("%(num)s bid of %(price)s", "%(num)s bids of %(price)s"): (
        "jedna oferta %(price)s",
        "%(num)s oferty %(price)s",
        "%(num)s ofert %(price)s",
    ),
}


def test_a_complete_catalogue_passes(words: ModuleType) -> None:
    assert list(words.problems_of(_catalogue(GOOD), _catalogue(dict.fromkeys(GOOD, "")))) == []


@pytest.mark.parametrize(
    ("text", "translation", "problem"),
    [
        ("Bid", "", "not translated"),
        ("You lead at %(price)s.", "Prowadzisz.", "other placeholders"),
        ("You lead at %(price)s.", "Prowadzisz z %(prize)s.", "other placeholders"),
        ("You lead at %(price)s.", "Prowadzisz z %(price)s na 100 %.", "a lone %"),
        ("You lead at %(price)s.", "Prowadzisz z %(price).", "other placeholders"),
        (tuple(GOOD)[2], ("jedna %(price)s", "%(num)s oferty %(price)s", ""), "not translated"),
        (tuple(GOOD)[2], ("jedna %(price)s", "%(num)s oferty %(price)s"), "has 2 forms instead of 3"),
        (tuple(GOOD)[2], ("%(price)s", "%(price)s", "%(num)s %(price)s"), "other placeholders"),
        (tuple(GOOD)[2], ("%(num)s", "%(num)s %(price)s", "%(num)s %(price)s"), "other placeholders"),
    ],
)
def test_what_is_missing_or_wrong_is_told(
    words: ModuleType, text: str | tuple[str, str], translation: str | tuple[str, ...], problem: str
) -> None:
    template = _catalogue(dict.fromkeys(GOOD, ""))
    [told] = words.problems_of(_catalogue({**GOOD, text: translation}), template)
    assert told.startswith(f"{problem}: ")


def test_guesses_and_texts_that_come_or_go_are_told(words: ModuleType) -> None:
    catalogue, template = _catalogue(GOOD), _catalogue(dict.fromkeys(GOOD, ""))
    catalogue.get("Bid").flags.add("fuzzy")
    template.add("New")
    template.delete("You lead at %(price)s.")
    assert [told.removesuffix(": 'Bid'") for told in words.problems_of(catalogue, template)] == [
        "marked as fuzzy",
        "run script/words, to take up 'New'",
        "run script/words, to drop 'You lead at %(price)s.'",
    ]


def test_names_and_prices_stand_apart_in_a_language_from_right_to_left(words: ModuleType) -> None:
    catalogue = _catalogue(
        {"%(name)s bids %(price)s": "%(name)s: %(price)s", ("a", "b"): ("%(num)s", "%(a)s")}
    )
    words._isolate(catalogue)
    isolated = catalogue.get("%(name)s bids %(price)s").string
    assert isolated == "\u200f\u2068%(name)s\u2069: \u2068%(price)s\u2069"
    assert catalogue.get(("a", "b")).string == ("%(num)s", "\u200f\u2068%(a)s\u2069")


def _catalogue(texts: dict[str | tuple[str, str], str | tuple[str, ...]]) -> Catalog:
    catalogue = Catalog(locale="pl")
    for text, translation in texts.items():
        empty = ("", "", "") if isinstance(text, tuple) else ""
        catalogue.add(text, translation or empty)
    return catalogue
