"""The set-up does what is missing, once, and finds a Python that can do it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
FILES = (
    "requirements.txt",
    "requirements-dev.txt",
    "constraints.txt",
    "package.json",
    "package-lock.json",
    ".npmrc",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the set-up looks at, in a folder with a space in its name."""
    checkout = tmp_path / "a check out"
    (checkout / "script").mkdir(parents=True)
    shutil.copytree(ROOT / "script" / "lib", checkout / "script" / "lib")
    for name in FILES:
        shutil.copy(ROOT / name, checkout / name)
    shutil.copytree(ROOT / "marketplace" / "web" / "client", checkout / "marketplace" / "web" / "client")
    return checkout


@pytest.fixture
def setup(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The set-up, with pip and npm replaced by a note of what was done."""
    spec = importlib.util.spec_from_file_location("setup", checkout / "script" / "lib" / "setup.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.done = []
    monkeypatch.setattr(sys, "argv", ["setup.py"])
    monkeypatch.setattr(module, "_python_packages", noting(module, "python", checkout / ".venv"))
    monkeypatch.setattr(module, "_browser_packages", noting(module, "browser", checkout / "node_modules"))
    monkeypatch.setattr(module, "_client", noting(module, "client", module.BUILT))
    return module


def noting(module: ModuleType, what: str, folder: Path) -> Callable[[int], None]:
    def step(lock: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        module.done.append(what)

    return step


def test_a_second_set_up_has_nothing_to_do(setup):
    assert setup.main() == 0
    assert setup.main() == 0
    assert setup.done == ["python", "browser", "client"]


def test_check_changes_nothing(setup, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["setup.py", "--check"])
    assert setup.main() == 1
    assert setup.done == []


@pytest.mark.parametrize(
    ("changed", "redone"),
    [
        ("constraints.txt", ["python", "browser", "client"]),
        ("package-lock.json", ["browser", "client"]),
        ("marketplace/web/client/src/index.ts", ["client"]),
    ],
)
def test_only_what_changed_is_set_up_again(changed, redone, setup, checkout):
    setup.main()
    setup.done.clear()
    with (checkout / changed).open("a") as file:
        file.write("\n")
    setup.main()
    assert setup.done == redone


def test_an_interrupted_set_up_is_taken_up_again(setup, monkeypatch):
    whole = setup._browser_packages

    def interrupted(lock: int) -> None:
        whole(lock)
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "_browser_packages", interrupted)
    with pytest.raises(KeyboardInterrupt):
        setup.main()
    monkeypatch.setattr(setup, "_browser_packages", whole)
    setup.done.clear()
    assert setup.main() == 0
    assert setup.done == ["browser", "client"]


def test_two_set_ups_at_once_do_the_work_once(setup, monkeypatch):
    busy, go_on = threading.Event(), threading.Event()
    whole = setup._python_packages

    def slow(lock: int) -> None:
        busy.set()
        assert go_on.wait(5)
        whole(lock)

    monkeypatch.setattr(setup, "_python_packages", slow)
    threads = [threading.Thread(target=setup.main) for _ in range(2)]
    threads[0].start()
    assert busy.wait(5)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert setup.done == ["python", "browser", "client"]


def test_a_moved_checkout_is_set_up_again(setup, monkeypatch, tmp_path):
    setup.main()
    monkeypatch.setattr(setup, "ROOT", tmp_path / "moved")
    shutil.copytree(setup.VENV.parent, setup.ROOT)
    setup.done.clear()
    setup.main()
    assert setup.done[:1] == ["python"]


# -- finding a Python ----------------------------------------------------------------------------------------

#: Stands in for the real set-up: makes an environment out of the Python that runs it.
STAND_IN = """
import pathlib, sys
if "--check" in sys.argv: sys.exit(1)
venv = pathlib.Path(".venv/bin"); venv.mkdir(parents=True, exist_ok=True)
(venv / "python").unlink(missing_ok=True)
(venv / "python").symlink_to(sys.executable)
"""


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def run_python(checkout: Path, *, path: list[Path], **env: str) -> subprocess.CompletedProcess[str]:
    (checkout / "script" / "lib" / "setup.py").write_text(STAND_IN)
    folders = ":".join(map(str, [*path, "/usr/bin", "/bin"]))
    return subprocess.run(
        [
            "script/lib/python",
            "-c",
            "import sys; print(sys.version_info >= (3, 11), sys.argv[1])",
            "two words",
        ],
        cwd=checkout,
        env={"PATH": folders, **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def this_python(tmp_path: Path) -> Path:
    """A folder that has the Python of this run under another name than python3."""
    # The real one: a link into a virtual environment would not find its way home.
    return script(tmp_path / "bin" / "python3.11", f'exec "{os.path.realpath(sys.executable)}" "$@"').parent


def test_a_python_too_old_or_broken_is_passed_over(checkout, this_python, tmp_path):
    old = script(tmp_path / "old" / "python3", "exit 1").parent
    missing = script(tmp_path / "shims" / "python3.12", "echo 'not found' >&2; exit 127").parent
    found = run_python(checkout, path=[old, missing, this_python])
    assert found.stdout == "True two words\n", found.stderr


def test_an_environment_whose_python_is_gone_is_made_anew(checkout, this_python):
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to("/nowhere/python3.11")
    assert run_python(checkout, path=[this_python]).stdout == "True two words\n"


def test_somebody_may_bring_an_environment(checkout):
    found = run_python(checkout, path=[], MARKETPLACE_PYTHON=sys.executable)
    assert found.stdout == "True two words\n"
    assert not (checkout / ".venv").exists()
