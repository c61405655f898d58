"""A running marketplace, and people in front of browsers of their own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from marketplace.dev.stack import Stack
from tests.clients import House

#: For what happens at once on an idle machine; tests share theirs.
PATIENCE_SECONDS = 30
PASSWORD = "correct horse"

_numbers = itertools.count(1)


@dataclass
class Visitor:
    """Somebody with a browser window of their own, and what it complained about."""

    name: str
    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    def log_in(self, house: House) -> None:
        """With an account that the page had no part in."""
        name, value = house.session(house.bidder(self.name).id)
        self.context.add_cookies([{"name": name, "value": value, "url": self.url}])

    def register(self) -> str:
        """Through the page, as people do; returns the e-mail address."""
        email = f"visitor{next(_numbers)}@example.com"
        self.page.goto(f"{self.url}/register")
        self.page.get_by_label("Name").fill(self.name)
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Open account").click()
        expect(self.page.locator(".menu .name")).to_have_text(self.name)
        return email

    def open(self, auction_id: int, *, live: bool = True) -> None:
        self.page.goto(f"{self.url}/auctions/{auction_id}")
        if live:
            expect(self.badge).to_have_attribute("data-state", "live")

    def bid(self, amount: str) -> None:
        self.page.get_by_label("Your bid").fill(amount)
        self.button.click()

    def bid_up_to(self, maximum: str) -> None:
        self.page.get_by_label("Bid up to").check()
        self.page.get_by_label("Your maximum").fill(maximum)
        self.button.click()

    def api(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Call the API with the browser's session, as one of our pages would."""
        answer = self.context.request.fetch(
            self.url + path, method=method, data=body or None, headers={"Origin": self.url}
        )
        assert answer.ok, answer.text()
        found: dict[str, Any] = answer.json()
        return found

    def sell(self, *, title: str = "A watch", lasts: float = 3600, **terms: Any) -> int:
        """Put something up for sale; returns the auction's id."""
        defaults = {"startingPrice": 10_000, "minIncrement": 500}
        return self._put_up(title, lasts, **defaults | terms)

    def sell_dutch(self, *, title: str = "A crate of bulbs", lasts: float = 3600, **terms: Any) -> int:
        """Put items up whose price falls; by default slowly enough for a test to name it."""
        defaults = {"startingPrice": 10_000, "floorPrice": 1_000, "dropAmount": 500, "dropEvery": 600}
        return self._put_up(title, lasts, format="DUTCH", **defaults | terms)

    def _put_up(self, title: str, lasts: float, **terms: Any) -> int:
        ends_at = datetime.now(UTC) + timedelta(seconds=lasts)
        common = {"currency": "USD", "title": title, "endsAt": ends_at.isoformat()}
        auction_id: int = self.api("POST", "/api/auctions", **common | terms)["id"]
        self.api("POST", f"/api/auctions/{auction_id}/publish")
        return auction_id

    @property
    def badge(self) -> Locator:
        return self.page.locator("#connection")

    @property
    def price(self) -> Locator:
        return self.page.locator("[data-price]")

    @property
    def leader(self) -> Locator:
        return self.page.locator("[data-leader]")

    @property
    def standing(self) -> Locator:
        return self.page.locator(".standing")

    @property
    def take(self) -> Locator:
        return self.page.locator("#take [data-button]")

    @property
    def told(self) -> Locator:
        """What the form of a Dutch auction answered."""
        return self.page.locator("#take [data-message]")

    @property
    def held(self) -> Locator:
        return self.page.locator("[data-held] li")

    @property
    def button(self) -> Locator:
        return self.page.locator("#bid [data-button]")

    @property
    def message(self) -> Locator:
        return self.page.locator("#bid [data-message]")


Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def market(stack: Stack) -> Stack:
    """The module's stack, with everything started."""
    stack.start()
    return stack


@pytest.fixture(scope="module")
def house(market: Stack) -> House:
    """People and auctions without HTTP, and a look into the database."""
    return House(market)


@pytest.fixture
def visitor(market: Stack, house: House, browser: Browser) -> Iterator[Visit]:
    """Somebody with a browser: ``ann = visitor("Ann")``, who has logged in unless told otherwise."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    contexts: list[BrowserContext] = []

    def make(name: str, *, registered: bool = True, **options: Any) -> Visitor:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        made = Visitor(name, context.new_page(), market.url)
        _note_complaints(made)
        if registered:
            made.log_in(house)
        return made

    yield make
    for context in contexts:
        context.close()


def _note_complaints(visitor: Visitor) -> None:
    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            visitor.complaints.append(message.text)

    # A violation of the content security policy is an error on the console too.
    visitor.page.on("console", heard)
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    visitor.page.on("dialog", lambda dialog: (visitor.complaints.append(dialog.message), dialog.dismiss()))
