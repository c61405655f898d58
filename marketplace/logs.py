"""What the log looks like: one line each on stderr, with the id of the request that it is about."""

from __future__ import annotations

import logging

from flask import has_request_context, request

from .headers import REQUEST_ID

LINE = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"
#: The loggers of this project. The servers that run it (granian, rq) look after their own.
_OURS = ("marketplace", "workers")


class RequestIdFilter(logging.Filter):
    """Puts the request's id on each log line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, with ``request_id``."""
        record.request_id = request.environ.get(REQUEST_ID, "-") if has_request_context() else "-"
        return True


def configure() -> None:
    """Send our loggers to stderr, once; whoever takes the log of the whole process keeps ours too."""
    if logging.getLogger().handlers:
        return
    for name in _OURS:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(_handler())


def _handler() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter(LINE))
    return handler
