"""The API's documentation: the OpenAPI document, and a page of it that needs no script and no internet."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, render_template

from marketplace import errors

from .errors import status_of

INTRODUCTION = """
Money is an integer in the currency's minor unit. Times are UTC, ISO 8601 with milliseconds.
Errors are RFC 9457 problem documents with a stable `code`. Lists answer `{items, nextCursor}`.
Every answer has an `X-Request-Id`.
"""

SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token from `POST /api/tokens`."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "Set by `POST /api/auth/login`.",
    },
}

blueprint = Blueprint("docs", __name__, template_folder="templates")


@blueprint.get("/api/openapi.json")
def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    document: dict[str, Any] = current_app.api_doc  # type: ignore[attr-defined]
    return document


@blueprint.get("/api/docs")
def page() -> str:
    """The same to read."""
    return render_template("api/docs.html", document=openapi(), errors=_errors())


def _errors() -> list[dict[str, Any]]:
    kinds = [
        kind
        for kind in vars(errors).values()
        if (isinstance(kind, type) and issubclass(kind, errors.MarketplaceError) and status_of(kind()) < 500)
        or (isinstance(kind, type) and issubclass(kind, errors.Unavailable))
    ]
    rows = [
        {"code": kind.code, "status": int(status_of(kind())), "message": kind.message()} for kind in kinds
    ]
    return sorted(rows, key=lambda row: (row["status"], row["code"]))
