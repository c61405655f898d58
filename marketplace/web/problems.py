"""What went wrong, in the reader's words; ``client/pages/problems.ts`` has those of the scripts.

The API's stay English. What an error says, in ``marketplace/errors.py`` or where it is raised, is a text
like any other in the catalogue: ``script/words`` finds it there. What is wrong with a field has words of its
own here, since a reader has never heard of ``startingPrice``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flask_babel import gettext, ngettext

from marketplace.errors import MarketplaceError, RateLimited

#: What is wrong with a field: how the schemas and services say it, and how a page does.
_FIELDS: tuple[tuple[str, Callable[[str], str]], ...] = (
    # Texts. What follows a rule of their own, pydantic counts in items.
    (r"Field required", lambda _: gettext("This must not be empty.")),
    (
        r"must have at least (\d+) (?:character|item).*",
        lambda least: ngettext(
            "This must not be empty.", "This must have at least %(num)s characters.", int(least)
        ),
    ),
    (
        r"must have at most (\d+) (?:character|item).*",
        lambda most: ngettext(
            "This must have at most one character.", "This must have at most %(num)s characters.", int(most)
        ),
    ),
    (r"must be one line of text", lambda _: gettext("This must be one line of text.")),
    (r"must not contain control characters", lambda _: gettext("This must not contain control characters.")),
    (r"must be an e-mail address", lambda _: gettext("This must be an e-mail address.")),
    (r"must be the address of an account", lambda _: gettext("This must be the address of an account.")),
    (r"is not the current password", lambda _: gettext("This is not your password.")),
    (r"must have a word in it", lambda _: gettext("This must have a word in it.")),
    # Numbers.
    (
        r"must be an amount such as (.+)",
        lambda example: gettext("This must be an amount such as %(example)s.", example=example),
    ),
    (r"must be percent.*", lambda _: gettext("This must be percent, such as 25 or 12.5.")),
    (r"must be a valid (?:integer|number).*", lambda _: gettext("This must be a whole number.")),
    (
        r"must be greater than or equal to (\d+)",
        lambda least: gettext("This must be at least %(least)s.", least=least),
    ),
    (
        r"must be less than or equal to (\d+)",
        lambda most: gettext("This must be at most %(most)s.", most=most),
    ),
    (
        r"must be from 1 to (\d+) seconds",
        lambda most: gettext("This must be from 1 to %(most)s seconds.", most=most),
    ),
    # A bound in minor units would only puzzle.
    (
        r"must be from \d+ to \d+(?:, or an incrementTable.*)?",
        lambda _: gettext("This is too low or too high."),
    ),
    (
        r"must have 1 to (\d+) rows",
        lambda most: gettext("This must have 1 to %(most)s rows.", most=most),
    ),
    (
        r"must have rows such as.*",
        lambda _: gettext("This must have rows such as 100: 2.50, one on each line."),
    ),
    (
        r"must begin at 0.*",
        lambda _: gettext("This must begin at 0, each row at a higher price than the one before."),
    ),
    (r"must have steps.*", lambda _: gettext("This must have steps that never shrink.")),
    (
        r"must be another one: this currency.*",
        lambda _: gettext("This must be another one: the currency has no coins as small as these steps."),
    ),
    # Choices.
    (r"must match pattern '\^\[A-Z\]\{3\}\$'", lambda _: gettext("This is not a currency code such as USD.")),
    (r"must match pattern.*", lambda _: gettext("This must be one of what is offered.")),
    (r"must be one of GET /api/categories", lambda _: gettext("This must be one of the categories.")),
    (r"is not a currency code such as USD", lambda _: gettext("This is not a currency code such as USD.")),
    (
        r"must be a way of paying.*",
        lambda _: gettext("This must be a way of paying that is offered here."),
    ),
    (
        r"(?:\w+ )?needs a currency.*",
        lambda _: gettext("This needs a currency: amounts in different ones cannot be compared."),
    ),
    (r"is fixed when the draft is made.*", lambda _: gettext("This is fixed when the draft is made.")),
    (r"must be '.*", lambda _: gettext("This must be one of what is offered.")),
    # Prices that go together.
    (
        r"relevance needs words.*",
        lambda _: gettext("This needs words to look for."),
    ),
    (r"is for running auctions.*", lambda _: gettext("This is for running auctions only.")),
    (r"must not be below minPrice", lambda _: gettext("This must not be below the lowest price.")),
    (r"must be from 0 to startingPrice", lambda _: gettext("This must not be above the starting price.")),
    (r"must be above startingPrice", lambda _: gettext("This must be above the starting price.")),
    (
        r"must not be below startingPrice or reservePrice",
        lambda _: gettext("This must not be below the starting price or the reserve."),
    ),
    (r"needs a buyNowPrice", lambda _: gettext("This needs a buy-now price.")),
    (
        r"must be larger: the floor must be reached in at most (\d+) drops",
        lambda most: gettext(
            "This must be larger: the floor must be reached in at most %(most)s drops.", most=most
        ),
    ),
    # Lots of a sale.
    (
        r"must be (?:ENGLISH|English auctions): a Dutch.*",
        lambda _: gettext("An auction with a falling price cannot be a lot of a sale."),
    ),
    (
        r"must be (?:for the same people as|that of) the sale",
        lambda _: gettext("A lot is for the same people as its sale."),
    ),
    (
        r"must name each lot once, and at most (\d+)",
        lambda most: gettext("A sale has at most %(most)s lots, each of them once.", most=most),
    ),
    # Moments.
    (r"must be a valid datetime.*", lambda _: gettext("This must be a date and a time.")),
    (
        r"must be between the years 2000 and 2200",
        lambda _: gettext("This must be between the years 2000 and 2200."),
    ),
    (r"must be in the future", lambda _: gettext("This must be in the future.")),
    (
        r"must be after startsAt.*",
        lambda _: gettext("This must be after the opening, and at most 366 days after it."),
    ),
    (
        r"must be more than 0 when.*",
        lambda _: gettext("This must be more than 0 when late bids move the end."),
    ),
    (
        r"must be shorter than extensionWindow.*",
        lambda _: gettext(
            "This must be shorter than the time of late bids, or none would ever move the end."
        ),
    ),
)
_PATTERNS = tuple((re.compile(pattern), words) for pattern, words in _FIELDS)


def words(problem: MarketplaceError) -> str:
    """Why something was refused, or failed."""
    wait = problem.facts.get("retryAfter")
    if isinstance(problem, RateLimited) and wait is not None:
        return ngettext(
            "That was too often; wait a second, then try again.",
            "That was too often; wait %(num)s seconds, then try again.",
            wait,
        )
    # Not with variables: what it says may hold a per cent sign.
    return gettext(problem.detail)


def field_words(message: str) -> str:
    """What is wrong with a field, as a sentence; ``message`` is how the API says it."""
    for pattern, sentence in _PATTERNS:
        if found := pattern.fullmatch(message):
            return sentence(found[1] if found.groups() else "")
    return gettext("This is not acceptable: it %(problem)s.", problem=message)
