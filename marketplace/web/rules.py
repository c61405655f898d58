"""The rules of a sale, in words, from what the API shows of an auction."""

from __future__ import annotations

from typing import Any

from marketplace.money import format_money, format_rate, minor_digits
from marketplace.orders.fees import lines


def late_bids(auction: dict[str, Any]) -> str:
    """What a bid shortly before the end does."""
    window, extension = auction["extensionWindow"], auction["extension"]
    if auction["antiSnipe"] == "OFF" or not window:
        return "The auction ends on time, however late somebody bids."
    moved = "to" if auction["antiSnipe"] == "RESET" else "by"
    after = " after the bid" if moved == "to" else ""
    how = f"{moved} {duration(extension)}{after}"
    sentences = [f"A bid in the last {duration(window)} moves the end {how}, so that others can answer it."]
    caps = []
    if auction["maxExtensions"] is not None:
        caps.append("once" if auction["maxExtensions"] == 1 else f"{auction['maxExtensions']} times")
    if auction["maxExtensionTotal"] is not None:
        caps.append(f"by {duration(auction['maxExtensionTotal'])} in all")
    if caps:
        sentences.append(f"That happens at most {' and '.join(caps)}.")
    if auction["suddenDeath"]:
        sentences.append(f"In the very last {duration(auction['suddenDeath'])} nothing moves it any more.")
    return " ".join(sentences)


def buy_now(auction: dict[str, Any], price: int) -> str:
    """At what price, and for how long, the lot can be bought at once."""
    amount, share = format_money(price, auction["currency"]), auction["buyNowShare"]
    if not share:
        return f"{amount}, until the first bid."
    limit = format_money(-(-price * share // 100), auction["currency"])
    return f"{amount}, while the bidding is under {limit}."


def fees(auction: dict[str, Any]) -> str:
    """What the buyer pays besides the price, and until when."""
    days = auction["paymentDays"]
    due = f"To be paid within {'a day' if days == 1 else f'{days} days'}."
    premium, tax = auction["premiumRate"], auction["taxRate"]
    added = on_top(auction)
    if not added:
        return f"Nothing besides the price. {due}"
    bid = 100 * 10 ** minor_digits(auction["currency"])
    total = lines(bid, premium_rate=premium, tax_rate=tax).total
    price, costs = (format_money(amount, auction["currency"]) for amount in (bid, total))
    example = "an item at" if auction["format"] == "DUTCH" else "a bid of"
    return f"On top of the price {added}: {example} {price} costs {costs}. {due}"


def on_top(auction: dict[str, Any]) -> str:
    """What comes on top of the price, if anything: ``comes a premium of 10 % and tax of 20 % on both``."""
    premium, tax = auction["premiumRate"], auction["taxRate"]
    parts = [f"a premium of {format_rate(premium)}"] if premium else []
    parts += [f"tax of {format_rate(tax)}{' on both' if premium else ''}"] if tax else []
    return f"comes {' and '.join(parts)}" if parts else ""


def duration(seconds: int) -> str:
    """``90`` -> ``90 s``, ``600`` -> ``10 min``."""
    for size, unit in ((3_600, "h"), (60, "min")):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def span(seconds: int) -> str:
    """``400`` -> ``6 min 40 s``, ``24_300`` -> ``6 h 45 min``: its two largest units."""
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            parts.append(f"{seconds // size} {unit}")
            seconds %= size
    return " ".join(parts[:2]) or "0 s"


def count(number: int, one: str, many: str) -> str:
    """``1, "item", "items"`` -> ``1 item``."""
    return f"{number} {one if number == 1 else many}"
