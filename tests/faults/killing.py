"""A process that is killed at a line of one's choice, and what goes with it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from marketplace.dev.stack import ROOT, Stack

#: So many lines are tried in each test at most, chosen by chance: another choice with every run.
MOST_POINTS = 100


class Mortal:
    """The process of ``mortal.py``."""

    def __init__(self, env: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "tests.faults.mortal"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def do(self, what: str, auction_id: int, **details: object) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        command = {"do": what, "auctionId": auction_id, **details}
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)


@contextmanager
def no_relays(stack: Stack) -> Iterator[None]:
    """So that what is told stays in the queue, to be counted."""
    for name in ("relay-1", "relay-2"):
        stack.stop(name)
    try:
        yield
    finally:
        stack.start("relay-1", "relay-2")


def some_of(points: Sequence[str], chance: random.Random) -> list[str]:
    chosen = set(chance.sample(points, min(MOST_POINTS, len(points))))
    return [point for point in points if point in chosen]
