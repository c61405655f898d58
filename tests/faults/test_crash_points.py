"""A process killed at any line where it matters: between a commit and the answer, the answer and the sending,
the sending and its mark. Chance seldom hits these moments; here each line of the path gets its turn."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import websocket

from marketplace.dev.stack import ROOT, Stack
from marketplace.pictures.gallery import file_name
from marketplace.realtime import outbox
from tests.clients import Bidder, House, wait_until

#: So many lines are tried in each test at most, chosen by chance: enough for nearly all there are.
MOST_POINTS = 200


class Mortal:
    """The process of ``mortal.py``."""

    def __init__(self, env: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "tests.faults.mortal"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def do(self, what: str, auction_id: int, **details: object) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        command = {"do": what, "auctionId": auction_id, **details}
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)


@pytest.fixture
def mortal(stack: Stack) -> Iterator[Mortal]:
    process = Mortal(stack.env)
    yield process
    process.close()


class Listener:
    """Hears everything on the channels of many auctions, on one connection that is never lost."""

    def __init__(self, env: Mapping[str, str], auction_ids: Sequence[int]) -> None:
        self._socket = websocket.create_connection(
            f"ws://{env['PUSHER_HOST']}:{env['PUSHER_PORT']}/app/{env['PUSHER_KEY']}?protocol=7", timeout=60
        )
        #: What came for each auction, in order: the number of each event, as often as it came.
        self.heard: dict[int, list[int]] = defaultdict(list)
        self._subscribed = 0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        for auction_id in auction_ids:
            subscribe = {"event": "pusher:subscribe", "data": {"channel": f"auction-{auction_id}"}}
            self._socket.send(json.dumps(subscribe))
        wait_until(lambda: self._subscribed == len(auction_ids), "subscribed to every auction")

    def _listen(self) -> None:
        while self._socket.connected:
            try:
                message = json.loads(self._socket.recv() or "{}")
            except (OSError, websocket.WebSocketException):
                return
            if message.get("event") == "pusher_internal:subscription_succeeded":
                self._subscribed += 1
            elif message.get("channel", "").startswith("auction-"):
                data = json.loads(message["data"])
                if "seq" in data:
                    numbers = range(data.get("fromSeq", data["seq"]), data["seq"] + 1)
                    self.heard[data["auctionId"]] += numbers

    def wait_for(self, auction_id: int, seq: int) -> None:
        wait_until(lambda: seq in self.heard[auction_id], f"event {seq} of auction {auction_id} is heard")

    def close(self) -> None:
        self._socket.close()


def test_a_web_process_killed_at_any_line_of_a_bid_loses_nothing(
    stack: Stack, house: House, urls: list[str], mortal: Mortal, chance: random.Random
) -> None:
    """Whatever the bidder was told, the same key finds exactly one bid; and its event is sent."""
    ann = house.bidder("Ann")
    points = _points_of_a_bid(house, ann, mortal, chance)
    lots = dict(zip(points, _quiet_auctions(house, len(points)), strict=True))
    listener = Listener(stack.env, list(lots.values()))

    told: dict[int, dict[str, Any] | None] = {}
    for point, lot in lots.items():
        died = mortal.do("place_bid", lot, bidderId=ann.id, amount=1000, key=point, dieAt=point)
        assert died["killed"], point
        told[lot] = died["answer"]
    # It was killed before the bid was placed, after that but before the bidder knew, and after that.
    placed = {lot for lot in told if house.log(lot)}
    answered = {lot for lot, answer in told.items() if answer is not None}
    assert answered < placed < set(lots.values())

    for point, lot in lots.items():
        again = ann.insist(urls, lot, 1000, key=point).json()
        assert told[lot] in (None, again)
        assert house.log(lot) == [(again["seq"], ann.id, 1000)]
    for lot in lots.values():
        _wait_until_sent(house, lot)
        listener.wait_for(lot, house.log(lot)[0][0])
    listener.close()


def test_a_relay_killed_at_any_line_loses_nothing_and_keeps_the_order(
    stack: Stack, house: House, mortal: Mortal, chance: random.Random
) -> None:
    """The next relay goes on where this one died, or a little before."""
    for name in ("relay-1", "relay-2"):
        stack.stop(name)
    try:
        ann, ben = house.bidder("Ann"), house.bidder("Ben")
        first = _ended_auction(house, ann, ben)
        points = _some(mortal.do("send_outbox", first)["reached"], chance)
        lots = {point: house.auction() for point in points}
        listener = Listener(stack.env, list(lots.values()))
        killed = 0
        for point, lot in lots.items():
            _fill(house, lot, ann, ben)
            killed += mortal.do("send_outbox", lot, dieAt=point)["killed"]
            assert not mortal.do("send_outbox", lot)["killed"]
        assert killed == len(points)
        for lot in lots.values():
            assert house.unsent(lot) == 0
            stored = [seq for seq, _, _ in house.events(lot)]
            listener.wait_for(lot, stored[-1])
            # Each came, and for the first time only after all those before it.
            assert list(dict.fromkeys(listener.heard[lot])) == stored
        # Some came twice: those that were sent and not yet marked.
        assert any(len(heard) > len(set(heard)) for heard in listener.heard.values())
        listener.close()
    finally:
        stack.start("relay-1", "relay-2")


def test_an_upload_or_a_purge_killed_at_any_line_leaves_no_picture_without_its_files(
    stack: Stack, house: House, mortal: Mortal, chance: random.Random
) -> None:
    """Every picture has its files, and every file a row that names it; whoever tries again goes on."""
    folder, own = Path(stack.env["MEDIA_DIR"]), {"sellerId": house.seller_id}
    lot = house.draft()
    added = mortal.do("add_picture", lot, text="lived", **own)
    removed = mortal.do("remove_picture", lot, pictureId=added["answer"], **own)
    assert (removed["answer"], _files(folder)) == (1, set())

    for point in _some(added["reached"], chance):
        lot = house.draft()
        assert mortal.do("add_picture", lot, text=point, dieAt=point, **own)["killed"], point
        _check_pictures(house, folder)
        assert mortal.do("add_picture", lot, text=point, **own)["answer"]
        _check_pictures(house, folder)
        assert len(house.rows("SELECT 1 FROM pictures WHERE auction_id = %s", lot)) == 1

    for point in _some(removed["reached"], chance):
        lot = house.draft()
        picture_id = mortal.do("add_picture", lot, text="again", **own)["answer"]
        assert mortal.do("remove_picture", lot, pictureId=picture_id, dieAt=point, **own)["killed"], point
        _check_pictures(house, folder)
        # Whether the picture is still there or not: put in and taken out, nothing of it is left.
        picture_id = mortal.do("add_picture", lot, text="again", **own)["answer"]
        _check_pictures(house, folder)
        mortal.do("remove_picture", lot, pictureId=picture_id, **own)
        shown = house.rows("SELECT DISTINCT image_hash FROM pictures")
        assert len(_files(folder)) == 2 * len(shown)
    _check_pictures(house, folder)


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.webp")}


def _check_pictures(house: House, folder: Path) -> None:
    def named(rows: list[tuple[Any, ...]]) -> set[str]:
        return {file_name(image_hash, width) for image_hash, widths in rows for width in widths}

    images = "SELECT hash, widths FROM images"
    shown = named(house.rows(f"{images} WHERE hash IN (SELECT image_hash FROM pictures)"))
    assert shown <= _files(folder) <= named(house.rows(images))


def _points_of_a_bid(house: House, bidder: Bidder, mortal: Mortal, chance: random.Random) -> list[str]:
    """The lines that a bid on a quiet auction goes through, up to the mark on its sent event."""
    [lot] = _quiet_auctions(house, 1)
    lived = mortal.do("place_bid", lot, bidderId=bidder.id, amount=1000, key="lived")
    assert lived["answer"]
    files = {point.split(":")[0] for point in lived["reached"]}
    assert files >= {"desk.py", "book.py", "outbox.py", "courier.py", "publisher.py"}
    return _some(lived["reached"], chance)


def _some(points: Sequence[str], chance: random.Random) -> list[str]:
    chosen = set(chance.sample(points, min(MOST_POINTS, len(points))))
    return [point for point in points if point in chosen]


def _quiet_auctions(house: House, count: int) -> list[int]:
    """Running auctions with nothing left to send, on which nothing has happened for a while."""
    lots = [house.auction() for _ in range(count)]
    for lot in lots:
        _wait_until_sent(house, lot)
    time.sleep(outbox.WINDOW.total_seconds())
    return lots


def _wait_until_sent(house: House, lot: int) -> None:
    wait_until(lambda: house.unsent(lot) == 0, f"the events of auction {lot} are sent")


def _ended_auction(house: House, ann: Bidder, ben: Bidder) -> int:
    lot = house.auction()
    _fill(house, lot, ann, ben)
    return lot


def _fill(house: House, lot: int, ann: Bidder, ben: Bidder) -> None:
    """Two bids and the end: a batch, a single event, and messages to each of the two."""
    house.place(lot, ann.id, 1000)
    house.place(lot, ben.id, 2000)
    house.end(lot)
