"""Requests to bid and the answers to them, kept so that the same request gets the same answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from marketplace.errors import (
    AlreadyLeading,
    AuctionCancelled,
    AuctionEnded,
    AuctionNotRunning,
    BidTooLow,
    BuyerLimitReached,
    BuyNowGone,
    Invalid,
    MarketplaceError,
    MaximumNotRaised,
    NotFound,
    PriceChanged,
    SellerCannotBid,
    SoldOut,
)
from marketplace.transactions import Statement, binary, recordset

from .insiders import INSIDERS

#: The refusals a stored answer can hold.
REFUSALS: dict[str, type[MarketplaceError]] = {
    refusal.code: refusal
    for refusal in (
        AlreadyLeading,
        AuctionCancelled,
        AuctionEnded,
        AuctionNotRunning,
        BidTooLow,
        BuyerLimitReached,
        BuyNowGone,
        Invalid,
        MaximumNotRaised,
        NotFound,
        PriceChanged,
        SellerCannotBid,
        SoldOut,
    )
}


@dataclass(frozen=True, slots=True)
class BidRequest:
    """A bid as it arrives."""

    auction_id: int
    bidder_id: int
    bidder_name: str
    #: In the minor unit of the auction's currency: an exact amount, a maximum, or both.
    amount: int | None
    maximum: int | None = None
    idempotency_key: str | None = None
    #: The bidder's own connection to Channels, which knows what it did.
    socket_id: str | None = None

    @property
    def fingerprint(self) -> bytes:
        """What was asked: another fingerprint under the same key is another request."""
        return hashlib.sha256(f"amount={self.amount} maximum={self.maximum}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bidder is told: the same again for the same key."""

    #: The accepted bid as the API shows it; None when it was refused.
    accepted: dict[str, Any] | None
    refusal: MarketplaceError | None = None
    replayed: bool = False

    def stored(self) -> dict[str, Any]:
        """As ``bid_answers`` keeps it."""
        if self.refusal is not None:
            return {"refused": self.refusal.code, "facts": self.refusal.facts}
        return {"accepted": self.accepted}

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> Answer:
        """The answer again, from what is stored."""
        if "refused" in stored:
            return cls(None, REFUSALS[stored["refused"]](**stored["facts"]), replayed=True)
        return cls(stored["accepted"], replayed=True)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the desk reads besides the auction, once it holds the lock."""

    #: Whether events of the auction still wait to be published.
    backlog: bool
    #: Those among the bidders who may see a members-only auction; empty for an open one.
    insiders: frozenset[int]
    #: Those among the bidders whose bids the seller does not take.
    blocked: frozenset[int]
    #: The answers given before, by bidder and key, with the fingerprint of the request.
    known: dict[tuple[int, str], tuple[bytes, Answer]]


#: Read together with the row of the auction ``a``, once its lock is held.
FACTS = {
    "now": "clock_timestamp()",
    "backlog": "EXISTS (SELECT FROM events WHERE auction_id = a.id AND published_at IS NULL)",
    "known": """
        (SELECT json_agg(json_build_array(bidder_id, key, encode(fingerprint, 'hex'), answer))
        FROM unnest(:bidders ::bigint[], :keys ::text[]) AS asked(bidder_id, key)
        JOIN bid_answers USING (bidder_id, key) WHERE auction_id = a.id)
    """,
    "blocked": """
        (SELECT array_agg(bidder_id) FROM blocked_bidders
        WHERE seller_id = a.seller_id AND bidder_id = ANY(:bidders ::bigint[]))
    """,
    "insiders": f"""
        CASE WHEN a.tenant_id IS NOT NULL
        THEN ARRAY({INSIDERS.format(people=":bidders", tenant_id="a.tenant_id")}) END
    """,
}


def facts_about(asked: Sequence[tuple[int, str]]) -> dict[str, Any]:
    """The parameters of ``FACTS``: whose requests, under which keys."""
    return {"bidders": [bidder_id for bidder_id, _ in asked], "keys": [key for _, key in asked]}


def facts_of(row: Row[Any]) -> Facts:
    """The facts in a row that was read with ``FACTS``."""
    known = {
        (bidder_id, key): (bytes.fromhex(fingerprint), Answer.restored(answer))
        for bidder_id, key, fingerprint, answer in row.known or ()
    }
    return Facts(row.backlog, frozenset(row.insiders or ()), frozenset(row.blocked or ()), known)


_STORE = """
    INSERT INTO bid_answers (auction_id, bidder_id, key, fingerprint, answer, answered_at)
    SELECT :answer_auction, bidder_id, key, fingerprint, answer, :answer_at
    FROM json_to_recordset(:answers) AS a(bidder_id bigint, key text, fingerprint bytea, answer json)
"""


def store(auction_id: int, at: datetime, given: Sequence[tuple[BidRequest, str, Answer]]) -> Statement:
    """What stores answers under their keys."""
    answers = [
        {
            "bidder_id": request.bidder_id,
            "key": key,
            "fingerprint": binary(request.fingerprint),
            "answer": answer.stored(),
        }
        for request, key, answer in given
    ]
    return Statement(_STORE, {"answer_auction": auction_id, "answer_at": at, "answers": recordset(answers)})
