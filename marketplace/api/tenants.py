"""Tenants and their members."""

from __future__ import annotations

from typing import Any

from flask_openapi import APIBlueprint, Tag

from marketplace import tenants
from marketplace.extensions import limiter
from marketplace.models import Role

from . import paging, schemas
from .security import require_viewer

blueprint = APIBlueprint("tenants", __name__, url_prefix="/api", abp_tags=[Tag(name="Tenants")])

#: Adding somebody tells whether an address has an account, as registering it does: no faster here than there.
ADDITIONS_PER_ADDRESS = "20 per minute; 200 per hour"


@blueprint.post("/tenants", responses={201: schemas.TenantView})
def create_tenant(body: schemas.TenantIn) -> tuple[dict[str, Any], int]:
    """A new tenant, which you manage. Auctions with its `tenantId` exist for its members alone."""
    return _shown(tenants.create(require_viewer(), name=body.name)).json_ready(), 201


@blueprint.get("/tenants", responses={200: schemas.TenantPage})
def list_tenants(query: schemas.TenantQuery) -> dict[str, Any]:
    """The tenants that you belong to."""
    found = tenants.of(require_viewer(), after=_after(query), limit=query.limit + 1)
    page = found[: query.limit]
    cursor = paging.encode(page[-1].tenant.id) if len(found) > query.limit else None
    return schemas.TenantPage(items=[_shown(each) for each in page], next_cursor=cursor).json_ready()


@blueprint.get("/tenants/<id:tenant_id>", responses={200: schemas.TenantView})
def get_tenant(path: schemas.TenantPath) -> dict[str, Any]:
    """A tenant that you belong to."""
    return _shown(tenants.get(path.tenant_id, require_viewer())).json_ready()


@blueprint.get("/tenants/<id:tenant_id>/members", responses={200: schemas.MemberPage})
def list_members(path: schemas.TenantPath, query: schemas.TenantQuery) -> dict[str, Any]:
    """Who belongs to a tenant of yours."""
    viewer = require_viewer()
    role = tenants.get(path.tenant_id, viewer).role
    found = tenants.members(path.tenant_id, after=_after(query), limit=query.limit + 1)
    page = found[: query.limit]
    return schemas.MemberPage(
        items=[_member(member, with_email=role == Role.MANAGER) for member in page],
        next_cursor=paging.encode(page[-1].user.id) if len(found) > query.limit else None,
    ).json_ready()


@blueprint.post("/tenants/<id:tenant_id>/members", responses={201: schemas.MemberView})
@limiter.limit(ADDITIONS_PER_ADDRESS)
def add_member(path: schemas.TenantPath, body: schemas.MemberIn) -> tuple[dict[str, Any], int]:
    """Let somebody in by the e-mail address of their account, or give a member another role; for managers."""
    member = tenants.add_member(path.tenant_id, by=require_viewer(), email=body.email, role=body.role)
    return _member(member, with_email=True).json_ready(), 201


@blueprint.delete("/tenants/<id:tenant_id>/members/<id:user_id>", responses={204: None})
def remove_member(path: schemas.MemberPath) -> tuple[str, int]:
    """Take a membership away, from now on; for managers, and to leave oneself."""
    tenants.remove_member(path.tenant_id, path.user_id, by=require_viewer())
    return "", 204


def _after(query: schemas.TenantQuery) -> int:
    position: tuple[int, ...] = paging.decode(query.cursor, int) if query.cursor else (0,)
    return position[0]


def _shown(belonging: tenants.Belonging) -> schemas.TenantView:
    tenant = belonging.tenant
    return schemas.TenantView(
        id=tenant.id, name=tenant.name, role=Role(belonging.role), created_at=tenant.created_at
    )


def _member(member: tenants.Member, *, with_email: bool) -> schemas.MemberView:
    return schemas.MemberView(
        user=schemas.Person(id=member.user.id, display_name=member.user.display_name),
        email=member.user.email if with_email else None,
        role=Role(member.role),
    )
