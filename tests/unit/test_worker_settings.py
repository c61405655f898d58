"""Workers say what they miss."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("value", [None, ""])
def test_redis_is_never_guessed(value: str | None) -> None:
    env = {name: text for name, text in os.environ.items() if name != "REDIS_URL"}
    if value is not None:
        env["REDIS_URL"] = value
    run = subprocess.run(
        [sys.executable, "-c", "import workers.settings"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "REDIS_URL is not set" in run.stderr.splitlines()[-1]
