"""A tour of all pages, each in a state worth looking at: for screenshots and the accessibility tests.

stops = tour.prepare(stack)                  # on a stack that is started and has no data yet
with tour.guest(browser, stack.url, stop.who, color_scheme="dark") as page:
    tour.visit(page, stack.url, stop)        # there, live, and with nothing under way
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from playwright.sync_api import Browser, Page, expect

from marketplace.dev.demo import ANN, BOB, PASSWORD, SELLER, Caller
from marketplace.dev.stack import Stack

#: How long anything may take on a machine that is busy with other things.
PATIENCE_SECONDS = 60.0
#: Of a sale that is still being put together.
SALE_ENDS = "2100-06-01T18:00:00Z"


@dataclass(frozen=True)
class Stop:
    """A page as somebody sees it."""

    #: Short, and fit for a file's name.
    name: str
    title: str
    path: str
    #: The e-mail address of whoever looks; nobody who is known if there is none.
    who: str | None = None
    #: What to do on arrival, such as sending a form with mistakes.
    act: Callable[[Page], None] | None = None
    #: What to do once the page is as it stays.
    then: Callable[[Page], None] | None = None


def prepare(stack: Stack) -> list[Stop]:
    """Load the demo data, let people bid, buy and check out, and return what there is to see."""
    stack.run("flask", "demo", "load")
    seller, ann, bob = (_person(stack.url, *person) for person in (SELLER, ANN, BOB))
    lots = _lots_of(seller)
    _outbid(ann, lots["Leica"])
    _outbid(bob, lots["Leica"])
    _outbid(ann, lots["Sony"], up_to=2)
    bought, held = _take(ann, lots["Stoneware"]), _take(ann, lots["Stoneware"])
    paying = {"shipTo": "Ann Okafor\n1 Long Lane\nLondon", "method": "invoice"}
    order = _act(ann, f"/api/reservations/{bought}/checkout", **paying)["id"]
    won = _order_of(ann, lots["Polaroid"])
    notice = partial(_be_outbid, bob, ann, lots["Omega"])
    sale = _act(seller, "/api/sales", title="The attic", closing="CASCADE", interval=120, endsAt=SALE_ENDS)[
        "id"
    ]
    return [
        *_for_everybody(lots),
        *_for_bidders(lots),
        Stop("notice", "A notice", "/orders", BOB[0], then=notice),
        *_for_buyers(held=held, order=order, won=won),
        *_for_sellers(lots, order=order, sale=sale),
    ]


def _for_everybody(lots: dict[str, int]) -> list[Stop]:
    return [
        Stop("auctions", "The auctions", "/"),
        Stop("auctions-offline", "The auctions, offline", "/", then=_go_offline),
        Stop("search", "A search", "/?q=leica&category=cameras&sort=price_asc&currency=USD"),
        Stop("search-refused", "A search that makes no sense", "/?sort=beauty&minPrice=many"),
        Stop("nothing-found", "A search that finds nothing", "/?q=zeppelin"),
        Stop("auction-visitor", "An auction, not logged in", f"/auctions/{lots['Leica']}"),
        Stop("auction-scheduled", "An auction that has not opened", f"/auctions/{lots['Six']}"),
        Stop("bids", "All bids of an auction", f"/auctions/{lots['Sony']}/bids"),
        Stop("dutch-visitor", "A Dutch auction, not logged in", f"/auctions/{lots['Aeron']}"),
        Stop("log-in", "Log in", "/login"),
        Stop("log-in-refused", "Log in, with a wrong password", "/login", act=_log_in_wrongly),
        Stop("register", "Open an account", "/register"),
        Stop("register-refused", "Open an account, with mistakes", "/register", act=_register_wrongly),
        Stop("not-found", "No such page", "/nowhere"),
        Stop("api", "The API's documentation", "/api/docs"),
    ]


def _for_bidders(lots: dict[str, int]) -> list[Stop]:
    ann, bob = ANN[0], BOB[0]
    return [
        Stop("auction-outbid", "An auction, outbid", f"/auctions/{lots['Leica']}", ann),
        Stop("auction-leading", "An auction, leading", f"/auctions/{lots['Sony']}", ann),
        Stop("auction-waiting", "A bid that waits", f"/auctions/{lots['Sony']}", ann, then=_bid_offline),
        Stop("all-bids", "All bids, in place", f"/auctions/{lots['Sony']}", ann, then=_open_all_bids),
        Stop("chart", "The price over time", f"/auctions/{lots['Sony']}", ann, then=_open_chart),
        Stop("auction-won", "An auction that was won", f"/auctions/{lots['Polaroid']}", ann),
        Stop("auction-lost", "An auction that was lost", f"/auctions/{lots['Polaroid']}", bob),
        Stop("dutch", "A Dutch auction, an item held", f"/auctions/{lots['Stoneware']}", ann),
        Stop("mine", "Mine", "/me", ann),
        Stop("mine-won", "Mine: what I have won", "/me/won", ann),
        Stop("profile", "Profile and tokens", "/me/profile", ann),
        Stop("profile-refused", "Profile, with mistakes", "/me/profile", ann, act=_change_password_wrongly),
    ]


def _for_buyers(*, held: str, order: int, won: int) -> list[Stop]:
    ann = ANN[0]
    return [
        Stop("orders", "My orders", "/orders", ann),
        Stop("check-out", "Check out", f"/orders/{won}", ann),
        Stop("check-out-held", "Check out an item that is held", f"/reservations/{held}/checkout", ann),
        Stop("order", "An order", f"/orders/{order}", ann),
        Stop("invoice", "An invoice", f"/orders/{order}/invoice", ann),
    ]


def _for_sellers(lots: dict[str, int], *, order: int, sale: int) -> list[Stop]:
    seller = SELLER[0]
    return [
        Stop("auction-draft", "A draft", f"/auctions/{lots['Box']}", seller),
        Stop("auction-seller", "An auction, its seller's view", f"/auctions/{lots['Leica']}", seller),
        Stop("manage", "Manage an auction", f"/auctions/{lots['Leica']}/manage", seller),
        Stop("sell", "Sell", "/sell", seller),
        Stop("sell-refused", "Sell, with mistakes", "/sell", seller, act=_sell_wrongly),
        Stop("edit", "Edit a draft", f"/auctions/{lots['Box']}/edit", seller),
        Stop("own-sales", "Sales of several lots", "/sell/sales", seller),
        Stop("own-sale", "A sale that is being put together", f"/sell/sales/{sale}", seller),
        Stop("sales", "My sales", "/sales", seller),
        Stop("order-seller", "An order, its seller's view", f"/orders/{order}", seller),
    ]


@contextmanager
def guest(browser: Browser, url: str, who: str | None, **options: Any) -> Iterator[Page]:
    """A page of somebody's; ``options`` as ``new_context`` takes them."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    try:
        if who:
            answer = context.request.post(
                f"{url}/api/auth/login", data={"email": who, "password": PASSWORD}, headers={"Origin": url}
            )
            if not answer.ok:
                raise RuntimeError(f"{who} could not log in: {answer.text()}")
        yield context.new_page()
    finally:
        context.close()


def visit(page: Page, url: str, stop: Stop) -> None:
    """Go there and wait until the page is as it stays: live, if it has that in it, and with its pictures.

    Raises:
        RuntimeError: the server failed.
    """
    _leave(page, url)
    answer = page.goto(url + stop.path)
    if answer is None or answer.status >= 500:
        raise RuntimeError(f"{stop.path} was answered with {answer and answer.status}")
    if stop.act:
        stop.act(page)
    badge = page.locator("#connection")
    if badge.count():
        expect(badge).to_have_attribute("data-state", "live", timeout=PATIENCE_SECONDS * 1000)
    # Those further down are loaded when one gets there.
    page.evaluate("document.querySelectorAll('img').forEach((each) => { each.loading = 'eager'; })")
    page.wait_for_load_state("networkidle")
    if stop.then:
        stop.then(page)


def _leave(page: Page, url: str) -> None:
    """A bid that waits is forgotten, and not sent on the next page."""
    if page.url.startswith(url):
        page.evaluate("sessionStorage.clear()")
        page.goto("about:blank")
        page.context.set_offline(False)


def _person(url: str, email: str, name: str) -> Caller:
    person = Caller(url, email, name)
    _act(person, "/api/auth/login", email=email, password=PASSWORD)
    return person


def _lots_of(seller: Caller) -> dict[str, int]:
    """Somebody's auctions, by the first word of their titles."""
    items = seller.get("/api/mine/selling", limit=50).json()["items"]
    return {auction["title"].split()[0]: auction["id"] for auction in items}


def _outbid(who: Caller, auction_id: int, *, up_to: int = 1) -> None:
    """Bid the next amount; with ``up_to``, automatically and up to so many times that."""
    least = who.get(f"/api/auctions/{auction_id}").json()["minimumNextBid"]
    _act(
        who,
        f"/api/auctions/{auction_id}/bids",
        **({"amount": least} if up_to == 1 else {"maxAmount": least * up_to}),
    )


def _take(who: Caller, auction_id: int) -> str:
    """Take an item; returns the id of its reservation."""
    price = who.get(f"/api/auctions/{auction_id}").json()["currentPrice"]
    reservation: str = _act(who, f"/api/auctions/{auction_id}/bids", amount=price)["reservationId"]
    return reservation


def _order_of(buyer: Caller, auction_id: int) -> int:
    """The order of an auction that somebody wins, as soon as it is over."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for order in buyer.get("/api/orders").json()["items"]:
            if order["auctionId"] == auction_id:
                found: int = order["id"]
                return found
        time.sleep(0.2)
    raise TimeoutError(f"auction {auction_id} has not ended")


def _act(who: Caller, path: str, **body: Any) -> dict[str, Any]:
    answer = who.post(path, body)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _send(page: Page, button: str, **fields: str) -> None:
    """Send a form past the browser's own checks, so that the server answers."""
    for label, value in fields.items():
        page.locator(f"main [name={label}]").fill(value)
    sending = page.get_by_role("main").get_by_role("button", name=button)
    sending.evaluate("(each) => { each.form.noValidate = true; }")
    sending.click()
    page.wait_for_load_state()


def _log_in_wrongly(page: Page) -> None:
    _send(page, "Log in", email=ANN[0], password="not the one")


def _register_wrongly(page: Page) -> None:
    _send(page, "Open account", displayName="", email="ann", password="short")


def _change_password_wrongly(page: Page) -> None:
    _send(page, "Change password", currentPassword="not the one", newPassword="long enough")


def _sell_wrongly(page: Page) -> None:
    _send(page, "Save as draft", title="A globe", startingPrice="many")


def _go_offline(page: Page) -> None:
    page.context.set_offline(True)
    expect(page.locator("#stopped")).to_be_visible()


def _bid_offline(page: Page) -> None:
    page.context.set_offline(True)
    page.locator("#bid [data-button]").click()
    expect(page.locator(".open-bid")).to_be_visible()


def _be_outbid(who: Caller, rival: Caller, auction_id: int, page: Page) -> None:
    _outbid(who, auction_id)
    _outbid(rival, auction_id)
    expect(page.locator(".toast")).to_be_visible()


def _open_all_bids(page: Page) -> None:
    # The way there is shown only where there are more than are on the page.
    page.locator("[data-all-bids]").dispatch_event("click")
    expect(page.locator("[data-rows] li").first).to_be_visible()


def _open_chart(page: Page) -> None:
    page.locator("[data-chart] > summary").click()
    expect(page.locator(".uplot")).to_be_visible()
    page.locator("[data-chart]").scroll_into_view_if_needed()
