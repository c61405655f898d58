"""What a page shows of an auction, beside what the server's log says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marketplace.money import format_money
from tests.clients import PATIENCE_SECONDS, House

from .conftest import Visitor

#: The page itself has the latest bids; older ones are behind a link.
LATEST = 20

#: The page's price, leader and count, and its history, newest first: number, bidder and amount of each bid.
_READ = """() => {
  const text = (selector, from = document) => from.querySelector(selector)?.textContent.trim() ?? "";
  const row = (each) => [Number(each.dataset.seq), text("[data-who]", each), text("[data-amount]", each)];
  return {
    price: text("[data-price]"),
    leader: text("[data-leader]").replace(/^(led|won) by /, ""),
    count: parseInt(text("[data-bids]"), 10),
    bids: [...document.querySelectorAll("#bids [data-seq]")].map(row),
  };
}"""


@dataclass(frozen=True)
class Truth:
    """How an auction stands."""

    price: str
    leader: str
    count: int
    #: ``(seq, bidder, amount)`` of the latest, newest first.
    bids: list[tuple[int, str, str]]


def shown(page_of: Visitor) -> Truth:
    """What somebody has before their eyes."""
    found: dict[str, Any] = page_of.page.evaluate(_READ)
    return Truth(found["price"], found["leader"], found["count"], [tuple(bid) for bid in found["bids"]])


def logged(house: House, auction_id: int) -> Truth:
    """What the log says. It must have bids, all of them plain ones."""
    rows = house.rows(
        "SELECT seq, display_name, amount FROM bids JOIN users ON users.id = bidder_id"
        " WHERE auction_id = %s ORDER BY seq DESC",
        auction_id,
    )
    bids = [(seq, name, format_money(amount, "USD")) for seq, name, amount in rows]
    return Truth(price=bids[0][2], leader=bids[0][1], count=len(bids), bids=bids[:LATEST])


def expect_the_log(page_of: Visitor, house: House, auction_id: int) -> None:
    """Wait until a page shows what the log says, each of the latest bids as it is there."""
    truth = logged(house, auction_id)
    for _ in range(int(PATIENCE_SECONDS * 10)):
        if shown(page_of) == truth:
            return
        page_of.page.wait_for_timeout(100)
    assert shown(page_of) == truth
