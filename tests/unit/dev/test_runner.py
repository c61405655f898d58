"""The runner names what dies, brings it back, and stops what it started."""

from __future__ import annotations

import io
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from marketplace.dev import reaper, runner
from marketplace.dev.runner import Console, Part, PartFailed, Process, how_it_ended

FOREVER = "import time; time.sleep(60)"


class Lines(list[tuple[str, str]]):
    def __call__(self, part: str, line: str) -> None:
        self.append((part, line))

    def of(self, part: str) -> str:
        return "\n".join(line for name, line in self if name == part)


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture
def run(log: Lines, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start a part that runs Python source."""
    processes: list[Process] = []

    def start(source: str, **settings: object) -> Process:
        part = Part("clock", [sys.executable, "-S", "-u", "-c", source], **settings)  # type: ignore[arg-type]
        process = Process(part, marks={reaper.STACK: str(tmp_path)}, env={}, log=log)
        processes.append(process)
        process.start()
        return process

    yield start
    for process in processes:
        process.stop()


def eventually(condition: Callable[[], object], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def test_a_part_that_dies_is_named_with_its_last_words_and_brought_back(run, log):
    process = run("print('no database'); raise SystemExit(3)")
    eventually(lambda: process.deaths >= 2)
    assert "clock ended with exit code 3; starting it again in 0.2 s" in log.of("")
    assert "Its last words:\n    no database" in log.of("")
    assert log.of("clock").count("no database") >= 2


def test_a_killed_part_is_back_under_a_new_process_id(run, log):
    process = run(FOREVER)
    first = process.pid
    process.kill()
    eventually(lambda: process.pid not in (None, first))
    assert "clock was killed by SIGKILL" in log.of("")


def test_it_waits_longer_each_time(run, log, monkeypatch):
    monkeypatch.setattr(runner, "BACKOFF", (0.01, 0.02, 0.03))
    process = run("")
    eventually(lambda: process.deaths >= 4)
    waits = [line.rpartition(" in ")[2] for line in log.of("").splitlines() if "starting" in line]
    assert waits[:4] == ["0.01 s", "0.02 s", "0.03 s", "0.03 s"]


def test_a_part_that_never_gets_ready_fails_with_its_last_words(run):
    process = run("print('SECRET_KEY is not set'); raise SystemExit(1)", ready=lambda _: False)
    with pytest.raises(PartFailed, match=r"(?s)clock did not start.*SECRET_KEY is not set"):
        process.wait_ready()


def test_a_part_that_is_too_slow_fails(run):
    process = run(FOREVER, ready=lambda _: False, ready_seconds=0.2)
    with pytest.raises(PartFailed, match="did not get ready within"):
        process.wait_ready()


def test_ready_is_asked_about_the_process_that_runs_now(run):
    asked: list[int] = []
    process = run(FOREVER, ready=lambda pid: asked.append(pid) or len(asked) > 2)
    process.wait_ready()
    assert asked == [process.pid] * 3


def test_what_a_dead_part_left_running_is_ended_before_it_comes_back(run, log):
    """An orphaned RQ work-horse would go on holding the lock that its successor waits for."""
    sleep = "[sys.executable, '-S', '-c', 'import time; time.sleep(60)']"
    process = run(
        "import subprocess, sys, time\n"
        f"print(subprocess.Popen({sleep}, process_group=0).pid)\n"
        "time.sleep(60)\n"
    )
    eventually(lambda: log.of("clock"))
    orphan = int(log.of("clock").split()[0])
    assert psutil.pid_exists(orphan)
    process.kill()
    eventually(lambda: len(log.of("clock").split()) == 2)
    assert not psutil.pid_exists(orphan) or psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE


def test_stop_lets_a_part_finish(run, log):
    process = run(
        "import signal, time\n"
        "def stop(*_): print('finished'); raise SystemExit\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "print('started'); time.sleep(60)\n"
    )
    eventually(lambda: "started" in log.of("clock"))
    process.stop()
    assert "finished" in log.of("clock")
    assert log.of("") == ""


def test_stop_asks_a_stubborn_part_twice_then_makes_it(run, log):
    process = run(
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('asked'))\n"
        "print('started')\n"
        "while True: time.sleep(60)\n",
        stop_seconds=0.2,
    )
    eventually(lambda: "started" in log.of("clock"))
    process.stop()
    assert log.of("clock").split() == ["started", "asked", "asked"]
    assert process.pid is None


def test_a_part_may_be_stopped_while_it_waits_to_be_started_again(run, monkeypatch):
    monkeypatch.setattr(runner, "BACKOFF", (60,))
    process = run("")
    eventually(lambda: process.deaths)
    started = time.monotonic()
    process.stop()
    assert time.monotonic() - started < 1


def test_output_that_is_not_text_does_no_harm(run, log):
    run(f"import os; os.write(1, b'\\xff\\r\\nhalf'); os.write(1, b' a line\\n'); {FOREVER}")
    eventually(lambda: "half a line" in log.of("clock"))
    assert log.of("clock") == "\ufffd\nhalf a line"


def test_an_endless_line_is_cut(run, log):
    run(f"print('x' * 20_000, end=''); {FOREVER}")
    eventually(lambda: "x" in log.of("clock"))


def test_the_console_prefixes_each_line_and_stays_plain_off_a_terminal():
    out = io.StringIO()
    console = Console(out, width=6)
    console("web", "hello")
    console("", "Ready")
    assert out.getvalue() == "web    | hello\nReady\n"


@pytest.mark.parametrize(("no_colour", "coloured"), [(None, True), ("", True), ("1", False)])
def test_the_console_colours_a_terminal_unless_told_not_to(no_colour, coloured, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_colour is not None:
        monkeypatch.setenv("NO_COLOR", no_colour)
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    Console(out)("web", "hello")
    assert ("\x1b[" in out.getvalue()) is coloured


def test_the_console_notices_that_nobody_reads_any_more():
    out = io.StringIO()
    console = Console(out)
    out.close()
    console("web", "hello")
    assert console.closed.is_set()


def test_how_it_ended():
    assert how_it_ended(3) == "ended with exit code 3"
    assert how_it_ended(-signal.SIGSEGV) == "was killed by SIGSEGV"
    assert how_it_ended(-200) == "was killed by signal 200"
