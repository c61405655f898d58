"""The log of an auction for an outside auditor, with everything that is needed to compute it again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, text

from .bidding.chain import Entry, Link, microseconds
from .bidding.log import read_log
from .bidding.rows import standing_of
from .errors import AuctionNotOver, NotFound

_AUCTION = text("SELECT * FROM auctions WHERE id = :id")


def export(connection: Connection, auction_id: int) -> dict[str, Any]:
    """The terms, every entry with its secrets, and the end. ``script/verify-log`` checks it on its own.

    Raises:
        NotFound: there is no such auction.
        AuctionNotOver: it runs; its secrets are still secret.
    """
    auction = connection.execute(_AUCTION, {"id": auction_id}).one_or_none()
    if auction is None:
        raise NotFound
    if auction.status not in {"ENDED", "CANCELLED"}:
        raise AuctionNotOver
    return {
        "version": 1,
        "format": auction.format,
        "auctionId": auction.id,
        "currency": auction.currency,
        "sellerId": auction.seller_id,
        "startingPrice": auction.starting_price,
        **(_dutch(auction) if auction.format == "DUTCH" else _english(auction)),
        "status": auction.status,
        "outcome": auction.outcome,
        "logHash": auction.log_hash and bytes(auction.log_hash).hex(),
        "log": [_entry(link) for link in read_log(connection, auction_id)],
    }


def _english(auction: Row[Any]) -> dict[str, Any]:
    return {
        "increments": [list(row) for row in standing_of(auction).terms.increments.rows],
        "reservePrice": auction.reserve_price,
        "buyNowPrice": auction.buy_now_price,
        "price": auction.current_bid,
        "winnerId": auction.leader_id if auction.outcome == "SOLD" else None,
    }


def _dutch(auction: Row[Any]) -> dict[str, Any]:
    """Moments in the log's own unit, so that prices can be computed without a calendar."""
    return {
        "floorPrice": auction.floor_price,
        "dropAmount": auction.drop_amount,
        "dropEvery": auction.drop_every,
        "quantity": auction.quantity,
        "perBuyer": auction.per_buyer,
        # Empty only in a draft that was called off.
        "startsAt": auction.starts_at and microseconds(auction.starts_at),
        "endsAt": microseconds(auction.ends_at),
        "itemsOut": auction.held + auction.sold,
    }


def _entry(link: Link) -> dict[str, Any]:
    entry: Entry = link.entry
    secret = entry.secret
    return {
        "seq": entry.seq,
        "part": entry.part,
        "kind": entry.kind,
        "bidderId": entry.bidder_id,
        "amount": entry.amount,
        "placedAt": entry.microseconds,
        "askedAmount": secret and secret.amount,
        "askedMaximum": secret and secret.maximum,
        "nonce": secret and secret.nonce.hex(),
        "refersTo": entry.refers_to and list(entry.refers_to),
        "reason": entry.reason,
        "hash": link.hash.hex(),
    }
