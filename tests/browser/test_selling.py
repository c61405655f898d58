"""Selling in the browser: from the form over its pictures to the running auction, and managing it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.samples import photo

from .conftest import Visit


def describe(page: Page) -> None:
    """Fill in what an English auction needs."""
    for label, value in (("Title", "A teapot"), ("Starting price", "40"), ("Increment", "2")):
        page.get_by_label(label).fill(value)


def test_a_lot_is_described_pictured_and_published(visitor: Visit) -> None:
    sue = visitor("Sue")
    page = sue.page
    page.goto(f"{sue.url}/sell")
    describe(page)
    expect(page.locator("#preview")).to_contain_text("Starts at $40.00. Each bid adds at least $2.00.")
    page.get_by_label("A bid is late").fill("120")
    expect(page.locator("#preview")).to_contain_text("A bid in the last 2 min moves the end")
    page.get_by_role("button", name="Save as draft").click()

    files = [
        {"name": f"{width}.jpg", "mimeType": "image/jpeg", "buffer": photo(width, 300)}
        for width in (400, 500)
    ]
    page.locator("#file").set_input_files(files)
    pictures = page.locator("[data-picture]")
    expect(pictures).to_have_count(2)
    expect(page.locator("[data-count]")).to_have_text("2 of 12")
    pictures.nth(1).get_by_label("What it shows").fill("The spout")
    page.get_by_role("button", name="Move picture 2 forward").click()
    expect(pictures.nth(0).get_by_label("What it shows")).to_have_value("The spout")
    # Publishing waits for what is still being saved.
    pictures.nth(1).get_by_label("What it shows").fill("The whole pot")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".pill")).to_have_text("Running")
    shown = sue.api("GET", f"/api/auctions/{page.url.rpartition('/')[2]}")["pictures"]
    assert [(each["width"], each["alt"]) for each in shown] == [(500, "The spout"), (400, "The whole pot")]
    assert sue.complaints == []


def test_a_file_that_is_no_picture_is_named_and_the_others_are_added(visitor: Visit) -> None:
    sue = visitor("Sue")
    page = sue.page
    page.goto(f"{sue.url}/sell")
    describe(page)
    page.get_by_role("button", name="Save as draft").click()
    page.locator("#file").set_input_files(
        [
            {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"},
            {"name": "pot.jpg", "mimeType": "image/jpeg", "buffer": photo()},
        ]
    )
    expect(page.locator("[data-picture]")).to_have_count(1)
    expect(page.locator("[data-uploads]")).to_contain_text("notes.jpg")
    expect(page.locator("[data-uploads]").get_by_role("alert")).to_contain_text("not a picture")
    page.get_by_role("button", name="Remove picture 1").click()
    expect(page.locator("[data-picture]")).to_have_count(0)
    expect(page.locator("#file")).to_be_focused()


def test_the_first_field_that_is_wrong_has_the_focus_without_script_too(visitor: Visit) -> None:
    for script in (True, False):
        sue = visitor("Sue", java_script_enabled=script)
        sue.page.goto(f"{sue.url}/sell")
        describe(sue.page)
        sue.page.get_by_label("Starting price").fill("forty")
        sue.page.get_by_label("Tax, in percent").fill("some")
        sue.page.get_by_role("button", name="Save as draft").click()
        expect(sue.page.get_by_label("Starting price")).to_be_focused()
        expect(sue.page.get_by_label("Title")).to_have_value("A teapot")


def test_the_page_of_the_seller_tells_that_somebody_has_bid(visitor: Visit) -> None:
    sue, ann = visitor("Sue"), visitor("Ann")
    lot = sue.sell()
    sue.page.goto(f"{sue.url}/auctions/{lot}/manage")
    expect(sue.badge).to_have_attribute("data-state", "live")
    ann.api("POST", f"/api/auctions/{lot}/bids", amount=10_000)
    expect(sue.price).to_have_text("$100.00")
    expect(sue.page.locator("[data-bids]")).to_have_text("1 bid")
    sue.page.get_by_role("link", name="Show it").click()
    sue.page.get_by_text("Cancel this bid").click()
    sue.page.get_by_label("Reason, which everybody can read").fill("A slip")
    sue.page.get_by_role("button", name="Cancel bid").click()
    expect(sue.page.get_by_text("Cancelled by you: A slip")).to_be_visible()
    assert sue.complaints == []
