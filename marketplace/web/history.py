"""The bids of an auction as its page shows them, and the page that has them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from marketplace import listings
from marketplace.accounts import Viewer
from marketplace.api import auctions as api
from marketplace.api import paging
from marketplace.api.security import viewer
from marketplace.bidding.book import bid_id
from marketplace.bidding.withdrawal import ASKED, GRACE, WITHDRAWALS, RetractionReason, retractable_until
from marketplace.listings import PastBid, Place
from marketplace.models import Auction, AuctionFormat, AuctionStatus, Bid

from . import dutch
from .pages import blueprint, page

BIDS_A_PAGE = 50

#: As the one who retracts says it, and as the others read it.
REASONS = {
    RetractionReason.WRONG_AMOUNT: (
        lazy_gettext("I typed a wrong amount"),
        lazy_gettext("a wrong amount"),
    ),
    RetractionReason.DESCRIPTION_CHANGED: (
        lazy_gettext("The description has changed"),
        lazy_gettext("the description has changed"),
    ),
    RetractionReason.SELLER_UNREACHABLE: (
        lazy_gettext("The seller cannot be reached"),
        lazy_gettext("the seller cannot be reached"),
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the history."""

    bid_id: str
    seq: int
    part: int
    kind: str
    who: str
    amount: int
    placed_at: datetime
    mine: bool = False
    #: What took it back: RETRACTION or CANCELLATION, and why.
    withdrawn: str | None = None
    reason: str | None = None
    #: Whether it answered a bid that was withdrawn, so that its price does not stand either.
    void: bool = False
    #: Until when its bidder can retract it, and until when without a reason.
    until: datetime | None = None
    free_until: datetime | None = None


@blueprint.get("/auctions/<id:auction_id>/bids")
def bids(auction_id: int) -> ResponseReturnValue:
    """The bids on an auction, newest first; of a Dutch auction what was taken and came back."""
    user = viewer()
    snapshot = api.snapshot(auction_id)
    auction = listings.get(auction_id, user).auction
    cursor = request.args.get("cursor")
    before = paging.decode(cursor, int, int) if cursor else (snapshot["seq"] + 1, 0)
    user_id = user.id if user else None
    found: Sequence[Row | dutch.Sale]
    if auction.format == AuctionFormat.DUTCH:
        past = listings.bids(auction, before=before, limit=BIDS_A_PAGE + 1)
        found = dutch.sales(past[:BIDS_A_PAGE], viewer_id=user_id)
        last = past[BIDS_A_PAGE - 1].bid if len(past) > BIDS_A_PAGE else None
        older = paging.encode(last.seq, last.part) if last else None
    else:
        found, older = page_of(auction, before=before, viewer_id=user_id, limit=BIDS_A_PAGE)
    return page(
        "bids.html",
        auction=snapshot,
        bids=found,
        cursor=cursor,
        older=older,
        role=_role(auction, user),
        reasons=REASONS,
        now=datetime.now(UTC),
    )


def page_of(
    auction: Auction, *, before: Place | None, viewer_id: int | None, limit: int
) -> tuple[list[Row], str | None]:
    """The lines for a page of the log, newest first, and the cursor of the page after it, if there is one."""
    # One more: it tells whether there are older ones, and what the last one answers.
    past = listings.bids(auction, before=before, viewer_id=viewer_id, limit=limit + 1)
    found = rows(past, auction, viewer_id=viewer_id)
    if len(past) <= limit:
        return found, None
    last = past[limit - 1].bid
    shown = [row for row in found if (row.seq, row.part) >= (last.seq, last.part)]
    return shown, paging.encode(last.seq, last.part)


def _role(auction: Auction, user: Viewer | None) -> str:
    """Who may take bids back now, as the rows have it."""
    if user is None or auction.status not in {AuctionStatus.RUNNING, AuctionStatus.ENDING_SOON}:
        return ""
    return "seller" if user.id == auction.seller_id else "bidder"


def rows(past: Sequence[PastBid], auction: Auction, *, viewer_id: int | None) -> list[Row]:
    """The lines for some entries of the log, newest first.

    What is withdrawn is marked where it stands. A withdrawal has a line of its own only when the bid it
    withdraws is too old to be among the entries.
    """
    shown = {(each.bid.seq, each.bid.part) for each in past}
    withdrawn = [(each.bid.seq, each.bid.part) for each in past if each.withdrawn]
    withdrawals = (
        {_target(bid): bid for bid in listings.withdrawals(auction.id, withdrawn)} if withdrawn else {}
    )
    mine = [each.bid for each in past if each.bid.bidder_id == viewer_id]
    # It may be newer than the entries. What comes from it on is taken back with it.
    latest = listings.last_bid_of(auction.id, viewer_id) if mine and viewer_id is not None else None
    found = []
    # An automatic answer is logged right after the bid that it answers.
    for each, before in zip_longest(past, past[1:]):
        bid = each.bid
        if bid.kind in WITHDRAWALS and _target(bid) in shown:
            continue
        by = bid if bid.kind in WITHDRAWALS else withdrawals.get((bid.seq, bid.part))
        retractable = bid in mine and bid.kind in ASKED and not each.withdrawn
        found.append(
            Row(
                bid_id=bid_id(bid.auction_id, bid.seq, bid.part),
                seq=bid.seq,
                part=bid.part,
                kind=bid.kind,
                who=each.bidder_name,
                amount=bid.amount,
                placed_at=bid.placed_at,
                mine=bid in mine,
                withdrawn=by.kind if by else None,
                reason=_reason(by.reason) if by else None,
                void=bid.kind == "AUTO" and before is not None and before.withdrawn,
                until=retractable_until(
                    bid.placed_at,
                    latest=latest is not None and (bid.seq, bid.part) >= latest,
                    ends_at=auction.ends_at,
                )
                if retractable
                else None,
                free_until=bid.placed_at + GRACE if retractable else None,
            )
        )
    return found


def _target(bid: Bid) -> tuple[int, int]:
    return bid.refers_to_seq or 0, bid.refers_to_part or 0


def _reason(text: str | None) -> str | None:
    """A bidder's reasons are of a list; a seller's are as they were typed."""
    if text in set(RetractionReason):
        return str(REASONS[RetractionReason(text)][1])
    return text
