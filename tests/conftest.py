"""What every test can ask for.

Servers are real, embedded ones: one PostgreSQL, one Redis and one Channels server for the whole run, each
started when the first test asks for it, and gone afterwards, also after Ctrl-C and ``kill -9``.

``database_url``  a database of the test's own, with the schema in place
``redis_url``     Redis, emptied
``channels``      the embedded Channels server: ``.url .host .port .app_id .key .secret``
``config``        settings with the two above; ``app`` and ``client`` on top of it
``new_database``  makes more databases, for fixtures of a wider scope
``stack``         a whole marketplace of the test module's own, not started yet: see ``marketplace.dev.stack``
``browser``       Chromium, for the run; make a context for each person

Tests in ``tests/unit`` get none of the servers. Tests are marked by their folder: ``-m "not faults"``.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import redis

from marketplace.dev.stack import Stack

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser

    from marketplace.config import Config

TESTS = Path(__file__).parent


@pytest.fixture(scope="session")
def services() -> Iterator[Stack]:
    """The servers that the tests share. Ask for one of the fixtures below instead."""
    # Nothing here outlives the run, so its databases need not survive a power cut; everything else is as it
    # always is.
    with Stack.temporary(postgres_settings={"fsync": "off", "full_page_writes": "off"}) as stack:
        yield stack


@pytest.fixture(scope="session")
def new_database(services: Stack) -> Callable[[], str]:
    """Make another database with the schema in place, about 30 ms: ``url = new_database()``."""
    services.start("postgres")
    services.migrate()
    numbers = itertools.count(1)

    def make() -> str:
        assert services.postgres
        name = f"test_{next(numbers)}"
        services.postgres.create_database(name, template="marketplace")
        return services.postgres.url(name)

    return make


@pytest.fixture
def database_url(new_database: Callable[[], str], services: Stack) -> Iterator[str]:
    url = new_database()
    yield url
    assert services.postgres
    services.postgres.drop_database(urlsplit(url).path.removeprefix("/"))


@pytest.fixture
def redis_url(services: Stack) -> str:
    services.start("redis")
    url = services.env["REDIS_URL"]
    with redis.from_url(url) as connection:
        connection.flushall()
    return url


@dataclass(frozen=True)
class Channels:
    """Where the embedded Channels server is, and how to sign for it."""

    host: str
    port: int
    app_id: str
    key: str
    secret: str

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@pytest.fixture(scope="session")
def channels(services: Stack) -> Channels:
    services.start("channels")
    env = services.env
    account = (env["PUSHER_APP_ID"], env["PUSHER_KEY"], env["PUSHER_SECRET"])
    return Channels(env["PUSHER_HOST"], int(env["PUSHER_PORT"]), *account)


@pytest.fixture
def config(services: Stack, database_url: str, redis_url: str, tmp_path: Path) -> Config:
    """Settings of the shared servers. Channels answers only in a test that also asks for ``channels``."""
    from marketplace.config import Config

    own = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "MEDIA_DIR": str(tmp_path / "media")}
    return Config.from_env({**services.env, **own})


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    from marketplace import create_app
    from marketplace.extensions import db
    from marketplace.runtime import runtime

    app = create_app(config)
    yield app
    with app.app_context():
        db.engine.dispose()
        runtime().engine.dispose()
        runtime().desk.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack.temporary() as stack:
        yield stack


@pytest.fixture(scope="session")
def new_browser() -> Iterator[Callable[[], Browser]]:
    """Start a Chromium; whoever does closes it."""
    from playwright.sync_api import sync_playwright

    from marketplace.dev import chromium

    path = chromium.find_or_install()  # first: looking for it may start Playwright, of which only one can run
    with sync_playwright() as playwright:
        yield lambda: playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)


@pytest.fixture(scope="session")
def browser(new_browser: Callable[[], Browser]) -> Iterator[Browser]:
    browser = new_browser()
    yield browser
    browser.close()


# -- rules of the house --------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "allowed_skips", "reasons for which a test may be skipped in CI, by their beginning", "linelist"
    )


def pytest_configure(config: pytest.Config) -> None:
    for folder in sorted(path.name for path in TESTS.iterdir() if path.is_dir()):
        config.addinivalue_line("markers", f"{folder}: the tests in tests/{folder}")
    config.pluginmanager.register(_Skips(config.getini("allowed_skips")), "skips")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        item.add_marker(folder)
        if folder == "unit" and "services" in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(
                f"{item.nodeid}: a unit test needs no server; move it to tests/integration"
            )


class _Skips:
    """In CI a skipped test is a failure, unless its reason is on the list in pyproject.toml."""

    def __init__(self, allowed: list[str]) -> None:
        self.allowed = tuple(allowed)
        self.refused: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._check(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._check(report)

    def _check(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            if not reason.removeprefix("Skipped: ").startswith(self.allowed or ("\0",)):
                self.refused.append(f"{report.nodeid}: {reason}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.refused and os.environ.get("CI"):
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.refused and os.environ.get("CI"):
            terminalreporter.section("skipped, which CI does not accept", red=True)
            for line in self.refused:
                terminalreporter.line(line)
