"""The invoice of an order: as a page, and as PDF."""

from __future__ import annotations

import io
from typing import Any

import pypdf
from flask import Flask
from sqlalchemy import text

from marketplace.extensions import db
from tests.people import MakeOrder, MakePerson, Person, Sold


def pdf_text(person: Person, order_id: int, **options: Any) -> str:
    answer = person.get(f"/orders/{order_id}/invoice.pdf", **options)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.data)).pages)


def check_out(sold: Sold) -> None:
    address = {"shipTo": "محمد علی\n12 گلی، لاہور", "method": "invoice"}
    assert sold.buyer.post(f"/api/orders/{sold.id}/checkout", json=address).status_code == 200


def test_page_and_pdf_say_the_same(order: MakeOrder) -> None:
    sold = order(title="پرانی گھڑی", price=123_450, premium=30_862, tax=29_319, currency="EUR")
    check_out(sold)
    page, pdf = sold.buyer.get(f"/orders/{sold.id}/invoice").text, pdf_text(sold.seller, sold.id)
    for part in (
        f"-{sold.id:06d}",
        "پرانی گھڑی",
        "€1,234.50",
        "Buyer’s premium, 24.99% of the price",
        "€308.62",
        "€293.19",
        "Total, EUR",
        "€1,836.31",
        "Buyer",
        "Seller",
        "محمد علی",
        "name the invoice’s number",
    ):
        assert part in page, part
        assert part.replace("\u00a0", " ") in pdf.replace("\u00a0", " "), part


def test_the_page_is_in_the_readers_language_and_the_pdf_in_english(order: MakeOrder) -> None:
    sold = order(price=123_450, premium=30_862, tax=29_319, currency="EUR")
    polish = {"Accept-Language": "pl"}
    page = sold.buyer.get(f"/orders/{sold.id}/invoice", headers=polish).text
    for part in (
        "Opłata aukcyjna, 24,99% ceny",
        "308,62\u00a0€",
        "Razem, EUR",
        "Kupujący nie wybrał jeszcze",
    ):
        assert part in page, part
    pdf = pdf_text(sold.buyer, sold.id, headers=polish)
    for part in ("Buyer’s premium, 24.99% of the price", "€308.62", "Total, EUR", "has not chosen yet"):
        assert part.replace("\u00a0", " ") in pdf.replace("\u00a0", " "), part


def test_where_to_pay_is_printed_for_the_two_parties(order: MakeOrder, person: MakePerson) -> None:
    sold = order(payment_details="Sam Seller\nIBAN SE45 <5000>")
    assert "IBAN" not in pdf_text(sold.buyer, sold.id), "not chosen yet"
    check_out(sold)
    for party in (sold.buyer, sold.seller):
        page, pdf = party.get(f"/orders/{sold.id}/invoice").text, pdf_text(party, sold.id)
        assert "Please transfer the total" in page
        assert "Please transfer the total" in pdf
        assert "IBAN SE45 &lt;5000&gt;" in page
        assert "IBAN SE45 <5000>" in pdf
    admin = person(admin=True)
    assert "IBAN" not in admin.get(f"/orders/{sold.id}/invoice").text + pdf_text(admin, sold.id)


def test_where_nobody_knows_where_to_pay_nobody_is_asked_to_transfer(order: MakeOrder) -> None:
    sold = order()
    check_out(sold)
    for text_of in (sold.buyer.get(f"/orders/{sold.id}/invoice").text, pdf_text(sold.buyer, sold.id)):
        assert "Ask the seller how to pay" in text_of
        assert "transfer" not in text_of


def test_a_title_is_text_and_no_markup(order: MakeOrder) -> None:
    sold = order(title="<b>A & B</b>")
    page, pdf = sold.buyer.get(f"/orders/{sold.id}/invoice").text, pdf_text(sold.buyer, sold.id)
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in page
    assert "<b>A & B</b>" in pdf


def test_the_stamp_follows_the_state(order: MakeOrder, app: Flask) -> None:
    sold = order()
    check_out(sold)
    assert "stamp" not in sold.buyer.get(f"/orders/{sold.id}/invoice").text
    assert sold.seller.post(f"/api/orders/{sold.id}/confirm-payment").status_code == 200
    assert "Paid on" in sold.buyer.get(f"/orders/{sold.id}/invoice").text
    assert "Paid on" in pdf_text(sold.buyer, sold.id)

    cancelled = order()
    cancelled.seller.post(f"/api/orders/{cancelled.id}/cancel", json={"reason": "It broke."})
    assert "Cancelled" in pdf_text(cancelled.buyer, cancelled.id)

    unpaid = order()
    with app.app_context():
        db.session.execute(
            text("UPDATE orders SET due_at = clock_timestamp() WHERE state = 'AWAITING_PAYMENT'")
        )
        db.session.commit()
    assert "Not paid in time" in unpaid.seller.get(f"/orders/{unpaid.id}/invoice").text


def test_only_whom_the_order_concerns_sees_the_invoice(order: MakeOrder, person: MakePerson) -> None:
    sold = order()
    admin, stranger, missing = person(admin=True), person("Stranger"), 10**9
    for kind in ("invoice", "invoice.pdf"):
        for somebody in (sold.buyer, sold.seller, admin):
            assert somebody.get(f"/orders/{sold.id}/{kind}").status_code == 200
        hidden, none = (stranger.get(f"/orders/{each}/{kind}") for each in (sold.id, missing))
        # The form for the language comes back to the address that was asked for.
        assert (hidden.status_code, hidden.text.replace(f"/{sold.id}/", f"/{missing}/")) == (404, none.text)
        nobody = stranger.client.get(f"/orders/{sold.id}/{kind}")
        assert (nobody.status_code, nobody.location) == (303, f"/login?next=/orders/{sold.id}/{kind}")


def test_a_pdf_is_named_after_its_invoice_and_kept_by_no_proxy(order: MakeOrder) -> None:
    sold = order()
    answer = sold.buyer.get(f"/orders/{sold.id}/invoice.pdf")
    year = sold.buyer.get(f"/api/orders/{sold.id}").json["createdAt"][:4]
    assert answer.headers["Content-Disposition"] == f'inline; filename="invoice-{year}-{sold.id:06d}.pdf"'
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
