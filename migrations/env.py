"""Alembic's entry point, called by ``flask db``."""

from __future__ import annotations

from alembic import context
from flask import current_app

from marketplace import models
from marketplace.extensions import db

#: A migration that cannot get its lock gives up instead of making every bid wait behind it.
LOCK_TIMEOUT = "5s"

assert models  # imported so that every table is known


def run_migrations() -> None:
    """Run the migrations on the application's database, one transaction each."""
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        # Building an index may take longer than a bid may.
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("SET transaction_timeout = 0")
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        connection.commit()
        context.configure(connection=connection, target_metadata=db.metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


run_migrations()
