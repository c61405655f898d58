"""Who, besides its seller, may see a members-only auction: the tenant's members, and administrators.

Asked under the lock of the auction and never remembered: whoever is removed is a stranger to the next bid.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

#: Those of ``people`` who may, for ``tenant_id``; both stand for SQL.
INSIDERS = """
    SELECT id FROM users WHERE id = ANY({people} ::bigint[]) AND (is_admin OR EXISTS
        (SELECT FROM memberships WHERE memberships.tenant_id = {tenant_id} AND user_id = users.id))
"""
_INSIDERS = text(INSIDERS.format(people=":people", tenant_id=":tenant_id"))


def insiders(connection: Connection, tenant_id: int, people: Iterable[int]) -> frozenset[int]:
    """Those among the people who may see the tenant's auctions."""
    asked = {"people": list(people), "tenant_id": tenant_id}
    return frozenset(connection.execute(_INSIDERS, asked).scalars())
