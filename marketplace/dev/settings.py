"""Fills in what the environment and ``.env`` leave out: a first start needs no configuration."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

#: These belong together: with any of them set, the embedded Channels server stays off.
CHANNELS_ACCOUNT = ("PUSHER_APP_ID", "PUSHER_KEY", "PUSHER_SECRET")


class SettingsError(RuntimeError):
    """A setting contradicts another or cannot be read."""


def read_env_file(path: Path) -> dict[str, str]:
    """The settings in a file of ``NAME=value`` lines, quoted as in a shell; none if there is no file."""
    if not path.exists():
        return {}
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise SettingsError(f"{path}, line {number}: {error}") from error
        words = words[1:] if words[:1] == ["export"] else words
        if not words:
            continue
        name, equals, value = words[0].partition("=")
        if not equals or not name.isidentifier() or len(words) > 1:
            raise SettingsError(f"{path}, line {number}: expected NAME=value, with quotes around spaces")
        found[name] = value
    return found


def write_env_file(path: Path, values: Mapping[str, str]) -> None:
    """Write such a file for the owner's eyes only, whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))
    new.replace(path)


def given(environ: Mapping[str, str], env_file: Path | None = None) -> dict[str, str]:
    """What has been set, the environment before the file. Empty is the same as unset."""
    settings = {**(read_env_file(env_file) if env_file else {}), **environ}
    settings = {name: value for name, value in settings.items() if value.strip()}
    account = [name for name in CHANNELS_ACCOUNT if name in settings]
    if account and len(account) < len(CHANNELS_ACCOUNT):
        missing = ", ".join(name for name in CHANNELS_ACCOUNT if name not in account)
        raise SettingsError(f"{', '.join(account)} is set but {missing} is not: set all three, or none")
    return settings


def generated_secrets(directory: Path) -> dict[str, str]:
    """Secrets made up once per directory and kept there."""
    path = directory / "secrets.env"
    kept = read_env_file(path)
    fresh = {
        "SECRET_KEY": secrets.token_hex(32),
        "PUSHER_APP_ID": str(100_000 + secrets.randbelow(900_000)),
        "PUSHER_KEY": secrets.token_hex(10),
        "PUSHER_SECRET": secrets.token_hex(10),
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "REDIS_PASSWORD": secrets.token_hex(16),
    }
    if fresh.keys() - kept.keys():
        kept = {**fresh, **kept}
        write_env_file(path, kept)
    path.chmod(0o600)
    return kept
