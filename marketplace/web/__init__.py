"""The web pages: rendered here first, then kept live by the scripts in ``client/pages``.

A page is the API's first client. It shows what the API answers, and its forms work without script: they post
to routes here that check with the API's schemas, count towards its limits and call the same services.
"""

from __future__ import annotations

from flask import Flask

from . import (  # noqa: F401  (for their routes)
    accounts,
    assets,
    auctions,
    bidding,
    browsing,
    category_names,
    headers,
    invoices,
    locales,
    managing,
    mine,
    orders,
    pages,
    pictures,
    preferences,
    profile,
    proof,
    reservations,
    returning,
    sales,
    selling,
)

__all__ = ["register_pages"]


def register_pages(app: Flask) -> None:
    """Put the pages on the application."""
    app.register_blueprint(pages.blueprint)
    app.register_error_handler(404, pages.no_such_page)
    app.register_error_handler(405, pages.only_a_form)
    app.register_error_handler(500, pages.no_page_at_all)
    headers.register(app)
    locales.register(app)
