"""The client library's own tests, in TypeScript: bundled, then run by Node, one file after the other."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).absolute().parent
FILES = sorted(path.name.removesuffix(".test.ts") for path in HERE.glob("*.test.ts"))
PATIENCE_SECONDS = 240

#: Of the 45 KB that all script of a page may have, compressed, so much is the library's, pusher-js included.
BUDGET_BYTES = 32_000


@pytest.mark.parametrize("name", FILES)
def test_file(name: str, node: str, bundles: Path) -> None:
    options = ["--expose-gc", "--enable-source-maps", "--test-reporter=spec", "--test"]
    # What it prints is shown when it fails.
    done = subprocess.run(
        [node, *options, bundles / f"{name}.test.mjs"], timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0


def test_the_module_leaves_room_for_the_pages(node: str, tmp_path: Path) -> None:
    subprocess.run(
        [node, HERE.parents[1] / "marketplace/web/client/build.mjs", tmp_path / "dist"], check=True
    )
    module = (tmp_path / "dist" / "client.js").read_bytes()
    assert (tmp_path / "dist" / "client.js.map").exists()
    assert "export declare class Client" in (tmp_path / "dist" / "types" / "client.d.ts").read_text()
    assert len(gzip.compress(module, 9)) < BUDGET_BYTES
