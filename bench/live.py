"""How long a bid takes to everybody who watches: from sending it to having its event in hand.

    python bench/live.py [--clients 200] [--bids 60] [--rounds 3]

200 clients of Channels, in a process of their own, subscribe to ten auctions. Somebody bids over HTTP, on
each auction in turn, so that each has been quiet and its events are sent at once. The baseline, in turns with
it: the same message to the same clients by a bare ``pusher.trigger``, without a marketplace.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `python bench/live.py`

import pusher

from bench._harness import (
    STARTING_PRICE,
    BidRequests,
    Connection,
    House,
    Report,
    no_garbage_collection,
    percentile,
    say,
)
from marketplace.dev.stack import ROOT, Stack

AUCTIONS = 10
#: Between two bids; so each auction has one in two seconds, and is quiet in between.
PAUSE_SECONDS = 0.2
AIM_MS = 50.0


def main() -> int:
    options = _options()
    if options.listen:
        return _listen(options.listen.split(","), options.clients)
    report = Report(f"From the bid to the event at {options.clients} clients")
    with Stack.temporary(BID_RATE_LIMIT="100000 per second") as stack:
        say("starting a stack")
        stack.start()
        house = House(stack)
        lots = [house.auction() for _ in range(AUCTIONS)]
        house.wait_for_empty_outbox()
        crowd = Crowd(stack, [f"auction-{lot}" for lot in lots], options.clients)
        bids, triggers = Bids(stack, house, lots), Triggers(stack, lots)
        for number in range(1, options.rounds + 1):
            say(f"round {number} of {options.rounds}")
            for subject, sender in (("bare trigger", triggers), ("bid over HTTP", bids)):
                sent = {}
                with no_garbage_collection():
                    for _ in range(options.bids):
                        token, moment = sender.send()
                        sent[token] = moment
                        time.sleep(PAUSE_SECONDS)
                _add(report, subject, sent, crowd.heard(), options.clients)
        report.aim(
            f"p99 from the bid to the event in hand under {AIM_MS:.0f} ms",
            report.median("bid over HTTP", "p99 ms"),
            at_most=AIM_MS,
        )
        report.aim(
            "every client got every event (share that is missing)",
            max(report.figures["bid over HTTP"]["missing"]),
            at_most=0.0,
        )
        crowd.close()
    return report.finish()


class Bids:
    """A bid at a time, on one auction after the other."""

    def __init__(self, stack: Stack, house: House, lots: list[int]) -> None:
        self._connection = Connection(stack.url)
        bidders = house.people(2)
        self._requests = [BidRequests(stack.url, lot, bidder) for bidder in bidders for lot in lots]
        self._sent = 0

    def send(self) -> tuple[int, float]:
        """Place a bid; returns its amount and when it was sent."""
        amount = STARTING_PRICE + self._sent
        request = self._requests[self._sent % len(self._requests)].bid(amount)
        self._sent += 1
        moment = time.monotonic()
        answer = self._connection.ask(request)
        if answer.status != 201:
            raise RuntimeError(f"the bid was refused: {answer.code}")
        return amount, moment


class Triggers:
    """The same messages, sent by the library alone."""

    def __init__(self, stack: Stack, lots: list[int]) -> None:
        env = stack.env
        self._client = pusher.Pusher(
            env["PUSHER_APP_ID"],
            env["PUSHER_KEY"],
            env["PUSHER_SECRET"],
            host=env["PUSHER_HOST"],
            port=int(env["PUSHER_PORT"]),
            ssl=False,
        )
        self._lots = lots
        self._sent = 0

    def send(self) -> tuple[int, float]:
        lot, amount = self._lots[self._sent % len(self._lots)], 2 * STARTING_PRICE + self._sent
        self._sent += 1
        data = {
            "auctionId": lot, "seq": self._sent, "timestamp": "2026-01-01T00:00:00.000Z",
            "currentBid": amount, "currency": "USD", "bidderName": "Bidder 1", "bidCount": self._sent,
            "minimumNextBid": amount + 1, "extendedEndTime": None,
        }  # fmt: skip
        moment = time.monotonic()
        self._client.trigger(f"auction-{lot}", "bid:new", json.dumps(data, separators=(",", ":")))
        return amount, moment


def _add(
    report: Report, subject: str, sent: dict[int, float], heard: dict[int, list[float]], clients: int
) -> None:
    # The clock is the machine's, the same in both processes.
    taken = [moment - sent[token] for token in sent for moment in heard.get(token, [])]
    report.add(
        subject,
        p50_ms=percentile(taken, 50) * 1000,
        p99_ms=percentile(taken, 99) * 1000,
        worst_ms=max(taken) * 1000,
        missing=1 - len(taken) / (len(sent) * clients),
    )


# -- the clients ---------------------------------------------------------------------------------------------


class Crowd:
    """The process in which the clients are."""

    def __init__(self, stack: Stack, channels: list[str], clients: int) -> None:
        command = [sys.executable, __file__, "--listen", ",".join(channels), "--clients", str(clients)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=stack.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the clients could not subscribe")

    def heard(self) -> dict[int, list[float]]:
        """The amounts that came since the last time, and when, at each client."""
        assert self._process.stdin
        assert self._process.stdout
        time.sleep(1.0)  # what is under way
        self._process.stdin.write("tell\n")
        self._process.stdin.flush()
        return {int(token): moments for token, moments in json.loads(self._process.stdout.readline()).items()}

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)


_AMOUNT = re.compile(rb'\\"currentBid\\":(\d+)')


def _listen(channels: list[str], clients: int) -> int:
    """Be so many clients that note when which amount comes; tell when asked."""
    env, poll = os.environ, select.epoll()
    sockets: dict[int, socket.socket] = {}
    unread: dict[int, bytes] = {}
    for _ in range(clients):
        one = _subscribe(env["PUSHER_HOST"], int(env["PUSHER_PORT"]), env["PUSHER_KEY"], channels)
        sockets[one.fileno()], unread[one.fileno()] = one, b""
        poll.register(one.fileno(), select.EPOLLIN)
    print("ready", flush=True)
    poll.register(sys.stdin.fileno(), select.EPOLLIN)
    heard: dict[str, list[float]] = {}
    with no_garbage_collection():
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == sys.stdin.fileno():
                    if not sys.stdin.readline():
                        return 0
                    print(json.dumps(heard), flush=True)
                    heard = {}
                    continue
                data = sockets[descriptor].recv(65536)
                moment = time.monotonic()
                if not data:
                    raise ConnectionError("Channels closed a connection")
                payloads, unread[descriptor] = _frames(unread[descriptor] + data)
                for payload in payloads:
                    for amount in set(_AMOUNT.findall(payload)):
                        heard.setdefault(amount.decode(), []).append(moment)


def _subscribe(host: str, port: int, key: str, channels: list[str]) -> socket.socket:
    one = socket.create_connection((host, port), timeout=30)
    one.sendall(
        (
            f"GET /app/{key}?protocol=7&client=bench&version=1 HTTP/1.1\r\nHost: {host}:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ).encode()
    )
    received = b""
    while b"connection_established" not in received:
        received += one.recv(65536)
    received = b""
    for channel in channels:
        message = json.dumps({"event": "pusher:subscribe", "data": {"channel": channel}}).encode()
        # The mask is zero, which is a mask.
        one.sendall(bytes((0x81, 0x80 | len(message), 0, 0, 0, 0)) + message)
    while received.count(b"subscription_succeeded") < len(channels):
        received += one.recv(65536)
    return one


def _frames(data: bytes) -> tuple[list[bytes], bytes]:
    """The payloads of whole WebSocket frames, and what is left of an unfinished one."""
    payloads = []
    while len(data) >= 2:
        length, start = data[1] & 0x7F, 2
        if length == 126:
            length, start = int.from_bytes(data[2:4]), 4
        elif length == 127:
            length, start = int.from_bytes(data[2:10]), 10
        if len(data) < start + length:
            break
        payloads.append(data[start : start + length])
        data = data[start + length :]
    return payloads, data


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--bids", type=int, default=60, help="in each round, and as many bare triggers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--listen", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
