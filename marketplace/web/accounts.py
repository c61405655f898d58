"""Logging in and registering."""

from __future__ import annotations

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import accounts
from marketplace.api import schemas
from marketplace.api.accounts import (
    end_session,
    limit_logins_by_account,
    limit_logins_by_address,
    limit_registrations,
    remember_device,
    start_session,
)
from marketplace.errors import MarketplaceError

from .forms import checked, fields
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
        given = checked(schemas.Credentials, fields("email", "password"))
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
        given = checked(schemas.Registration, fields("email", "password", "displayName"))
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
