"""What is offered to whoever looks, at second chance; they answer it by the forms of ``bidding.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marketplace.api import auctions, second_chance
from marketplace.orders.fees import lines

from . import rules


@dataclass(frozen=True, slots=True)
class Offer:
    """A lot that can be bought at one's last bid."""

    id: int
    auction_id: int
    title: str
    currency: str
    price: int
    #: With what comes on top, and what that is; in a sentence, or empty.
    total: int
    on_top: str
    payment_days: int
    #: Until when it can be accepted.
    expires_at: str


def open_offers() -> list[Offer]:
    """What the viewer can still accept, what ends soonest first."""
    return [_shown(each) for each in second_chance.list_offers()["items"]]


def open_offer(auction_id: int) -> Offer | None:
    """The offer of one lot, while the viewer can accept it."""
    items = second_chance.list_offers()["items"]
    return next((_shown(each) for each in items if each["auctionId"] == auction_id), None)


def _shown(offer: dict[str, Any]) -> Offer:
    auction = auctions.snapshot(offer["auctionId"])
    due = lines(offer["price"], premium_rate=auction["premiumRate"], tax_rate=auction["taxRate"])
    return Offer(
        id=offer["id"],
        auction_id=offer["auctionId"],
        title=offer["title"],
        currency=offer["currency"],
        price=offer["price"],
        total=due.total,
        on_top=rules.on_top(auction),
        payment_days=auction["paymentDays"],
        expires_at=offer["expiresAt"],
    )
