"""JSON as it travels: strict when read, plain ASCII when written."""

import json
import math
from typing import Any


def parse(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises ValueError for anything a browser's ``JSON.parse`` would refuse, and for nesting too deep to walk:
    what was accepted here is sent on to browsers.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dump(value: Any) -> str:
    """Compact JSON in ASCII: half a surrogate pair stays an escape and cannot spoil the UTF-8 of a frame."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def message(event: str, data: object, *, channel: str | None = None, user_id: str | None = None) -> str:
    """One event as clients receive it; keys that do not apply are left out."""
    fields: dict[str, object] = {"event": event}
    if channel is not None:
        fields["channel"] = channel
    fields["data"] = data
    if user_id is not None:
        fields["user_id"] = user_id
    return dump(fields)


def size(value: Any) -> int:
    """Bytes of UTF-8, which is what every limit of the protocol counts: of a string, or of a value's JSON."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is out of range")
    return number
