"""The rules of an English auction: the price rises, the highest bid leads. Pure: time is an argument.

Everything here is a function of the terms, the standing and the moment; nothing is read or written.
Amounts are integers in the minor unit of the auction's currency.

A bid has a *strength*, up to which it is raised automatically: its maximum, or the exact amount when there is
no maximum. Strengths are secret. The price is what is needed to beat the second strongest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from marketplace.errors import (
    AlreadyLeading,
    AuctionCancelled,
    AuctionEnded,
    AuctionNotRunning,
    BidTooLow,
    BuyNowGone,
    MaximumNotRaised,
    SellerCannotBid,
)
from marketplace.increments import Increments

#: Statuses in which an auction takes bids.
OPEN = frozenset({"RUNNING", "ENDING_SOON"})


class SnipePolicy(StrEnum):
    """What a bid in the extension window does to the end."""

    OFF = "OFF"
    #: The end moves to ``extension`` after the bid.
    RESET = "RESET"
    #: The end moves by ``extension``.
    FIXED = "FIXED"


@dataclass(frozen=True, slots=True)
class AntiSnipe:
    """When and how far a late bid moves the end, so that others can answer it."""

    policy: SnipePolicy
    #: A bid this long before the end, or later, is late.
    window: timedelta
    extension: timedelta
    #: At most so many extensions, and so much time in all; None for no limit.
    max_count: int | None = None
    max_total: timedelta | None = None
    #: A bid this close to the end moves nothing any more.
    sudden_death: timedelta = timedelta(0)

    def extended(self, end: End, now: datetime) -> End:
        """The end after a bid accepted at ``now``: later or the same, never earlier."""
        left = end.at - now
        if self.policy is SnipePolicy.OFF or not self.sudden_death < left <= self.window:
            return end
        if self.max_count is not None and end.extensions >= self.max_count:
            return end
        base = end.at if self.policy is SnipePolicy.FIXED else now
        moved = base + self.extension
        if self.max_total is not None:
            moved = min(moved, end.scheduled + self.max_total)
        return replace(end, at=moved, extensions=end.extensions + 1) if moved > end.at else end


@dataclass(frozen=True, slots=True)
class End:
    """When an auction ends, and how that came to be."""

    at: datetime
    #: When it would have ended without late bids.
    scheduled: datetime
    extensions: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What the seller fixed before the auction opened."""

    seller_id: int
    starting_price: int
    increments: Increments
    anti_snipe: AntiSnipe
    #: Secret: under this price the lot is not sold.
    reserve: int | None = None
    buy_now_price: int | None = None
    #: Percent of ``buy_now_price`` that the price must stay under; 0: only until the first bid.
    buy_now_share: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """Who leads at what price, and how far they would go."""

    amount: int
    leader_id: int
    strength: int


@dataclass(frozen=True, slots=True)
class Bid:
    """What somebody asks for: an exact amount, a maximum, or both."""

    bidder_id: int
    amount: int | None = None
    maximum: int | None = None

    @property
    def strength(self) -> int:
        """How far it goes."""
        strength = self.amount if self.maximum is None else self.maximum
        assert strength is not None, "a bid has an amount or a maximum"
        return strength


class StepKind(StrEnum):
    """What an entry of the log is."""

    #: Somebody bid.
    BID = "BID"
    #: The leader's standing bid was raised to answer a rival.
    AUTO = "AUTO"
    #: The leader raised their maximum; nobody else can see that.
    RAISE = "RAISE"


@dataclass(frozen=True, slots=True)
class Step:
    """One entry in the log that a bid makes: whose, and at what price."""

    kind: StepKind
    price: Price


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the bidding stands: a summary of the log so far."""

    terms: Terms
    status: str
    end: End
    price: Price | None = None
    bid_count: int = 0

    @property
    def ends_at(self) -> datetime:
        """When it ends, as things stand."""
        return self.end.at

    @property
    def minimum_next_bid(self) -> int:
        """The least that will be accepted next."""
        return minimum_after(self.terms, self.price)

    @property
    def reserve_met(self) -> bool | None:
        """Whether the price has reached the reserve; None when there is none."""
        if self.terms.reserve is None:
            return None
        return self.price is not None and self.price.amount >= self.terms.reserve

    @property
    def buy_now_open(self) -> bool:
        """Whether the lot can still be bought at once."""
        return self.status in OPEN and buy_now_offered(self.terms, self.price)


def buy_now_offered(terms: Terms, price: Price | None) -> bool:
    """Whether the bidding has not gone too far for the buy-now price."""
    if terms.buy_now_price is None:
        return False
    return price is None or price.amount * 100 < terms.buy_now_price * terms.buy_now_share


def minimum_after(terms: Terms, price: Price | None) -> int:
    """The least that will be accepted at this price."""
    if price is None:
        return terms.starting_price
    return price.amount + terms.increments.after(price.amount)


def accept(standing: Standing, bid: Bid, now: datetime) -> tuple[Standing, list[Step]]:
    """The standing after this bid, and the steps that led there.

    Raises:
        SellerCannotBid: the bidder is the seller.
        AuctionNotRunning, AuctionEnded, AuctionCancelled: it takes no bids now.
        BidTooLow: it is under the minimum; carries ``minimumNextBid`` and ``currentBid``.
        AlreadyLeading: an exact bid by the leader.
        MaximumNotRaised: a maximum by the leader that is not above their own.
    """
    if bid.bidder_id == standing.terms.seller_id:
        raise SellerCannotBid
    check_open(standing, now)
    price = standing.price
    if price is not None and bid.bidder_id == price.leader_id and bid.amount is None:
        if bid.strength <= price.strength:
            raise MaximumNotRaised
    else:
        _check_amount(standing, bid)
    steps = list(meet(standing.terms, price, bid))
    public = [step for step in steps if step.kind is not StepKind.RAISE]
    end = standing.terms.anti_snipe.extended(standing.end, now) if public else standing.end
    after = replace(standing, price=steps[-1].price, bid_count=standing.bid_count + len(public), end=end)
    return after, steps


def turns(bids: Sequence[Bid], increments: Increments) -> list[int]:
    """In which order to decide bids that arrived at the same moment, as indices; bids in order of arrival.

    The weaker go first, so that nobody is refused for having come a millisecond after somebody who bid more.
    But a bid that would leave the strongest less than a step of room goes after it: at the same moment the
    strongest wins. Bids of equal strength, and those of one bidder, keep the order in which they arrived.
    """
    strength: dict[int, int] = {}
    keys = []
    for bid in bids:
        strength[bid.bidder_id] = max(bid.strength, strength.get(bid.bidder_id, 0))
        keys.append(strength[bid.bidder_id])
    top = max(keys, default=0)
    crowding = [key != top and key + increments.after(key) > top for key in keys]
    return sorted(range(len(bids)), key=lambda n: (crowding[n], keys[n]))


def _check_amount(standing: Standing, bid: Bid) -> None:
    minimum = standing.minimum_next_bid
    asked = bid.strength if bid.amount is None else bid.amount
    current = standing.price.amount if standing.price else None
    if asked < minimum:
        raise BidTooLow(minimumNextBid=minimum, currentBid=current)
    if standing.price is not None and bid.bidder_id == standing.price.leader_id:
        raise AlreadyLeading(currentBid=current)


def meet(terms: Terms, price: Price | None, bid: Bid) -> Iterable[Step]:
    """What happens when a bid meets the standing one. Never refuses: a log can be gone through again."""
    if price is None:
        yield _lead(terms, bid, terms.starting_price)
    elif bid.bidder_id == price.leader_id:
        yield _raise_maximum(terms, price, bid)
    elif bid.strength > price.strength:
        needed = min(bid.strength, price.strength + terms.increments.after(price.strength))
        yield _lead(terms, bid, max(needed, price.amount))
    else:
        # The earlier bid is at least as strong: it answers, and wins a tie.
        answer = min(price.strength, bid.strength + terms.increments.after(bid.strength))
        after = replace(price, amount=max(answer, price.amount))
        yield Step(StepKind.BID, Price(bid.strength, bid.bidder_id, bid.strength))
        yield Step(StepKind.AUTO, after)


def _lead(terms: Terms, bid: Bid, needed: int) -> Step:
    amount = needed if bid.amount is None else max(bid.amount, min(needed, bid.strength))
    return Step(
        StepKind.BID, Price(_towards_reserve(terms, amount, bid.strength), bid.bidder_id, bid.strength)
    )


def _raise_maximum(terms: Terms, price: Price, bid: Bid) -> Step:
    strength = max(price.strength, bid.strength)
    # An exact bid by the leader is refused; it comes here when the rival it went over was withdrawn.
    amount = _towards_reserve(terms, max(price.amount, bid.amount or 0), strength)
    kind = StepKind.RAISE if amount == price.amount else StepKind.BID
    return Step(kind, Price(amount, bid.bidder_id, strength))


def _towards_reserve(terms: Terms, amount: int, strength: int) -> int:
    """Under the reserve nothing is sold, so a bid goes as far towards it as it can."""
    return amount if terms.reserve is None else max(amount, min(strength, terms.reserve))


def check_open(standing: Standing, now: datetime) -> None:
    """Raise unless the auction takes bids at ``now``.

    The end is judged by the clock, whatever the status says: a late closing job lets nobody in.
    """
    if standing.status == "CANCELLED":
        raise AuctionCancelled
    if standing.status == "ENDED" or (standing.status in OPEN and now >= standing.end.at):
        raise AuctionEnded(currentBid=standing.price.amount if standing.price else None)
    if standing.status not in OPEN:
        raise AuctionNotRunning


def buy(standing: Standing, *, buyer_id: int, now: datetime) -> Standing:
    """The standing after the lot is bought at its buy-now price.

    Raises:
        SellerCannotBid, AuctionNotRunning, AuctionEnded, AuctionCancelled: as for a bid.
        BuyNowGone: it has no such price, or the bidding has gone too far.
    """
    if buyer_id == standing.terms.seller_id:
        raise SellerCannotBid
    check_open(standing, now)
    price = standing.terms.buy_now_price
    if price is None or not standing.buy_now_open:
        raise BuyNowGone
    return replace(
        standing,
        price=Price(price, buyer_id, price),
        bid_count=standing.bid_count + 1,
        end=replace(standing.end, at=now),
    )


def outcome(standing: Standing) -> str:
    """How the auction ends if it ends now."""
    if standing.price is None:
        return "UNSOLD"
    return "RESERVE_NOT_MET" if standing.reserve_met is False else "SOLD"


@dataclass(frozen=True, slots=True)
class Fold:
    """Bids gone through again from the first, without clock or refusals: how a retraction finds the price."""

    terms: Terms
    price: Price | None = None
    #: Entries of the log that everybody sees.
    steps: int = 0

    def after(self, bid: Bid) -> Fold:
        """With one more bid."""
        steps = list(meet(self.terms, self.price, bid))
        public = sum(step.kind is not StepKind.RAISE for step in steps)
        return Fold(self.terms, steps[-1].price, self.steps + public)
