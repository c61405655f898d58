"""What pages tell the browser to refuse: everything but our own files and the Channels server."""

from __future__ import annotations

from flask import Flask, Response

from marketplace.config import Config
from marketplace.runtime import runtime


def content_security_policy(config: Config) -> str:
    """Nothing inline, nothing from elsewhere; connections to us and to Channels."""
    channels = f"{config.pusher_ws_host}:{config.pusher_port}"
    # pusher-js may try either scheme, whatever it is told first.
    connections = " ".join(f"{scheme}://{channels}" for scheme in ("ws", "wss", "http", "https"))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "font-src 'self'",
            f"connect-src 'self' {connections}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def register(app: Flask) -> None:
    """Put the policy on every page."""
    app.after_request(_protect)


def _protect(answer: Response) -> Response:
    if answer.mimetype == "text/html":
        answer.headers["Content-Security-Policy"] = content_security_policy(runtime().config)
        # What a page shows depends on who looks: browsers ask again, proxies keep nothing.
        answer.headers.setdefault("Cache-Control", "private, no-cache")
        answer.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    return answer
