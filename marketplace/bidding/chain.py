"""The bid log as a chain: every entry carries the hash of the one before, so that no entry can be changed,
removed or slipped in without breaking all that follow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One bid, as it is hashed."""

    auction_id: int
    seq: int
    bidder_id: int
    amount: int
    placed_at: datetime

    def hash(self, previous: bytes | None) -> bytes:
        """SHA-256 over the previous hash (nothing for the first entry) and this entry's canonical line.

        The line is ``auction|seq|bidder|amount|placed_at``, the time as UTC microseconds since 1970, so that
        anyone can recompute it in any language.
        """
        line = f"{self.auction_id}|{self.seq}|{self.bidder_id}|{self.amount}|{_microseconds(self.placed_at)}"
        return hashlib.sha256((previous or b"") + line.encode("ascii")).digest()


@dataclass(frozen=True, slots=True)
class Link:
    """An entry together with the hashes stored beside it."""

    entry: Entry
    previous_hash: bytes | None
    hash: bytes


def breaks(links: Iterable[Link], head: bytes | None) -> Iterator[str]:
    """Every place where the chain does not hold, in words; nothing when it is whole.

    ``head`` is the hash that the auction remembers as its latest.
    """
    previous: bytes | None = None
    for link in links:
        if link.previous_hash != previous:
            yield f"bid {link.entry.seq} does not follow the bid before it"
        if link.hash != link.entry.hash(link.previous_hash):
            yield f"bid {link.entry.seq} is not what was hashed"
        previous = link.hash
    if previous != head:
        yield "the log does not end where the auction says it does"


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
