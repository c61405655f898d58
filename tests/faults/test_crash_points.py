"""A process killed at any line where it matters: between a commit and the answer, the answer and the sending,
the sending and its mark. Chance seldom hits these moments; here each line of the path gets its turn."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import websocket

from marketplace.dev.stack import Stack
from marketplace.pictures.gallery import file_name
from marketplace.realtime import outbox
from tests.clients import Bidder, House, wait_until
from tests.faults.killing import Mortal, no_relays, some_of

TULIPS: dict[str, Any] = {"format": "DUTCH", "quantity": 3}


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
        points = some_of(mortal.do("send_outbox", first)["reached"], chance)
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


def test_an_auction_killed_at_any_line_while_it_is_sold_makes_one_order(
    stack: Stack, house: House, mortal: Mortal, chance: random.Random
) -> None:
    """It is closed with its order and what is told of it, or not at all: then the next closes it so."""
    ann = house.bidder("Ann")

    def led_by_ann() -> int:
        lot = house.auction()
        house.place(lot, ann.id, 1000)
        return lot

    with no_relays(stack):
        lived = mortal.do("end_auction", led_by_ann())
        assert {point.split(":")[0] for point in lived["reached"]} >= {
            "book.py",
            "making.py",
            "user_events.py",
        }
        for point in some_of(lived["reached"], chance):
            lot = led_by_ann()
            assert mortal.do("end_auction", lot, dieAt=point)["killed"], point
            closed = bool(house.rows("SELECT FROM auctions WHERE id = %s AND outcome = 'SOLD'", lot))
            assert _orders(house, lot) == ([("AWAITING_PAYMENT", 0, 2)] if closed else []), point
            if not closed:
                house.end(lot)
            assert _orders(house, lot) == [("AWAITING_PAYMENT", 0, 2)], point


def test_the_job_killed_at_any_line_closes_each_overdue_order_once(
    stack: Stack, house: House, mortal: Mortal, chance: random.Random
) -> None:
    """UNPAID, the strike, and what both are told come together or not at all."""
    ann = house.bidder("Ann")

    def unpaid() -> int:
        lot = house.auction()
        house.place(lot, ann.id, 1000)
        house.end(lot)
        house.change("UPDATE orders SET due_at = clock_timestamp() WHERE auction_id = %s", lot)
        return lot

    with no_relays(stack):
        lived = mortal.do("close_overdue", unpaid())
        assert {point.split(":")[0] for point in lived["reached"]} >= {"service.py", "user_events.py"}
        half_way = set()
        for point in some_of(lived["reached"], chance):
            lot = unpaid()
            mortal.do("close_overdue", lot, dieAt=point)
            [found] = _orders(house, lot)
            assert found in {("AWAITING_PAYMENT", 0, 2), ("UNPAID", 1, 4)}, point
            half_way.add(found)
            mortal.do("close_overdue", lot)
            assert _orders(house, lot) == [("UNPAID", 1, 4)], point
        assert len(half_way) == 2, "some were killed before the commit and some after it"


def _orders(house: House, lot: int) -> list[tuple[str, int, int]]:
    """The orders of a lot: the state, the strikes, and how many events about it wait for its two parties."""
    return house.rows(
        "SELECT state, (SELECT count(*) FROM strikes WHERE order_id = orders.id),"
        " (SELECT count(*) FROM user_events WHERE data->>'orderId' = orders.id::text)"
        " FROM orders WHERE auction_id = %s",
        lot,
    )


def test_a_web_process_killed_at_any_line_of_a_purchase_takes_one_item_or_none(
    stack: Stack, house: House, urls: list[str], mortal: Mortal, chance: random.Random
) -> None:
    """In a Dutch auction: whatever the buyer was told, the same key finds exactly one item, held once."""
    ann = house.bidder("Ann")
    [first] = _quiet_auctions(house, 1, **TULIPS)
    lived = mortal.do("place_bid", first, bidderId=ann.id, amount=1000, key="lived")
    assert {point.split(":")[0] for point in lived["reached"]} >= {"desk.py", "rows.py", "dutch_book.py"}
    points = some_of(lived["reached"], chance)
    lots = dict(zip(points, _quiet_auctions(house, len(points), **TULIPS), strict=True))

    told: dict[int, dict[str, Any] | None] = {}
    for point, lot in lots.items():
        died = mortal.do("place_bid", lot, bidderId=ann.id, amount=1000, key=point, dieAt=point)
        assert died["killed"], point
        told[lot] = died["answer"]
        assert _stock(house, lot) in {(3, 0, 0, 0), (2, 1, 0, 1)}
    placed = {lot for lot in told if house.log(lot)}
    assert {lot for lot, answer in told.items() if answer is not None} < placed < set(lots.values())

    for point, lot in lots.items():
        again = ann.insist(urls, lot, 1000, key=point).json()
        assert told[lot] in (None, again)
        assert house.log(lot) == [(again["seq"], ann.id, 1000)]
        assert _stock(house, lot) == (2, 1, 0, 1)
    for lot in lots.values():
        _wait_until_sent(house, lot)


def test_a_process_killed_at_any_line_of_a_checkout_sells_the_item_or_leaves_it_held(
    stack: Stack, house: House, mortal: Mortal, chance: random.Random
) -> None:
    """Sold with one order, or held without: never one without the other, and again is the same order."""
    ann = house.bidder("Ann")
    held, sold = ((2, 1, 0, 1), []), ((2, 0, 1, 1), [("AWAITING_PAYMENT", 0, 2)])

    def taken() -> tuple[int, int]:
        lot = house.auction(**TULIPS)
        answer = house.place(lot, ann.id, 1000)
        assert answer.accepted
        return lot, answer.accepted["seq"]

    with no_relays(stack):
        lot, seq = taken()
        lived = mortal.do("check_out", lot, seq=seq, bidderId=ann.id)
        assert lived["answer"]
        assert {point.split(":")[0] for point in lived["reached"]} >= {"reservations.py", "making.py"}
        for point in some_of(lived["reached"], chance):
            lot, seq = taken()
            assert mortal.do("check_out", lot, seq=seq, bidderId=ann.id, dieAt=point)["killed"], point
            assert (_stock(house, lot), _orders(house, lot)) in (held, sold), point
            mortal.do("check_out", lot, seq=seq, bidderId=ann.id)
            assert (_stock(house, lot), _orders(house, lot)) == sold, point


def test_a_clock_killed_at_any_line_takes_holds_back_once(
    stack: Stack, house: House, mortal: Mortal, chance: random.Random
) -> None:
    for name in ("clock-1", "clock-2"):
        stack.stop(name)
    try:
        ann, ben = house.bidder("Ann"), house.bidder("Ben")

        def overdue() -> int:
            lot = house.auction(**TULIPS | {"quantity": 2})
            assert house.place(lot, ann.id, 1000).accepted
            assert house.place(lot, ben.id, 1000).accepted
            _let_holds_expire(stack, lot)
            return lot

        first = overdue()
        points = some_of(mortal.do("tick", first)["reached"], chance)
        assert _stock(house, first) == (2, 0, 0, 0)
        found = Counter[tuple[int, ...]]()
        for point in points:
            lot = overdue()
            assert mortal.do("tick", lot, dieAt=point)["killed"], point
            stock = _stock(house, lot)
            found[stock] += 1
            wait_until(partial(_all_free, house, lot), "two items that are free again")
            names = [name for _, name, _ in house.events(lot)]
            assert names[-3:] == ["item:returned", "auction:status", "item:returned"]
            assert names.count("item:returned") == 2
        # Both or neither.
        assert found.keys() <= {(0, 2, 0, 2), (2, 0, 0, 0)}
        assert found[0, 2, 0, 2]
    finally:
        stack.start("clock-1", "clock-2")


def _all_free(house: House, lot: int) -> bool:
    # PostgreSQL may be about to notice that whoever held the row is dead; till then the clock passes over it.
    house.tick()
    return _stock(house, lot) == (2, 0, 0, 0)


def _stock(house: House, lot: int) -> tuple[int, ...]:
    """Free, held and sold; and how many are gone according to the log, with which reservations agree."""
    [(free, held, sold, gone, kept)] = house.rows(
        "SELECT quantity - held - sold, held, sold, (SELECT count(*) FILTER (WHERE kind = 'TAKE')"
        " - count(*) FILTER (WHERE kind = 'RETURN') FROM bids WHERE auction_id = a.id),"
        " (SELECT count(*) FROM reservations WHERE auction_id = a.id AND status IN ('HELD', 'CONFIRMED'))"
        " FROM auctions a WHERE id = %s",
        lot,
    )
    assert gone == kept
    return free, held, sold, gone


def _let_holds_expire(stack: Stack, lot: int) -> None:
    with closing(stack.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("UPDATE reservations SET expires_at = clock_timestamp() WHERE auction_id = %s", (lot,))
        cursor.execute("UPDATE auctions SET due_at = clock_timestamp() WHERE id = %s", (lot,))


def test_an_upload_or_a_purge_killed_at_any_line_leaves_no_picture_without_its_files(
    stack: Stack, house: House, mortal: Mortal, chance: random.Random
) -> None:
    """Every picture has its files, and every file a row that names it; whoever tries again goes on."""
    folder, own = Path(stack.env["MEDIA_DIR"]), {"sellerId": house.seller_id}
    lot = house.draft()
    added = mortal.do("add_picture", lot, text="lived", **own)
    removed = mortal.do("remove_picture", lot, pictureId=added["answer"], **own)
    assert (removed["answer"], _files(folder)) == (1, set())

    for point in some_of(added["reached"], chance):
        lot = house.draft()
        assert mortal.do("add_picture", lot, text=point, dieAt=point, **own)["killed"], point
        _check_pictures(house, folder)
        assert mortal.do("add_picture", lot, text=point, **own)["answer"]
        _check_pictures(house, folder)
        assert len(house.rows("SELECT 1 FROM pictures WHERE auction_id = %s", lot)) == 1

    for point in some_of(removed["reached"], chance):
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
    return some_of(lived["reached"], chance)


def _quiet_auctions(house: House, count: int, **terms: Any) -> list[int]:
    """Running auctions with nothing left to send, on which nothing has happened for a while."""
    lots = [house.auction(**terms) for _ in range(count)]
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
