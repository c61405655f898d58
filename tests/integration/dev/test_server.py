"""``script/server`` in a checkout of its own: everything up, everything named, everything gone."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from marketplace.dev import ports, reaper

ROOT = Path(__file__).parents[3]
PARTS = (
    "postgres",
    "redis",
    "channels",
    "web",
    "cron",
    "clock-1",
    "clock-2",
    "relay-1",
    "relay-2",
    "default",
)


class Server:
    """``script/server``, started in a checkout."""

    def __init__(self, checkout: Path, *arguments: str, user: str | None = None, **env: str) -> None:
        self.instance = checkout / "instance"
        self.port = ports.free_port()
        self.output = checkout.parent / f"{self.port}.log"
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("PUSHER_", "DATABASE"))
        }
        command = [checkout / "script" / "server", "--port", str(self.port), *arguments]
        if user:
            # May read what root may: the environment of this run may lie in root's home.
            caps = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
            command = ["setpriv", f"--reuid={user}", "--regid=65534", "--clear-groups", *caps, "--", *command]
            clean["HOME"] = "/nonexistent"
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                command,
                cwd="/",
                env={**clean, "MARKETPLACE_PYTHON": sys.executable, **env},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_for(self, words: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not re.search(words, self.log):
            running = self.process.poll() is None
            assert running and time.monotonic() < deadline, f"no {words!r} in:\n{self.log}"
            time.sleep(0.1)

    def refused(self) -> str:
        """What it says instead of starting."""
        assert self.process.wait(30) == 1, self.log
        return self.log

    def stop(self, with_signal: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(with_signal)
        return self.process.wait(40)

    def part(self, name: str) -> psutil.Process:
        """The process of a part: of all that carry its mark, the one that the others descend from."""
        marked = reaper.marked({reaper.STACK: str(self.instance), reaper.PART: name})
        pids = {process.pid for process in marked}
        (leader,) = [process for process in marked if process.ppid() not in pids]
        return leader

    def left(self) -> list[psutil.Process]:
        return reaper.marked({reaper.STACK: str(self.instance)})


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of what git knows or would add, below a folder that an ordinary user may enter."""
    folder = Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    folder.chmod(0o755)
    checkout = folder / "a check out"
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    if (ROOT / "node_modules").exists():
        (checkout / "node_modules").symlink_to(ROOT / "node_modules")
    yield checkout
    shutil.rmtree(folder)


@pytest.fixture
def serve(checkout: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*arguments: str, **settings: str) -> Server:
        servers.append(Server(checkout, *arguments, **settings))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop(signal.SIGTERM)


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


def test_it_runs_everything_until_ctrl_c(serve):
    server = serve()
    server.wait_for("(?m)^Ready")
    assert f"http://127.0.0.1:{server.port}" in server.log
    assert "seller@example.com" in server.log
    assert status(f"http://127.0.0.1:{server.port}/readyz") == 200
    assert {server.part(name).pid for name in PARTS}.isdisjoint({server.process.pid})

    # The same checkout runs once.
    assert f"already runs: http://127.0.0.1:{server.port}" in serve().refused()

    # A part that dies is named and brought back; so is the database, under everybody's feet.
    for name in ("web", "postgres"):
        server.part(name).kill()
        server.wait_for(f"(?m)^{name} was killed by SIGKILL; starting it again")
    eventually(lambda: server_answers(server))

    assert server.stop() == 0
    assert server.left() == []
    stopping = server.log.rpartition("Stopping.")[2]
    order = [
        stopping.index(words) for words in ("warm shut down", "Shutting down granian", "shutdown request")
    ]
    assert order == sorted(order), stopping


def server_answers(server: Server) -> bool:
    try:
        return status(f"http://127.0.0.1:{server.port}/readyz") == 200
    except OSError:
        return False


def test_a_killed_runner_leaves_nothing_and_the_next_start_is_a_normal_one(serve):
    server = serve()
    server.wait_for("(?m)^Ready")
    server.process.kill()
    server.process.wait()
    # At once, while what the first one left is still being ended.
    again = serve("--simulate")
    again.wait_for("(?m)^Ready")
    again.wait_for(r"simulate +\| .* bids ")
    assert again.stop(signal.SIGTERM) == 0
    eventually(lambda: not again.left())


@pytest.mark.skipif(
    os.getuid() != 0, reason="left out: only root can become somebody else; the tests above ran as you"
)
def test_an_ordinary_user_can_run_it(serve, checkout):
    nobody = pwd.getpwnam("nobody")
    for path in [checkout, *checkout.rglob("*")]:
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    server = serve(user=str(nobody.pw_uid))
    server.wait_for("(?m)^Ready")
    assert {server.part(name).uids().effective for name in PARTS} == {nobody.pw_uid}
    assert server.stop() == 0
    assert server.left() == []


def test_a_taken_port_is_reported_with_what_to_do(checkout):
    with socket.create_server((ports.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        said = Server(checkout, "--port", str(port)).refused()
    assert re.search(rf"Port {port} is taken by .*\(pid {os.getpid()}\)", said)
    assert re.search(r"PORT=\d+ script/server", said)


def test_fresh_empties_nothing_that_is_not_ours(serve):
    said = serve("--fresh", DATABASE_URL="postgresql://db.example/production").refused()
    assert "--fresh empties the embedded servers only, but DATABASE_URL is set" in said


def test_a_setting_that_cannot_be_is_reported(serve):
    assert "set all three, or none" in serve(PUSHER_KEY="half-an-account").refused()
