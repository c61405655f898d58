"""The rules of a sale in words while its seller still writes them: whatever makes sense already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext, ngettext

from marketplace.bidding.dutch import Terms
from marketplace.listings import MAX_DROPS, MAX_SECONDS
from marketplace.models import AuctionFormat, SnipePolicy
from marketplace.money import is_currency

from . import dutch, rules
from .numbers import duration, money

#: More steps than this cannot be told apart in the picture of the fall, which then is a slope.
_STEPS_DRAWN = 30
#: The picture of the fall: how wide it is, how much of that is the fall, and how high.
_WIDTH, _FALL, _HEIGHT = 240, 200, 80
_MARGIN = 3


@dataclass(frozen=True, slots=True)
class Preview:
    """What bidders will read, as far as the form is filled in."""

    format: str
    currency: str
    #: Of each rule what it is about, and what it says.
    rules: list[tuple[str, str]]
    starts_at: datetime | None
    ends_at: datetime | None
    #: Dutch: the first prices, and the line of the price as the path of an SVG.
    fall: dutch.Fall | None
    line: str


def of(terms: Mapping[str, Any]) -> Preview:
    """The preview of terms under the API's names; what could not be read of them is empty, or still text."""
    currency = terms["currency"]
    is_dutch = terms["format"] == AuctionFormat.DUTCH
    found = (
        [*(_dutch(terms) if is_dutch else _english(terms)), *_fees(terms)] if is_currency(currency) else []
    )
    falling = _falling(terms) if is_dutch and is_currency(currency) else None
    starts_at, ends_at = terms["startsAt"], terms["endsAt"]
    return Preview(
        format=terms["format"],
        currency=currency,
        rules=found,
        starts_at=starts_at if isinstance(starts_at, datetime) else None,
        ends_at=ends_at if isinstance(ends_at, datetime) else None,
        fall=dutch.fall(falling, currency) if falling else None,
        line=_line(falling) if falling else "",
    )


def _english(terms: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    currency = terms["currency"]
    table = terms.get("incrementTable")
    step = table[0][1] if table else terms.get("minIncrement")
    if _whole(terms, "startingPrice") and step:
        amounts = {
            "price": money(terms["startingPrice"], currency),
            "step": money(step, currency),
        }
        grows = table is not None and len(table) > 1
        yield (
            gettext("Bidding"),
            gettext(
                "Starts at %(price)s. Each bid adds at least %(step)s, and more as the price grows.",
                **amounts,
            )
            if grows
            else gettext("Starts at %(price)s. Each bid adds at least %(step)s.", **amounts),
        )
    if terms["reservePrice"]:
        price = money(terms["reservePrice"], currency)
        yield (
            gettext("Reserve"),
            gettext("Not sold for less than %(price)s, which nobody but you is told.", price=price),
        )
    if terms["buyNowPrice"] and _whole(terms, "buyNowShare"):
        yield gettext("Buy now"), rules.buy_now(dict(terms), terms["buyNowPrice"])
    moves = ("extensionWindow", "extension", "suddenDeath")
    caps = [terms[name] for name in ("maxExtensions", "maxExtensionTotal")]
    if (
        terms["antiSnipe"] in set(SnipePolicy)
        and _whole(terms, *moves)
        and all(cap is None or isinstance(cap, int) for cap in caps)
    ):
        yield gettext("Late bids"), rules.late_bids(dict(terms))


def _dutch(terms: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if _falling(terms):
        # When it opens is not asked for: it says how the price falls, however long there is to fall.
        yield gettext("The price"), dutch.falling({**terms, "startsAt": None})
    if _whole(terms, "quantity", "holdSeconds") and not isinstance(terms["perBuyer"], str):
        hold = duration(terms["holdSeconds"])
        parts = [ngettext("%(num)s item.", "%(num)s items.", terms["quantity"])]
        if terms["perBuyer"]:
            parts.append(gettext("At most %(number)s for each buyer.", number=terms["perBuyer"]))
        parts.append(gettext("Whoever takes one has %(time)s to check out.", time=hold))
        yield gettext("Items"), " ".join(parts)


def _fees(terms: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if _whole(terms, "premiumRate", "taxRate", "paymentDays"):
        yield gettext("The buyer pays"), rules.fees(dict(terms))


def _falling(terms: Mapping[str, Any]) -> Terms | None:
    """How the price falls, if that much is filled in and within what the API takes."""
    if not _whole(terms, "startingPrice", "floorPrice", "dropAmount", "dropEvery"):
        return None
    start, floor, amount, every = (
        terms[name] for name in ("startingPrice", "floorPrice", "dropAmount", "dropEvery")
    )
    if not (0 <= floor <= start <= floor + MAX_DROPS * amount and amount and 0 < every <= MAX_SECONDS):
        return None
    return Terms(
        seller_id=0,
        starting_price=start,
        floor=floor,
        drop_amount=amount,
        drop_every=timedelta(seconds=every),
        quantity=1,
        hold=timedelta(),
    )


def _whole(terms: Mapping[str, Any], *names: str) -> bool:
    return all(isinstance(terms.get(name), int) for name in names)


def _line(terms: Terms) -> str:
    """The price over time, down to the floor: ``M0 3 H50 V20 ...``."""

    def height(price: int) -> str:
        fallen = (terms.starting_price - price) / max(terms.starting_price - terms.floor, 1)
        return f"{_MARGIN + (_HEIGHT - 4 * _MARGIN) * fallen:.1f}"

    path = [f"M0 {height(terms.starting_price)}"]
    if terms.drops > _STEPS_DRAWN:
        path.append(f"L{_FALL} {height(terms.floor)}")
    else:
        for number in range(1, terms.drops + 1):
            price = max(terms.starting_price - number * terms.drop_amount, terms.floor)
            path.append(f"H{_FALL * number / terms.drops:.1f} V{height(price)}")
    return " ".join([*path, f"H{_WIDTH}"])
