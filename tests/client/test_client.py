"""The client library's own tests, in TypeScript: bundled, then run by Node, one file after the other."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).absolute().parent
FILES = sorted(path.name.removesuffix(".test.ts") for path in HERE.glob("*.test.ts"))
PATIENCE_SECONDS = 240


@pytest.mark.parametrize("name", FILES)
def test_file(name: str, node: str, bundles: Path) -> None:
    options = ["--expose-gc", "--enable-source-maps", "--test-reporter=spec", "--test"]
    # What it prints is shown when it fails.
    done = subprocess.run(
        [node, *options, bundles / f"{name}.test.mjs"], timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0
