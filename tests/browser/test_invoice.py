"""An invoice on the screen and on paper."""

from __future__ import annotations

import io

import pypdf
import pytest
from playwright.sync_api import expect

from .conftest import Visit


@pytest.mark.parametrize("colors", ["light", "dark"])
def test_an_invoice_is_printed_without_what_is_for_the_screen(visitor: Visit, colors: str) -> None:
    seller, ann = visitor("Sue"), visitor("محمد علی", color_scheme=colors)
    terms = {"buyNowPrice": 20_000, "premiumRate": 2_500, "taxRate": 1_900}
    lot = seller.sell(title="پرانی گھڑی", **terms)
    ann.api("POST", f"/api/auctions/{lot}/buy-now")
    [order] = ann.api("GET", "/api/orders")["items"]

    ann.page.goto(f"{ann.url}/orders/{order['id']}")
    ann.page.get_by_label("Where it goes").fill("محمد علی\n12 گلی، لاہور")
    ann.page.get_by_label("Pay on invoice").check()
    ann.page.get_by_role("button", name="Check out").click()
    ann.page.get_by_role("link", name="Invoice", exact=True).click()
    expect(ann.page.get_by_role("heading", name="Invoice")).to_be_visible()
    expect(ann.page.locator(".charges tfoot")).to_contain_text("$297.50")
    expect(ann.page.get_by_role("link", name="As PDF")).to_be_visible()

    # On white, also for somebody whose screen is dark.
    ann.page.emulate_media(media="print")
    expect(ann.page.locator("main h1")).to_have_css("color", "rgb(0, 0, 0)")
    expect(ann.page.locator(".sheet")).to_have_css("background-color", "rgb(255, 255, 255)")
    [paper] = pypdf.PdfReader(io.BytesIO(ann.page.pdf(format="A4"))).pages
    # Without spaces, which are a matter of distances on the paper.
    text = "".join(paper.extract_text().split())
    for printed in ("Invoice", "$200.00", "25%", "$50.00", "$47.50", "$297.50", "Sue"):
        assert printed in text, printed
    for left_out in ("Logout", "Skip", "AsPDF", "Totheorder", "Timesareshown"):
        assert left_out not in text, left_out
    assert ann.complaints == []
