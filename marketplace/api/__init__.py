"""The JSON API: one file per resource. A view translates: parse, call one service, serialize."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_openapi import Info, OpenAPI

from . import (
    accounts,
    auctions,
    bids,
    categories,
    client_metrics,
    docs,
    events,
    mine,
    operations,
    orders,
    payments,
    pictures,
    realtime,
    reservations,
    sales,
    second_chance,
    security,
    tenants,
)
from .errors import register_errors, validation_problem
from .schemas import Problem


class App(OpenAPI):
    """Flask, without asking at every call whether a view is a coroutine: none is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function, as it is."""
        return func


def create_api_app(import_name: str) -> Flask:
    """A Flask application with the API on it and nothing bound."""
    app = App(
        import_name,
        info=Info(title="Marketplace", version="1", description=docs.INTRODUCTION),
        security_schemes=docs.SECURITY_SCHEMES,
        doc_ui=False,
        validation_error_callback=validation_problem,
        validation_error_model=Problem,
        static_folder=None,
    )
    app.openapi_version = "3.1.0"
    app.url_map.converters["id"] = security.IdConverter
    register_errors(app)
    security.register(app)
    for resource in (
        accounts,
        auctions,
        categories,
        mine,
        bids,
        events,
        orders,
        reservations,
        payments,
        realtime,
        operations,
        client_metrics,
        pictures,
        sales,
        second_chance,
        tenants,
    ):
        app.register_api(resource.blueprint)
    app.register_blueprint(docs.blueprint)
    return app
