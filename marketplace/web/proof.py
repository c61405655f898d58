"""The proof of an ended auction: its log with every hash, without its secrets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Response, send_from_directory, stream_with_context
from flask.typing import ResponseReturnValue

from marketplace import listings
from marketplace.api.security import viewer
from marketplace.bidding.chain import Link, entry_name
from marketplace.bidding.log import read_log_after
from marketplace.errors import AuctionNotOver
from marketplace.extensions import db
from marketplace.models import Auction, AuctionStatus

from .pages import blueprint

#: Entries on the page itself, and how many are read at a time for the file.
SHOWN = 20
BATCH = 1_000
_FIRST = (0, 0)
_DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the page of an ended auction shows."""

    head: str
    links: list[Link]
    #: Whether the log goes on after ``links``.
    more: bool


def proof_of(auction: Auction) -> Proof | None:
    """The proof of an ended auction; None before its end, and of one without bids."""
    if auction.status != AuctionStatus.ENDED or auction.log_hash is None:
        return None
    links = read_log_after(db.session.connection(), auction.id, _FIRST, limit=SHOWN + 1)
    return Proof(bytes(auction.log_hash).hex(), links[:SHOWN], more=len(links) > SHOWN)


@blueprint.get("/auctions/<id:auction_id>/log.txt")
def log_file(auction_id: int) -> ResponseReturnValue:
    """The whole log of an auction that is over: on each line a hash and what it is the hash of."""
    auction = listings.get(auction_id, viewer()).auction
    if not listings.is_over(auction):
        raise AuctionNotOver
    return Response(stream_with_context(_lines(auction_id)), mimetype="text/plain")


def _lines(auction_id: int) -> Iterator[str]:
    place = _FIRST
    while links := read_log_after(db.session.connection(), auction_id, place, limit=BATCH):
        # Before it is sent: whoever reads slowly keeps no connection, and no transaction until it times out.
        db.session.rollback()
        yield "".join(f"{link.hash.hex()} {link.entry.line}\n" for link in links)
        place = links[-1].entry.place


@blueprint.get("/docs/proof.md")
def proof_page() -> Response:
    """What is hashed, and what that proves."""
    return send_from_directory(_DOCS, "proof.md", mimetype="text/plain")


@blueprint.app_template_filter("entry_name")
def _entry_name(link: Link) -> str:
    return entry_name(*link.entry.place)
