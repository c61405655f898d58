"""Taking bids back: retraction by the bidder, cancellation by the seller. The rules are pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from marketplace.errors import BidWithdrawn, RetractionNotAllowed

from .chain import Entry
from .english import Bid, Fold, Terms

#: A slip of the finger: in this time a bid can be retracted without giving a reason.
GRACE = timedelta(seconds=30)
#: eBay's rule, https://www.ebay.com/help/buying/bidding/retracting-bid?id=4013: with more than this left
#: all of the bidder's bids go; with less only the latest, and only within an hour.
EARLY = timedelta(hours=12)
LATE_ONLY_WITHIN = timedelta(hours=1)

#: Kinds of entries that somebody asked for.
ASKED = frozenset({"BID", "RAISE"})
WITHDRAWALS = frozenset({"RETRACTION", "CANCELLATION"})


class RetractionReason(StrEnum):
    """The reasons that a bidder may give."""

    WRONG_AMOUNT = "WRONG_AMOUNT"
    DESCRIPTION_CHANGED = "DESCRIPTION_CHANGED"
    SELLER_UNREACHABLE = "SELLER_UNREACHABLE"


def standing_bids(log: Sequence[Entry]) -> list[Entry]:
    """The entries that bidders asked for and that are not withdrawn, in order."""
    withdrawn = {entry.refers_to for entry in log if entry.kind in WITHDRAWALS}
    return [entry for entry in log if entry.kind in ASKED and entry.place not in withdrawn]


def to_retract(
    bid: Entry,
    standing: Sequence[Entry],
    *,
    reason: RetractionReason | None,
    ends_at: datetime,
    now: datetime,
) -> list[Entry]:
    """Which of the standing bids go when this one is retracted.

    Raises:
        BidWithdrawn: it does not stand any more.
        RetractionNotAllowed: too late, or a reason is needed; carries which.
    """
    gone = to_cancel(bid, standing)
    if now - bid.placed_at <= GRACE:
        return gone
    if reason is None:
        raise RetractionNotAllowed("A reason is needed from 30 seconds after the bid.", needs="reason")
    own = [entry for entry in standing if entry.bidder_id == bid.bidder_id]
    if ends_at - now > EARLY:
        return own
    if gone[-1] is not own[-1] or now - bid.placed_at > LATE_ONLY_WITHIN:
        raise RetractionNotAllowed
    return gone


def to_cancel(bid: Entry, standing: Sequence[Entry]) -> list[Entry]:
    """A standing bid, and the raises of it: nobody else knows them, and without it they would lead alone.

    Raises:
        BidWithdrawn: it does not stand any more.
    """
    if bid not in standing:
        raise BidWithdrawn
    own = [entry for entry in standing if entry.bidder_id == bid.bidder_id]
    later = own[own.index(bid) + 1 :]
    return [bid, *itertools.takewhile(lambda entry: entry.kind == "RAISE", later)]


def retractable_until(placed_at: datetime, *, latest: bool, ends_at: datetime) -> datetime:
    """Until when a bid can be retracted as things stand; after ``GRACE`` with a reason.

    ``latest``: it is the bidder's latest one.
    """
    late = LATE_ONLY_WITHIN if latest else GRACE
    return max(placed_at + late, ends_at - EARLY)


def fold(terms: Terms, standing: Sequence[Entry]) -> Fold:
    """The price that the standing bids make, gone through from the first."""
    result = Fold(terms)
    for entry in standing:
        result = result.after(asked(entry))
    return result


def asked(entry: Entry) -> Bid:
    """The bid behind an entry."""
    assert entry.secret is not None, "only what somebody asked for"
    return Bid(entry.bidder_id, entry.secret.amount, entry.secret.maximum)
