"""How PostgreSQL goes about a query, for tests: what it reads, never how long that takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from marketplace.extensions import db


def plan_of(read: Callable[[], object], *, analyze: bool = False) -> str:
    """How PostgreSQL runs the last statement of a function; ``analyze``: and how many rows that took."""
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        statements.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        read()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    statement, parameters = statements[-1]
    with db.engine.connect() as connection:
        explain = "EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF)" if analyze else "EXPLAIN"
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
        return "\n".join(row[0] for row in rows)
