"""Tenants: who they are, and who belongs to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.extensions import Model

from .accounts import Timestamp


class Role(StrEnum):
    """What a member may do: a manager says who else is one."""

    MEMBER = "MEMBER"
    MANAGER = "MANAGER"


class Tenant(Model):
    """A closed circle, a trade association or a club, whose auctions only its members see."""

    __tablename__ = "tenants"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())


class Membership(Model):
    """That somebody belongs to a tenant. Read anew whenever it matters, never remembered: it ends at once."""

    __tablename__ = "memberships"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(Text)

    __table_args__ = (CheckConstraint("role IN ('MEMBER', 'MANAGER')", name="role"),)
