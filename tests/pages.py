"""A browser without script, for tests of the pages as they come from the server."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "correct horse"
ORIGIN = {"Origin": "http://localhost"}

#: Makes a browser, with somebody logged in if there is a name: ``browser("Ann")``.
MakeBrowser = Callable[..., FlaskClient]


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Send a form."""
    return client.post(path, data=fields, headers=ORIGIN)


class Inline(HTMLParser):
    """Collects what a strict content security policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and not names.get("src")):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]
        links = [names.get("href"), names.get("src"), names.get("action")]
        self.found += [link for link in links if link and not link.startswith(("/", "#"))]
