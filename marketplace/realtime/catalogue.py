"""``docs/events.md``, written from the classes of the catalogue, so that it cannot say anything else."""

from __future__ import annotations

import types
from collections.abc import Iterator
from datetime import datetime
from inspect import getdoc
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from .events import CATALOGUE, MAX_DATA_BYTES, PersonalEvent, UserEvent, camel

_INTRODUCTION = f"""\
# Events

<!-- Written by `flask docs events` from marketplace/realtime/events.py: change it there. -->

What goes over Channels, for anyone who writes a client. The data of an event is one JSON object of at most
{MAX_DATA_BYTES:,} bytes. Besides the fields below, every event of an auction carries

| field | type | |
|---|---|---|
| `auctionId` | number | the auction |
| `seq` | number | its place in the auction's history, without gaps; none in `viewers:count`, `price:drop` |
| `timestamp` | moment | when it happened, by the database's clock |

Moments are ISO 8601 in UTC with milliseconds; amounts are whole numbers in the minor unit of the currency.

**Applying them.** An event may come twice, and after a lost connection some may not come at all. A client
keeps the `seq` it has. It applies the event that is next, ignores older ones, and when one is missing, or
after it has (re)connected, asks `GET /api/auctions/{{id}}/events?after=SEQ`, which answers the same events in
order. Events to one user carry the `seq` of the public event they belong to, and are not in that feed.
"""

_PERSONAL = """\
These carry no `auctionId` and no `seq`, but an `eventId` (number) and a `timestamp`. One may come twice, with
the same `eventId`, and what was sent while nobody listened does not come again: after it has (re)connected, a
client asks the API for what the events tell of.
"""

_PLAIN = {int: "number", str: "text", datetime: "moment", bool: "yes or no", type(None): "null"}


def markdown() -> str:
    """The whole page."""
    personal = [kind for kind in CATALOGUE if issubclass(kind, PersonalEvent)]
    direct = [kind for kind in CATALOGUE if issubclass(kind, UserEvent)]
    public = [kind for kind in CATALOGUE if not issubclass(kind, PersonalEvent | UserEvent)]
    lines = [_INTRODUCTION]
    for title, note, kinds in (
        ("To everybody who watches", "", public),
        ("To one user, about an auction", "", direct),
        ("To one user, besides auctions", _PERSONAL, personal),
    ):
        lines += [f"## {title}", "", f"On `{kinds[0].audience.replace(' or ', '` or `')}`.", ""]
        lines += [note] if note else []
        for kind in kinds:
            lines += [*_section(kind), ""]
    return "\n".join(lines).rstrip() + "\n"


def _section(kind: type[Any]) -> Iterator[str]:
    yield f"### `{kind.name}`"
    yield ""
    yield " ".join((getdoc(kind) or "").split())
    yield ""
    yield "| field | type | |"
    yield "|---|---|---|"
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if get_origin(hint) is Annotated:
            plain, meaning, *_ = get_args(hint)
            yield f"| `{camel(name)}` | {_type(plain)} | {meaning} |"


def _type(hint: Any) -> str:
    if get_origin(hint) in {Union, types.UnionType}:
        return " or ".join(_type(part) for part in get_args(hint))
    if get_origin(hint) is list:
        return f"list of {_type(get_args(hint)[0])}s"
    return _PLAIN.get(hint, "object")
