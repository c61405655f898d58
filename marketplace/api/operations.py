"""The clock, and how the process is."""

from __future__ import annotations

from typing import Any

from flask_openapi import APIBlueprint, Tag
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from marketplace.extensions import REDIS_PATIENCE_SECONDS, db
from marketplace.runtime import runtime

from . import schemas

blueprint = APIBlueprint("operations", __name__, abp_tags=[Tag(name="Operations")])


@blueprint.get("/api/time", responses={200: schemas.ServerTime})
def server_time() -> dict[str, int]:
    """The clock that auctions run by, to reckon a browser's offset from."""
    now = db.session.execute(select(func.clock_timestamp())).scalar_one()
    return {"timestamp": int(now.timestamp() * 1000)}


@blueprint.get("/healthz", responses={200: schemas.Health})
def healthz() -> dict[str, Any]:
    """The process runs."""
    return {"status": "ok", "checks": {}}


@blueprint.get("/readyz", responses={200: schemas.Health, 503: schemas.Health})
def readyz() -> tuple[dict[str, Any], int]:
    """The process can serve: the database answers and is migrated.

    Redis is reported too, but bids do without it.
    """
    checks = {"database": _database(), "redis": _redis()}
    ready = checks["database"] == "ok"
    return {"status": "ok" if ready else "unavailable", "checks": checks}, 200 if ready else 503


def _database() -> str:
    try:
        migrated = db.session.execute(text("SELECT to_regclass('alembic_version') IS NOT NULL")).scalar_one()
    except SQLAlchemyError:
        return "unreachable"
    return "ok" if migrated else "not migrated: run `flask db upgrade`"


def _redis() -> str:
    patience = REDIS_PATIENCE_SECONDS
    try:
        with Redis.from_url(
            runtime().config.redis_url, socket_timeout=patience, socket_connect_timeout=patience, retry=None
        ) as client:
            client.ping()
    except (RedisError, OSError):
        return "unreachable"
    return "ok"
