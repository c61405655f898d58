"""What is noted of a request that failed can be found by the id that its answer names."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from flask import Flask

from marketplace import logs


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a process writes that nobody else configured: pytest's own handlers step aside."""
    written = io.StringIO()
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr("sys.stderr", written)
    for name in logs._OURS:
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])
    logs.configure()
    logs.configure()
    return written


def test_an_error_is_noted_once_under_the_id_of_its_request(app: Flask, stderr: io.StringIO) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("no such luck")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = app.test_client().get("/broken", headers={"X-Request-Id": "find-me"})
    assert answer.status_code == 500
    noted = [line for line in stderr.getvalue().splitlines() if "[find-me]" in line]
    assert len(noted) == 1, stderr.getvalue()
    assert "ERROR" in noted[0]
    assert "RuntimeError: no such luck" in stderr.getvalue()


def test_what_no_request_asked_for_has_no_id(stderr: io.StringIO) -> None:
    logging.getLogger("workers.jobs").warning("something is late")
    assert stderr.getvalue().endswith("WARNING workers.jobs [-] something is late\n")


def test_a_log_that_somebody_else_takes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("marketplace"), "handlers", [])
    assert logging.getLogger().handlers, "pytest's"
    logs.configure()
    assert logging.getLogger("marketplace").handlers == []
