"""A real-time auction marketplace.

Flask decides, PostgreSQL remembers, RQ follows up, Channels tells everyone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from .config import Config


def create_app(config: Config | None = None) -> Flask:
    """The application, with settings from the environment unless some are given. Connects to nothing yet.

    Raises:
        ConfigError: a setting is missing or wrong; names it.
    """
    # Imported when called: the Channels server and the development stack live in this package too, and must
    # start in a fraction of the second that Flask and SQLAlchemy take to load.
    from .app import create_app as create

    return create(config)
