# Flask-Babel publishes no types: those of what is used here.
from collections.abc import Callable
from typing import Any

from babel import Locale
from flask import Flask

class LazyString(str): ...

class Babel:
    def __init__(
        self,
        app: Flask,
        *,
        default_locale: str = ...,
        default_translation_directories: str = ...,
        locale_selector: Callable[[], str | None] | None = ...,
    ) -> None: ...

def get_locale() -> Locale | None: ...
def force_locale(locale: str) -> Any: ...
def gettext(string: str, **values: Any) -> str: ...
def ngettext(singular: str, plural: str, num: int, **values: Any) -> str: ...
def lazy_gettext(string: str, **values: Any) -> LazyString: ...
