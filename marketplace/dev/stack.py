"""A whole marketplace on this machine, as separate processes: for ``script/server``, tests and benchmarks.

A stack of your own, away from every other, which leaves nothing behind::

    with Stack.temporary(BID_RATE_LIMIT="1000 per second") as stack:
        stack.start()                          # everything; or name parts: stack.start("web", "clock-1")
        requests.get(stack.url + "/readyz")
        second = stack.start_web()             # one more web server: its address
        stack.kill("web")                      # SIGKILL; the runner brings it back
        stack.wait_ready()                     # until every started part answers again
        stack.kill("clock-1", SIGSTOP)         # any signal
        stack.restart("postgres")              # stopped in order, started, ready again
        stack.stop("channels")                 # stays down until start("channels")
        stack.run("flask", "auction", "verify", "1")
        stack.env["DATABASE_URL"]              # all settings, for clients of your own
        stack.pid("web"), stack.log("web")     # its process, what it printed

Parts, in the order of starting: ``postgres redis``, ``channels`` - then the database is migrated - ``web``,
``cron clock-1 clock-2 relay-1 relay-2 default``, ``simulate`` (only when named). Starting a part starts those
before ``web`` that it builds on. Keyword arguments of ``temporary`` are settings; giving one away, such as
``DATABASE_URL``, leaves its embedded part out. ``stack.postgres`` and ``stack.redis`` are the embedded
servers (``None`` when left out), with ``url()``, ``execute()``, ``create_database()``;
``postgres.binary("pgbench")`` is the path of a PostgreSQL program.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from signal import SIGKILL, Signals
from types import TracebackType
from typing import Self

import psycopg2
import psycopg2.extensions
import redis
from alembic.script import ScriptDirectory
from rq import Worker
from rq.cron import CronScheduler

from marketplace.dev import ports, reaper, settings
from marketplace.dev.postgres import Postgres
from marketplace.dev.runner import Log, Part, PartFailed, Process
from marketplace.dev.valkey import Valkey

ROOT = Path(__file__).parents[2]

#: Started tier by tier, stopped in reverse; within a tier all at once.
TIERS = (
    ("postgres", "redis"),
    ("channels",),
    ("web",),
    ("cron", "clock-1", "clock-2", "relay-1", "relay-2", "default"),
    ("simulate",),
)
#: What the others build on; these need no database schema.
FOUNDATIONS = frozenset({"postgres", "redis", "channels"})
#: What ``start()`` starts.
EVERYTHING = tuple(name for tier in TIERS[:-1] for name in tier)

#: How the web server is run, here and in production; the figures behind it are in docs/decisions/.
WEB_SERVER = (
    "granian",
    "--interface",
    "wsgi",
    "--blocking-threads",
    "64",
    "--backpressure",
    "256",
    "--no-ws",
)


class Stack:
    """The processes of one marketplace, their settings and their data."""

    def __init__(
        self,
        directory: Path,
        *,
        given: Mapping[str, str],
        log: Log,
        temporary: bool = False,
        postgres_settings: Mapping[str, str] | None = None,
    ) -> None:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.directory = directory.resolve()
        self.log_lines = log
        self._processes: dict[str, Process] = {}
        self._migrated = False
        self._sockets = _short_directory()
        doomed = [self._sockets, *([self.directory] if temporary else [])]
        self._marks = {reaper.STACK: str(self.directory), reaper.RUN: secrets.token_hex(8)}
        self._watcher = reaper.watch(self._marks[reaper.RUN], remove=doomed)

        secret = settings.generated_secrets(self.directory)
        self.postgres: Postgres | None = None
        if "DATABASE_URL" not in given:
            self.postgres = Postgres(
                data=self.directory / "postgres",
                sockets=self._sockets,
                port=ports.free_port(),
                password=secret["POSTGRES_PASSWORD"],
                settings=postgres_settings or {},
            )
        self.redis: Valkey | None = None
        if "REDIS_URL" not in given:
            self.redis = Valkey(
                data=self.directory / "redis",
                port=ports.free_port(),
                password=secret["REDIS_PASSWORD"],
                durable=not temporary,
            )
        self.embeds_channels = not any(name in given for name in settings.CHANNELS_ACCOUNT)
        #: Every setting, as the parts get it.
        self.env = {**_surroundings(temporary), **self._defaults(given, secret, temporary), **given}
        self._parts = {part.name: part for part in self._make_parts()}

    def _defaults(
        self, given: Mapping[str, str], secret: Mapping[str, str], temporary: bool
    ) -> dict[str, str]:
        """What leads to the embedded parts, and what is right for one developer on plain HTTP."""
        defaults = {
            "SECRET_KEY": secret["SECRET_KEY"],
            "SECURE_COOKIES": "false",
            "MEDIA_DIR": str(self.directory / "media"),
            "PORT": str(ports.free_port()) if temporary else "5000",
            "PYTHONUNBUFFERED": "1",
        }
        if self.postgres:
            defaults["DATABASE_URL"] = self.postgres.url()
        if self.redis:
            defaults["REDIS_URL"] = self.redis.url()
        if self.embeds_channels:
            port = given.get("PORT", defaults["PORT"])
            defaults |= {name: secret[name] for name in settings.CHANNELS_ACCOUNT}
            defaults |= {
                "PUSHER_HOST": ports.HOST,
                "PUSHER_PORT": str(ports.free_port(0 if temporary else 6001)),
                "PUSHER_SSL": "false",
                "PUSHER_CLUSTER": "mt1",
                "PUSHER_WEBHOOK_URL": f"http://{ports.HOST}:{port}/pusher/webhooks",
            }
        return defaults

    @classmethod
    def temporary(cls, *, postgres_settings: Mapping[str, str] | None = None, **given: str) -> Self:
        """A stack in a temporary directory, on free ports, untouched by the environment and by ``.env``.

        What its parts print goes to files; see ``log``.
        """
        directory = _short_directory()
        if os.getuid() == 0:
            directory.chmod(0o711)  # PostgreSQL, which then runs as somebody else, has to get through

        def log(part: str, line: str) -> None:
            with (directory / f"{part or 'runner'}.log").open("a") as file:
                file.write(line + "\n")

        return cls(directory, given=given, log=log, temporary=True, postgres_settings=postgres_settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    # -- what a stack does -----------------------------------------------------------------------------------

    def start(self, *names: str, wait: bool = True) -> None:
        """Start parts, all but ``simulate`` by default, and what they build on; returns when they are ready.

        Raises:
            PartFailed: says which, how it ended, and its last words.
        """
        wanted = set(names or EVERYTHING)
        if unknown := wanted - {name for tier in TIERS for name in tier}:
            raise ValueError(f"No such part: {', '.join(sorted(unknown))}")
        if not wanted <= FOUNDATIONS:
            wanted |= FOUNDATIONS
        parts = [name for tier in TIERS for name in tier if name in wanted and name in self._parts]
        foundations = [name for name in parts if name in FOUNDATIONS]
        self._launch(foundations)
        if len(parts) > len(foundations):
            self.migrate()
            # All at once: they spend their first seconds importing, each for itself.
            self._launch(parts)
        if wait:
            self.wait_ready(*parts)

    def start_web(self, *, port: int | None = None, workers: int = 1) -> str:
        """Start another web server beside the first (``web-2``, ``web-3``...); returns its address."""
        number = sum(name.startswith("web") for name in self._parts) + 1
        part = self._web(f"web-{number}", port or ports.free_port(), workers)
        self._parts[part.name] = part
        self.migrate()
        self._launch([part.name])
        self.wait_ready(part.name)
        return f"http://{ports.HOST}:{part.env['PORT']}"

    def migrate(self) -> None:
        """Bring the database's schema up to date, once."""
        if not self._migrated:
            self.start("postgres", "redis")
            if not self._schema_is_current():
                self.run("flask", "db", "upgrade")
            self._migrated = True

    def connect(self) -> psycopg2.extensions.connection:
        """A connection of one's own to the marketplace's database."""
        # The driver does not know the spelling that names it.
        return psycopg2.connect(
            self.env["DATABASE_URL"].replace("postgresql+psycopg2://", "postgresql://", 1)
        )

    def run(self, *command: str, timeout: float = 300) -> str:
        """Run a command with the stack's settings, such as ``flask demo load``; returns what it printed.

        Raises:
            PartFailed: it ended with another exit code than 0; says what it printed.
        """
        done = subprocess.run(
            _python(*command),
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise PartFailed(f"`{' '.join(command)}` ended with exit code {done.returncode}:\n{done.stdout}")
        return done.stdout

    def wait_ready(self, *names: str) -> None:
        """Wait until parts, by default every started one, answer (again)."""
        for name in names or tuple(self._processes):
            self._processes[name].wait_ready()

    def kill(self, name: str, with_signal: Signals = SIGKILL) -> None:
        """Send a signal to a part. One that dies of it is brought back; see ``wait_ready``."""
        self._processes[name].kill(with_signal)

    def restart(self, name: str) -> None:
        """Stop a part properly and start it again."""
        self.stop(name)
        self._launch([name])
        self.wait_ready(name)

    def stop(self, name: str) -> None:
        """Stop a part properly; it stays down."""
        self._processes.pop(name).stop()

    def close(self) -> None:
        """Stop everything, in reverse order and in bounded time, and remove what was temporary."""
        for batch in self._in_reverse():
            # The signals first, so that the parts of a tier wind down together.
            for name in batch:
                self._processes[name].ask_to_stop()
            for name in batch:
                self.stop(name)
        assert self._watcher.stdin
        self._watcher.stdin.close()
        self._watcher.wait(15)

    # -- what there is to know -------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where the first web server answers."""
        return f"http://{ports.HOST}:{self.env['PORT']}"

    @property
    def running(self) -> list[str]:
        """The parts that were started and not stopped."""
        return list(self._processes)

    def pid(self, name: str) -> int | None:
        """A part's process id, or None while it is down."""
        process = self._processes.get(name)
        return process.pid if process else None

    def deaths(self, name: str) -> int:
        """How often a part has died since it was started."""
        return self._processes[name].deaths

    def log(self, name: str) -> str:
        """What a part of a temporary stack has printed; ``runner`` is what was said about the parts."""
        file = self.directory / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    # -- how it is done --------------------------------------------------------------------------------------

    def _launch(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._processes:
                process = Process(self._parts[name], marks=self._marks, env=self.env, log=self.log_lines)
                process.start()
                self._processes[name] = process

    def _schema_is_current(self) -> bool:
        """As `flask db upgrade` would find out, without the seconds that takes to start."""
        heads = set(ScriptDirectory(str(ROOT / "migrations")).get_heads())
        with suppress(psycopg2.errors.UndefinedTable), closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT version_num FROM alembic_version")
            return {version for (version,) in cursor.fetchall()} == heads
        return False

    def _in_reverse(self) -> list[list[str]]:
        tiers = {name: number for number, tier in enumerate(TIERS) for name in tier}
        web = tiers["web"]
        batches: dict[int, list[str]] = {}
        for name in self._processes:
            batches.setdefault(tiers.get(name, web), []).append(name)
        return [batches[number] for number in sorted(batches, reverse=True)]

    def _make_parts(self) -> Iterable[Part]:
        if self.postgres:
            yield self.postgres.part()
        if self.redis:
            yield self.redis.part()
        if self.embeds_channels:
            port = self.env["PUSHER_PORT"]
            yield Part(
                name="channels",
                command=_python("marketplace.channels_server"),
                directory=ROOT,
                env={"PORT": port},
                ready=_answers(f"http://{ports.HOST}:{port}/healthz"),
            )
        yield self._web("web", int(self.env["PORT"]), workers=1)
        yield Part(
            name="cron",
            command=_python("rq", "cron", "-c", "workers.settings", "workers.schedule"),
            directory=ROOT,
            ready=self._cron_is_registered,
        )
        for name in ("clock-1", "clock-2", "relay-1", "relay-2", "default"):
            yield Part(
                name=name,
                command=_python("rq", "worker", "-c", "workers.settings", name.partition("-")[0]),
                directory=ROOT,
                ready=self._worker_is_registered,
            )
        yield Part(name="simulate", command=_python("flask", "demo", "simulate"), directory=ROOT)

    def _web(self, name: str, port: int, workers: int) -> Part:
        where = ("--host", ports.HOST, "--port", str(port), "--workers", str(workers))
        return Part(
            name=name,
            command=_python(*WEB_SERVER, *where, "wsgi:app"),
            directory=ROOT,
            env={"PORT": str(port)},
            ready=_answers(f"http://{ports.HOST}:{port}/readyz"),
        )

    def _worker_is_registered(self, pid: int) -> bool:
        with (
            suppress(redis.RedisError),
            redis.from_url(self.env["REDIS_URL"], socket_timeout=1) as connection,
        ):
            return any(worker.pid == pid for worker in Worker.all(connection=connection))
        return False

    def _cron_is_registered(self, pid: int) -> bool:
        with (
            suppress(redis.RedisError),
            redis.from_url(self.env["REDIS_URL"], socket_timeout=1) as connection,
        ):
            return any(scheduler.pid == pid for scheduler in CronScheduler.all(connection))
        return False


#: The commands of packages, as modules: a virtual environment's own scripts break when the checkout moves.
_MODULES = {"rq": "rq.cli"}


def _python(command: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", _MODULES.get(command, command), *arguments]


def _answers(url: str) -> Callable[[int], bool]:
    def ready(_: int) -> bool:
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
        return False

    return ready


def _surroundings(temporary: bool) -> dict[str, str]:
    """What the parts see of our environment: everything; of a temporary stack, only what holds no setting."""
    harmless = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ")
    return {name: value for name, value in os.environ.items() if not temporary or name in harmless}


def _short_directory() -> Path:
    """A new private directory, with a path short enough for the address of a socket in it."""
    usual = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="mkt-", dir=usual if len(usual) < 60 else "/tmp"))
