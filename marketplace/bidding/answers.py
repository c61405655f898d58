"""Requests to bid and the answers to them, kept so that the same request gets the same answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from marketplace.errors import (
    AlreadyLeading,
    AuctionCancelled,
    AuctionEnded,
    AuctionNotRunning,
    BidTooLow,
    BuyNowGone,
    MarketplaceError,
    MaximumNotRaised,
    NotFound,
    SellerCannotBid,
)
from marketplace.realtime.events import to_json
from marketplace.transactions import Statement

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
        BuyNowGone,
        MaximumNotRaised,
        NotFound,
        SellerCannotBid,
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

    def stored(self) -> str:
        """As ``bid_answers`` keeps it."""
        if self.refusal is not None:
            return to_json({"refused": self.refusal.code, "facts": self.refusal.facts})
        return to_json({"accepted": self.accepted})

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> Answer:
        """The answer again, from what is stored."""
        if "refused" in stored:
            return cls(None, REFUSALS[stored["refused"]](**stored["facts"]), replayed=True)
        return cls(stored["accepted"], replayed=True)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the desk reads once it holds the lock, in one round trip."""

    now: datetime
    #: Whether events of the auction still wait to be published.
    backlog: bool
    #: Those among the bidders who may see a members-only auction; empty for an open one.
    insiders: frozenset[int]
    #: Those among the bidders whose bids the seller does not take.
    blocked: frozenset[int]
    #: The answers given before, by bidder and key, with the fingerprint of the request.
    known: dict[tuple[int, str], tuple[bytes, Answer]]


_FACTS = """
    SELECT clock_timestamp() AS now,
        EXISTS (SELECT FROM events WHERE auction_id = :auction_id AND published_at IS NULL) AS backlog,
        (SELECT json_agg(json_build_array(bidder_id, key, encode(fingerprint, 'hex'), answer))
            FROM unnest(:bidders ::bigint[], :keys ::text[]) AS asked(bidder_id, key)
            JOIN bid_answers USING (bidder_id, key) WHERE auction_id = :auction_id) AS known,
        (SELECT array_agg(bidder_id) FROM blocked_bidders JOIN auctions USING (seller_id)
            WHERE auctions.id = :auction_id AND bidder_id = ANY(:bidders ::bigint[])) AS blocked,
        {insiders} AS insiders
"""
_FACTS_OF_OPEN = text(_FACTS.format(insiders="NULL"))
_FACTS_OF_MEMBERS_ONLY = text(_FACTS.format(insiders=f"ARRAY({INSIDERS})"))


def read_facts(
    connection: Connection, auction_id: int, asked: Sequence[tuple[int, str]], *, tenant_id: int | None
) -> Facts:
    """Read the clock, who may bid, and what was answered before to these bidders under these keys."""
    bidders = [bidder_id for bidder_id, _ in asked]
    parameters = {"auction_id": auction_id, "bidders": bidders, "keys": [key for _, key in asked]}
    if tenant_id is None:
        row = connection.execute(_FACTS_OF_OPEN, parameters).one()
    else:
        members_only = {"people": bidders, "tenant_id": tenant_id}
        row = connection.execute(_FACTS_OF_MEMBERS_ONLY, parameters | members_only).one()
    known = {
        (bidder_id, key): (bytes.fromhex(fingerprint), Answer.restored(answer))
        for bidder_id, key, fingerprint, answer in row.known or ()
    }
    return Facts(row.now, row.backlog, frozenset(row.insiders or ()), frozenset(row.blocked or ()), known)


_STORE = """
    INSERT INTO bid_answers (auction_id, bidder_id, key, fingerprint, answer, answered_at)
    SELECT :answer_auction, bidder_id, key, fingerprint, answer::json, :answer_at
    FROM unnest(:answer_bidders ::bigint[], :answer_keys ::text[], :answer_fingerprints ::bytea[],
        :answer_answers ::text[])
    AS a(bidder_id, key, fingerprint, answer)
"""


def store(auction_id: int, at: datetime, given: Sequence[tuple[BidRequest, str, Answer]]) -> Statement:
    """What stores answers under their keys."""
    return Statement(
        _STORE,
        {
            "answer_auction": auction_id,
            "answer_at": at,
            "answer_bidders": [request.bidder_id for request, _, _ in given],
            "answer_keys": [key for _, key, _ in given],
            "answer_fingerprints": [request.fingerprint for request, _, _ in given],
            "answer_answers": [answer.stored() for _, _, answer in given],
        },
    )
