"""The Flask extensions, unbound: ``create_app`` binds them to one application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

#: Every constraint has a name that a migration can refer to.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

#: Redis is a convenience here, never a precondition: a dead or hanging one may cost a request a fifth
#: of a second, once, and then the limits hold in memory. redis-py alone would try ten times.
REDIS_PATIENCE_SECONDS = 0.2


class Base(DeclarativeBase):
    """The base of every model."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


db = SQLAlchemy(model_class=Base)
if TYPE_CHECKING:
    # db.Model is made at run time, which type checkers cannot follow; to them it is the plain base.
    Model = Base
else:
    Model = db.Model
migrate = Migrate(db=db)
login = LoginManager()
# Nothing here asks whether a log-in is "fresh"; guarding that would rewrite the cookie of whoever roams. The
# hash it would compare is not made for every request either.
login.session_protection = None
login._session_identifier_generator = lambda: None  # noqa: SLF001
limiter = Limiter(
    key_func=get_remote_address,
    in_memory_fallback_enabled=True,
    headers_enabled=False,
    strategy="fixed-window",
)
