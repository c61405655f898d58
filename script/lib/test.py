"""``script/test``: the browser tests in a process of their own, all others in one before it.

Of their own because Playwright's sync API leaves an event loop running, in which other asynchronous tests
cannot.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("unit", "client", "integration", "conformance", "faults", "browser")
NO_TESTS = 5  # pytest's exit code for "nothing was selected"


def main(arguments: list[str]) -> int:
    targets, options = _sort(arguments)
    if not targets:
        targets = _everything()
    in_browser = [target for target in targets if "tests/browser" in target]
    others = [target for target in targets if target not in in_browser]
    codes = []
    if others:
        codes.append(_pytest(others, options))
    if in_browser and (codes in ([], [0], [NO_TESTS]) or "-x" not in options):
        codes.append(_browser(in_browser, options))
    return _verdict(codes, everything=not arguments)


def _everything() -> list[str]:
    """All parts. One that is not there, or is empty, is a mistake and no success."""
    missing = [part for part in PARTS if not any((ROOT / "tests" / part).rglob("test_*.py"))]
    if missing:
        sys.exit(f"No tests in {', '.join(f'tests/{part}' for part in missing)}.")
    return [f"tests/{part}" for part in PARTS]


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


def _browser(targets: list[str], options: list[str]) -> int:
    from marketplace.dev import chromium

    try:
        print(f"Browser: {chromium.find_or_install()}", flush=True)
    except chromium.NoChromium as error:
        print(error, file=sys.stderr)
        return 1
    return _pytest(targets, options)


def _pytest(targets: list[str], options: list[str]) -> int:
    command = ["pytest", *targets, *options]
    print(f"$ {shlex.join(command)}", flush=True)
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
