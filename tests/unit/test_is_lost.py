"""Which database errors mean that nobody knows how far a statement came."""

from __future__ import annotations

import psycopg2
import psycopg2.errors
import pytest
from sqlalchemy.exc import DBAPIError

from marketplace.transactions import is_lost


def wrapped(error: psycopg2.Error, code: str | None = None) -> DBAPIError:
    """As SQLAlchemy hands it on; the driver sets the code when the server sent one."""

    class Coded(type(error)):  # type: ignore[misc]
        pgcode = code

    return DBAPIError.instance("SELECT 1", {}, Coded(*error.args) if code else error, psycopg2.Error)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (psycopg2.OperationalError("server closed the connection unexpectedly"), None),
        (psycopg2.InterfaceError("connection already closed"), None),
        (psycopg2.DatabaseError("error with status PGRES_TUPLES_OK and no message from the libpq"), None),
        (psycopg2.OperationalError("terminating connection"), "57P01"),
        (psycopg2.OperationalError("connection failure"), "08006"),
    ],
)
def test_the_connection_is_gone(error: psycopg2.Error, code: str | None) -> None:
    assert is_lost(wrapped(error, code))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (psycopg2.ProgrammingError("can't adapt type 'object'"), None),
        (psycopg2.OperationalError("canceling statement due to statement timeout"), "57014"),
        (psycopg2.OperationalError("canceling statement due to lock timeout"), "55P03"),
        (psycopg2.IntegrityError("duplicate key"), "23505"),
    ],
)
def test_the_server_answered(error: psycopg2.Error, code: str | None) -> None:
    assert not is_lost(wrapped(error, code))


def test_what_is_no_database_error() -> None:
    assert not is_lost(ValueError("no"))
