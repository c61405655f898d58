"""The languages of the pages: which one a reader gets, and what the pages' head says of it.

Texts are in English where they are used; ``marketplace/translations`` has the others. How to add a language
is in ``docs/translating.md``.
"""

from __future__ import annotations

from babel import Locale
from flask import Flask, Response, after_this_request, has_request_context, request
from flask_babel import Babel, get_locale

#: What readers can choose from, each by its own name. The first is what the texts are written in.
LANGUAGES = {"en": "English", "pl": "Polski", "ur": "اردو"}
ENGLISH = next(iter(LANGUAGES))
#: The cookie of those who have chosen. Others get what their browser asks for.
COOKIE = "language"


def register(app: Flask) -> None:
    """Let templates translate, with ``_()`` and ``ngettext()``, and know the language."""
    Babel(app, default_locale=ENGLISH, locale_selector=_asked_for)
    app.context_processor(context)


def language() -> str:
    """That of the reader: ``pl``. Outside a request, English."""
    return str(get_locale() or ENGLISH)


def context() -> dict[str, str]:
    """What templates know of it: which one, and whether it goes ``ltr`` or ``rtl``."""
    return {"language": language(), "direction": Locale.parse(language()).text_direction}


def _asked_for() -> str:
    if not has_request_context():
        return ENGLISH
    after_this_request(_depends_on_the_reader)
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    # Werkzeug's best_match would give English to somebody who asks for ur-PK first, and then for en.
    asked = (each.partition("-")[0].lower() for each, quality in request.accept_languages if quality)
    return next((each for each in asked if each in LANGUAGES), ENGLISH)


def _depends_on_the_reader(answer: Response) -> Response:
    """Whatever asked for the language is not for those of another one."""
    answer.vary.update(("Accept-Language", "Cookie"))
    return answer
