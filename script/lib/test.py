"""``script/test``: all tests in two lanes side by side, some of them in one.

The browser tests have a process of their own, because Playwright's sync API leaves an event loop running, in
which other asynchronous tests cannot.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
#: What runs side by side: about as long, and each keeps about one core busy.
LANES = (("unit", "client", "integration", "conformance"), ("faults", "browser"))
PARTS = tuple(part for lane in LANES for part in lane)
NO_TESTS = 5  # pytest's exit code for "nothing was selected"


def main(arguments: list[str]) -> int:
    targets, options = _sort(arguments)
    if not targets:
        _see_that_all_are_there()
    if not arguments:
        return _verdict(_side_by_side(), everything=True)
    return _verdict(_lane(targets or [f"tests/{part}" for part in PARTS], options), everything=False)


def _side_by_side() -> list[int]:
    """All lanes at once: the first tells as it goes on, the others when all are done."""
    first, *others = ([f"tests/{part}" for part in lane] for lane in LANES)
    with ExitStack() as opened, ThreadPoolExecutor(len(others)) as beside:
        told = [opened.enter_context(tempfile.TemporaryFile("w+")) for _ in others]
        started = [beside.submit(_lane, lane, [], to) for lane, to in zip(others, told, strict=True)]
        codes = _lane(first, [])
        for lane, to in zip(started, told, strict=True):
            codes += lane.result()
            to.seek(0)
            sys.stdout.write(to.read())
    return codes


def _lane(targets: list[str], options: list[str], to: IO[str] | None = None) -> list[int]:
    """Exit codes of one or two runs of pytest, one after the other."""
    in_browser = [target for target in targets if "tests/browser" in target]
    others = [target for target in targets if target not in in_browser]
    codes = []
    if others:
        codes.append(_pytest(others, options, to))
    if in_browser and (codes in ([], [0], [NO_TESTS]) or "-x" not in options):
        codes.append(_browser(in_browser, options, to))
    return codes


def _see_that_all_are_there() -> None:
    """A part that is not there, or is empty, is a mistake and no success."""
    missing = [part for part in PARTS if not any((ROOT / "tests" / part).rglob("test_*.py"))]
    if missing:
        sys.exit(f"No tests in {', '.join(f'tests/{part}' for part in missing)}.")


def _verdict(codes: list[int], *, everything: bool) -> int:
    """The code to exit with. Half of a selection may select nothing, but never all of it."""
    failures = [code for code in codes if code != 0 and (everything or code != NO_TESTS)]
    return failures[0] if failures else min(codes)


def _sort(arguments: list[str]) -> tuple[list[str], list[str]]:
    """What to test, and the rest, which is pytest's. Paths count from where the command was given."""
    targets, options = [], []
    leading = True
    for argument in arguments:
        leading = leading and not argument.startswith("-")
        path, separator, test = argument.partition("::")
        places = (Path(os.environ.get("CALLED_FROM", ROOT)) / path, ROOT / path)
        found = next((place.resolve() for place in places if place.exists()), None)
        if leading and argument in PARTS:
            targets.append(f"tests/{argument}")
        elif found and (leading or "tests" in found.parts):
            targets.append(
                f"{found.relative_to(ROOT)}{separator}{test}" if found.is_relative_to(ROOT) else argument
            )
        elif leading:
            sys.exit(f"No such tests: {argument}. Parts are {', '.join(PARTS)}; anything else is a path.")
        else:
            options.append(argument)
    return targets, options


def _browser(targets: list[str], options: list[str], to: IO[str] | None) -> int:
    from marketplace.dev import chromium

    try:
        print(f"Browser: {chromium.find_or_install()}", file=to, flush=True)
    except chromium.NoChromium as error:
        print(error, file=sys.stderr)
        return 1
    return _pytest(targets, options, to)


def _pytest(targets: list[str], options: list[str], to: IO[str] | None) -> int:
    command = ["pytest", *targets, *options]
    print(f"$ {shlex.join(command)}", file=to, flush=True)
    python = [sys.executable, "-m", *command]
    return subprocess.run(python, cwd=ROOT, stdout=to, stderr=to, check=False).returncode


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
