"""What all pages share: how they are rendered, their files, and how they say that something went wrong."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from flask import (
    Blueprint,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from flask_limiter import RateLimitExceeded
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from marketplace.api import realtime
from marketplace.api.errors import http_problem, retry_after, status_of
from marketplace.api.security import seconds_until_reset, viewer
from marketplace.errors import MarketplaceError, RateLimited, Unauthenticated
from marketplace.headers import REQUEST_ID
from marketplace.money import minor_digits
from marketplace.realtime.channels import auction_channel
from marketplace.times import iso
from marketplace.transactions import is_lost

from . import locales, numbers, problems

log = logging.getLogger(__name__)

blueprint = Blueprint("web", __name__, template_folder="templates", static_folder="static")

_TICKS = re.compile("`([^`]+)`")

#: Paths that answer JSON whatever happens.
_NOT_PAGES = ("/api/", "/pusher/", "/payments/")


def page(template: str, *, problem: MarketplaceError | None = None, **context: Any) -> ResponseReturnValue:
    """A page; with a problem, what went wrong in the form and the status that belongs to it."""
    errors = problem.facts.get("errors", []) if problem else []
    # Reversed: of several errors of one field, the first is shown.
    fields = {error["field"]: problems.field_words(error["message"]) for error in reversed(errors)}
    body = render_template(template, problem=problem, field_errors=fields, **context)
    return (body, status_of(problem), retry_after(problem)) if problem else (body, 200)


@blueprint.app_context_processor
def _context() -> dict[str, Any]:
    return {"viewer": viewer(), "realtime": realtime.settings, "minor_digits": minor_digits}


# --- where somebody is ------------------------------------------------------------------------------------


@blueprint.app_template_global()
def here() -> str:
    """The page that is shown, to come back to; after a form was sent, the page it was on."""
    return request.full_path.rstrip("?") if request.method == "GET" else _page_above(request.path)


def _page_above(path: str) -> str:
    """The nearest page above a form, or else where it is itself: what a form does comes after where it is."""
    pages = current_app.create_url_adapter(request)
    parts = path.split("/")
    above = ("/".join(parts[:number]) for number in range(len(parts) - 1, 1, -1))
    return next((each for each in (*above, path) if pages and pages.test(each, "GET")), url_for("web.home"))


# --- words for amounts and moments ------------------------------------------------------------------------


def _in_the_readers_language(words: Callable[..., str]) -> Callable[..., str]:
    """As a filter that Jinja asks for each page: what it says of a constant is not the same for everybody."""

    @pass_context
    @wraps(words)
    def asked(_: Context, *values: Any) -> str:
        return words(*values)

    return asked


for _words in (
    numbers.money,
    numbers.percent,
    numbers.number,
    numbers.moment,
    numbers.day,
    numbers.time_left,
):
    blueprint.add_app_template_filter(_in_the_readers_language(_words))
blueprint.add_app_template_filter(problems.words, "problem_words")


@blueprint.app_template_filter("ticks")
def _ticks(text: str) -> Markup:
    """Docstrings say what is code `like this`."""
    return Markup(_TICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  (escaped before)


@blueprint.app_template_filter("iso")
def _iso(moment: datetime) -> str:
    return iso(moment)


#: What a script needs to go on from where the page was rendered.
_STANDING = {
    "id",
    "seq",
    "format",
    "tenantId",
    "status",
    "outcome",
    "currency",
    "startsAt",
    "endsAt",
    "startingPrice",
    "bidCount",
    "activeViewers",
    # English
    "minIncrement",
    "incrementTable",
    "reserveMet",
    "buyNowPrice",
    "buyNowShare",
    "currentBid",
    "minimumNextBid",
    "bidderName",
    # Dutch
    "floorPrice",
    "dropAmount",
    "dropEvery",
    "currentPrice",
    "dropsRemaining",
    "nextDropAt",
    "quantity",
    "remainingItems",
    "heldItems",
    "soldItems",
}


@blueprint.app_template_filter("standing")
def _standing(auction: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in auction.items() if name in _STANDING}


@blueprint.app_template_filter("channel")
def _channel(auction: dict[str, Any]) -> str:
    """Where its events come from."""
    return auction_channel(auction["id"], members_only=auction["tenantId"] is not None)


# --- when something goes wrong ----------------------------------------------------------------------------


#: What is wrong with a request itself, where that can be said better than that it was not understood.
_REFUSALS = {413: lazy_gettext("What you sent is too large.")}


@blueprint.errorhandler(MarketplaceError)
def _problem(error: MarketplaceError) -> ResponseReturnValue:
    return page("error.html", problem=error, why=problems.words(error))


@blueprint.errorhandler(HTTPException)
def _refused(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status >= 500:
        return _failed(error)
    why = _REFUSALS.get(status, lazy_gettext("What you sent could not be read."))
    return render_template("error.html", why=why), status


@blueprint.errorhandler(Exception)
def _failed(error: Exception) -> ResponseReturnValue:
    log.error("unexpected error", exc_info=error)
    return _bare("failed.html", request_id=request.environ.get(REQUEST_ID)), 500


@blueprint.errorhandler(Unauthenticated)
def _log_in_first(_: Unauthenticated) -> ResponseReturnValue:
    return redirect(url_for("web.login_form", next=here()), 303)


@blueprint.errorhandler(RateLimitExceeded)
def _too_many(error: RateLimitExceeded) -> ResponseReturnValue:
    return _problem(RateLimited(retryAfter=seconds_until_reset(error)))


@blueprint.errorhandler(DBAPIError)
@blueprint.errorhandler(PoolTimeout)
def _unavailable(error: DBAPIError | PoolTimeout) -> ResponseReturnValue:
    if not (isinstance(error, OperationalError | PoolTimeout) or is_lost(error)):
        return _failed(error)
    log.warning("the database is unavailable: %s", error)
    return _bare("unavailable.html", address=here()), 503, {"Retry-After": "5"}


def _bare(template: str, **context: Any) -> str:
    """A page that asks nothing of the database: without it, not even who is looking can be said."""
    return current_app.jinja_env.get_template(template).render(**context, **locales.context())


def no_such_page(error: HTTPException) -> ResponseReturnValue:
    """An address that leads nowhere, or only takes forms: a page, and for programs a problem document."""
    if request.path.startswith(_NOT_PAGES):
        return http_problem(error)
    allowed = [header for header in error.get_headers() if header[0] == "Allow"]
    return render_template("no_such_page.html"), error.code or 404, allowed


def only_a_form(error: HTTPException) -> ResponseReturnValue:
    """An address that only takes a form, opened as a page: on to the one that the form is on."""
    if request.method != "GET" or request.path.startswith(_NOT_PAGES):
        return no_such_page(error)
    return redirect(_page_above(request.path), 303)


def no_page_at_all(error: InternalServerError) -> ResponseReturnValue:
    """Saying what went wrong went wrong itself."""
    return http_problem(error) if request.path.startswith(_NOT_PAGES) else _failed(error)
