"""No process outlives its stack, however the stack itself ended.

Every process of a stack carries marks in its environment, and so do its children and theirs, whatever
sessions and process groups they make for themselves. So "what does this stack still run?" has one answer that
needs no records: look at the environment of every process. It is asked in three places:

- the runner, after a part died, about what that part left behind (an RQ work-horse, a web server's workers);
- the next start, about what an earlier one left behind;
- the watcher below, a process of its own, after the runner is gone - also by ``kill -9``.

Run as a script it is that watcher. It imports psutil only, so that it is small and starts at once.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

#: The marks: which stack by its directory, which run of it, which part.
STACK = "MARKETPLACE_STACK"
RUN = "MARKETPLACE_RUN"
PART = "MARKETPLACE_PART"

Marks = Mapping[str, str]


def marked(marks: Marks) -> list[psutil.Process]:
    """Every process that carries all of these marks, except the one that asks."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # gone, or somebody else's
            theirs = process.environ().items() >= marks.items()
            if theirs and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_all(marks: Marks, *, grace: float) -> int:
    """Ask every process with these marks to end, make it after ``grace`` seconds; returns how many."""
    deadline = time.monotonic() + grace
    asked: set[psutil.Process] = set()
    while processes := marked(marks):  # again and again: one may have started another meanwhile
        for process in processes:
            with contextlib.suppress(psutil.Error):
                if time.monotonic() >= deadline:
                    process.kill()
                elif process not in asked:
                    process.terminate()
            asked.add(process)
        time.sleep(0.05)
    return len(asked)


def watch(run: str, *, remove: Sequence[Path] = ()) -> subprocess.Popen[bytes]:
    """Start the watcher of this process: close its stdin, or die, and it ends what is left of the run.

    Then it deletes what is to be removed: sockets, temporary data.
    """
    return subprocess.Popen(
        [sys.executable, "-S", __file__, str(os.getpid()), run, *map(str, remove)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A session of its own: Ctrl-C and a closed terminal must not reach it.
        start_new_session=True,
        # -S keeps start-up short, so psutil has to be named.
        env={"PYTHONPATH": str(Path(psutil.__file__).parents[1])},
        cwd="/",
    )


def _watcher(runner: int, run: str, remove: Sequence[Path]) -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    # The pipe alone is not enough: a forked copy of the runner would keep its other end open.
    while os.getppid() == runner:
        if select.select([0], [], [], 0.5)[0] and not os.read(0, 1):
            break
    end_all({RUN: run}, grace=5)
    for path in remove:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    _watcher(int(sys.argv[1]), sys.argv[2], [Path(path) for path in sys.argv[3:]])
