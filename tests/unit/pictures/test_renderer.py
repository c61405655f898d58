"""The process that a picture is rendered in: how many there are at a time, and what happens when it dies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from marketplace.errors import NotAPicture, PictureDamaged, PictureSizeWrong, RenderingBusy
from marketplace.pictures import renderer, rendering
from marketplace.pictures.renderer import Renderer
from tests.samples import photo, png_that_says


def test_it_gives_what_rendering_gives() -> None:
    assert Renderer().render(photo()) == rendering.render(photo())


def test_refusals_come_through_with_what_to_do() -> None:
    with pytest.raises(NotAPicture):
        Renderer().render(b"<html>")
    with pytest.raises(PictureSizeWrong) as refused:
        Renderer().render(png_that_says(40_000, 40_000))
    assert refused.value.facts == {"maxPixels": 50_000_000, "minSide": 100}


def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Another program in the place of ``rendering.py``."""
    path = tmp_path / "program.py"
    path.write_text(text)
    monkeypatch.setattr(renderer, "_COMMAND", (sys.executable, "-I", str(path)))


@pytest.mark.parametrize("signal", ["SIGSEGV", "SIGXCPU", "SIGKILL"])
def test_a_picture_that_its_decoder_dies_of_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signal: str
) -> None:
    program(tmp_path, monkeypatch, f"import os, signal; os.kill(os.getpid(), signal.{signal})")
    with pytest.raises(PictureDamaged):
        Renderer().render(b"")


def test_one_that_gets_no_time_on_a_busy_machine_may_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(renderer, "TIMEOUT_SECONDS", 0.5)
    with pytest.raises(RenderingBusy):
        Renderer().render(b"")


def test_a_fault_of_ours_is_not_blamed_on_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, monkeypatch, "raise ImportError('no Pillow')")
    with pytest.raises(RuntimeError, match="no Pillow"):
        Renderer().render(b"")


def test_it_sees_nothing_of_our_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "a secret of some length")
    program(tmp_path, monkeypatch, "import os; raise SystemExit('SECRET_KEY' in os.environ)")
    assert renderer._run(b"") == b""


def test_its_memory_and_time_are_bounded() -> None:
    """What main() sets for itself before it reads anything; 2 GiB are then not to be had."""
    code = (
        "import sys; from marketplace.pictures import rendering as r\n"
        "r.render = lambda data: bytearray(2 << 30)\n"
        "r.main()\n"
        "import resource; print(resource.getrlimit(resource.RLIMIT_CPU)[1], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=b"",
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout == b'{"refused": "picture_size"}\n'
    assert done.stderr.split() == [b"%d" % rendering.MAX_CPU_SECONDS]


def test_a_few_are_made_at_a_time_and_a_few_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One at a time, and one waits: of three that come together one is told to come back."""
    pipe = tmp_path / "go"
    os.mkfifo(pipe)
    head = b'{"width": 1, "height": 1, "placeholder": "#000000", "sizes": []}'
    program(tmp_path, monkeypatch, f"open({str(pipe)!r}).read(); print({head.decode()!r})")
    one_at_a_time = Renderer(at_once=1, waiting=1, wait=20)
    outcomes: list[str] = []
    told = threading.Event()

    def send() -> None:
        try:
            outcomes.append(one_at_a_time.render(b"").placeholder)
        except RenderingBusy:
            outcomes.append("busy")
            told.set()

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert told.wait(20)
    for _ in range(2):
        with pipe.open("w"):
            pass  # the program that waits reads to the end
        while sum(thread.is_alive() for thread in threads) > 1 and len(outcomes) < 2:
            threads[0].join(0.05)
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["#000000", "#000000", "busy"]


def test_who_has_waited_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = b'{"width": 1, "height": 1, "placeholder": "#000000", "sizes": []}'
    program(tmp_path, monkeypatch, f"import time; time.sleep(2); print({head.decode()!r})")
    impatient = Renderer(at_once=1, waiting=1, wait=0.1)
    first = threading.Thread(target=impatient.render, args=(b"",))
    first.start()
    while impatient._turns._value:  # until the first has its turn
        first.join(0.01)
    with pytest.raises(RenderingBusy):
        impatient.render(b"")
    first.join()
