"""No page has what axe finds serious: light and dark, on a phone and on a desk; and none is too wide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, ViewportSize
from werkzeug.exceptions import HTTPException

from marketplace import create_app
from marketplace.config import Config
from marketplace.dev import tour
from marketplace.dev.stack import Stack

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=900)
#: Colours do not depend on the size: two looks see both themes and both layouts.
LOOKS = [(PHONE, "dark"), (DESK, "light")]
#: WCAG 2.2 AA and axe's own best practices; what it calls serious or critical.
_RUN = """async () => {
  const told = (id, { html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`;
  const { violations } = await axe.run({ resultTypes: ["violations"] });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => told(id, node)));
}"""

#: What reaches over the edge, if the page can be pushed aside.
_TOO_WIDE = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const over = ({ left, right }) => left < -1 || right > clientWidth + 1;
  const found = [...document.body.querySelectorAll("*")].filter((each) => over(each.getBoundingClientRect()));
  return [`${scrollWidth} px`, ...found.slice(0, 5).map((each) => each.outerHTML.slice(0, 120))];
}"""


@pytest.fixture(scope="module")
def stops(stack: Stack) -> list[tour.Stop]:
    stack.start()
    return tour.prepare(stack)


@cache
def axe() -> str:
    return AXE.read_text()


def violations(page: Page) -> Iterator[tuple[str, str]]:
    """What is wrong with the page as it is, and how it was looked at."""
    # Through the debugger, which the content security policy does not bind: the page keeps its own.
    page.evaluate(axe())
    for size, theme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme)
        for found in page.evaluate(_RUN):
            yield found, f"{theme} {size['width']}"


def check(browser: Browser, url: str, stops: list[tour.Stop], language: str) -> None:
    """Fail with what is wrong with these pages: each finding, and where it was made."""
    findings: dict[str, set[str]] = defaultdict(set)
    for who, theirs in groupby(sorted(stops, key=lambda stop: stop.who or ""), key=lambda stop: stop.who):
        with tour.guest(browser, url, who, reduced_motion="reduce") as page:
            page.context.add_cookies([{"name": "language", "value": language, "url": url}])
            for stop in theirs:
                tour.visit(page, url, stop)
                for found, look in violations(page):
                    findings[found].add(f"{stop.name} ({look})")
    told = (f"{found}\n    on {', '.join(sorted(where))}" for found, where in findings.items())
    assert not findings, "\n".join(told)


def test_no_page_has_a_serious_violation(stack: Stack, stops: list[tour.Stop], browser: Browser) -> None:
    check(browser, stack.url, stops, "en")


def test_what_is_wrong_is_found(stack: Stack, stops: list[tour.Stop], browser: Browser) -> None:
    with tour.guest(browser, stack.url, None) as page:
        page.goto(stack.url)
        page.evaluate("document.querySelector('h1').innerHTML = '<img src=/static/icon.svg>'")
        assert "image-alt" in {found.partition(":")[0] for found, _ in violations(page)}


@pytest.mark.parametrize("language", ["pl", "ur"])
def test_none_has_one_in_another_language(
    stack: Stack, stops: list[tour.Stop], browser: Browser, language: str
) -> None:
    few = {"auctions", "auction-outbid", "auction-waiting", "dutch", "mine", "check-out", "sell"}
    check(browser, stack.url, [stop for stop in stops if stop.name in few], language)


@pytest.mark.parametrize("language", ["pl", "ur"])
def test_none_is_wider_than_a_phone(
    stack: Stack, stops: list[tour.Stop], browser: Browser, language: str
) -> None:
    """English has shorter words. What is done on a page looks for English ones, so it is left out."""
    wide: list[str] = []
    # The API's documentation is for programmers, in English, and has tables.
    pages = [stop for stop in stops if not stop.act and not stop.then and stop.name != "api"]
    for who, theirs in groupby(sorted(pages, key=lambda stop: stop.who or ""), key=lambda stop: stop.who):
        with tour.guest(browser, stack.url, who, viewport=ViewportSize(width=360, height=740)) as page:
            page.context.add_cookies([{"name": "language", "value": language, "url": stack.url}])
            for stop in theirs:
                page.goto(stack.url + stop.path)
                wide += [f"{stop.name}: {each}" for each in page.evaluate(_TOO_WIDE)]
    assert not wide, "\n".join(wide)


def test_the_tour_leaves_no_page_out(stack: Stack, stops: list[tour.Stop]) -> None:
    app = create_app(Config.from_env(stack.env))
    seen = {endpoint_of(app, stop.path) for stop in stops}
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("web.") and "GET" in (rule.methods or ())
    }
    assert pages - seen == NO_PAGES


#: What is not HTML, or only leads on.
NO_PAGES = {
    "web.static",
    "web.built",
    "web.reservation",
    "web.log_file",
    "web.proof_page",
    "web.invoice_pdf",
}


def endpoint_of(app: Flask, path: str) -> str | None:
    """Which view answers there; none where there is nothing."""
    try:
        endpoint, _ = app.url_map.bind("").match(path.partition("?")[0])
    except HTTPException:
        return None
    return str(endpoint)
