"""How an English auction stands for whoever looks, in words; ``my-standing.ts`` says the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext

from .numbers import money


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody is in an auction."""

    #: won, leading, outbid, lost, over (they never bid), cancelled or none (nothing to say).
    state: str
    words: str


def standing(auction: dict[str, Any], *, leads: bool, has_bid: bool, no_bid: str) -> Standing:
    """How it stands for somebody who leads, or has a bid in it, or neither; ``no_bid`` is said before one."""
    state = _state(auction, leads=leads, has_bid=has_bid)
    return Standing(state, no_bid if state == "none" else _words(auction, state, leads=leads))


def _state(auction: dict[str, Any], *, leads: bool, has_bid: bool) -> str:
    over = auction["status"] == "ENDED"
    if leads:
        return "lost" if auction["outcome"] == "RESERVE_NOT_MET" else "won" if over else "leading"
    if over:
        return "lost" if has_bid else "over"
    if auction["status"] == "CANCELLED":
        return "cancelled"
    return "outbid" if has_bid else "none"


def _words(auction: dict[str, Any], state: str, *, leads: bool) -> str:
    price = money(auction["currentBid"] or 0, auction["currency"])
    match state:
        case "won":
            return gettext("You won this auction for %(price)s.", price=price)
        case "leading":
            if auction["reserveMet"] is False:
                return gettext("You have the highest bid, but the reserve is not met yet.")
            return gettext("You have the highest bid.")
        case "outbid":
            least = money(auction["minimumNextBid"], auction["currency"])
            return gettext("You were outbid. Bid %(price)s or more to lead again.", price=least)
        case "lost":
            return _lost(auction, price, leads=leads)
        case "over":
            return _over(auction, price)
        case _:
            return gettext("This auction was cancelled.")


def _lost(auction: dict[str, Any], price: str, *, leads: bool) -> str:
    if leads:
        return gettext("You had the highest bid. The reserve was not met, so it was not sold.")
    if auction["outcome"] == "RESERVE_NOT_MET":
        return gettext("You were outbid. The reserve was not met, so it was not sold.")
    if auction["outcome"] != "SOLD":
        return gettext("You were outbid. It was not sold.")
    return gettext("You were outbid. %(name)s won for %(price)s.", name=auction["bidderName"], price=price)


def _over(auction: dict[str, Any], price: str) -> str:
    if auction["outcome"] == "RESERVE_NOT_MET":
        return gettext("This auction has ended. The reserve was not met, so it was not sold.")
    if auction["outcome"] != "SOLD":
        return gettext("This auction has ended. It was not sold.")
    return gettext(
        "This auction has ended. %(name)s won for %(price)s.", name=auction["bidderName"], price=price
    )
