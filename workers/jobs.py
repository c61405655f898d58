"""The jobs: thin, idempotent, and free to be killed at any line.

The clock and the relay are *resident*: ordinary RQ jobs that loop for about a minute while they hold a
PostgreSQL advisory lock, so that exactly one of each works. The next copy waits on the lock in another worker
and takes over in the moment the first one's connection dies, however it died.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from flask import Flask
from redis.exceptions import RedisError
from rq import get_current_job
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from marketplace import create_app, suspicions
from marketplace.bidding import service
from marketplace.extensions import db
from marketplace.orders import service as orders
from marketplace.retention import forget_old_answers, forget_old_webhooks
from marketplace.runtime import runtime

log = logging.getLogger(__name__)

#: Where RQ keeps what it knows of a worker.
WORKER_KEY_PREFIX = "rq:worker:"

#: How long a resident job works before it makes way for a fresh one, and how long a copy waits for its turn.
RESIDENT_SECONDS = 60.0
#: RQ's own bound on a resident job: waiting, working, and a margin.
RESIDENT_TIMEOUT = 180

#: How often the clock looks when nothing is due sooner.
CLOCK_SECONDS = 0.1
#: How often a waiting copy tries to take over.
STANDBY_SECONDS = 0.05
#: How often a leading job makes sure that it still holds its lock.
LOCK_LOOK_SECONDS = 1.0
#: What a resident job waits after a database error.
ERROR_SECONDS = 0.5

# Advisory locks: any numbers will do, as long as nothing else uses them.
_CLOCK_LOCK = 7_310_001
_RELAY_LOCK = 7_310_002
#: Added to a lock's number: the place of the one copy that waits for it.
_STANDBY = 100


def clock() -> None:
    """Open, warn and close auctions in the moment they are due."""
    with _app().app_context():
        _reside(_CLOCK_LOCK, _tick)


def relay() -> None:
    """Send what waits in the outbox."""
    with _app().app_context():
        sender = runtime().relay()
        _reside(_RELAY_LOCK, sender.run_once)


def purge() -> None:
    """Delete what need not be kept."""
    with _app().app_context():
        forget_old_answers()
        forget_old_webhooks()
        runtime().gallery.purge()


def close_overdue_orders() -> None:
    """Close the orders that were not paid in time, and tell their sellers."""
    with _app().app_context():
        orders.close_overdue()


def look_for_suspicions() -> None:
    """Record patterns that an administrator should look at."""
    with _app().app_context():
        suspicions.look()


def _tick() -> float:
    advanced = service.tick()
    # A full batch: there may be more.
    return 0.0 if advanced >= service.CLOCK_BATCH else CLOCK_SECONDS


@cache
def _app() -> Flask:
    return create_app()


def _reside(lock: int, work: Callable[[], float]) -> None:
    """Wait for the lock, then work for a minute. The database may go away meanwhile, and come back."""
    stop = Stop()
    give_up = time.monotonic() + RESIDENT_TIMEOUT - RESIDENT_SECONDS
    while time.monotonic() < give_up and not stop.requested():
        try:
            with _leadership(lock, stop) as connection:
                if connection is not None:
                    _lead(connection, work, stop)
                return
        except SQLAlchemyError as error:
            # The lock went with the connection. Whoever is back first has it next.
            log.warning("resident job: the database is away: %s", error)
            db.session.rollback()
            stop.wait(ERROR_SECONDS)


def _lead(connection: Connection, work: Callable[[], float], stop: Stop) -> None:
    """Call ``work`` again and again, waiting in between as long as it says."""
    until = time.monotonic() + RESIDENT_SECONDS
    looked = time.monotonic()
    while time.monotonic() < until and not stop.requested():
        stop.wait(work())
        if time.monotonic() - looked > LOCK_LOOK_SECONDS:
            # Raises if the connection is gone, and the lock with it: another copy may lead already.
            connection.execute(text("SELECT 1"))
            looked = time.monotonic()


@contextmanager
def _leadership(lock: int, stop: Stop) -> Iterator[Connection | None]:
    """The lock, on a connection of its own; None when another copy is waiting for it already.

    A dead holder's connection dies with it and frees the lock: no time-out has to pass.
    """
    with runtime().engine.connect() as connection:
        try:
            if not _try_lock(connection, lock + _STANDBY):
                yield None
                return
            until = time.monotonic() + RESIDENT_SECONDS
            while not (leads := _try_lock(connection, lock)):
                if stop.requested() or time.monotonic() > until:
                    break
                stop.wait(STANDBY_SECONDS)
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": lock + _STANDBY})
            yield connection if leads else None
        finally:
            # Closed, not returned to the pool with its locks.
            connection.invalidate()


def _try_lock(connection: Connection, lock: int) -> bool:
    return bool(connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": lock}).scalar_one())


class Stop:
    """Whether this job should end early: its worker was asked to stop, or is gone.

    RQ lets a job finish when its worker is stopped and does not tell it, but notes the request in Redis.
    """

    LOOK_SECONDS = 1.0

    def __init__(self) -> None:
        self._event = threading.Event()
        self._parent = os.getppid()
        self._job = get_current_job()
        self._looked = time.monotonic()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: self._event.set())

    def requested(self) -> bool:
        """Whether to stop now."""
        if os.getppid() != self._parent or self._worker_stops():
            self._event.set()
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Sleep, but not through a request to stop."""
        self._event.wait(seconds)

    def _worker_stops(self) -> bool:
        if self._job is None or time.monotonic() - self._looked < self.LOOK_SECONDS:
            return False
        self._looked = time.monotonic()
        try:
            worker = f"{WORKER_KEY_PREFIX}{self._job.worker_name}"
            return bool(self._job.connection.hexists(worker, "shutdown_requested_date"))
        except RedisError:
            return False
