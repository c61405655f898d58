"""Transactions: lock, then look, then read the clock.

with transaction():
    auction = lock(Auction, auction_id)
    now = database_now()
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

import psycopg2
import pydantic_core
from sqlalchemy import Connection, Engine, TextClause, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase

from .errors import NotFound
from .extensions import db

Model = TypeVar("Model", bound=DeclarativeBase)

#: Bounds on waiting, set on every connection. A bid that cannot get its lock in five seconds is refused
#: as busy; nothing holds a lock longer than ten. ``transaction_timeout`` needs PostgreSQL 17.
LOCK_TIMEOUT_SECONDS = 5
TRANSACTION_TIMEOUT_SECONDS = 10


def engine_options(pool_size: int = 10) -> dict[str, Any]:
    """How connections are made and pooled."""
    bounds = (
        f"-c lock_timeout={LOCK_TIMEOUT_SECONDS}s"
        f" -c statement_timeout={TRANSACTION_TIMEOUT_SECONDS}s"
        f" -c transaction_timeout={TRANSACTION_TIMEOUT_SECONDS}s"
        f" -c idle_in_transaction_session_timeout={TRANSACTION_TIMEOUT_SECONDS}s"
        " -c timezone=UTC"
    )
    return {
        # Parameters are people's business: an error in the log shows the statement without them.
        "hide_parameters": True,
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "pool_timeout": LOCK_TIMEOUT_SECONDS,
        # A restarted PostgreSQL must not cost each pooled connection one failed request.
        "pool_pre_ping": True,
        "connect_args": {"options": bounds, "connect_timeout": LOCK_TIMEOUT_SECONDS},
    }


@contextmanager
def transaction() -> Iterator[None]:
    """Commit what happens inside, or nothing of it.

    Not ``session.begin()``: that raises once anything was read before it, and views do read
    (who is logged in) before they call a service.
    """
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def lock(model: type[Model], key: Any) -> Model:
    """The row with this key, locked until the transaction ends.

    Raises:
        NotFound: there is no such row.
    """
    # populate_existing: a row the session has seen before would otherwise keep its old values.
    row = db.session.get(model, key, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters, whose names no statement beside it uses."""

    sql: str
    parameters: Mapping[str, Any]


def execute_together(connection: Connection, statements: Sequence[Statement]) -> None:
    """Run statements whose results nobody needs in one round trip.

    While a hot auction is locked, every trip to the database is a trip that all its bidders wait for.
    """
    if statements:
        parameters = {name: value for each in statements for name, value in each.parameters.items()}
        connection.execute(_joined(tuple(each.sql for each in statements)), parameters)


def recordset(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as one parameter, for ``json_to_recordset``.

    PostgreSQL takes two thirds of the time for it that it takes for an array for each column. Binary values
    go as PostgreSQL writes them: see ``binary``.
    """
    return pydantic_core.to_json(rows).decode()


def binary(value: bytes | None) -> str | None:
    """Bytes in a ``recordset``."""
    return None if value is None else "\\x" + value.hex()


#: Ends a transaction in the same trip as its last writes.
COMMIT = Statement("COMMIT", {})


def self_committing_engine(url: str, pool_size: int, *, durable: bool = True) -> Engine:
    """An engine whose connections commit each statement, or do as the statement says: ``short_connection``.

    Not ``durable``: nobody waits for the disk, and a crash may take back the last half second.
    """
    options = engine_options(pool_size)
    if not durable:
        options["connect_args"]["options"] += " -c synchronous_commit=off"
    # Not tried out before use: who uses these tries again by itself.
    options |= {"pool_pre_ping": False, "pool_reset_on_return": None}
    return create_engine(url, isolation_level="AUTOCOMMIT", **options)


@contextmanager
def short_connection(engine: Engine) -> Iterator[Connection]:
    """A connection whose statements begin and commit the transaction themselves.

    The driver makes a trip of its own for BEGIN and another for COMMIT; a transaction that reads once and
    writes once can do with two instead of four. Whatever is raised inside rolls back.
    """
    with engine.connect() as connection:
        try:
            yield connection
        except BaseException:
            _roll_back(connection)
            raise


def _roll_back(connection: Connection) -> None:
    try:
        connection.exec_driver_sql("ROLLBACK")
    except SQLAlchemyError:
        connection.invalidate()  # the server rolls back when the connection is gone


def is_lost(error: BaseException) -> bool:
    """Whether the connection or the server went away, so that nobody knows how far a statement came."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    code: str | None = getattr(error.orig, "pgcode", None)
    if code is None:
        # The server never answered. The plain kind is what the driver makes of an answer that broke off:
        # "error with status PGRES_TUPLES_OK and no message from the libpq".
        kinds = (psycopg2.OperationalError, psycopg2.InterfaceError)
        return isinstance(error.orig, kinds) or type(error.orig) is psycopg2.DatabaseError
    # Class 57 is the server shutting down or starting, except 57014, a statement that took too long; class 08
    # is the connection.
    return code.startswith("08") or (code.startswith("57") and code != "57014")


@cache
def _joined(sql: tuple[str, ...]) -> TextClause:
    return text(";".join(sql))


def database_now() -> datetime:
    """The database's clock at this moment. After the lock: ``now()`` is frozen at the transaction's start."""
    return cast(datetime, db.session.execute(select(func.clock_timestamp())).scalar_one())
