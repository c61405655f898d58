"""The rules of a sale, in words, from what the API shows of an auction."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, ngettext

from marketplace.money import minor_digits
from marketplace.orders.fees import lines

from .numbers import duration, money, percent


def late_bids(auction: dict[str, Any]) -> str:
    """What a bid shortly before the end does."""
    if auction["antiSnipe"] == "OFF" or not auction["extensionWindow"]:
        return gettext("The auction ends on time, however late somebody bids.")
    sentences = [_extension(auction), _limit(auction)]
    if auction["suddenDeath"]:
        last = duration(auction["suddenDeath"])
        sentences.append(gettext("In the very last %(time)s nothing moves it any more.", time=last))
    return " ".join(filter(None, sentences))


def _extension(auction: dict[str, Any]) -> str:
    window, by = duration(auction["extensionWindow"]), duration(auction["extension"])
    if auction["antiSnipe"] == "RESET":
        return gettext(
            "A bid in the last %(window)s moves the end to %(time)s after the bid, so that others can"
            " answer it.",
            window=window,
            time=by,
        )
    return gettext(
        "A bid in the last %(window)s moves the end by %(time)s, so that others can answer it.",
        window=window,
        time=by,
    )


def _limit(auction: dict[str, Any]) -> str:
    """How often it is moved, and by how much in all; empty if there is no limit."""
    times, total = auction["maxExtensions"], auction["maxExtensionTotal"]
    if times is None:
        return "" if total is None else gettext("It moves by at most %(time)s in all.", time=duration(total))
    if total is None:
        return ngettext("It moves at most once.", "It moves at most %(num)s times.", times)
    return ngettext(
        "It moves at most once, and by at most %(time)s.",
        "It moves at most %(num)s times, and by at most %(time)s in all.",
        times,
        time=duration(total),
    )


def buy_now(auction: dict[str, Any], price: int) -> str:
    """At what price, and for how long, the lot can be bought at once."""
    amount, share = money(price, auction["currency"]), auction["buyNowShare"]
    if not share:
        return gettext("%(price)s, until the first bid.", price=amount)
    limit = money(-(-price * share // 100), auction["currency"])
    return gettext("%(price)s, while the bidding is under %(limit)s.", price=amount, limit=limit)


def fees(auction: dict[str, Any]) -> str:
    """What the buyer pays besides the price, and until when."""
    due = ngettext("To be paid within a day.", "To be paid within %(num)s days.", auction["paymentDays"])
    added = on_top(auction)
    if not added:
        return f"{gettext('Nothing besides the price.')} {due}"
    return f"{added} {_example(auction)} {due}"


def on_top(auction: dict[str, Any]) -> str:
    """What comes on top of the price, in a sentence; empty if nothing does."""
    premium, tax = percent(auction["premiumRate"]), percent(auction["taxRate"])
    match bool(auction["premiumRate"]), bool(auction["taxRate"]):
        case True, True:
            return gettext(
                "On top of the price come a premium of %(premium)s, and tax of %(tax)s on both.",
                premium=premium,
                tax=tax,
            )
        case True, False:
            return gettext("On top of the price comes a premium of %(premium)s.", premium=premium)
        case False, True:
            return gettext("On top of the price comes tax of %(tax)s.", tax=tax)
    return ""


def _example(auction: dict[str, Any]) -> str:
    bid = 100 * 10 ** minor_digits(auction["currency"])
    total = lines(bid, premium_rate=auction["premiumRate"], tax_rate=auction["taxRate"]).total
    price, costs = (money(amount, auction["currency"]) for amount in (bid, total))
    if auction["format"] == "DUTCH":
        return gettext("An item at %(price)s costs %(total)s.", price=price, total=costs)
    return gettext("A bid of %(price)s costs %(total)s.", price=price, total=costs)
