"""A Dutch auction in words, from what the API shows of it; ``dutch-standing.js`` says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from marketplace.bidding import dutch
from marketplace.errors import BuyerLimitReached, MarketplaceError, PriceChanged, SoldOut
from marketplace.listings import PastBid
from marketplace.money import format_money

from .numbers import duration, span, time_left
from .pages import blueprint
from .rules import count

#: The phases in which the price falls.
FALLING = frozenset({"selling", "sold-out"})
#: Why an item came back, by the reason in the log.
RETURNS = {
    "expired": "not checked out in time",
    "released": "given back",
    "unpaid": "not paid for",
    "cancelled": "the sale was cancelled",
}
PRICE_LABELS = {
    "selling": "Price now",
    "sold-out": "Price now, should one come back",
    "over": "Price at the end",
}
STATUSES = {
    "draft": "Draft",
    "scheduled": "Opening soon",
    "selling": "Running",
    "sold-out": "Sold out",
    "cancelled": "Cancelled",
}
#: Prices that the preview of a fall shows before it goes on to the floor.
PREVIEWED = 5


@dataclass(frozen=True, slots=True)
class Words:
    """What is said about a Dutch auction."""

    #: draft, scheduled, selling, sold-out (until its end it can open again), over or cancelled.
    phase: str
    status: str
    price_label: str
    next_drop: str
    drops_left: str
    free: str
    taken: str
    standing: str
    button: str


@blueprint.app_template_filter("dutch_words")
def words(auction: dict[str, Any]) -> Words:
    """What is said about an auction, as it stands now."""
    phase = _phase(auction, datetime.now(UTC))
    held, sold = auction["heldItems"], auction["soldItems"]
    return Words(
        phase=phase,
        status=_status(auction, phase),
        price_label=PRICE_LABELS.get(phase, "Starting price"),
        next_drop=_next_drop(auction) if phase in FALLING else "",
        drops_left=_drops_left(auction) if phase in FALLING else "",
        free=f"{auction['remainingItems']} of {auction['quantity']} left",
        taken=f"{held} held · {sold} sold" if held or sold else "",
        standing=_standing(auction, phase),
        button=_button(auction, phase),
    )


def _phase(auction: dict[str, Any], now: datetime) -> str:
    if auction["status"] in {"DRAFT", "SCHEDULED", "CANCELLED"}:
        return str(auction["status"]).lower()
    if datetime.fromisoformat(auction["endsAt"]) <= now:
        return "over"
    if auction["remainingItems"] == 0:
        return "sold-out"
    return "over" if auction["status"] == "ENDED" else "selling"


def _status(auction: dict[str, Any], phase: str) -> str:
    if phase != "over":
        return STATUSES[phase]
    if auction["remainingItems"] == 0:
        return "Sold out"
    return "Ended" if auction["outcome"] == "SOLD" else "Not sold"


def _next_drop(auction: dict[str, Any]) -> str:
    if auction["nextDropAt"] is None:
        if auction["dropsRemaining"]:
            return "It falls no further before the end."
        return "The lowest price: it falls no further."
    amount = max(auction["currentPrice"] - auction["dropAmount"], auction["floorPrice"])
    following = format_money(amount, auction["currency"])
    return f"Falls to {following} in {time_left(auction['nextDropAt'])}"


def _drops_left(auction: dict[str, Any]) -> str:
    last = _last_price(auction, auction["startsAt"])
    left = auction["dropsRemaining"] - last.drops_remaining
    if left <= 0:
        return ""
    return f"{count(left, 'drop', 'drops')} left, down to {format_money(last.amount, auction['currency'])}"


def _last_price(auction: dict[str, Any], starts_at: str) -> dutch.Price:
    """The price at the end, which may come before the floor."""
    terms = dutch.Terms(
        seller_id=auction["seller"]["id"],
        starting_price=auction["startingPrice"],
        floor=auction["floorPrice"],
        drop_amount=auction["dropAmount"],
        drop_every=timedelta(seconds=auction["dropEvery"]),
        quantity=auction["quantity"],
        hold=timedelta(seconds=auction["holdSeconds"]),
    )
    start, end = (datetime.fromisoformat(moment) for moment in (starts_at, auction["endsAt"]))
    return dutch.price_at(terms, start, end)


def _standing(auction: dict[str, Any], phase: str) -> str:
    quantity, held = auction["quantity"], auction["heldItems"]
    gone = quantity - auction["remainingItems"]
    match phase:
        case "sold-out" if held:
            items = count(held, "item is", "items are")
            return f"Sold out. {items} only held: what is not checked out in time comes back."
        case "sold-out":
            return "Sold out: every item is checked out."
        case "over" if gone:
            still = f", {held} of them still held" if held else ""
            return f"This auction has ended. {gone} of {count(quantity, 'item', 'items')} went{still}."
        case "over":
            return "This auction has ended. Nothing was sold."
        case "cancelled":
            return "This auction was cancelled."
    return ""


def _button(auction: dict[str, Any], phase: str) -> str:
    match phase:
        case "scheduled":
            return "Not open yet"
        case "sold-out":
            return "Sold out"
    return f"Take one at {format_money(auction['currentPrice'], auction['currency'])}"


def refusal(problem: MarketplaceError, currency: str, *, agreed: int | None) -> str:
    """Why nothing was taken, for somebody who agreed to pay ``agreed``."""
    facts = problem.facts
    match problem:
        case PriceChanged() if agreed is not None:
            price, most = (format_money(each, currency) for each in (facts["currentPrice"], agreed))
            return f"Nothing was taken: the price is {price}, more than the {most} that you agreed to."
        case SoldOut() if facts["heldItems"]:
            held = count(facts["heldItems"], "item is", "items are")
            return (
                f"Somebody was faster: {facts['remainingItems']} left. {held} only held, and may come back."
            )
        case SoldOut():
            return f"Somebody was faster: {facts['remainingItems']} left. All of them are sold."
        case BuyerLimitReached():
            return f"You have {count(facts['limit'], 'item', 'items')}, as many as one buyer may have."
    return problem.detail


@dataclass(frozen=True, slots=True)
class Sale:
    """One line of the sales: an item that was taken, or came back."""

    seq: int
    kind: str
    price: int
    at: datetime
    mine: bool
    #: Of an item that was taken: whether it came back.
    returned: bool
    #: Of one that came back: why.
    note: str | None


def sales(past: Sequence[PastBid], *, viewer_id: int | None) -> list[Sale]:
    """The lines for some entries of the log, newest first. Who bought is nobody's business."""
    return [
        Sale(
            seq=each.bid.seq,
            kind=each.bid.kind,
            price=each.bid.amount,
            at=each.bid.placed_at,
            mine=each.bid.bidder_id == viewer_id,
            returned=each.withdrawn,
            note=RETURNS.get(each.bid.reason or ""),
        )
        for each in past
    ]


@dataclass(frozen=True, slots=True)
class Fall:
    """How the price falls, for whoever sets the terms."""

    #: ``("at the start", 500)``, ``("after 10 s", 490)``, and so on.
    steps: list[tuple[str, int]]
    floor: str


def fall(terms: dutch.Terms, currency: str) -> Fall:
    """The first prices, and when it reaches the floor."""
    start = datetime(2000, 1, 1, tzinfo=UTC)

    def step(number: int) -> tuple[str, int]:
        after = number * terms.drop_every
        price = dutch.price_at(terms, start, start + after).amount
        return f"after {span(int(after.total_seconds()))}" if number else "at the start", price

    shown = min(PREVIEWED, terms.drops + 1)
    lasts = span(int((terms.drops * terms.drop_every).total_seconds()))
    lowest = format_money(terms.floor, currency)
    drops = count(terms.drops, "drop", "drops")
    floor = ""
    if terms.drops:
        floor = (
            f"It is at {lowest}, the floor, after {drops}: {lasts} after the start, unless it ends before."
        )
    return Fall([step(number) for number in range(shown)], floor)


def falling(auction: dict[str, Any]) -> str:
    """The rule of the price, for buyers."""
    currency = auction["currency"]
    start, floor, drop = (
        format_money(auction[each], currency) for each in ("startingPrice", "floorPrice", "dropAmount")
    )
    drops = -(-(auction["startingPrice"] - auction["floorPrice"]) // auction["dropAmount"])
    if drops == 0:
        return f"It stays at {start}."
    lasts = span(int((drops * timedelta(seconds=auction["dropEvery"])).total_seconds()))
    every = duration(auction["dropEvery"])
    # A draft that shall start when it is published may still get there.
    last = _last_price(auction, auction["startsAt"]) if auction["startsAt"] else None
    if last and last.drops_remaining:
        lowest = format_money(last.amount, currency)
        return f"Falls by {drop} every {every}, and is at {lowest} when it ends."
    return f"Falls by {drop} every {every}, {count(drops, 'time', 'times')}, and is at {floor} after {lasts}."
