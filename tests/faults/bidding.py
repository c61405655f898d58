"""People who bid all the time, whatever happens, and what must be true afterwards."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.clients import Bidder, House, wait_until
from tests.faults.watching import Watcher


@dataclass(frozen=True)
class Told:
    """A bid, and the answer its bidder got in the end."""

    bidder_id: int
    amount: int
    status: int
    body: dict[str, Any]


@dataclass
class Bidding:
    """While it is entered, its bidders bid one after the other for themselves, all at the same time.

    Each bid is sent until it is answered, so every outcome is known. It stops early when the auction is over.
    """

    house: House
    urls: Sequence[str]
    auction_id: int
    bidders: int = 4
    pause: float = 0.05
    told: list[Told] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._failures: list[BaseException] = []
        self._stopping = threading.Event()
        self._amounts = itertools.count(1000, 10)
        people = [self.house.bidder() for _ in range(self.bidders)]
        self._threads = [threading.Thread(target=self._bid, args=(one,)) for one in people]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._stopping.set()
        self.join()

    def join(self) -> None:
        """Wait until everybody has stopped, which without being told to is at the auction's end."""
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    @property
    def accepted(self) -> list[Told]:
        return [one for one in self.told if one.status == 201]

    def wait_for_more(self, count: int = 5) -> None:
        """Wait until so many further bids were accepted."""
        goal = len(self.accepted) + count
        wait_until(lambda: len(self.accepted) >= goal or bool(self._failures), "bids are accepted")

    def _bid(self, bidder: Bidder) -> None:
        try:
            while not self._stopping.is_set():
                amount = next(self._amounts)
                answer = bidder.insist(self.urls, self.auction_id, amount)
                self.told.append(Told(bidder.id, amount, answer.status_code, answer.json()))
                if answer.status_code == 409 and answer.json()["code"] == "auction_ended":
                    return
                self._stopping.wait(self.pause)
        except BaseException as error:
            self._failures.append(error)
        finally:
            bidder.http.close()


def check_nothing_lost_or_doubled(house: House, bidding: Bidding) -> None:
    """Every acknowledged bid is in the log, once, as it was acknowledged; and nothing else is."""
    log = house.log(bidding.auction_id)
    acknowledged = sorted((one.body["seq"], one.bidder_id, one.amount) for one in bidding.accepted)
    assert acknowledged == log
    assert len({amount for _, _, amount in log}) == len(log)
    refused = Counter((one.status, one.body["code"]) for one in bidding.told if one.status != 201)
    clear = {(409, "bid_too_low"), (409, "already_leading"), (409, "auction_ended")}
    assert refused.keys() <= clear, refused
    house.verify(bidding.auction_id)


def check_delivered(house: House, watcher: Watcher, auction_id: int) -> None:
    """Everything was sent, and the watcher got every event, in order and as it is stored."""
    wait_until(lambda: house.unsent(auction_id) == 0, f"the events of auction {auction_id} are sent")
    stored = [{"seq": seq, "event": name, "data": data} for seq, name, data in house.events(auction_id)]
    assert [event["seq"] for event in stored] == list(range(1, len(stored) + 1))
    wait_until(lambda: watcher.has(len(stored)), f"the watcher of auction {auction_id} has every event")
    assert watcher.gaps == []
    assert watcher.applied == stored


def check_closed_once(house: House, auction_id: int) -> None:
    """One ``auction:end``, the last event, and it names the highest bidder."""
    wait_until(
        lambda: house.rows("SELECT status FROM auctions WHERE id = %s", auction_id) == [("ENDED",)],
        f"auction {auction_id} is closed",
    )
    ends = [(seq, data) for seq, name, data in house.events(auction_id) if name == "auction:end"]
    [(seq, end)] = ends
    assert seq == len(house.events(auction_id))
    log = house.log(auction_id)
    if not log:
        assert (end["outcome"], end["winnerName"]) == ("UNSOLD", None)
        return
    _, winner, price = max(log, key=lambda bid: bid[2])
    [[name]] = house.rows("SELECT display_name FROM users WHERE id = %s", winner)
    assert (end["outcome"], end["winnerName"], end["winningBid"]) == ("SOLD", name, price)
