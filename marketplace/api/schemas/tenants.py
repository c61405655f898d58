"""Tenants and their members."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from marketplace.models import Role

from .accounts import Email
from .base import Line, Moment, PageSize, Person, Schema


class TenantIn(Schema):
    """A new tenant."""

    name: Annotated[Line, Field(max_length=100)]


class TenantView(Schema):
    """A tenant, as one of its members sees it."""

    id: int
    name: str
    role: Annotated[Role, Field(description="yours")]
    created_at: Moment


class TenantPage(Schema):
    """Some of your tenants."""

    items: list[TenantView]
    next_cursor: str | None


class TenantQuery(Schema):
    """Which tenants, or members."""

    limit: PageSize = 50
    cursor: Annotated[str | None, Field(max_length=200)] = None


class TenantPath(Schema):
    """The id in the path."""

    tenant_id: int


class MemberIn(Schema):
    """Who shall belong to a tenant."""

    email: Email
    role: Role = Role.MEMBER


class MemberView(Schema):
    """Somebody who belongs to a tenant."""

    user: Person
    email: Annotated[str | None, Field(description="told to managers")]
    role: Role


class MemberPage(Schema):
    """Some of the members."""

    items: list[MemberView]
    next_cursor: str | None


class MemberPath(Schema):
    """The ids in the path."""

    tenant_id: int
    user_id: int
