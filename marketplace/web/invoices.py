"""The invoice of an order, to read, to print and to keep. For whoever may see the order."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue

from marketplace.api.security import require_viewer
from marketplace.invoices import Invoice, invoice_of
from marketplace.orders import service as orders

from . import locales
from .pages import blueprint, page


@blueprint.get("/orders/<id:order_id>/invoice")
def invoice(order_id: int) -> ResponseReturnValue:
    """The invoice as a page that prints well, in the reader's language."""
    return page("invoice.html", invoice=_invoice(order_id, locales.language()))


@blueprint.get("/orders/<id:order_id>/invoice.pdf")
def invoice_pdf(order_id: int) -> ResponseReturnValue:
    """The invoice as PDF, in English."""
    found = _invoice(order_id, locales.ENGLISH)
    # What makes PDFs takes a second to import, which no process should wait for at its start.
    from .invoice_pdf import render

    answer = Response(render(found), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="invoice-{found.number}.pdf"'
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _invoice(order_id: int, language: str) -> Invoice:
    viewer = require_viewer()
    view = orders.get(order_id, viewer)
    return invoice_of(
        view.order,
        seller=view.seller_name,
        buyer=view.buyer_name,
        payment_details=view.payment_details(viewer),
        language=language,
    )
