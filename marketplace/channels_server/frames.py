"""WebSocket frames as a server sends them: whole, unmasked, uncompressed (RFC 6455, section 5.2)."""

import struct

_TEXT, _CLOSE, _PONG = 0x81, 0x88, 0x8A
_MAX_REASON = 123


def text(message: str) -> bytes:
    payload = message.encode()
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", _TEXT, size) + payload
    if size < 2**16:
        return struct.pack("!BBH", _TEXT, 126, size) + payload
    return struct.pack("!BBQ", _TEXT, 127, size) + payload


def close(code: int, reason: str) -> bytes:
    """A close frame; its reason, which must be ASCII, is cut to what a control frame may carry."""
    payload = struct.pack("!H", code) + reason.encode("ascii", "replace")[:_MAX_REASON]
    return struct.pack("!BB", _CLOSE, len(payload)) + payload


def pong(payload: bytes) -> bytes:
    """The answer to a ping, whose payload is 125 bytes at most and comes back as it was."""
    return struct.pack("!BB", _PONG, len(payload)) + payload
