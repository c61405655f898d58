"""The list and the frame of every page: what is live on it, hearts, filters, themes and languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Visit

PHONE = {"viewport": {"width": 360, "height": 740}}


def theme_of(page: Page) -> str:
    """The colour scheme that the page is painted in."""
    found: str = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    return found


def test_all_cards_of_the_page_are_live(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob", registered=False)
    lots = [seller.sell(title=f"A lamp, number {number}") for number in range(3)]
    falling = seller.sell_dutch(title="A crate of lamps", quantity=5)
    bob.page.goto(f"{bob.url}/?q=lamp")
    expect(bob.badge).to_have_attribute("data-state", "live")
    for lot, amount in zip(lots, (10_100, 10_200, 10_300), strict=True):
        ann.api("POST", f"/api/auctions/{lot}/bids", amount=amount)
    ann.api("POST", f"/api/auctions/{falling}/bids", amount=10_000)
    for number in range(3):
        card = bob.page.locator(".card", has_text=f"number {number}")
        expect(card.locator("[data-price]")).to_have_text(f"$10{number + 1}.00")
        expect(card.locator("[data-bids]")).to_have_text("1 bid")
    expect(bob.page.locator(".card", has_text="A crate").locator("[data-free]")).to_have_text("4 of 5 left")
    assert bob.complaints == []


def test_what_changes_on_the_cards_moves_nothing(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob", registered=False)
    lot = seller.sell(title="A shy vase", lasts=7_000)
    bob.page.goto(f"{bob.url}/?q=vase")
    expect(bob.badge).to_have_attribute("data-state", "live")
    bob.page.evaluate(
        """() => {
            window.moved = 0;
            new PerformanceObserver((list) => {
                for (const each of list.getEntries()) window.moved += each.value;
            }).observe({ type: "layout-shift" });
        }"""
    )
    ann.api("POST", f"/api/auctions/{lot}/bids", amount=12_300)
    expect(bob.page.locator(".card [data-price]")).to_have_text("$123.00")
    assert bob.page.evaluate("window.moved") == 0


def test_the_heart_is_filled_at_once_and_stays(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    lot = seller.sell(title="A watched pot")
    ann.page.goto(f"{ann.url}/?q=watched")
    heart = ann.page.get_by_role("button", name="Watch A watched pot")
    expect(heart).to_have_attribute("aria-pressed", "false")
    with ann.page.expect_response(lambda answer: answer.request.method == "PUT") as put:
        heart.click()
    assert put.value.status == 204
    expect(heart).to_have_attribute("aria-pressed", "true")
    ann.open(lot)
    expect(heart).to_have_attribute("aria-pressed", "true")
    ann.page.goto(f"{ann.url}/?q=watched")
    with ann.page.expect_response(lambda answer: answer.request.method == "DELETE"):
        heart.click()
    expect(heart).to_have_attribute("aria-pressed", "false")
    assert ann.api("GET", f"/api/auctions/{lot}/me")["watching"] is False
    assert ann.complaints == []


def test_a_heart_that_the_server_refuses_leads_to_the_page_that_says_why(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    seller.sell(title="A lost pot")
    ann.page.goto(f"{ann.url}/?q=lost")
    ann.context.clear_cookies()
    ann.page.get_by_role("button", name="Watch A lost pot").click()
    expect(ann.page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_heart_that_gets_no_answer_is_as_before_and_says_so_on_the_same_page(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    seller.sell(title="A far pot")
    ann.page.goto(f"{ann.url}/?q=far")
    heart = ann.page.get_by_role("button", name="Watch A far pot")
    ann.context.set_offline(True)
    heart.click()
    expect(ann.page.locator("#toasts")).to_have_text("The server did not answer. Try again.")
    expect(heart).to_have_attribute("aria-pressed", "false")
    assert ann.page.url == f"{ann.url}/?q=far"


def test_without_script_the_heart_is_a_form(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann", java_script_enabled=False)
    seller.sell(title="A plain pot")
    ann.page.goto(f"{ann.url}/?q=plain+pot")
    heart = ann.page.get_by_role("button", name="Watch A plain pot")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    assert ann.page.url == f"{ann.url}/?q=plain+pot"


def test_whoever_is_not_signed_in_logs_in_first_and_comes_back(visitor: Visit) -> None:
    seller, bob = visitor("Sue"), visitor("Bob", registered=False)
    seller.sell(title="A coveted pot")
    bob.page.goto(f"{bob.url}/?q=coveted")
    bob.page.get_by_role("button", name="Watch A coveted pot").click()
    expect(bob.page.locator("main input[name=next]")).to_have_value("/?q=coveted")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_the_theme_is_another_at_once_and_on_every_page(visitor: Visit, script: bool) -> None:
    bob = visitor("Bob", registered=False, color_scheme="light", java_script_enabled=script)
    bob.page.goto(f"{bob.url}/?status=ended")
    html = bob.page.locator("html")
    expect(html).to_have_attribute("data-theme", "auto")
    dark = bob.page.get_by_role("button", name="Dark")
    if script:
        with bob.page.expect_response("**/preferences"):
            dark.click()
    else:
        dark.click()
    expect(html).to_have_attribute("data-theme", "dark")
    expect(dark).to_have_attribute("aria-pressed", "true")
    assert bob.page.url == f"{bob.url}/?status=ended"
    if script:
        assert theme_of(bob.page) == "dark"
    bob.page.goto(f"{bob.url}/login")
    expect(html).to_have_attribute("data-theme", "dark")
    assert bob.complaints == []


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_the_language_is_another_on_the_same_page(visitor: Visit, script: bool) -> None:
    bob = visitor("Bob", registered=False, java_script_enabled=script)
    bob.page.goto(f"{bob.url}/?status=ended")
    html = bob.page.locator("html")
    for name, language, direction in (
        ("اردو", "ur", "rtl"),
        ("Polski", "pl", "ltr"),
        ("English", "en", "ltr"),
    ):
        bob.page.get_by_role("button", name=name).click()
        expect(html).to_have_attribute("lang", language)
        expect(html).to_have_attribute("dir", direction)
        assert bob.page.url == f"{bob.url}/?status=ended"
    assert bob.complaints == []


def test_on_a_phone_the_filters_open_from_below_without_script_too(visitor: Visit) -> None:
    seller = visitor("Sue")
    seller.sell(title="A pocket lens")
    bob = visitor("Bob", registered=False, java_script_enabled=False, **PHONE)
    bob.page.goto(f"{bob.url}/?q=lens")
    currency = bob.page.get_by_label("Currency")
    expect(currency).to_be_hidden()
    bob.page.get_by_role("button", name="Filters").click()
    currency.select_option("EUR")
    bob.page.get_by_role("button", name="Show", exact=True).click()
    expect(bob.page.get_by_text("Nothing like that is here.")).to_be_visible()
    bob.page.get_by_role("link", name="Remove the filter EUR").click()
    expect(bob.page.get_by_role("link", name="A pocket lens")).to_be_visible()


def test_choosing_an_order_needs_no_button_and_leaves_a_short_address(visitor: Visit) -> None:
    bob = visitor("Bob", registered=False)
    bob.page.goto(bob.url)
    bob.page.get_by_label("Sort by").select_option("newest")
    bob.page.wait_for_url(f"{bob.url}/?sort=newest")


def test_keys_pass_over_orders_and_leave_the_page_by_the_button_alone(visitor: Visit) -> None:
    bob = visitor("Bob", registered=False)
    bob.page.goto(bob.url)
    order, button = bob.page.get_by_label("Sort by"), bob.page.get_by_role("button", name="Sort", exact=True)
    expect(button).to_be_hidden()
    order.focus()
    # As arrow keys do where the box stays closed.
    order.dispatch_event("keydown", {"key": "ArrowDown"})
    order.select_option("newest")
    expect(button).to_be_visible()
    assert bob.page.url == f"{bob.url}/"
    button.press("Enter")
    bob.page.wait_for_url(f"{bob.url}/?sort=newest")


def test_the_menu_of_the_account_closes_when_somebody_goes_elsewhere(visitor: Visit) -> None:
    ann = visitor("Ann")
    ann.page.goto(ann.url)
    summary, out = ann.page.locator(".menu summary"), ann.page.get_by_role("button", name="Log out")
    summary.click()
    expect(out).to_be_visible()
    ann.page.keyboard.press("Escape")
    expect(out).to_be_hidden()
    expect(summary).to_be_focused()
    summary.click()
    ann.page.get_by_role("main").click()
    expect(out).to_be_hidden()


def test_a_page_that_gets_no_answer_says_so_and_tries_again_when_asked(visitor: Visit) -> None:
    seller, bob = visitor("Sue"), visitor("Bob", registered=False)
    seller.sell(title="A quiet bell")
    bob.page.goto(f"{bob.url}/?q=bell")
    expect(bob.badge).to_have_attribute("data-state", "live")
    banner = bob.page.locator("#stopped")
    expect(banner).to_be_hidden()
    bob.context.set_offline(True)
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("You are offline, so what you see may be old.")
    bob.context.set_offline(False)
    expect(banner).to_be_hidden()
    expect(bob.badge).to_have_attribute("data-state", "live")
