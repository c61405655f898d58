"""Nothing outlives its run, even when the runner itself is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from marketplace.dev import reaper

#: A runner in small: starts the watcher and a part with a child in a session of its own, says which, and
#: waits.
RUNNER = """
import os, subprocess, sys, time
from pathlib import Path
from marketplace.dev import reaper

part = (
    "import subprocess, time\\n"
    "print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid, flush=True)\\n"
    "time.sleep(60)\\n"
)
run, sockets = sys.argv[1:]
watcher = reaper.watch(run, remove=[Path(sockets)])
command = [sys.executable, "-c", part]
started = subprocess.Popen(command, env={reaper.RUN: run}, stdout=subprocess.PIPE, text=True)
print(watcher.pid, started.pid, started.stdout.readline(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def sleeper(**env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(["sleep", "60"], env=env, text=True)


def runs(pid: int) -> bool:
    """Dead and not yet buried, as orphans are in a container without an init, is not running."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not runs(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_runner_leaves_no_process_and_no_files(with_signal, tmp_path, processes):
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    command = [sys.executable, "-c", RUNNER, f"run of {tmp_path}", sockets]
    runner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
    processes.append(runner)
    assert runner.stdout
    pids = [int(word) for word in runner.stdout.readline().split()]
    assert len(pids) == 3
    assert all(runs(pid) for pid in pids)
    runner.send_signal(with_signal)
    runner.wait(5)
    assert all(gone(pid, 8) for pid in pids)
    assert not sockets.exists()


def test_marks_single_out_a_stack_a_run_and_a_part(tmp_path, processes):
    stack = {reaper.STACK: str(tmp_path)}
    web, clock, other = (
        sleeper(**stack, **{reaper.RUN: "1", reaper.PART: "web"}),
        sleeper(**stack, **{reaper.RUN: "2", reaper.PART: "clock"}),
        sleeper(**{reaper.STACK: f"{tmp_path}/other"}),
    )
    processes += [web, clock, other]
    assert {process.pid for process in reaper.marked(stack)} == {web.pid, clock.pid}
    assert [process.pid for process in reaper.marked({**stack, reaper.RUN: "1"})] == [web.pid]
    assert [process.pid for process in reaper.marked({**stack, reaper.PART: "clock"})] == [clock.pid]


def test_who_does_not_end_when_asked_is_made_to(tmp_path, processes):
    source = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    command = [sys.executable, "-S", "-c", source]
    marks = {reaper.STACK: str(tmp_path)}
    stubborn = subprocess.Popen(command, env=marks, stdout=subprocess.PIPE, text=True)
    processes.append(stubborn)
    assert stubborn.stdout
    stubborn.stdout.readline()
    assert reaper.end_all(marks, grace=0.3) == 1
    assert stubborn.wait(5) == -signal.SIGKILL
