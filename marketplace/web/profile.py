"""One's profile: name, password, how one is paid, strikes, and tokens."""

from __future__ import annotations

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace import accounts
from marketplace.api import schemas
from marketplace.api.accounts import limit_own_guesses, renew_session
from marketplace.api.security import limit_creations, require_viewer
from marketplace.errors import MarketplaceError
from marketplace.orders import service as orders

from .forms import checked, fields
from .pages import blueprint, page


@blueprint.get("/me/profile")
def profile(new_token: str | None = None, problem: MarketplaceError | None = None) -> ResponseReturnValue:
    """All of it, each with its form."""
    # Not as this process remembers it: another one may have changed the name a moment ago.
    viewer = accounts.viewer_now(require_viewer().id)
    return page(
        "profile.html",
        problem=problem,
        viewer=viewer,
        names={"displayName": request.form.get("displayName", viewer.display_name)},
        tokens=accounts.tokens(viewer.id),
        strikes=orders.strikes(viewer.id),
        payment_details=request.form.get("text", accounts.payment_details(viewer.id) or ""),
        new_token=new_token,
    )


@blueprint.post("/me/profile/name")
def change_name() -> ResponseReturnValue:
    """Be called something else."""
    viewer = require_viewer()
    try:
        given = checked(schemas.ProfileChange, fields("displayName"))
    except MarketplaceError as problem:
        return profile(problem=problem)
    accounts.rename(viewer.id, given.display_name)
    return _saved("who", gettext("Your name is changed."))


@blueprint.post("/me/profile/password")
@limit_own_guesses
def change_password() -> ResponseReturnValue:
    """Have another password, and end one's sessions everywhere else."""
    require_viewer()
    try:
        renew_session(checked(schemas.PasswordChange, fields("currentPassword", "newPassword")))
    except MarketplaceError as problem:
        return profile(problem=problem)
    return _saved("password", gettext("Your password is changed. Everywhere else you are logged out."))


@blueprint.post("/me/payment-details")
def set_payment_details() -> ResponseReturnValue:
    """Say how buyers on invoice pay one."""
    viewer = require_viewer()
    try:
        accounts.set_payment_details(viewer.id, checked(schemas.PaymentDetails, fields("text")).text)
    except MarketplaceError as problem:
        return profile(problem=problem)
    return _saved("payment", gettext("Saved."))


@blueprint.post("/me/tokens")
@limit_creations
def create_token() -> ResponseReturnValue:
    """A new token: shown on the page that answers, and never again."""
    viewer = require_viewer()
    try:
        given = checked(schemas.TokenRequest, fields("name"))
        _, token = accounts.issue_token(viewer.id, name=given.name)
    except MarketplaceError as problem:
        return profile(problem=problem)
    answer = make_response(profile(new_token=token))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/me/tokens/<id:token_id>/revoke")
def revoke_token(token_id: int) -> ResponseReturnValue:
    """Make a token worthless."""
    accounts.revoke_token(require_viewer().id, token_id)
    return redirect(url_for("web.profile", _anchor="tokens"), 303)


def _saved(section: str, message: str) -> ResponseReturnValue:
    """Back to the page, which says in its section what was done: once, and not again when reloaded."""
    flash(message, section)
    return redirect(url_for("web.profile", _anchor=section), 303)
