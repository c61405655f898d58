"""``script/server``: start the whole stack, say where it is, keep it running until told to stop."""

from __future__ import annotations

import argparse
import fcntl
import os
import shlex
import shutil
import signal
import sys
import time
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import TextIO
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql

from marketplace.dev import ports, reaper, settings
from marketplace.dev.demo import LOGINS
from marketplace.dev.postgres import CannotRunPostgres
from marketplace.dev.runner import Console, PartFailed
from marketplace.dev.stack import ROOT, Stack

INSTANCE = ROOT / "instance"
#: Left on the database itself, so that the mark goes where the data goes.
DEMO_MARK = "marketplace: demo data loaded"


class Refused(RuntimeError):
    """The stack cannot be started like this."""


class Stop(BaseException):
    """Somebody wants the stack to end."""


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    console = Console()
    try:
        _serve(options, console)
    except Stop:
        console("", "Stopped.")
    except (Refused, PartFailed, CannotRunPostgres, settings.SettingsError) as problem:
        print(problem, file=sys.stderr)
        return 1
    except psycopg2.OperationalError as error:
        print(f"DATABASE_URL does not lead to a database: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"{error.filename} belongs to somebody else, perhaps to root: {error}", file=sys.stderr)
        return 1
    return 0


def _serve(options: argparse.Namespace, console: Console) -> None:
    started = time.monotonic()
    given = settings.given(os.environ, ROOT / ".env")
    if options.port:
        given["PORT"] = str(options.port)
    with _only_one() as lock:
        # We hold the lock, so whatever still runs for this checkout is a leftover.
        if left := reaper.end_all({reaper.STACK: str(INSTANCE.resolve())}, grace=5):
            console("", f"Ended {left} processes that an earlier run had left behind.")
        if options.fresh:
            _empty(given)
        _check_ports(given)
        _stop_on_signals(console)
        stack = Stack(INSTANCE, given=given, log=console)
        try:
            _note(lock, stack)
            _start(stack, console, simulate=options.simulate)
            console("", _summary(stack, time.monotonic() - started))
            # Until a signal raises Stop, or nobody reads the log any more.
            while not console.closed.wait(1):
                pass
        finally:
            console("", "\nStopping.")
            stack.close()
            _settings_file().unlink(missing_ok=True)
            lock.truncate(0)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/server", description=__doc__)
    parser.add_argument("--port", type=int, help="where the web server listens (default: $PORT, or 5000)")
    parser.add_argument("--fresh", action="store_true", help="empty the embedded database and queues first")
    parser.add_argument("--simulate", action="store_true", help="have demo bidders bid every few seconds")
    return parser.parse_args(arguments)


def _start(stack: Stack, console: Console, *, simulate: bool) -> None:
    stack.start("channels", wait=False)
    stack.migrate()
    _load_demo_data_once(stack, console)
    stack.start()
    if simulate:
        stack.start("simulate")


def _load_demo_data_once(stack: Stack, console: Console) -> None:
    url = stack.env["DATABASE_URL"]
    if not stack.postgres and urlsplit(url).hostname not in {None, "localhost", "127.0.0.1", "::1"}:
        console("", "DATABASE_URL is on another machine, so no demo data: script/run flask demo load")
        return
    with closing(stack.connect()) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(
            "SELECT current_database(), shobj_description(oid, 'pg_database') "
            "FROM pg_database WHERE datname = current_database()"
        )
        name, mark = cursor.fetchone() or ("", "")
        if mark == DEMO_MARK:
            return
        stack.run("flask", "demo", "load")
        cursor.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(DEMO_MARK))
        )


def _summary(stack: Stack, seconds: float) -> str:
    lines = ["", f"Ready in {seconds:.1f} s", "", f"    {stack.url}", ""]
    width = max(len(email) for email, _, _ in LOGINS)
    lines += [f"    {email:<{width}}  {password}  {what}" for email, password, what in LOGINS]
    lines += ["", "    Ctrl-C stops everything. In another terminal: script/run flask --help", ""]
    return "\n".join(lines)


# -- before anything starts ----------------------------------------------------------------------------------


def _only_one() -> TextIO:
    """Hold the lock of this checkout: the system lets go of it when we end, however we end."""
    INSTANCE.mkdir(exist_ok=True)
    file = (INSTANCE / "server.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        where = file.read().strip() or "it is just starting"
        raise Refused(f"The stack of this checkout already runs: {where}") from None
    return file


def _note(lock: TextIO, stack: Stack) -> None:
    """For whoever comes while we run: a second ``script/server``, and ``script/run``."""
    lock.truncate(0)
    lock.write(f"{stack.url} (pid {os.getpid()}; Ctrl-C there, or `kill {os.getpid()}`, stops it)\n")
    lock.flush()
    lines = []
    for name, value in stack.env.items():
        if os.environ.get(name) != value:
            lines += [f"{name}=${{{name}:-{shlex.quote(value)}}}", f"export {name}"]
    path = _settings_file()
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text("\n".join([*lines, ""]))


def _settings_file() -> Path:
    return INSTANCE / "settings.sh"


def _empty(given: dict[str, str]) -> None:
    if elsewhere := [name for name in ("DATABASE_URL", "REDIS_URL") if name in given]:
        raise Refused(f"--fresh empties the embedded servers only, but {' and '.join(elsewhere)} is set.")
    for part in ("postgres", "redis", "media"):
        shutil.rmtree(INSTANCE / part, ignore_errors=True)


def _check_ports(given: dict[str, str]) -> None:
    wanted = {"PORT": given.get("PORT", "5000")}
    if (
        "PUSHER_PORT" in given and "PUSHER_KEY" not in given
    ):  # the embedded server's; unset, it takes a free one
        wanted["PUSHER_PORT"] = given["PUSHER_PORT"]
    for name, port in wanted.items():
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise Refused(f"{name} must be a port number, not {port!r}")
        if not ports.is_free(int(port)):
            other = ports.free_port(int(port) + 1)
            raise Refused(
                f"Port {port} is taken by {ports.owner(int(port))}. "
                f"Stop that, or use another port: {name}={other} script/server"
            )


def _stop_on_signals(console: Console) -> None:
    asked = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:  # again, in the middle of stopping: that is under way, and takes a bounded time
            console("", "Still stopping...")
        else:
            asked = True
            raise Stop

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # it is under nohup
        signal.signal(signal.SIGHUP, stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
