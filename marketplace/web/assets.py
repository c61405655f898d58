"""The scripts and the stylesheet of the pages, as the build has named them: by what is in them."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Response, request, send_from_directory, url_for
from markupsafe import Markup

from . import locales
from .pages import blueprint

_BUILT = Path(__file__).parent / "static" / "dist"
#: What is named by its content never changes under its name; a year is the longest that caches take.
_FOR_EVER = "public, max-age=31536000, immutable"
#: How the build has compressed them, the better way first.
_COMPRESSED = {"br": ".br", "gzip": ".gz"}
#: What each file is. The machine may believe otherwise, and browsers run only what is said to be a script.
_KINDS = {".js": "text/javascript", ".css": "text/css", ".ttf": "font/ttf", ".map": "application/json"}
_COMPRESSIBLE = frozenset({".js", ".css", ".ttf"})
_MAPPED = frozenset({".js", ".css"})


def address(name: str) -> str:
    """Where ``site.css`` or ``en/list.js`` is, as the build has named it.

    Raises:
        RuntimeError: it has not been built, or has no such file.
    """
    return _url(_entry(name)["file"])


@blueprint.app_template_global("script")
def script(name: str) -> Markup:
    """What a page needs to run a script in the reader’s language: the script and all that it imports."""
    entry = _entry(f"{locales.language()}/{name}")
    preloads = [
        Markup('<link rel="modulepreload" href="{}">').format(_url(each)) for each in entry["imports"]
    ]
    module = Markup('<script type="module" src="{}"></script>').format(_url(entry["file"]))
    return Markup("\n  ").join([*preloads, module])


@blueprint.app_template_global("stylesheet")
def stylesheet() -> str:
    """Where the stylesheet is."""
    return address("site.css")


@blueprint.get("/static/dist/pages/<file>")
def built(file: str) -> Response:
    """What a page loads: for ever, and as small as the build has made it."""
    ending = Path(file).suffix
    way = _way() if ending in _COMPRESSIBLE else None
    sent = file + _COMPRESSED[way] if way else file
    answer = send_from_directory(_BUILT / "pages", sent, mimetype=_KINDS.get(ending))
    if way:
        answer.content_encoding = way
    answer.vary.add("Accept-Encoding")
    answer.headers["Cache-Control"] = _FOR_EVER
    if ending in _MAPPED:
        answer.headers["SourceMap"] = f"{file}.map"
    return answer


def _way() -> str | None:
    """How to send it to whoever asks: as small as they can read it."""
    return next((way for way in _COMPRESSED if request.accept_encodings[way] > 0), None)


def _entry(name: str) -> dict[str, Any]:
    path = _BUILT / "manifest.json"
    try:
        entry: dict[str, Any] = _manifest(path.stat().st_mtime_ns)[name]
    except (OSError, KeyError):
        raise RuntimeError(
            f"{name} is not built: run script/server, or npm ci, script/words compile and"
            " node marketplace/web/client/build.mjs"
        ) from None
    return entry


@lru_cache(maxsize=1)
def _manifest(_changed: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_BUILT / "manifest.json").read_text())
    return found


def _url(file: str) -> str:
    return url_for("web.built", file=file.removeprefix("pages/"))
