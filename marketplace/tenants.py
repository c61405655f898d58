"""Tenants: closed circles with auctions of their own, and who belongs to them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from .accounts import Viewer
from .errors import Forbidden, Invalid, LastManager, NotFound
from .extensions import db
from .models import Membership, Role, Tenant, User
from .transactions import lock, transaction


@dataclass(frozen=True, slots=True)
class Belonging:
    """A tenant as one of its members sees it."""

    tenant: Tenant
    role: str


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who belongs to a tenant."""

    user: User
    role: str


def create(viewer: Viewer, *, name: str) -> Belonging:
    """A new tenant; whoever creates it manages it."""
    tenant = Tenant(name=name)
    with transaction():
        db.session.add(tenant)
        db.session.flush()
        db.session.add(Membership(tenant_id=tenant.id, user_id=viewer.id, role=Role.MANAGER.value))
    return Belonging(tenant, Role.MANAGER)


def of(viewer: Viewer, *, after: int = 0, limit: int) -> list[Belonging]:
    """The tenants that someone belongs to, oldest first."""
    query = (
        select(Tenant, Membership.role)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == viewer.id, Tenant.id > after)
        .order_by(Tenant.id)
    )
    return [Belonging(*row) for row in db.session.execute(query.limit(limit))]


def get(tenant_id: int, viewer: Viewer) -> Belonging:
    """A tenant, for its members.

    Raises:
        NotFound: there is none that the viewer belongs to.
    """
    query = select(Tenant, Membership.role).join(Membership, Membership.tenant_id == Tenant.id)
    row = db.session.execute(
        query.where(Tenant.id == tenant_id, Membership.user_id == viewer.id)
    ).one_or_none()
    if row is None:
        raise NotFound
    return Belonging(*row)


def require_membership(tenant_id: int, user_id: int) -> None:
    """Only members go on.

    Raises:
        NotFound: there is no such tenant, or the user does not belong to it.
    """
    if _role(tenant_id, user_id) is None:
        raise NotFound


def members(tenant_id: int, *, after: int = 0, limit: int) -> list[Member]:
    """Who belongs to a tenant, in the order of their ids; the caller has checked who asks."""
    query = (
        select(User, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.tenant_id == tenant_id, User.id > after)
        .order_by(User.id)
    )
    return [Member(*row) for row in db.session.execute(query.limit(limit))]


def add_member(tenant_id: int, *, by: Viewer, email: str, role: Role) -> Member:
    """Let somebody in, or give a member another role; for managers.

    Raises:
        NotFound: there is no such tenant for whoever asks.
        Forbidden: who asks does not manage it.
        Invalid: nobody has an account under this address.
        LastManager: nobody would manage the tenant any more.
    """
    with transaction():
        _lock_as_manager(tenant_id, by)
        user = db.session.scalar(select(User).where(func.lower(User.email) == email.strip().lower()))
        if user is None:
            problem = {"field": "email", "message": "must be the address of an account"}
            raise Invalid("Nobody has an account under this e-mail address.", errors=[problem])
        db.session.merge(Membership(tenant_id=tenant_id, user_id=user.id, role=role.value))
        _require_manager(tenant_id)
    return Member(user, role)


def remove_member(tenant_id: int, user_id: int, *, by: Viewer) -> None:
    """Take a membership away, at once; for managers, and for oneself.

    Raises:
        NotFound: there is no such tenant for whoever asks, or no such member.
        Forbidden: who asks does not manage it, and means somebody else.
        LastManager: nobody would manage the tenant any more.
    """
    with transaction():
        _lock_as_manager(tenant_id, by, or_as=user_id)
        membership = db.session.get(Membership, (tenant_id, user_id))
        if membership is None:
            raise NotFound
        db.session.delete(membership)
        _require_manager(tenant_id)


def _lock_as_manager(tenant_id: int, viewer: Viewer, *, or_as: int | None = None) -> None:
    # Asked before the lock too: a stranger must not be able to tell a tenant from none by waiting for it.
    require_membership(tenant_id, viewer.id)
    lock(Tenant, tenant_id)
    role = _role(tenant_id, viewer.id)
    if role is None:
        raise NotFound
    if role != Role.MANAGER and viewer.id != or_as:
        raise Forbidden("Only a manager of the tenant may do this.")


def _require_manager(tenant_id: int) -> None:
    managers = select(Membership.user_id).where(
        Membership.tenant_id == tenant_id, Membership.role == Role.MANAGER
    )
    if db.session.execute(managers.limit(1)).first() is None:
        raise LastManager


def _role(tenant_id: int, user_id: int) -> str | None:
    return db.session.scalar(
        select(Membership.role).where(Membership.tenant_id == tenant_id, Membership.user_id == user_id)
    )
