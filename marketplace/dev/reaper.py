"""No process outlives its stack, however the stack itself ended.

Every process of a stack carries the stack's directory in its environment, and so do its children and theirs,
whatever sessions and process groups they make for themselves. So "what does this stack still run?" has one
answer that needs no records: look at the environment of every process. It is asked in three places:

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
from collections.abc import Sequence
from pathlib import Path

import psutil

STACK = "MARKETPLACE_STACK"
PART = "MARKETPLACE_PART"


def processes_of(stack: Path, part: str | None = None) -> list[psutil.Process]:
    """Everything that runs for a stack, or for one part of it; never the process that asks."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # gone, or somebody else's
            environ = process.environ()
            ours = environ.get(STACK) == str(stack) and part in (None, environ.get(PART))
            if ours and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_all(stack: Path, part: str | None = None, *, grace: float) -> int:
    """Ask everything of a stack or part to end, make it after ``grace`` seconds; returns how many."""
    ended = 0
    asked = time.monotonic()
    while processes := processes_of(stack, part):  # again: a process may have started another meanwhile
        ended = max(ended, len(processes))
        patient = time.monotonic() - asked < grace
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGTERM if patient else signal.SIGKILL)
        psutil.wait_procs(processes, timeout=max(0.0, asked + grace - time.monotonic()) if patient else 1)
    return ended


def watch(stack: Path, *, remove: Sequence[Path] = ()) -> subprocess.Popen[bytes]:
    """Start the watcher of this process: close its stdin, or die, and it ends what the stack still runs.

    Then it deletes what is to be removed: sockets, temporary data.
    """
    return subprocess.Popen(
        [sys.executable, "-S", __file__, str(os.getpid()), str(stack), *map(str, remove)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A session of its own: Ctrl-C and a closed terminal must not reach it.
        start_new_session=True,
        # -S keeps start-up short, so psutil has to be named.
        env={"PYTHONPATH": str(Path(psutil.__file__).parents[1])},
        cwd="/",
    )


def _watcher(runner: int, stack: Path, remove: Sequence[Path]) -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    # The pipe alone is not enough: a forked copy of the runner would keep its other end open.
    while os.getppid() == runner:
        if select.select([0], [], [], 0.5)[0] and not os.read(0, 1):
            break
    end_all(stack, grace=5)
    for path in remove:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    _watcher(int(sys.argv[1]), Path(sys.argv[2]), [Path(path) for path in sys.argv[3:]])
