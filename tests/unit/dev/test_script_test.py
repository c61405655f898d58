"""``script/test`` never takes tests that did not run for tests that passed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
NO_TESTS = 5


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("script_test", ROOT / "script/lib/test.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("arguments", "codes", "verdict"),
    [
        # Both lanes: all others in two runs, and the browser tests.
        ([], [0, 0, 0], 0),
        ([], [0, 0, NO_TESTS], NO_TESTS),
        ([], [NO_TESTS, 0, 0], NO_TESTS),
        ([], [0, 1, 0], 1),
        (["-k", "bids"], [0, NO_TESTS], 0),
        (["-k", "nothing"], [NO_TESTS, NO_TESTS], NO_TESTS),
        (["-k", "bids"], [NO_TESTS, 1], 1),
    ],
)
def test_nothing_selected_is_a_failure(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    codes: list[int],
    verdict: int,
) -> None:
    left = iter(codes)
    monkeypatch.setattr(script, "_pytest", lambda *_: next(left))
    monkeypatch.setattr(script, "_browser", lambda *_: next(left))
    assert script.main(arguments) == verdict


@pytest.mark.parametrize("folder", [True, False])
def test_a_part_that_is_empty_or_gone_is_a_failure(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: bool
) -> None:
    for part in script.PARTS:
        (tmp_path / "tests" / part).mkdir(parents=True)
        (tmp_path / "tests" / part / "test_it.py").touch()
    (tmp_path / "tests/faults/test_it.py").unlink()
    if not folder:
        (tmp_path / "tests/faults").rmdir()
    monkeypatch.setattr(script, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="No tests in tests/faults"):
        script.main([])
