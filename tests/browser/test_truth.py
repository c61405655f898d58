"""Whatever happens to the connection, the device or its clock: what people see is what the log says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from marketplace.dev.stack import Stack
from tests.clients import Bidder, House

from .conftest import Visit, Visitor
from .devices import WRONG_CLOCK, Laptop
from .truth import expect_the_log

#: How long after Channels has gone a page may take to poll.
POLLING_WITHIN_SECONDS = 15.0
THREE_MINUTES = 180_000


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack.temporary(BID_RATE_LIMIT="1000 per second") as stack:
        yield stack


@pytest.fixture
def laptop(new_browser: Callable[[], Browser]) -> Iterator[Laptop]:
    laptop = Laptop(new_browser())
    yield laptop
    laptop.close()


def bid_in_turns(url: str, lot: int, bidders: list[Bidder], amounts: range) -> None:
    for turn, amount in enumerate(amounts):
        assert bidders[turn % len(bidders)].bid(url, lot, amount).status_code == 201


def test_two_people_bid_against_each_other_until_the_auction_ends(visitor: Visit, house: House) -> None:
    ann, bob = visitor("Ann"), visitor("Bob")
    # Each of the bids leaves 20 seconds for the next, however slow the machine.
    lot = house.auction(lasts=20, starting_price=10_000, min_increment=500, extension_window=60, extension=20)
    ann.open(lot)
    bob.open(lot)
    expect(bob.price).to_have_text("$100.00")

    ann.bid("100")
    expect(ann.standing).to_have_text("You have the highest bid.")
    expect(bob.leader).to_contain_text("Ann")
    expect(bob.button).to_have_text("Bid $105.00")
    expect(bob.page.locator("[data-extended]")).to_be_visible()
    bob.bid("120")
    expect(bob.standing).to_have_text("You have the highest bid.")
    expect(ann.price).to_have_text("$120.00")
    expect(ann.leader).to_contain_text("Bob")
    expect(ann.standing).to_have_text("You were outbid. Bid $125.00 or more to lead again.")

    expect(bob.standing).to_have_text("You won this auction for $120.00.")
    expect(ann.standing).to_have_text("You were outbid. Bob won for $120.00.")
    for each in (ann, bob):
        expect_the_log(each, house, lot)
    assert [ann.complaints, bob.complaints] == [[], []]


def test_without_channels_a_page_polls_and_afterwards_it_is_live_and_complete(
    market: Stack, visitor: Visit, house: House
) -> None:
    ann = visitor("Ann", registered=False)
    carl, dora = house.bidder("Carl"), house.bidder("Dora")
    lot = house.auction()
    ann.open(lot)
    ann.page.evaluate("globalThis.neverReloaded = true")

    market.stop("channels")
    expect(ann.badge).to_have_attribute("data-state", "polling", timeout=POLLING_WITHIN_SECONDS * 1000)
    bid_in_turns(ann.url, lot, [carl, dora], range(1_000, 1_005))
    expect(ann.price).to_have_text("$10.04")
    market.start("channels")
    # Told to nobody who is not connected yet: the feed has to be asked.
    bid_in_turns(ann.url, lot, [dora, carl], range(1_005, 1_008))
    expect(ann.badge).to_have_attribute("data-state", "live")
    expect_the_log(ann, house, lot)
    bid_in_turns(ann.url, lot, [carl], range(1_008, 1_009))
    expect_the_log(ann, house, lot)
    assert ann.page.evaluate("globalThis.neverReloaded")


def test_a_bid_made_offline_is_sent_on_return(visitor: Visit, house: House) -> None:
    ann = visitor("Ann")
    lot = house.auction(starting_price=10_000)
    ann.open(lot)
    ann.context.set_offline(True)
    ann.bid("150")
    expect(ann.page.locator(".open-bid")).to_contain_text("Your bid of $150.00 waits")
    assert house.log(lot) == []
    ann.context.set_offline(False)
    expect(ann.standing).to_have_text("You have the highest bid.")
    expect(ann.price).to_have_text("$150.00")
    expect_the_log(ann, house, lot)


@pytest.mark.parametrize("wrong_by", [-THREE_MINUTES, THREE_MINUTES])
def test_countdown_and_button_go_by_the_servers_time(visitor: Visit, house: House, wrong_by: int) -> None:
    ann = visitor("Ann")
    ann.context.add_init_script(WRONG_CLOCK % (wrong_by, wrong_by))
    lot = house.auction(lasts=30, starting_price=10_000)
    [[ends_at]] = house.rows("SELECT ends_at FROM auctions WHERE id = %s", lot)
    ann.open(lot)
    now = ann.page.evaluate("Date.now()") / 1000 - datetime.now(UTC).timestamp()
    assert abs(now - wrong_by / 1000) < 10
    for _ in range(3):
        before = ends_at - datetime.now(UTC)
        left = seconds_left(ann)
        after = ends_at - datetime.now(UTC)
        assert after - timedelta(seconds=2) <= left <= before + timedelta(seconds=2)
        ann.page.wait_for_timeout(700)
    ann.bid("150")
    expect(ann.standing).to_have_text("You have the highest bid.")
    # By the device that is ahead it ended long ago; by the one that is behind it lasts three minutes more.
    expect(ann.button).not_to_be_visible()
    assert datetime.now(UTC) >= ends_at
    assert ann.complaints == []


@pytest.mark.parametrize("counting", [True, False])
def test_a_laptop_that_slept_shows_what_happened_meanwhile(
    market: Stack, house: House, laptop: Laptop, counting: bool
) -> None:
    ann = Visitor("Ann", laptop.context.new_page(), market.url)
    ann.log_in(house)
    lot = house.auction(lasts=3000)
    ann.open(lot)
    ann.bid("10")
    expect(ann.standing).to_have_text("You have the highest bid.")

    laptop.sleep()
    bid_in_turns(ann.url, lot, [house.bidder("Carl"), house.bidder("Dora")], range(1_100, 1_130))
    laptop.wake(after_minutes=20, counting=counting)
    expect_the_log(ann, house, lot)
    expect(ann.standing).to_contain_text("You were outbid.")
    expect(ann.badge).to_have_attribute("data-state", "live")
    # Not by what its own clocks think: by those the auction lasts 20 minutes less.
    expect(ann.page.locator("[data-clock]")).to_have_text(re.compile(r"^(49|50):\d\d left$"))
    ann.bid("20")
    expect(ann.standing).to_have_text("You have the highest bid.")


def seconds_left(visitor: Visitor) -> timedelta:
    """What the countdown says."""
    clock = visitor.page.locator("[data-clock]")
    # What the server rendered is rough; the script counts.
    expect(clock).to_have_text(re.compile(r"^\d+:\d\d left$"))
    minutes, seconds = re.findall(r"\d+", clock.inner_text())
    return timedelta(minutes=int(minutes), seconds=int(seconds))
