"""A Dutch auction in words, from what the API shows of it; ``dutch-standing.ts`` says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import gettext, lazy_gettext, ngettext

from marketplace.bidding import dutch
from marketplace.errors import BuyerLimitReached, MarketplaceError, PriceChanged, SoldOut
from marketplace.listings import PastBid
from marketplace.transactions import database_now

from . import problems
from .numbers import duration, money, span, time_left
from .pages import blueprint

#: The phases in which the price falls.
FALLING = frozenset({"selling", "sold-out"})
#: Why an item came back, by the reason in the log.
RETURNS = {
    "expired": lazy_gettext("not checked out in time"),
    "released": lazy_gettext("given back"),
    "unpaid": lazy_gettext("not paid for"),
    "cancelled": lazy_gettext("the sale was cancelled"),
}
PRICE_LABELS = {
    "selling": lazy_gettext("Price now"),
    "sold-out": lazy_gettext("Price now, should one come back"),
    "over": lazy_gettext("Price at the end"),
}
STATUSES = {
    "draft": lazy_gettext("Draft"),
    "scheduled": lazy_gettext("Opening soon"),
    "selling": lazy_gettext("Running"),
    "sold-out": lazy_gettext("Sold out"),
    "cancelled": lazy_gettext("Cancelled"),
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
    phase = _phase(auction)
    held, sold = auction["heldItems"], auction["soldItems"]
    return Words(
        phase=phase,
        status=_status(auction, phase),
        price_label=str(PRICE_LABELS[phase]) if phase in PRICE_LABELS else gettext("Starting price"),
        next_drop=_next_drop(auction) if phase in FALLING else "",
        drops_left=_drops_left(auction) if phase in FALLING else "",
        free=gettext("%(free)s of %(all)s left", free=auction["remainingItems"], all=auction["quantity"]),
        taken=gettext("%(held)s held · %(sold)s sold", held=held, sold=sold) if held or sold else "",
        standing=_standing(auction, phase),
        button=_button(auction, phase),
    )


def _phase(auction: dict[str, Any]) -> str:
    """Where it stands; the snapshot has taken every step that was due, by the database's clock."""
    status = str(auction["status"])
    if status in {"DRAFT", "SCHEDULED", "CANCELLED"}:
        return status.lower()
    if auction["remainingItems"]:
        return "over" if status == "ENDED" else "selling"
    # Only here the time is asked for: until the end that was set, an item may come back.
    return "sold-out" if datetime.fromisoformat(auction["endsAt"]) > database_now() else "over"


def _status(auction: dict[str, Any], phase: str) -> str:
    if phase != "over":
        return str(STATUSES[phase])
    if auction["remainingItems"] == 0:
        return gettext("Sold out")
    return gettext("Ended") if auction["outcome"] == "SOLD" else gettext("Not sold")


def _next_drop(auction: dict[str, Any]) -> str:
    if auction["nextDropAt"] is None:
        if auction["dropsRemaining"]:
            return gettext("It falls no further before the end.")
        return gettext("The lowest price: it falls no further.")
    amount = max(auction["currentPrice"] - auction["dropAmount"], auction["floorPrice"])
    return gettext(
        "Falls to %(price)s in %(time)s",
        price=money(amount, auction["currency"]),
        time=time_left(auction["nextDropAt"]),
    )


def _drops_left(auction: dict[str, Any]) -> str:
    last = _last_price(auction, auction["startsAt"])
    left = auction["dropsRemaining"] - last.drops_remaining
    if left <= 0:
        return ""
    return ngettext(
        "%(num)s drop left, down to %(price)s",
        "%(num)s drops left, down to %(price)s",
        left,
        price=money(last.amount, auction["currency"]),
    )


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
        case "selling":
            return gettext("Whoever takes an item first has it, at the price of that moment.")
        case "sold-out" if held:
            return ngettext(
                "Sold out. %(num)s item is only held: what is not checked out in time comes back.",
                "Sold out. %(num)s items are only held: what is not checked out in time comes back.",
                held,
            )
        case "sold-out":
            return gettext("Sold out: every item is checked out.")
        case "over" if gone and held:
            return ngettext(
                "This auction has ended. %(gone)s of %(num)s item went, %(held)s of them still held.",
                "This auction has ended. %(gone)s of %(num)s items went, %(held)s of them still held.",
                quantity,
                gone=gone,
                held=held,
            )
        case "over" if gone:
            return ngettext(
                "This auction has ended. %(gone)s of %(num)s item went.",
                "This auction has ended. %(gone)s of %(num)s items went.",
                quantity,
                gone=gone,
            )
        case "over":
            return gettext("This auction has ended. Nothing was sold.")
        case "cancelled":
            return gettext("This auction was cancelled.")
    return gettext("It opens at the starting price, and falls from then on.")


def _button(auction: dict[str, Any], phase: str) -> str:
    match phase:
        case "scheduled":
            return gettext("Not open yet")
        case "sold-out":
            return gettext("Sold out")
        case "over" | "cancelled":
            return gettext("The sale is over")
    return gettext("Take one at %(price)s", price=money(auction["currentPrice"], auction["currency"]))


def refusal(problem: MarketplaceError, currency: str, *, agreed: int | None) -> str:
    """Why nothing was taken, for somebody who agreed to pay ``agreed``."""
    facts = problem.facts
    match problem:
        case PriceChanged() if agreed is not None:
            return gettext(
                "Nothing was taken: the price is %(price)s, more than the %(agreed)s that you agreed to.",
                price=money(facts["currentPrice"], currency),
                agreed=money(agreed, currency),
            )
        case SoldOut() if facts["heldItems"]:
            return ngettext(
                "Somebody was faster: %(free)s left. %(num)s item is only held, and may come back.",
                "Somebody was faster: %(free)s left. %(num)s items are only held, and may come back.",
                facts["heldItems"],
                free=facts["remainingItems"],
            )
        case SoldOut():
            return gettext(
                "Somebody was faster: %(free)s left. All of them are sold.", free=facts["remainingItems"]
            )
        case BuyerLimitReached():
            return ngettext(
                "You have %(num)s item, as many as one buyer may have.",
                "You have %(num)s items, as many as one buyer may have.",
                facts["limit"],
            )
    return problems.words(problem)


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
            note=str(RETURNS[each.bid.reason]) if each.bid.reason in RETURNS else None,
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
        if not number:
            return gettext("at the start"), price
        return gettext("after %(time)s", time=span(int(after.total_seconds()))), price

    shown = min(PREVIEWED, terms.drops + 1)
    floor = ""
    if terms.drops:
        floor = ngettext(
            "It is at %(price)s, the floor, after %(num)s drop: %(time)s after the start, unless it ends"
            " before.",
            "It is at %(price)s, the floor, after %(num)s drops: %(time)s after the start, unless it ends"
            " before.",
            terms.drops,
            price=money(terms.floor, currency),
            time=span(int((terms.drops * terms.drop_every).total_seconds())),
        )
    return Fall([step(number) for number in range(shown)], floor)


def falling(auction: dict[str, Any]) -> str:
    """The rule of the price, for buyers."""
    currency = auction["currency"]
    start, floor, drop = (
        money(auction[each], currency) for each in ("startingPrice", "floorPrice", "dropAmount")
    )
    drops = -(-(auction["startingPrice"] - auction["floorPrice"]) // auction["dropAmount"])
    if drops == 0:
        return gettext("It stays at %(price)s.", price=start)
    every = duration(auction["dropEvery"])
    # A draft that shall start when it is published may still get there.
    last = _last_price(auction, auction["startsAt"]) if auction["startsAt"] else None
    if last and last.drops_remaining:
        return gettext(
            "Falls by %(drop)s every %(every)s, and is at %(price)s when it ends.",
            drop=drop,
            every=every,
            price=money(last.amount, currency),
        )
    return ngettext(
        "Falls by %(drop)s every %(every)s, %(num)s time, and is at %(floor)s after %(time)s.",
        "Falls by %(drop)s every %(every)s, %(num)s times, and is at %(floor)s after %(time)s.",
        drops,
        drop=drop,
        every=every,
        floor=floor,
        time=span(int((drops * timedelta(seconds=auction["dropEvery"])).total_seconds())),
    )
