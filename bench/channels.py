"""How fast the embedded Channels server is, beside a bare aiohttp loop that writes one frame to N sockets.

    python bench/channels.py [--subscribers 1000 --subscribers 5000] [--rounds 100]

Server, baseline and subscribers are processes of their own on loopback. The two servers are measured in
turns, so that what else the machine does hits both: the ratio between them is what to read. Ends with one
line of JSON.
"""

import argparse
import asyncio
import contextlib
import json
import os
import resource
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pusher
from aiohttp import WSMsgType, web
from pusher.http import POST, Request
from pusher.pusher_client import PusherClient

ROOT = Path(__file__).absolute().parent.parent
APP = {"PUSHER_APP_ID": "1", "PUSHER_KEY": "bench", "PUSHER_SECRET": "bench-secret"}
DEADLINE = 60.0
PAYLOAD = (
    '{"auctionId":17,"seq":%d,"currentBid":15000,"bidderName":"b***r","bidCount":42,"pad":"'
    + "x" * 120
    + '"}'
)


# The baseline: as little as aiohttp can do.


async def baseline(port: int) -> None:
    """Accept sockets, answer each first message, and on POST write one frame to all of them."""
    transports: set[asyncio.Transport] = set()

    async def join(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        transport = request.transport
        assert transport
        transports.add(transport)
        try:
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    await ws.send_str("joined")
        finally:
            transports.discard(transport)
        return ws

    async def broadcast(request: web.Request) -> web.Response:
        payload = await request.read()
        frame = b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload
        asyncio.get_running_loop().call_soon(write_all, frame)
        return web.Response(text="{}", content_type="application/json")

    def write_all(frame: bytes) -> None:
        for transport in transports:
            transport.write(frame)

    app = web.Application()
    app.router.add_get("/app/bench", join)
    app.router.add_post("/broadcast", broadcast)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


# The crowd: N subscribers in one process, on plain sockets and epoll, as cheap as Python allows.


class Crowd:
    def __init__(self, port: int, *, speaks: str) -> None:
        self.port = port
        self.speaks = speaks
        self.poll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        self.http = self.open_http()

    def open_http(self) -> socket.socket:
        http = self.connect(time.perf_counter())
        http.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        http.settimeout(0)
        self.poll.register(http, select.EPOLLIN)
        return http

    def connect(self, started: float) -> socket.socket:
        """A connection, as soon as someone accepts it."""
        while time.perf_counter() - started < DEADLINE:
            with contextlib.suppress(ConnectionError):
                return socket.create_connection(("127.0.0.1", self.port))
            time.sleep(0.02)
        raise TimeoutError(f"nobody accepts connections on {self.port}")

    def join(self, count: int) -> float:
        """Connect and subscribe ``count`` sockets at once; seconds until the last is subscribed."""
        started = time.perf_counter()
        handshake = (
            f"GET /app/bench?protocol=7&client=bench&version=1.0 HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ).encode()
        subscribe = masked(b'{"event":"pusher:subscribe","data":{"channel":"auction-17"}}')
        ready = b"connection_established" if self.speaks == "channels" else b"\r\n\r\n"
        done = b"subscription_succeeded" if self.speaks == "channels" else b"joined"
        waiting: dict[int, bool] = {}
        pending = count
        while waiting or pending:
            # As many at a time as browsers after a restart: all of them, within what the backlog holds.
            while pending and len(waiting) < 1000:
                one = self.connect(started)
                one.send(handshake)
                one.settimeout(0)
                self.sockets[one.fileno()] = one
                self.poll.register(one, select.EPOLLIN)
                waiting[one.fileno()] = False
                pending -= 1
            for number, _ in self.events(started):
                received = self.sockets[number].recv(65536)
                if number in waiting and not waiting[number] and ready in received:
                    self.sockets[number].send(subscribe)
                    waiting[number] = True
                if number in waiting and done in received:
                    del waiting[number]
        return time.perf_counter() - started

    def round(self, request: bytes, token: bytes) -> tuple[float, float]:
        """Send one trigger: seconds until it is answered, and until the last subscriber has it."""
        missing = set(self.sockets)
        answered = 0.0
        started = time.perf_counter()
        self.http.send(request)
        while missing or not answered:
            for number, _ in self.events(started):
                if number == self.http.fileno():
                    assert self.http.recv(65536).startswith(b"HTTP/1.1 200"), "the trigger was refused"
                    answered = time.perf_counter() - started
                elif token in self.sockets[number].recv(65536):
                    missing.discard(number)
        return answered, time.perf_counter() - started

    def drain(self, seconds: float) -> None:
        """Read and drop, so that someone else can trigger."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for number, _ in self.poll.poll(0.05):
                self.sockets[number].recv(65536)

    def triggers(self, requests: list[bytes]) -> float:
        """Triggers a second, one after the other on one connection."""
        self.http.settimeout(DEADLINE)
        started = time.perf_counter()
        for request in requests:
            self.http.send(request)
            assert self.http.recv(65536).startswith(b"HTTP/1.1 200")
        self.http.settimeout(0)
        return len(requests) / (time.perf_counter() - started)

    def leave(self) -> None:
        for one in self.sockets.values():
            self.poll.unregister(one)
            one.close()
        self.sockets.clear()

    def come_back(self) -> float:
        """Everyone was cut off: connect and subscribe again; seconds until the last is subscribed."""
        count = len(self.sockets)
        self.leave()
        self.poll.unregister(self.http)
        self.http.close()
        seconds = self.join(count)
        self.http = self.open_http()
        return seconds

    def events(self, started: float) -> list[tuple[int, int]]:
        if time.perf_counter() - started > DEADLINE:
            raise TimeoutError("the subscribers did not get what they were waiting for")
        return self.poll.poll(1.0)


def masked(payload: bytes) -> bytes:
    """A client's text frame; the mask is zero, which is a mask."""
    return bytes((0x81, 0x80 | len(payload), 0, 0, 0, 0)) + payload


def http_request(port: int, target: str, body: bytes) -> bytes:
    head = f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/json\r\n\r\n".encode() + body


def crowd(port: int, speaks: str) -> None:
    """Serve commands, one JSON line each: the subscribers' process."""
    allow_many_files()
    members = Crowd(port, speaks=speaks)
    client = PusherClient(*APP.values(), ssl=False, host="127.0.0.1", port=port)

    def request(number: int, channel: str = "auction-17") -> bytes:
        payload = PAYLOAD % number
        if speaks == "baseline":
            return http_request(port, "/broadcast", payload.encode())
        event = {"name": "bid:new", "channels": [channel], "data": payload}
        signed = Request(client, POST, "/apps/1/events", event)
        return http_request(port, signed.signed_path, signed.body)

    serial = 100_000
    for line in sys.stdin:
        command = json.loads(line)
        result: Any = None
        if command["do"] == "join":
            result = members.join(command["count"])
        elif command["do"] == "rounds":
            result = []
            for _ in range(command["count"]):
                serial += 1
                token = b"%d" % serial
                result.append(members.round(request(serial), token))
                time.sleep(command["pause"])
        elif command["do"] == "drain":
            members.drain(command["seconds"])
        elif command["do"] == "triggers":
            result = members.triggers([request(serial, "nobody") for _ in range(command["count"])])
        elif command["do"] == "come back":
            result = members.come_back()
        elif command["do"] == "leave":
            members.leave()
        print(json.dumps(result), flush=True)


# The measuring.


class Subject:
    """A server under test and its crowd."""

    def __init__(self, speaks: str) -> None:
        self.port = free_port()
        me = [sys.executable, str(Path(__file__).absolute())]
        self.command = [*me, "--role", "baseline", "--port", str(self.port)]
        if speaks == "channels":
            self.command = [sys.executable, "-m", "marketplace.channels_server", "--port", str(self.port)]
        self.env = {**os.environ, **APP, "PYTHONPATH": str(ROOT)}
        self.start()
        wait_for_port(self.port)
        role = [*me, "--role", "crowd", "--port", str(self.port), "--speaks", speaks]
        self.crowd = subprocess.Popen(
            role, cwd=ROOT, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self) -> None:
        self.server = subprocess.Popen(self.command, cwd=ROOT, env=self.env, stdout=subprocess.DEVNULL)
        self.process = psutil.Process(self.server.pid)

    def restart(self) -> None:
        """As after a crash: no goodbye, and the next one starts at once."""
        self.server.kill()
        self.server.wait()
        self.start()

    def ask(self, **command: Any) -> Any:
        self.tell(**command)
        return self.hear()

    def tell(self, **command: Any) -> None:
        assert self.crowd.stdin
        self.crowd.stdin.write(json.dumps(command) + "\n")
        self.crowd.stdin.flush()

    def hear(self) -> Any:
        assert self.crowd.stdout
        line = self.crowd.stdout.readline()
        if not line:
            raise RuntimeError("the subscribers' process died")
        return json.loads(line)

    def cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        return int(self.process.memory_info().rss)

    def stop(self) -> None:
        for process in (self.crowd, self.server):
            process.terminate()
        for process in (self.crowd, self.server):
            process.wait(10)


@contextlib.contextmanager
def subjects() -> Iterator[dict[str, Subject]]:
    running: dict[str, Subject] = {}
    try:
        for speaks in ("channels", "baseline"):
            running[speaks] = Subject(speaks)
        yield running
    finally:
        for subject in running.values():
            subject.stop()


def measure(subscribers: int, rounds: int) -> dict[str, dict[str, float]]:
    """Every figure for this many subscribers, for the server and the baseline."""
    with subjects() as running:
        figures: dict[str, dict[str, float]] = {speaks: {} for speaks in running}
        for speaks, subject in running.items():
            before = subject.memory()
            figures[speaks]["all subscribed, s"] = subject.ask(do="join", count=subscribers)
            figures[speaks]["memory per connection, KiB"] = (subject.memory() - before) / subscribers / 1024
        time.sleep(1.0)
        samples: dict[str, list[list[float]]] = {speaks: [] for speaks in running}
        cpu = dict.fromkeys(running, 0.0)
        for subject in running.values():
            subject.ask(do="rounds", count=5, pause=0.0)
        for _ in range(max(1, rounds // 10)):
            for speaks, subject in running.items():
                started = subject.cpu()
                samples[speaks] += subject.ask(do="rounds", count=10, pause=0.005)
                cpu[speaks] += subject.cpu() - started
        for speaks, taken in samples.items():
            answers, lasts = zip(*taken, strict=True)
            recipients = len(taken) * subscribers
            figures[speaks] |= {
                "time to the last, ms": statistics.median(lasts) * 1000,
                "time to the last p95, ms": statistics.quantiles(lasts, n=20)[-1] * 1000,
                "CPU per 1,000 recipients, ms": cpu[speaks] / recipients * 1_000_000,
                "trigger answered, ms": statistics.median(answers) * 1000,
            }
        figures["channels"]["trigger with pusher library, ms"] = library_round_trip(running["channels"])
        for speaks, subject in running.items():
            subject.restart()
            figures[speaks]["all back after kill -9, s"] = subject.ask(do="come back")
            subject.ask(do="leave")
        time.sleep(1.0)
        for speaks, subject in running.items():
            figures[speaks]["triggers a second (nobody listening)"] = subject.ask(do="triggers", count=1000)
    return figures


def library_round_trip(subject: Subject) -> float:
    """Median milliseconds of ``trigger`` of the unmodified library, while the subscribers read."""
    client = pusher.Pusher(*APP.values(), ssl=False, host="127.0.0.1", port=subject.port)
    client.trigger("auction-17", "warm-up", "{}")
    subject.tell(do="drain", seconds=3.0)
    taken = []
    for number in range(50):
        started = time.perf_counter()
        client.trigger("auction-17", "bid:new", PAYLOAD % number)
        taken.append((time.perf_counter() - started) * 1000)
        time.sleep(0.04)
    subject.hear()
    return statistics.median(taken)


def show(subscribers: int, figures: dict[str, dict[str, float]]) -> None:
    print(f"\n{subscribers:,} subscribers{'':26}server   baseline   ratio")
    for name, value in figures["channels"].items():
        base = figures["baseline"].get(name)
        beside = f"{base:10.2f} {value / base:7.2f}" if base else ""
        print(f"  {name:37}{value:8.2f} {beside}")


def allow_many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subscribers", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--role", choices=["baseline", "crowd"], help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--speaks", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role == "baseline":
        allow_many_files()
        asyncio.run(baseline(options.port))
    elif options.role == "crowd":
        crowd(options.port, options.speaks)
    else:
        allow_many_files()
        results = {}
        for subscribers in options.subscribers or [1000, 5000]:
            results[subscribers] = measure(subscribers, options.rounds)
            show(subscribers, results[subscribers])
        print(json.dumps({"bench": "channels", "figures": results}))


if __name__ == "__main__":
    main()
