"""How many unchanged polls a second a web server answers, beside a trivial route on the same server.

    python bench/polling.py [--seconds 5] [--rounds 5]

A page that has lost Channels asks for the auction every few seconds and nearly always hears 304. The
baseline, in turns with it, is ``/healthz`` on the same server: a route that does nothing, behind what every
route is behind. For comparison there is ``return "ok"`` in a Flask application with nothing else, under
another server of the same kind with the same flags.

The client sends its requests in handfuls (HTTP pipelining), for all three alike: one at a time, this client,
though it is as cheap as Python gets, is busier than the server that answers the polls.
"""

from __future__ import annotations

import argparse
import select
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `python bench/polling.py`

from flask import Flask

from bench._harness import Answer, Connection, House, Report, get_request, no_garbage_collection, say
from marketplace.dev import ports
from marketplace.dev.stack import ROOT, WEB_SERVER, Stack

WIDTH = 16
#: Requests that a connection sends at once.
HANDFUL = 16
WARM_UP_SECONDS = 0.5
AIM = 5.0

trivial = Flask(__name__)


@trivial.get("/")
def say_ok() -> str:
    return "ok"


def main() -> int:
    options = _options()
    report = Report(f"Unchanged polls over {WIDTH} connections")
    with Stack.temporary() as stack:
        say("starting a stack")
        stack.start("web")
        path = f"/api/auctions/{House(stack).auction()}"
        etag = _etag(stack.url, path)
        flask = Trivial(stack)
        subjects = {
            "nothing but Flask": (flask.url, get_request(flask.url, "/"), 200),
            "/healthz": (stack.url, get_request(stack.url, "/healthz"), 200),
            "unchanged poll": (stack.url, get_request(stack.url, path, If_None_Match=etag), 304),
        }
        for number in range(1, options.rounds + 1):
            say(f"round {number} of {options.rounds}")
            for subject, (url, request, status) in subjects.items():
                report.add(subject, a_second=_ask_all_the_time(url, request, status, options.seconds))
        flask.close()
        report.aim(
            f"unchanged polls a second at least {AIM:.0f} times /healthz",
            report.ratio("a second", "unchanged poll", "/healthz"),
            at_least=AIM,
        )
    return report.finish()


class Trivial:
    """The trivial application, under the web server that the marketplace runs under."""

    def __init__(self, stack: Stack) -> None:
        port = ports.free_port()
        self.url = f"http://{ports.HOST}:{port}"
        command = [sys.executable, "-m", *WEB_SERVER, "--host", ports.HOST, "--port", str(port)]
        self._process = subprocess.Popen(
            [*command, "bench.polling:trivial"], cwd=ROOT, env=stack.env, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while not ports.listens(port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the trivial application does not start")
            time.sleep(0.05)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def _ask_all_the_time(url: str, request: bytes, status: int, seconds: float) -> float:
    """How many answers a second there are to this request."""
    connections = {}
    poll = select.epoll()
    for _ in range(WIDTH):
        connection = Connection(url)
        ending = _ending(connection.ask(request))
        connections[connection.socket.fileno()] = connection
        poll.register(connection.socket.fileno(), select.EPOLLIN)
    handful, received = request * HANDFUL, dict.fromkeys(connections, b"")
    status_line = b"HTTP/1.1 %d" % status
    answered = 0
    with no_garbage_collection():
        for connection in connections.values():
            connection.send(handful)
        from_ = time.perf_counter() + WARM_UP_SECONDS
        until = from_ + seconds
        while (now := time.perf_counter()) < until:
            for descriptor, _ in poll.poll(30):
                data = received[descriptor] + connections[descriptor].socket.recv(65536)
                if data.count(b"\r\n\r\n") < HANDFUL or not data.endswith(ending):
                    received[descriptor] = data
                    continue
                if data.count(status_line) != HANDFUL:
                    raise RuntimeError(f"not every answer is {status}: {data!r}")
                received[descriptor] = b""
                connections[descriptor].send(handful)
                if now >= from_:
                    answered += HANDFUL
    for connection in connections.values():
        connection.close()
    return answered / seconds


def _ending(answer: Answer) -> bytes:
    """By what to know that an answer is complete."""
    return answer.body[-8:] or b"\r\n\r\n"


def _etag(url: str, path: str) -> str:
    connection = Connection(url)
    answer = connection.ask(get_request(url, path))
    connection.close()
    return answer.header("etag")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="each part of a round is measured this long"
    )
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
