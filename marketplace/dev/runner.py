"""Keeps the processes of a stack alive: starts, watches, names, brings back and stops them.

A ``Part`` says what to run; a ``Process`` keeps one part running, with one thread that reads what it prints
and sees it end. A part that dies is named, with how and its last words, and brought back: at once the first
time, then after longer and longer waits. Whatever it left running itself is ended first, so that an orphaned
RQ work-horse cannot go on holding a lock that its successor waits for. See docs/decisions/dev-runner.md for
why this is not honcho.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from marketplace.dev import reaper

#: Seconds before a part that died is started again: the first time, the second time... and from then on.
BACKOFF = (0.2, 1, 2, 5, 10)
#: A part that ran this long starts from the beginning of BACKOFF when it dies.
STEADY_SECONDS = 30
#: A part that dies this often before it was ever ready is not going to be.
ATTEMPTS = 3

Command = Sequence[str | Path]


class PartFailed(RuntimeError):
    """A part does not get ready."""


@dataclass(frozen=True)
class Part:
    """What to run, how to see that it is ready, and how to stop it."""

    name: str
    command: Command | Callable[[], Command]
    #: Asked with the process id until it says yes.
    ready: Callable[[int], bool] = field(default=lambda _: True)
    before: Callable[[], None] = field(default=lambda: None)
    env: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    ready_seconds: float = 30
    stop_signal: signal.Signals = signal.SIGTERM
    #: After this long the signal is repeated (for RQ that means: leave the job), and two seconds later it is
    #: SIGKILL.
    stop_seconds: float = 8


class Log(Protocol):
    """Where lines go. ``part`` is empty for what the runner itself has to say."""

    def __call__(self, part: str, line: str) -> None: ...


class Console:
    """One interleaved log, a prefix for each part, in colour where somebody can see it."""

    COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)

    def __init__(self, out: IO[str] | None = None, *, width: int = 10) -> None:
        self._out = out or sys.stdout
        self._width = width
        self._lock = threading.Lock()
        self._colours: dict[str, int] = {}
        dull = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        self._coloured = self._out.isatty() and not dull
        #: Nobody reads any more: `script/server | head`.
        self.closed = threading.Event()

    def __call__(self, part: str, line: str) -> None:
        with self._lock:
            try:
                self._out.write(f"{self._prefix(part)}{line}\n")
                self._out.flush()
            except (OSError, ValueError):
                self.closed.set()

    def _prefix(self, part: str) -> str:
        if not part:
            return ""
        text = f"{part:<{self._width}} | "
        if not self._coloured:
            return text
        colour = self._colours.setdefault(part, self.COLOURS[len(self._colours) % len(self.COLOURS)])
        return f"\x1b[{colour}m{text}\x1b[0m"


class Process:
    """One part, kept running until ``stop``."""

    def __init__(self, part: Part, *, marks: reaper.Marks, env: Mapping[str, str], log: Log) -> None:
        self.part = part
        self._marks = {**marks, reaper.PART: part.name}
        self._env = {**env, **part.env, **self._marks}
        self._log = log
        self._last_lines: deque[str] = deque(maxlen=8)
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # around starting and the decision not to
        self._popen: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._last_death = ""
        self.deaths = 0

    @property
    def pid(self) -> int | None:
        """Its process id, or None while it is down."""
        popen = self._popen
        return popen.pid if popen and popen.returncode is None else None

    def start(self) -> None:
        """Start it; returns at once. Raises what ``before`` raises."""
        self._stopping.clear()
        self._spawn()
        # Not a daemon thread's business to die half-way through a line: stop() ends it, or the watcher ends
        # everything.
        self._thread = threading.Thread(target=self._keep, name=f"keep-{self.part.name}", daemon=True)
        self._thread.start()

    def wait_ready(self) -> None:
        """Wait until it is up and answers.

        Raises:
            PartFailed: it keeps dying, or takes too long.
        """
        deadline = time.monotonic() + self.part.ready_seconds
        deaths = self.deaths
        while True:
            if (pid := self.pid) and self.part.ready(pid) and pid == self.pid:
                return
            if self._stopping.is_set() or self._error or self.deaths - deaths >= ATTEMPTS:
                raise PartFailed(self._failure("did not start"))
            if time.monotonic() > deadline:
                raise PartFailed(
                    self._failure(f"did not get ready within {self.part.ready_seconds:.0f} seconds")
                )
            time.sleep(0.1)

    def kill(self, with_signal: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal and leave the rest to fate: after a deadly one, the part is brought back.

        After SIGKILL it is dead when this returns, so that ``wait_ready`` then waits for its successor.
        """
        if popen := self._popen:
            # Never hits another process: Popen knows when its own has been reaped.
            popen.send_signal(with_signal)
            if with_signal == signal.SIGKILL:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    popen.wait(10)

    def ask_to_stop(self) -> None:
        """Send the stop signal, so that several parts can wind down together; ``stop`` waits."""
        with self._lock:
            self._stopping.set()
            self.kill(self.part.stop_signal)

    def stop(self) -> None:
        """Stop it, and everything it started, within a bounded time."""
        if not self._stopping.is_set():
            self.ask_to_stop()
        if self._thread is None or self._popen is None:
            return
        for seconds, with_signal in ((self.part.stop_seconds, self.part.stop_signal), (2, signal.SIGKILL)):
            try:
                self._popen.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                self.kill(with_signal)
        self._thread.join(10)

    def _spawn(self) -> None:
        self.part.before()
        command = self.part.command() if callable(self.part.command) else self.part.command
        self._popen = subprocess.Popen(
            [str(word) for word in command],
            cwd=self.part.directory,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Out of the terminal's reach: Ctrl-C is the runner's to hear, and the order of stopping its to
            # choose.
            start_new_session=True,
        )

    def _keep(self) -> None:
        waits = 0
        while self._popen:
            started = time.monotonic()
            code = self._pump(self._popen)
            if self._stopping.is_set():
                return
            self.deaths += 1
            waits = 0 if time.monotonic() - started > STEADY_SECONDS else waits
            wait = BACKOFF[min(waits, len(BACKOFF) - 1)]
            waits += 1
            last_words = self._last_words()
            self._last_lines.clear()
            self._last_death = f"it {how_it_ended(code)}{last_words}"
            self._log(
                "", f"{self.part.name} {how_it_ended(code)}; starting it again in {wait:g} s{last_words}"
            )
            if self._stopping.wait(wait) or not self._spawn_again():
                return

    def _spawn_again(self) -> bool:
        with self._lock:
            if self._stopping.is_set():
                return False
            try:
                self._spawn()
            except Exception as error:  # nobody above us would hear it
                self._error = error
                self._log("", f"{self.part.name} cannot be started again: {error}")
                return False
            return True

    def _pump(self, popen: subprocess.Popen[bytes]) -> int:
        """Pass on what it prints until it ends; returns its exit code."""
        assert popen.stdout
        lines = _Lines(self._line)
        with selectors.DefaultSelector() as selector, popen.stdout as pipe:
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ)
            # The end of the process, not the end of the pipe: a child of its own may hold that open much
            # longer.
            ended, interval = _end_of(popen)
            if ended is not None:
                selector.register(ended, selectors.EVENT_READ)
            while popen.poll() is None:
                for key, _ in selector.select(interval):
                    if key.fileobj is pipe and not lines.read_from(pipe):
                        selector.unregister(pipe)
            if ended is not None:
                os.close(ended)
            reaper.end_all(self._marks, grace=0)
            lines.read_from(pipe)
            lines.flush()
        return popen.returncode

    def _line(self, line: str) -> None:
        self._last_lines.append(line)
        self._log(self.part.name, line)

    def _failure(self, what: str) -> str:
        why = str(self._error or self._last_death)
        return f"{self.part.name} {what}" + (f": {why}" if why else self._last_words())

    def _last_words(self) -> str:
        return "".join(
            ["\nIts last words:" if self._last_lines else "", *(f"\n    {line}" for line in self._last_lines)]
        )


class _Lines:
    """Cuts a stream of bytes into lines; an endless line is cut too."""

    LONGEST = 8192

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._rest = b""

    def read_from(self, pipe: IO[bytes]) -> bool:
        """Take what is there now. False at the end of the stream."""
        while True:
            try:
                data = os.read(pipe.fileno(), 65536)
            except BlockingIOError:
                return True
            if not data:
                return False
            *lines, self._rest = (self._rest + data).split(b"\n")
            if len(self._rest) > self.LONGEST:
                lines.append(self._rest)
                self._rest = b""
            for line in lines:
                self._emit(line.decode(errors="replace").rstrip("\r"))

    def flush(self) -> None:
        if self._rest:
            self._emit(self._rest.decode(errors="replace"))
            self._rest = b""


def _end_of(popen: subprocess.Popen[bytes]) -> tuple[int | None, float | None]:
    """A file descriptor that becomes readable at the process's end; without one, how often to look."""
    if hasattr(os, "pidfd_open"):
        try:
            return os.pidfd_open(popen.pid), None
        except OSError:
            pass
    return None, 0.2


def how_it_ended(code: int) -> str:
    """In words: an exit code, or the signal that a negative one stands for."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
