"""What must never happen: ghosts, silence, a stopped process."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
import websocket

from .conftest import HERE, PATIENCE, ROOT, Raw, Server, free_port, wait_for

HANDSHAKE = (
    b"GET /app/conformance?protocol=7&client=fuzz&version=1.0 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


# Close codes.


@pytest.mark.parametrize(
    ("code", "options", "path", "query"),
    [
        (4000, ["--tls-only"], "", "?protocol=7"),
        (4001, [], "/app/unknown", "?protocol=7"),
        (4003, ["--disabled"], "", "?protocol=7"),
        (4004, ["--quota", "1"], "", "?protocol=7"),
        (4005, [], "/elsewhere", "?protocol=7"),
        (4006, [], "", "?protocol=7&version=%00"),
        (4007, [], "", "?protocol=99"),
        (4008, [], "", ""),
        (4100, ["--capacity", "1"], "", "?protocol=7"),
    ],
)
def test_a_refused_socket_is_closed_with_its_code_and_nothing_else(
    start_server: Callable[..., Server], code: int, options: list[str], path: str, query: str
) -> None:
    server = start_server(*options)
    first = server.connect().establish() if code in (4004, 4100) else None
    raw = server.connect(path, query)
    opcode, data = raw.socket.recv_data()
    assert opcode == websocket.ABNF.OPCODE_CLOSE
    assert int.from_bytes(data[:2], "big") == code
    if first:
        first.close()


def test_a_silent_client_is_pinged_and_closed_with_4201(start_server: Callable[..., Server]) -> None:
    server = start_server("--activity-timeout", "1", "--pong-timeout", "1")
    answering, silent = server.connect().establish(), server.connect().establish()
    for raw in (answering, silent):
        assert raw.receive_event("pusher:ping")
    answering.send("pusher:pong")
    assert silent.receive_close()[0] == 4201
    assert answering.receive_event("pusher:ping")


def test_a_connection_that_stays_unauthorized_is_closed_with_4009(
    start_server: Callable[..., Server],
) -> None:
    server = start_server("--authorization-timeout", "1")
    stranger, subscriber = server.connect().establish(), server.connect().establish()
    subscriber.subscribe("private-a")
    assert stranger.receive_close()[0] == 4009
    subscriber.send("pusher:ping")
    assert subscriber.receive_event("pusher:pong")


def test_a_graceful_stop_sends_everyone_away_for_a_second_and_reports_who_left(
    server: Server, backend: object
) -> None:
    raw = server.connect().establish()
    raw.subscribe("private-last")
    assert server.stop() == 0
    assert raw.receive_close()[0] == 4100
    events = backend.events()  # type: ignore[attr-defined]
    assert {"name": "channel_vacated", "channel": "private-last"} in events
    server.start()


def test_websocket_pings_are_answered(server: Server) -> None:
    raw = server.connect().establish()
    raw.socket.ping("are you there")
    opcode, data = raw.socket.recv_data(control_frame=True)
    assert (opcode, data) == (websocket.ABNF.OPCODE_PONG, b"are you there")
    raw.close()


# No ghosts.


class Crowd:
    """A process full of subscribers, see crowd.py."""

    def __init__(self, server: Server, count: int, users: int) -> None:
        self.count = count
        command = [sys.executable, str(HERE / "crowd.py"), str(server.port), server.key, server.secret]
        self.process = subprocess.Popen([*command, str(count), str(users)], stdout=subprocess.PIPE, text=True)
        self.complete = 0
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for _ in self.process.stdout:
            self.complete += 1

    def wait_until_complete(self, times: int) -> None:
        wait_for(lambda: self.complete >= times, "all subscribers", patience=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join()
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture
def crowd(server: Server) -> Iterator[Callable[[int, int], Crowd]]:
    made: list[Crowd] = []

    def make(count: int, users: int) -> Crowd:
        made.append(Crowd(server, count, users))
        return made[-1]

    yield make
    for each in made:
        if each.process.poll() is None:
            each.kill()


def counts(server: Server) -> tuple[int, int, int]:
    """Subscribers of the public channel, connections and users of the presence channel."""
    library = server.library()
    presence = library.channel_info("presence-auction-1", ["user_count", "subscription_count"])
    public = library.channel_info("auction-1", ["subscription_count"])
    return public["subscription_count"], presence["subscription_count"], presence["user_count"]


def test_a_storm_of_a_thousand_leaves_the_counts_exact(server: Server, crowd: Callable[..., Crowd]) -> None:
    thousand = crowd(1000, 50)
    thousand.wait_until_complete(1)
    assert counts(server) == (1000, 1000, 50)

    server.stop(signal.SIGKILL)
    server.start()
    thousand.wait_until_complete(2)
    assert counts(server) == (1000, 1000, 50)

    few = crowd(40, 60)
    few.wait_until_complete(1)
    assert counts(server) == (1040, 1040, 50)
    thousand.kill()
    wait_for(lambda: counts(server) == (40, 40, 40), "the killed to be gone")
    few.kill()
    wait_for(lambda: counts(server) == (0, 0, 0), "everyone to be gone")
    assert server.library().users_info("presence-auction-1") == {"users": []}
    assert server.metric("channels_connections") == 0


def test_a_connection_cut_without_a_word_is_gone(start_server: Callable[..., Server]) -> None:
    """As when a cable is pulled: nothing closes the connection, and nothing answers."""
    server = start_server("--activity-timeout", "1", "--pong-timeout", "1")
    raw = server.connect().establish()
    raw.subscribe("private-a")
    assert server.library().channel_info("private-a") == {"occupied": True}
    wait_for(lambda: server.library().channel_info("private-a") == {"occupied": False})


# Slow readers.


def test_a_stalled_reader_is_closed_with_4100_and_misses_nothing_before(
    start_server: Callable[..., Server],
) -> None:
    server = start_server("--max-buffer", str(256 * 1024))
    stalled = Raw.__new__(Raw)
    stalled.server = server
    stalled.socket = websocket.create_connection(
        f"ws://127.0.0.1:{server.port}/app/{server.key}?protocol=7",
        timeout=PATIENCE,
        sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)],
    )
    stalled.establish().subscribe("news")
    reader = server.connect().establish()
    reader.subscribe("news")
    sent = 0
    library = server.library()
    while server.metric('channels_closes_total{code="4100"}') == 0:
        assert sent < 20_000, "the stalled reader was never closed"
        library.trigger_batch(
            [{"channel": "news", "name": "e", "data": f"{sent + n:06}" + "x" * 10_000} for n in range(10)]
        )
        sent += 10
        for n in range(10):
            assert reader.receive_event("e")["data"].startswith(f"{sent - 10 + n:06}")

    got: list[int] = []
    while True:
        opcode, data = stalled.socket.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            break
        message = json.loads(data)
        if message["event"] == "e":
            got.append(int(message["data"][:6]))
    assert int.from_bytes(data[:2], "big") == 4100
    assert got == list(range(len(got)))
    assert got
    assert server.library().channel_info("news", ["subscription_count"])["subscription_count"] == 1
    library.trigger("news", "after", "")
    assert reader.receive_event("after")


# Fuzz.


def raw_frames(chance: random.Random) -> bytes:
    """Frames no client would send: any opcode and flags, wrong lengths, no mask, broken UTF-8, fragments."""
    payload = chance.choice(
        [
            b"null",
            b"[]",
            b"{}",
            b"7",
            b"",
            b'{"event":null}',
            b'{"event":"pusher:subscribe"}',
            b'{"event":"pusher:subscribe","data":{"channel":["a"]}}',
            b'{"event":"pusher:subscribe","data":{"channel":"private-a","auth":7}}',
            b'{"event":"pusher:subscribe","data":{"channel":"presence-a","auth":"x","channel_data":{}}}',
            b'{"event":"pusher:signin","data":{"user_data":"{}","auth":null}}',
            b'{"event":"client-x","channel":"a","data":1e999}',
            b"\xff\xfe broken",
            b"\xed\xa0\x80",
            b'{"event":' * 5000,
            chance.randbytes(chance.randrange(200)),
        ]
    )
    first = chance.choice([0x81, 0x81, 0x81, 0x82, 0x01, 0x80, 0x89, 0x8A, 0x88, chance.randrange(256)])
    masked = chance.random() < 0.9
    size = len(payload) if chance.random() < 0.9 else chance.choice([0, 125, 70_000, 2**40, 2**63])
    flag = 0x80 if masked else 0
    if size < 126:
        header = bytes((first, flag | size))
    elif size < 2**16:
        header = struct.pack("!BBH", first, flag | 126, size)
    else:
        header = struct.pack("!BBQ", first, flag | 127, size)
    return header + (b"\0\0\0\0" if masked else b"") + payload


def raw_request(chance: random.Random) -> bytes:
    return chance.choice(
        [
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"GET / HTTP/9.9\r\n\r\n",
            b"POST /apps/1/events HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\n",
            b"POST /apps/1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
            b"POST /apps/1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"POST /apps/1/events?auth_key=%ff%00 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nnull",
            b"GET /apps/1/channels/%2f%00 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500,
            b"GET /app/conformance HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
            HANDSHAKE.replace(b"13", b"99"),
            HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"),
            HANDSHAKE.replace(b"/app/conformance", b"/app/%00%ff?protocol[]=\xc3\x28"),
            chance.randbytes(chance.randrange(1, 400)),
        ]
    )


def throw(port: int, pieces: list[bytes], *, reset: bool) -> None:
    """Send, perhaps glance at what comes back, and hang up politely or not."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as thrown:
        if reset:
            thrown.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            for piece in pieces:
                thrown.sendall(piece)
            thrown.settimeout(0.005)
            thrown.recv(1000)
        except OSError:
            pass


def test_nothing_thrown_at_it_stops_the_server_or_disturbs_the_others(server: Server) -> None:
    chance = random.Random(20261120)
    witness = server.connect().establish()
    witness.subscribe("witness")
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
    for number, each in enumerate(slow):
        each.send(
            (b"GET /app/conf", b"POST /apps/1/events HTTP/1.1\r\nContent-Length: 9\r\n\r\nab")[number % 2]
        )
    pid = server.process.pid
    for number in range(1500):
        if chance.random() < 0.3:
            pieces = [raw_request(chance)]
        else:
            pieces = [HANDSHAKE, *(raw_frames(chance) for _ in range(chance.randrange(1, 6)))]
        throw(server.port, pieces, reset=chance.random() < 0.5)
        if number % 100 == 0:
            server.library().trigger("witness", "still", {"number": number})
            assert json.loads(witness.receive_event("still")["data"]) == {"number": number}
    for each in slow:
        each.close()
    assert server.is_healthy()
    assert (server.process.pid, server.process.poll()) == (pid, None)
    wait_for(lambda: server.metric("channels_connections") == 1, "only the witness to be left")
    witness.close()
    assert server.complaints() == ""


def test_a_huge_message_ends_its_connection_only(server: Server) -> None:
    raw = server.connect().establish()
    raw.send("pusher:subscribe", "x" * 100_000)
    assert raw.receive_close()[0] == 1009
    assert server.is_healthy()


def test_a_binary_message_is_refused_and_the_connection_stays(server: Server) -> None:
    raw = server.connect().establish()
    raw.socket.send_binary(b"\x00\x01")
    assert raw.receive()["event"] == "pusher:error"
    raw.send("pusher:ping")
    assert raw.receive()["event"] == "pusher:pong"
    raw.close()


# The command.


def run(*options: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PUSHER_")}
    command = [sys.executable, "-m", "marketplace.channels_server", *options]
    return subprocess.run(
        command, cwd=ROOT, env=clean | env, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


ACCOUNT = {"PUSHER_APP_ID": "1", "PUSHER_KEY": "k", "PUSHER_SECRET": "s"}


def test_a_taken_port_is_one_line_that_says_what_to_do(server: Server) -> None:
    done = run("--port", str(server.port), **ACCOUNT)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert f"127.0.0.1:{server.port}" in line
    assert "--port" in line


def test_a_missing_setting_is_named() -> None:
    done = run(PUSHER_APP_ID="1", PUSHER_KEY="k")
    assert done.returncode == 2
    assert "PUSHER_SECRET" in done.stderr


def test_it_listens_on_loopback_and_says_where_it_ends() -> None:
    port = free_port()
    command = [sys.executable, "-m", "marketplace.channels_server", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | ACCOUNT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    said = process.stdout.readline() + process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    process.stdout.close()
    assert f"http://127.0.0.1:{port}" in said
    assert "hosted Channels" in said


# Operations and the debug console.


def test_metrics_count(server: Server) -> None:
    before = server.metric('channels_api_answers_total{status="200"}')
    server.library().trigger("a", "e", {})
    assert server.metric('channels_api_answers_total{status="200"}') == before + 1
    assert server.get("/healthz") == (200, "ok")


def test_the_console_shows_what_is_there_and_sends(server: Server) -> None:
    raw = server.connect().establish()
    raw.subscribe("shown")
    status, body = server.get("/console/state")
    state = json.loads(body)
    assert status == 200
    assert {"name": "shown", "subscribers": 1, "members": []} in state["channels"]
    assert raw.socket_id in [connection["socketId"] for connection in state["connections"]]
    event = b'{"channel":"shown","name":"from-console","data":"{}"}'
    assert server.request("POST", "/console/events", event, Content_Type="application/json")[0] == 200
    assert raw.receive_event("from-console")
    last = max(each["id"] for each in state["happenings"])
    later = json.loads(server.get(f"/console/state?after={last}")[1])["happenings"]
    assert [each["kind"] for each in later] == ["api_message"]
    raw.close()


@pytest.mark.parametrize(
    ("allowed", "path", "headers"),
    [
        (True, "/", {}),
        (True, "/", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}),
        (True, "/console/state", {"Host": "localhost:1"}),
        (True, "/console/state", {"Host": "[::1]:1"}),
        (True, "/console/state", {"Sec_Fetch_Site": "same-origin"}),
        (False, "/", {"Host": "evil.example"}),
        (False, "/", {"Host": "localhost.evil.example"}),
        (False, "/console/state", {"Host": "127.0.0.1.evil.example"}),
        (False, "/console/state", {"Host": "localhost:port"}),
        (False, "/console/state", {"Host": ""}),
        (False, "/console/state", {"Sec_Fetch_Site": "cross-site"}),
        (False, "/console/state", {"Sec_Fetch_Site": "same-site"}),
        (False, "/console/state", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}),
        (False, "/console/state", {"Origin": "http://evil.example"}),
        (False, "/console/state", {"Origin": "null"}),
    ],
)
def test_the_console_is_for_its_own_page_on_this_machine(
    server: Server, allowed: bool, path: str, headers: dict[str, str]
) -> None:
    assert (server.get(path, **headers)[0] == 200) is allowed


def test_another_site_cannot_send_through_the_console(server: Server) -> None:
    event = b'{"channel":"a","name":"e","data":""}'
    plain = server.request("POST", "/console/events", event, Content_Type="text/plain")
    foreign = server.request(
        "POST", "/console/events", event, Content_Type="application/json", Origin="http://evil.example"
    )
    assert (plain[0], foreign[0]) == (415, 403)


def test_there_is_no_console_beyond_loopback(start_server: Callable[..., Server]) -> None:
    assert start_server("--host", "0.0.0.0").get("/")[0] == 404
    assert start_server("--no-console").get("/console/state")[0] == 404
