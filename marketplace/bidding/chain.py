"""The bid log as a chain: every entry carries the hash of the one before, so that no entry can be changed,
removed or slipped in without breaking all that follow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Secret:
    """What a bidder asked for, which nobody else may know: an exact amount, a maximum, or both.

    The log commits to it with a nonce: without that, the few amounts it can be would simply be tried.
    """

    nonce: bytes
    amount: int | None
    maximum: int | None

    @property
    def commitment(self) -> str:
        """SHA-256 over the nonce and ``amount/maximum``, hexadecimal; what is absent is empty."""
        return hashlib.sha256(self.nonce + f"{_text(self.amount)}/{_text(self.maximum)}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log, as it is hashed."""

    auction_id: int
    #: The event that told it, and its place among the entries under that number.
    seq: int
    part: int
    #: BID, AUTO, RAISE, BUY_NOW, RETRACTION or CANCELLATION; in a Dutch auction TAKE or RETURN.
    kind: str
    bidder_id: int
    #: The price it made; for a retraction, cancellation or return the amount that is withdrawn.
    amount: int
    placed_at: datetime
    secret: Secret | None = None
    #: The ``(seq, part)`` of the bid that a retraction, cancellation or return withdraws, and why.
    refers_to: tuple[int, int] | None = None
    reason: str | None = None

    @property
    def microseconds(self) -> int:
        """``placed_at`` as UTC microseconds since 1970."""
        return microseconds(self.placed_at)

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in the log."""
        return self.seq, self.part

    @property
    def line(self) -> str:
        """The canonical line, which is what is hashed: no secrets, so that anyone may read it.

        It is ``auction|seq|part|kind|bidder|amount|placed_at|commitment|refers_to|reason``: the time as
        UTC microseconds since 1970, ``refers_to`` as ``seq.part``, the reason as its SHA-256 in hexadecimal,
        and empty what is absent. So anyone can recompute its hash in any language.
        """
        return "|".join(
            (
                f"{self.auction_id}|{self.seq}|{self.part}|{self.kind}|{self.bidder_id}|{self.amount}",
                str(self.microseconds),
                self.secret.commitment if self.secret else "",
                "{}.{}".format(*self.refers_to) if self.refers_to else "",
                hashlib.sha256(self.reason.encode()).hexdigest() if self.reason else "",
            )
        )

    def hash(self, previous: bytes | None) -> bytes:
        """SHA-256 over the previous hash (nothing for the first entry) and this entry's canonical line."""
        return hashlib.sha256((previous or b"") + self.line.encode("ascii")).digest()


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
        name = entry_name(*link.entry.place)
        if link.previous_hash != previous:
            yield f"bid {name} does not follow the bid before it"
        if link.hash != link.entry.hash(link.previous_hash):
            yield f"bid {name} is not what was hashed"
        previous = link.hash
    if previous != head:
        yield "the log does not end where the auction says it does"


def entry_name(seq: int, part: int) -> str:
    """``12``, or ``12.1`` for a further entry under the same number."""
    return f"{seq}.{part}" if part else str(seq)


def microseconds(moment: datetime) -> int:
    """UTC microseconds since 1970."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
