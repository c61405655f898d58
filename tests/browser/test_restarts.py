"""Every part of the server goes away and comes back during an auction: in the end the page has every bid."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from marketplace.dev.stack import Stack
from tests.clients import House
from tests.faults.bidding import Bidding

from .conftest import Visit, Visitor
from .truth import expect_the_log

#: One after the other; what takes turns with a second of its kind goes with it.
PARTS = (
    ("web",),
    ("channels",),
    ("relay-1", "relay-2"),
    ("clock-1", "clock-2"),
    ("cron", "default"),
    ("redis",),
    ("postgres",),
)
EVERYTHING = tuple(name for names in PARTS for name in names)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack.temporary(BID_RATE_LIMIT="1000 per second") as stack:
        yield stack


def restart(stack: Stack, names: tuple[str, ...]) -> None:
    """Stop parts, the last one first, and start them again."""
    for name in reversed(names):
        stack.stop(name)
    stack.start(*names)


def test_the_page_is_true_though_every_part_of_the_server_was_restarted(
    market: Stack, visitor: Visit, house: House
) -> None:
    ann, eve = visitor("Ann"), visitor("Eve", registered=False)
    lot = house.auction()
    for each in (ann, eve):
        each.open(lot)
        each.page.evaluate("globalThis.neverReloaded = true")
    with Bidding(house, [market.url], lot, bidders=2, pause=0.5) as bidding:
        for names in (*PARTS, EVERYTHING):
            restart(market, names)
            bidding.wait_for_more(2)
    ann_bids_most(ann)
    for each in (ann, eve):
        expect(each.badge).to_have_attribute("data-state", "live")
        expect_the_log(each, house, lot)
        assert each.page.evaluate("globalThis.neverReloaded")
    house.verify(lot)


def ann_bids_most(ann: Visitor) -> None:
    """With her page as it has come through all this."""
    ann.bid("900")
    expect(ann.standing).to_have_text("You have the highest bid.")
