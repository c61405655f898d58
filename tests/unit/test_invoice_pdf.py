"""Invoices as PDF: what they say, read back from the file, and what they look like."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pypdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageOps

from marketplace.invoices import Invoice, Line
from marketplace.web.invoice_pdf import render

NOVEMBER = datetime(2026, 11, 20, 14, tzinfo=UTC)
INVOICE = Invoice(
    order_id=12,
    number="2026-000012",
    issued_at=NOVEMBER,
    due_at=datetime(2026, 11, 27, 14, tzinfo=UTC),
    paid_at=None,
    stamp="",
    seller="Sam Seller",
    buyer="Bea Buyer",
    ship_to="1 High Street\nSpringfield",
    lines=(Line("A watch", "$100.00"), Line("Buyer’s premium, 25 % of the price", "$25.00")),
    total="$125.00",
    currency="USD",
    terms="Please transfer the total.",
    pay_to="Sam Seller\nIBAN SE45 5000 0000 0583 9825 7466",
)


def invoice(**changes: Any) -> Invoice:
    return replace(INVOICE, **changes)


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def said(**changes: Any) -> str:
    return "\n".join(pages(render(invoice(**changes))))


def picture(pdf: bytes, page: int = 0) -> Image.Image:
    """A page as it is printed, in black on white."""
    image = pypdfium2.PdfDocument(pdf)[page].render(scale=3).to_pil().convert("L")
    return ImageOps.invert(image)


def test_everything_is_on_it() -> None:
    text = said()
    for part in (
        "2026-000012",
        "20 November 2026",
        "27 November 2026",
        "Sam Seller",
        "Bea Buyer",
        "1 High Street",
        "Springfield",
        "A watch",
        "$100.00",
        "25 % of the price",
        "$25.00",
        "Total, USD",
        "$125.00",
        "Please transfer the total.",
        "Pay to",
        "IBAN SE45 5000 0000 0583 9825 7466",
        "page 1 of 1",
    ):
        assert part in text, part
    assert "Paid" not in text


def test_what_is_paid_is_stamped() -> None:
    assert "Paid on 21 November 2026" in said(stamp="Paid", paid_at=datetime(2026, 11, 21, tzinfo=UTC))
    assert "Not paid in time" in said(stamp="Not paid in time")


def test_before_the_checkout_there_is_no_address() -> None:
    assert "Not given yet" in said(ship_to="")


def test_what_is_not_transferred_names_no_account() -> None:
    assert "Pay to" not in said(pay_to="")


@pytest.mark.parametrize(
    "title",
    [
        "Łódź, Žižkov, Ångström, İstanbul, Đức, ő ș ț ß",
        "Старинные часы, Київ, Ђорђе Ћирић",
        "Αντίκα ρολόι, ᾆ",
        "پرانی گھڑی، لاہور سے",
        "ٹ ڈ ڑ ں ہ ھ ے گ چ پ ژ ئ ۓ",
        "۱۲۳",
        "ساعة قديمة من القاهرة",
        "محمد علی جناح",
    ],
)
def test_scripts_can_be_read_back(title: str) -> None:
    assert title in said(lines=(Line(title, "$1.00"),))
    assert title in said(seller=title)


@pytest.mark.parametrize(
    "title", ["Сергей: پرانی گھڑی (Omega) часы", "پرانی گھڑی Старинные часы، لاہور", "Αντίκα پرانی"]
)
def test_scripts_of_different_fonts_stand_in_one_line(title: str) -> None:
    # Of text in both directions a reader makes an order of its own, so only the words are compared.
    text = said(buyer=title)
    for word in title.replace("(", " ").replace(")", " ").replace("،", " ").split():
        assert word in text


def test_what_no_font_has_is_seen_to_be_missing() -> None:
    assert "Vase \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}, old" in said(
        lines=(Line("Vase 花瓶, old", "$1.00"),)
    )


def test_arabic_letters_are_joined_and_latin_ones_are_not() -> None:
    """Five times م is one stroke of the pen, when it is shaped; five times "l" are five strokes."""
    assert _strokes("\N{ARABIC LETTER MEEM}" * 5) == 1
    assert _strokes("lllll") == 5


def _strokes(text: str) -> int:
    """How many columns of ink, with white between them, the seller's name has."""
    blank, written = picture(render(invoice(seller=""))), picture(render(invoice(seller=text)))
    box = ImageChops.difference(blank, written).getbbox()
    assert box
    left, top, right, bottom = box
    ink = [
        written.crop((column, top, column + 1, bottom)).getextrema()[1] > 80 for column in range(left, right)
    ]
    return sum(now and not before for before, now in zip([False, *ink], ink, strict=False))


def test_long_titles_and_addresses_go_on_on_the_next_page_and_nothing_runs_off_the_paper() -> None:
    long = Line("Старинные часы " * 13, "$1,234,567,890.12")
    wide = Line("W" * 200, "$3.00")
    pdf = render(
        invoice(
            lines=(long, wide, Line("پرانی گھڑی " * 18, "$2.00")) * 5,
            ship_to="\n".join(f"Line {number}" for number in range(1, 70)),
        )
    )
    text = pages(pdf)
    assert len(text) > 2
    for number, page in enumerate(text, start=1):
        assert f"page {number} of {len(text)}" in page
        box = picture(pdf, number - 1).getbbox()
        width, height = picture(pdf, number - 1).size
        assert box
        assert min(box[0], width - box[2]) > width * 0.08, "the margin is free"
        assert min(box[1], height - box[3]) > height * 0.03
    whole = "\n".join(text)
    assert all(f"Line {number}" in whole for number in (1, 35, 69))
    assert whole.count("Старинные") == 13 * 5
    assert whole.count("W") == 200 * 5
    assert whole.count("گھڑی") == 18 * 5
    assert "Please transfer the total." in text[-1]


def test_the_same_invoice_is_the_same_file() -> None:
    assert render(INVOICE) == render(INVOICE)
