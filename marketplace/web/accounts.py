"""Logging in, registering, and one's own page."""

from __future__ import annotations

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import accounts
from marketplace.api import mine as api
from marketplace.api import schemas
from marketplace.api.accounts import (
    end_session,
    limit_logins_by_account,
    limit_logins_by_address,
    limit_registrations,
    remember_device,
    start_session,
)
from marketplace.api.reservations import list_reservations
from marketplace.api.security import limit_creations, require_viewer
from marketplace.errors import MarketplaceError
from marketplace.models import ReservationStatus
from marketplace.orders import service as orders

from .forms import checked
from .pages import blueprint, page
from .returning import back


@blueprint.get("/login")
def login_form() -> ResponseReturnValue:
    """Where people log in."""
    return page("login.html", next=back(), values={})


@blueprint.post("/login")
@limit_logins_by_address
@limit_logins_by_account
def log_in() -> ResponseReturnValue:
    """Log in and go on to where one wanted to go."""
    try:
        given = checked(schemas.Credentials, _fields("email", "password"))
        viewer = accounts.authenticate(email=given.email, password=given.password)
    except MarketplaceError as problem:
        return page("login.html", problem=problem, next=back(), values=request.form)
    start_session(viewer)
    answer = make_response(redirect(back(), 303))
    remember_device(answer, viewer)
    return answer


@blueprint.get("/register")
def registration_form() -> ResponseReturnValue:
    """Where people open an account."""
    return page("register.html", next=back(), values={})


@blueprint.post("/register")
@limit_registrations
def register() -> ResponseReturnValue:
    """Open an account, log in to it, and go on."""
    try:
        given = checked(schemas.Registration, _fields("email", "password", "displayName"))
        viewer = accounts.register(
            email=given.email, password=given.password, display_name=given.display_name
        )
    except MarketplaceError as problem:
        return page("register.html", problem=problem, next=back(), values=request.form)
    start_session(viewer)
    answer = make_response(redirect(back(), 303))
    remember_device(answer, viewer)
    return answer


@blueprint.post("/logout")
def log_out() -> ResponseReturnValue:
    """Log out, everywhere."""
    end_session()
    return redirect(url_for("web.home"), 303)


#: What the page of one's own lists, and what it says when there is nothing.
LISTS = (
    ("bidding", "Bidding", api.list_bidding, "No bid of yours stands in a running auction."),
    ("won", "Won", api.list_won, "Nothing yet."),
    ("lost", "Lost", api.list_lost, "Nothing."),
    ("watching", "Watching", api.list_watching, "You watch nothing."),
    ("selling", "Selling", api.list_selling, "Nothing yet."),
)


@blueprint.get("/me")
def mine(new_token: str | None = None, problem: MarketplaceError | None = None) -> ResponseReturnValue:
    """What is held for one, what one takes part in and sells, how one is paid, strikes, and tokens."""
    viewer = require_viewer()
    held = list_reservations(schemas.ReservationQuery(status=ReservationStatus.HELD, limit=schemas.MAX_PAGE))
    return page(
        "mine.html",
        problem=problem,
        held=held["items"],
        lists=[
            (name, title, found(query=schemas.PageQuery())["items"], nothing)
            for name, title, found, nothing in LISTS
        ],
        tokens=accounts.tokens(viewer.id),
        strikes=orders.strikes(viewer.id),
        payment_details=request.form.get("text", accounts.payment_details(viewer.id) or ""),
        new_token=new_token,
    )


@blueprint.post("/me/payment-details")
def set_payment_details() -> ResponseReturnValue:
    """Say how buyers on invoice pay one."""
    viewer = require_viewer()
    # A form sends a line break as two characters, though the browser counts it as one.
    text = request.form.get("text", "").replace("\r\n", "\n")
    try:
        accounts.set_payment_details(viewer.id, checked(schemas.PaymentDetails, {"text": text}).text)
    except MarketplaceError as problem:
        return mine(problem=problem)
    return redirect(url_for("web.mine", _anchor="payment"), 303)


@blueprint.post("/me/tokens")
@limit_creations
def create_token() -> ResponseReturnValue:
    """A new token: shown on the page that answers, and never again."""
    viewer = require_viewer()
    try:
        given = checked(schemas.TokenRequest, _fields("name"))
        _, token = accounts.issue_token(viewer.id, name=given.name)
    except MarketplaceError as problem:
        return mine(problem=problem)
    answer = make_response(mine(new_token=token))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/me/tokens/<id:token_id>/revoke")
def revoke_token(token_id: int) -> ResponseReturnValue:
    """Make a token worthless."""
    accounts.revoke_token(require_viewer().id, token_id)
    return redirect(url_for("web.mine"), 303)


def _fields(*names: str) -> dict[str, str]:
    return {name: request.form.get(name, "") for name in names}
