"""The signatures of the Channels protocol: hex HMAC-SHA256 with the app's secret.

Source: https://pusher.com/docs/channels/library_auth_reference/auth-signatures
"""

import hashlib
import hmac
from collections.abc import Mapping

MAX_AGE = 600
"""Seconds a signed request may be away from this server's clock, either way."""


class BadSignature(Exception):
    """The request is not signed by someone who holds the app's secret."""


def sign(secret: str, text: str | bytes) -> str:
    # A lone surrogate can come in through a JSON escape; it must fail to verify, not fail to encode.
    payload = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()


def is_signed(auth: object, *, key: str, secret: str, text: str) -> bool:
    """Whether ``auth`` is ``KEY:SIGNATURE`` over ``text``, as private channels and sign-in demand."""
    return isinstance(auth, str) and _same(auth, f"{key}:{sign(secret, text)}")


def check_request(
    *,
    key: str,
    secret: str,
    method: str,
    paths: tuple[str, ...],
    query: Mapping[str, str],
    body: bytes,
    now: float,
) -> None:
    """Check one request to the HTTP API; ``now`` is Unix time in seconds.

    ``paths`` are the spellings the sender may have signed: some libraries sign the path before it is
    percent-encoded, some after. Raises BadSignature, whose text goes into the 401 answer.
    """
    if query.get("auth_key") != key:
        raise BadSignature("Unknown auth_key")
    if query.get("auth_version") != "1.0":
        raise BadSignature("Unsupported auth_version: expected 1.0")
    _check_age(query.get("auth_timestamp", ""), now)
    _check_body(query.get("body_md5"), body)
    given = query.get("auth_signature", "")
    texts = [f"{method}\n{path}\n{_canonical(query)}" for path in paths]
    if not any(_same(given, sign(secret, text)) for text in texts):
        raise BadSignature(
            f'Invalid signature: you should have sent HmacSHA256Hex("{texts[0]}", your_secret_key), '
            f'but you sent "{given}"'
        )


def _check_age(timestamp: str, now: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise BadSignature("auth_timestamp must be Unix time in seconds")
    if abs(now - int(timestamp)) > MAX_AGE:
        raise BadSignature(
            f"Timestamp expired: given timestamp {timestamp} not within {MAX_AGE}s of server time {now:.0f}"
        )


def _check_body(md5: str | None, body: bytes) -> None:
    if md5 is None and not body:
        return
    if not _same(md5 or "", hashlib.md5(body, usedforsecurity=False).hexdigest()):
        raise BadSignature("Invalid body_md5: the body is not the one that was signed")


def _canonical(query: Mapping[str, str]) -> str:
    fields = sorted((name.lower(), value) for name, value in query.items() if name != "auth_signature")
    return "&".join(f"{name}={value}" for name, value in fields)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
