"""The application and how its parts are put together."""

from __future__ import annotations

import os
from datetime import timedelta

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from . import cli, logs, transactions
from .api import create_api_app
from .config import Config
from .extensions import REDIS_PATIENCE_SECONDS, db, limiter, login, migrate
from .headers import AnswerHeaders
from .polling import PollShortcut
from .runtime import _KEY, Runtime
from .sessions import RememberedSessions
from .web import register_pages

SESSION_LIFETIME = timedelta(days=14)


def create_app(config: Config | None = None) -> Flask:
    """The application; see ``marketplace.create_app``."""
    config = config or Config.from_env(os.environ)
    logs.configure()
    app = create_api_app(__name__)
    app.config.from_mapping(_flask_settings(config))
    app.session_interface = RememberedSessions()
    _bind_extensions(app)
    runtime = Runtime.build(config)
    app.extensions[_KEY] = runtime
    register_pages(app)
    cli.register(app)
    _wrap(app, config, runtime)
    return app


def _flask_settings(config: Config) -> dict[str, object]:
    prefix = "__Host-" if config.secure_cookies else ""
    return {
        "SECRET_KEY": config.secret_key,
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": transactions.engine_options(),
        "MAX_CONTENT_LENGTH": 64 * 1024,
        "PERMANENT_SESSION_LIFETIME": SESSION_LIFETIME,
        # The cookie is written at log-in, not with every answer.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "SESSION_COOKIE_NAME": prefix + "session",
        "SESSION_COOKIE_SECURE": config.secure_cookies,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "RATELIMIT_STORAGE_URI": config.redis_url,
        "RATELIMIT_STORAGE_OPTIONS": {
            "socket_timeout": REDIS_PATIENCE_SECONDS,
            "socket_connect_timeout": REDIS_PATIENCE_SECONDS,
            "retry": None,
        },
        "RATELIMIT_KEY_PREFIX": "marketplace",
    }


def _bind_extensions(app: Flask) -> None:
    db.init_app(app)
    migrate.init_app(app, db)
    login.init_app(app)
    limiter.init_app(app)
    # Every limit is declared on a function and checked when that is called; no headers tell of it, and no
    # answer changes what was counted. Looking for limits before and after each request finds nothing to do,
    # and takes an eighth of a bid's time.
    if limiter.enabled:
        app.before_request_funcs[None].remove(limiter._check_request_limit)  # noqa: SLF001
        app.after_request_funcs[None].pop()


def _wrap(app: Flask, config: Config, runtime: Runtime) -> None:
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.wsgi_app = PollShortcut(app.wsgi_app, runtime.polls)  # type: ignore[method-assign]
    app.wsgi_app = AnswerHeaders(app.wsgi_app)  # type: ignore[method-assign]
