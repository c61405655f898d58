"""Settings: read once from the environment, checked, then never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from limits import parse_many

#: The old and the short spellings of a PostgreSQL address. SQLAlchemy 2.1 would take the first
#: for psycopg 3 and refuses the second; this project uses psycopg2.
_POSTGRES_SCHEMES = ("postgresql://", "postgres://")


class ConfigError(RuntimeError):
    """One or more settings are missing or wrong."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a process needs to know about its surroundings. ``.env.example`` explains each setting."""

    secret_key: str = field(repr=False)
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    pusher_app_id: str
    pusher_key: str
    pusher_secret: str = field(repr=False)
    media_dir: Path
    pusher_cluster: str = "mt1"
    pusher_host: str = ""
    pusher_port: int = 443
    pusher_ssl: bool = True
    port: int = 5000
    bid_rate_limit: str = "5 per minute"
    allowed_origins: tuple[str, ...] = ()
    secure_cookies: bool = True
    trusted_proxies: int = 0
    stripe_secret_key: str = field(default="", repr=False)
    stripe_webhook_secret: str = field(default="", repr=False)
    stripe_api_base: str = "https://api.stripe.com"
    account_media_mb: int = 2048

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Read the settings.

        Raises:
            ConfigError: names every setting that is missing or wrong, all at once.
        """
        return _Reader(environ).config()

    @property
    def pusher_rest_host(self) -> str:
        """Where events are sent: the host that was set, or hosted Channels in the cluster."""
        return self.pusher_host or f"api-{self.pusher_cluster}.pusher.com"

    @property
    def pusher_ws_host(self) -> str:
        """Where browsers connect."""
        return self.pusher_host or f"ws-{self.pusher_cluster}.pusher.com"


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def config(self) -> Config:
        secret_key = self._secret_key()
        host = self._text("PUSHER_HOST", default="")
        ssl = self._flag("PUSHER_SSL", default=True)
        values = Config(
            secret_key=secret_key,
            database_url=self._database_url(),
            redis_url=self._text("REDIS_URL"),
            pusher_app_id=self._text("PUSHER_APP_ID"),
            pusher_key=self._text("PUSHER_KEY"),
            pusher_secret=self._text("PUSHER_SECRET"),
            media_dir=self._folder("MEDIA_DIR"),
            pusher_cluster=self._text("PUSHER_CLUSTER", default="mt1"),
            pusher_host=host,
            pusher_port=self._number("PUSHER_PORT", default=443 if ssl else 80),
            pusher_ssl=ssl,
            port=self._number("PORT", default=5000),
            bid_rate_limit=self._rate("BID_RATE_LIMIT", default="5 per minute"),
            allowed_origins=self._origins(),
            # On by default; the development stack, which serves plain HTTP on loopback, turns it off.
            secure_cookies=self._flag("SECURE_COOKIES", default=True),
            trusted_proxies=self._number("TRUSTED_PROXIES", default=0, minimum=0),
            stripe_secret_key=self._text("STRIPE_SECRET_KEY", default=""),
            stripe_webhook_secret=self._text("STRIPE_WEBHOOK_SECRET", default=""),
            stripe_api_base=self._address("STRIPE_API_BASE", default="https://api.stripe.com"),
            account_media_mb=self._number("ACCOUNT_MEDIA_MB", default=2048),
        )
        self._check_stripe(values)
        if self.problems:
            raise ConfigError("Check these settings (see .env.example):\n  " + "\n  ".join(self.problems))
        return values

    def _text(self, name: str, default: str | None = None) -> str:
        value = self.environ.get(name, "").strip()
        if value:
            return value
        if default is None:
            self.problems.append(f"{name} is not set")
            return ""
        return default

    def _secret_key(self) -> str:
        key = self._text("SECRET_KEY")
        if key and len(key) < 16:
            self.problems.append("SECRET_KEY is shorter than 16 characters")
        return key

    def _database_url(self) -> str:
        url = self._text("DATABASE_URL")
        if not url:
            return url
        for scheme in _POSTGRES_SCHEMES:
            if url.startswith(scheme):
                return "postgresql+psycopg2://" + url.removeprefix(scheme)
        if not url.startswith("postgresql+psycopg2://"):
            self.problems.append("DATABASE_URL must be a postgresql:// address")
        return url

    def _folder(self, name: str) -> Path:
        """An absolute path: processes that are started in different folders have to mean the same one."""
        path = Path(self._text(name))
        if path.name and not path.is_absolute():
            self.problems.append(f"{name} must be an absolute path, not {str(path)!r}")
        return path

    def _number(self, name: str, default: int, minimum: int = 1) -> int:
        text = self._text(name, default=str(default))
        if text.isascii() and text.isdigit() and minimum <= int(text) <= 65535:
            return int(text)
        self.problems.append(f"{name} must be a whole number from {minimum} to 65535, not {text!r}")
        return default

    def _flag(self, name: str, default: bool) -> bool:
        text = self._text(name, default="true" if default else "false").lower()
        if text in {"1", "true", "yes", "on"}:
            return True
        if text in {"0", "false", "no", "off"}:
            return False
        self.problems.append(f"{name} must be true or false, not {text!r}")
        return default

    def _rate(self, name: str, default: str) -> str:
        text = self._text(name, default=default)
        try:
            parse_many(text)
        except ValueError:
            self.problems.append(f'{name} must look like "5 per minute", not {text!r}')
        return text

    def _origins(self) -> tuple[str, ...]:
        origins = [part.strip().rstrip("/") for part in self._text("ALLOWED_ORIGINS", default="").split(",")]
        return tuple(self._origin("ALLOWED_ORIGINS", origin) for origin in filter(None, origins))

    def _address(self, name: str, default: str) -> str:
        return self._origin(name, self._text(name, default=default).rstrip("/"))

    def _origin(self, name: str, origin: str) -> str:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path:
            self.problems.append(f"{name}: {origin!r} is not like https://example.com")
        return origin

    def _check_stripe(self, values: Config) -> None:
        """Both or neither: without the second nobody would ever hear of a payment."""
        secrets = {
            "STRIPE_SECRET_KEY": values.stripe_secret_key,
            "STRIPE_WEBHOOK_SECRET": values.stripe_webhook_secret,
        }
        missing = [name for name, value in secrets.items() if not value]
        if len(missing) == 1:
            [given] = secrets.keys() - missing
            self.problems.append(f"{missing[0]} is not set but {given} is: set both, or neither")
