"""Errors as RFC 9457 problem documents. The one place where kinds of errors meet HTTP statuses."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json, request
from flask_limiter import RateLimitExceeded
from pydantic import ValidationError
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from marketplace.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    MarketplaceError,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from marketplace.headers import REQUEST_ID
from marketplace.transactions import is_lost

log = logging.getLogger(__name__)

STATUS: dict[type[MarketplaceError], HTTPStatus] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

#: Seconds after which an unavailable service is worth another try.
RETRY_AFTER_SECONDS = 1

_HTTP_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


def problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **facts: Any
) -> Response:
    """An error answer. ``code`` is stable; ``detail`` is for people; ``facts`` are for programs."""
    body = {
        "type": f"/api/docs#error-{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "requestId": request.environ.get(REQUEST_ID),
        **facts,
    }
    answer = Response(json.dumps(body), status, mimetype="application/problem+json")
    answer.headers.update(headers or {})
    return answer


def status_of(error: MarketplaceError) -> HTTPStatus:
    """The status that belongs to the error's kind."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def marketplace_problem(error: MarketplaceError) -> Response:
    """The answer to an error of ours."""
    status = status_of(error)
    headers = retry_after(error)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(status, error.code, error.detail, headers=headers, **error.facts)


def retry_after(error: MarketplaceError) -> dict[str, str]:
    """The header that says when what was refused for now is worth another try."""
    match status_of(error):
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return {"Retry-After": str(RETRY_AFTER_SECONDS)}
        case HTTPStatus.TOO_MANY_REQUESTS:
            return {"Retry-After": str(error.facts.get("retryAfter", RETRY_AFTER_SECONDS))}
    return {}


def validation_problem(error: ValidationError) -> Response:
    """The answer to a body or query that does not fit its schema. Never repeats what was sent."""
    errors = [
        {"field": ".".join(str(part) for part in item["loc"]) or "body", "message": item["msg"]}
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return problem(422, Invalid.code, "Some fields are not acceptable; see errors.", errors=errors)


def register_errors(app: Flask) -> None:
    """Make every error a problem document."""
    app.register_error_handler(MarketplaceError, marketplace_problem)
    app.register_error_handler(RateLimitExceeded, _too_many)
    app.register_error_handler(HTTPException, http_problem)
    app.register_error_handler(OperationalError, _database_problem)
    app.register_error_handler(PoolTimeout, _database_problem)
    app.register_error_handler(DataError, _data_problem)
    app.register_error_handler(DBAPIError, _lost_or_unexpected)
    app.register_error_handler(Exception, _unexpected)


def _too_many(error: RateLimitExceeded) -> Response:
    from .security import seconds_until_reset

    wait = seconds_until_reset(error)
    return marketplace_problem(RateLimited(retryAfter=wait))


def http_problem(error: HTTPException) -> Response:
    """The answer to an error of Flask's or Werkzeug's, such as an address that leads nowhere."""
    if error.response is not None:
        # Made on purpose, by validation_problem for one.
        return error.response  # type: ignore[return-value]
    status = error.code or 500
    code = _HTTP_CODES.get(status, "malformed_request" if status < 500 else "error")
    answer = problem(status, code, error.description or HTTPStatus(status).phrase)
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            answer.headers[name] = value
    return answer


def _database_problem(error: Exception) -> Response:
    log.warning("the database is unavailable: %s", error)
    # Not the error's own words: a connection lost in a commit may well have changed something.
    return marketplace_problem(Unavailable("The database did not answer. Look before you try again."))


def _lost_or_unexpected(error: DBAPIError) -> Response:
    return _database_problem(error) if is_lost(error) else _unexpected(error)


def _data_problem(error: DataError) -> Response:
    log.warning("a value that the database does not take: %s", error)
    return marketplace_problem(Invalid("Some value is not acceptable."))


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return problem(500, "error", "Something went wrong on our side; it was noted under the request id.")
