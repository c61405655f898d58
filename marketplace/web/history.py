"""The bids of an auction as its page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from marketplace.bidding.book import bid_id
from marketplace.bidding.withdrawal import ASKED, GRACE, WITHDRAWALS, RetractionReason, retractable_until
from marketplace.listings import PastBid
from marketplace.models import Auction

#: As the one who retracts says it, and as the others read it.
REASONS = {
    RetractionReason.WRONG_AMOUNT: ("I typed a wrong amount", "a wrong amount"),
    RetractionReason.DESCRIPTION_CHANGED: ("The description has changed", "the description has changed"),
    RetractionReason.SELLER_UNREACHABLE: ("The seller cannot be reached", "the seller cannot be reached"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the history."""

    bid_id: str
    seq: int
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


def rows(past: Sequence[PastBid], auction: Auction, *, viewer_id: int | None) -> list[Row]:
    """The lines for some entries of the log, newest first.

    What is withdrawn is marked where it stands. A withdrawal has a line of its own only when the bid it
    withdraws is too old to be among the entries.
    """
    shown = {(each.bid.seq, each.bid.part) for each in past}
    withdrawals = {_target(each): each.bid for each in past if each.bid.kind in WITHDRAWALS}
    mine = [each.bid for each in past if each.bid.bidder_id == viewer_id]
    standing = (each for each in past if not each.withdrawn and each.bid.kind in ASKED)
    latest = next((each.bid for each in standing if each.bid.bidder_id == viewer_id), None)
    found = []
    # An automatic answer is logged right after the bid that it answers.
    for each, before in zip_longest(past, past[1:]):
        bid = each.bid
        if bid.kind in WITHDRAWALS and _target(each) in shown:
            continue
        by = bid if bid.kind in WITHDRAWALS else withdrawals.get((bid.seq, bid.part))
        retractable = bid in mine and bid.kind in ASKED and not each.withdrawn
        found.append(
            Row(
                bid_id=bid_id(bid.auction_id, bid.seq, bid.part),
                seq=bid.seq,
                kind=bid.kind,
                who=each.bidder_name,
                amount=bid.amount,
                placed_at=bid.placed_at,
                mine=bid in mine,
                withdrawn=by.kind if by else None,
                reason=_reason(by.reason) if by else None,
                void=bid.kind == "AUTO" and before is not None and before.withdrawn,
                until=retractable_until(bid.placed_at, latest=bid is latest, ends_at=auction.ends_at)
                if retractable
                else None,
                free_until=bid.placed_at + GRACE if retractable else None,
            )
        )
    return found


def _target(each: PastBid) -> tuple[int, int]:
    return each.bid.refers_to_seq or 0, each.bid.refers_to_part or 0


def _reason(text: str | None) -> str | None:
    """A bidder's reasons are of a list; a seller's are as they were typed."""
    if text in set(RetractionReason):
        return REASONS[RetractionReason(text)][1]
    return text
