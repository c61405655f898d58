"""A Chromium for the browser tests: on the PATH, else Playwright's own, else from the system's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "microsoft-edge")

#: No first-run pages, no updates, no traffic of the browser's own.
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",  # containers have little shared memory
    # Chromium cannot set up its sandbox as root; the pages it opens here are our own.
    *(["--no-sandbox"] if os.getuid() == 0 else []),
]

_BY_HAND = "Put Chromium or Chrome on the PATH, or run: script/run playwright install chromium"


class NoChromium(RuntimeError):
    """There is no Chromium, and it could not be installed."""


def find() -> Path | None:
    """The Chromium to use, one that starts: distributions also ship a stub of that name."""
    on_path = [Path(found) for name in NAMES if (found := shutil.which(name))]
    return next((path for path in [*on_path, _playwrights_own()] if _starts(path)), None)


def find_or_install() -> Path:
    """As ``find``, and install one where there is none.

    Raises:
        NoChromium: says what to do about it.
    """
    if found := find():
        return found
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.getuid() == 0 and shutil.which("apt-get"):
        apt = ["apt-get", "-y", "-q", "--no-install-recommends"]
        ways += [[*apt, "install", "chromium"], [*apt, "update"], [*apt, "install", "chromium"]]
    elif os.getuid() == 0 and shutil.which("dnf"):
        ways += [["dnf", "-y", "install", "chromium"]]
    # Playwright gives up on a network without its download host after this long, instead of minutes.
    env = {
        **os.environ,
        "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    for command in ways:
        print(f"No Chromium yet; trying: {' '.join(command)}", flush=True)
        try:
            subprocess.run(command, env=env, stdin=subprocess.DEVNULL, check=False, timeout=600)
        except subprocess.TimeoutExpired:
            print("That took too long.", flush=True)
        if found := find():
            return found
    raise NoChromium(f"The browser tests need Chromium, and none could be installed. {_BY_HAND}")


def _playwrights_own() -> Path:
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def _starts(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        tried = subprocess.run([path, "--version"], capture_output=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0
