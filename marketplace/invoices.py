"""Invoices: an order in the lines and words of an invoice. Pages and PDFs show the same one.

The page is in the reader's language; the PDF, which is what is filed and sent on, is always in English.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import force_locale, gettext, lazy_gettext

from .models import Order, OrderState
from .money import format_money, format_rate
from .orders.service import BY_INVOICE


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what for, and how much in the invoice's currency, as text."""

    label: str
    amount: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """What is printed."""

    order_id: int
    #: Unique and rising, as the EU's VAT directive (2006/112/EC, article 226) asks for.
    number: str
    issued_at: datetime
    due_at: datetime
    #: Empty until it is paid.
    paid_at: datetime | None
    #: "Paid", "Cancelled" or "Not paid in time"; empty while the payment is awaited.
    stamp: str
    seller: str
    buyer: str
    #: The address as the buyer gave it, with its line breaks; empty until they have checked out.
    ship_to: str
    lines: tuple[Line, ...]
    total: str
    currency: str
    terms: str
    #: Where the total is transferred to, with its line breaks; empty if it is not, or not for whoever looks.
    pay_to: str


_STAMPS = {
    OrderState.CANCELLED: lazy_gettext("Cancelled"),
    OrderState.UNPAID: lazy_gettext("Not paid in time"),
}
_TERMS = {
    None: lazy_gettext("The buyer has not chosen yet how to pay."),
    BY_INVOICE: lazy_gettext(
        "Please transfer the total to the seller and name the invoice’s number. The seller confirms the"
        " payment when it has arrived."
    ),
    "stripe": lazy_gettext("By card or what else Stripe offers, on the page of the order."),
}
_ASK = lazy_gettext(
    "Ask the seller how to pay, and name the invoice’s number. The seller confirms the payment when it has"
    " arrived."
)


def invoice_of(
    order: Order, *, seller: str, buyer: str, payment_details: str | None, language: str
) -> Invoice:
    """The invoice of an order, at any point of its life, with the names of its people.

    ``payment_details`` are the order's, or None for a reader whom they do not concern.
    """
    by_transfer = order.method == BY_INVOICE
    with force_locale(language):
        return Invoice(
            order_id=order.id,
            number=f"{order.created_at:%Y}-{order.id:06d}",
            issued_at=order.created_at,
            due_at=order.due_at,
            paid_at=order.paid_at,
            stamp=_stamp(order),
            seller=seller,
            buyer=buyer,
            ship_to=order.ship_to or "",
            lines=tuple(_lines(order, language)),
            total=format_money(order.total, order.currency, language),
            currency=order.currency,
            terms=str(_ASK if by_transfer and not order.payment_details else _TERMS[order.method]),
            pay_to=(payment_details or "") if by_transfer else "",
        )


def _stamp(order: Order) -> str:
    return gettext("Paid") if order.paid_at else str(_STAMPS.get(OrderState(order.state), ""))


def _lines(order: Order, language: str) -> list[Line]:
    """The lot, and what comes on top of its price: with the rate, also when that is nothing."""
    premium = gettext(
        "Buyer’s premium, %(rate)s of the price", rate=format_rate(order.premium_rate, language)
    )
    tax = gettext("Tax, %(rate)s of price and premium", rate=format_rate(order.tax_rate, language))
    amounts = ((order.title, order.price), (premium, order.premium), (tax, order.tax))
    return [Line(label, format_money(amount, order.currency, language)) for label, amount in amounts]
