"""How somebody likes the pages: in which colours, and in which language.

Kept in cookies, so that the server renders the page as it shall be and nothing flashes; chosen with a form
that works without script. Which language a reader gets is in ``locales.py``.
"""

from __future__ import annotations

from flask import current_app, redirect, request
from flask.typing import ResponseReturnValue

from marketplace.errors import Invalid

from . import locales
from .pages import blueprint
from .returning import back

#: As the system has it, by day, by night. The first is that of those who have not chosen.
THEMES = ("auto", "light", "dark")
_THEME_COOKIE = "theme"
#: What the form has and the cookies are called, and what they can be.
_CHOICES = {_THEME_COOKIE: THEMES, locales.COOKIE: tuple(locales.LANGUAGES)}
_A_YEAR = 365 * 24 * 3600


@blueprint.post("/preferences")
def set_preferences() -> ResponseReturnValue:
    """Remember what was chosen, and go back."""
    chosen = {name: request.form[name] for name in _CHOICES if name in request.form}
    if not chosen:
        raise Invalid("Choose a theme or a language.")
    if any(value not in _CHOICES[name] for name, value in chosen.items()):
        raise Invalid("There is no such theme or language.")
    answer = redirect(back(), 303)
    for name, value in chosen.items():
        answer.set_cookie(
            name,
            value,
            max_age=_A_YEAR,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
    return answer


@blueprint.app_template_global()
def theme() -> str:
    """That of the reader."""
    chosen = request.cookies.get(_THEME_COOKIE, "")
    return chosen if chosen in THEMES else THEMES[0]


@blueprint.app_template_global()
def languages() -> dict[str, str]:
    """What readers can choose from."""
    return locales.LANGUAGES
