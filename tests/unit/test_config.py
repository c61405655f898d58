"""Settings."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from marketplace.config import Config, ConfigError

GOOD = {
    "SECRET_KEY": "a secret of some length",
    "DATABASE_URL": "postgresql://localhost/marketplace",
    "REDIS_URL": "redis://localhost",
    "PUSHER_APP_ID": "1",
    "PUSHER_KEY": "key",
    "PUSHER_SECRET": "secret",
    "MEDIA_DIR": "/var/lib/marketplace/media",
}


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        Config.from_env({})
    for name in GOOD:
        assert f"{name} is not set" in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECRET_KEY", "short", "SECRET_KEY"),
        ("DATABASE_URL", "mysql://localhost", "DATABASE_URL"),
        ("PUSHER_PORT", "http", "PUSHER_PORT"),
        ("PORT", "0", "PORT"),
        ("PORT", "70000", "PORT"),
        ("PORT", "٣", "PORT"),
        ("PUSHER_SSL", "maybe", "PUSHER_SSL"),
        ("BID_RATE_LIMIT", "lots", "BID_RATE_LIMIT"),
        ("ALLOWED_ORIGINS", "example.com", "ALLOWED_ORIGINS"),
        ("STRIPE_API_BASE", "api.stripe.com", "STRIPE_API_BASE"),
        ("STRIPE_API_BASE", "https://api.stripe.com/v1", "STRIPE_API_BASE"),
        ("MEDIA_DIR", "instance/media", "MEDIA_DIR must be an absolute path"),
        ("ACCOUNT_MEDIA_MB", "0", "ACCOUNT_MEDIA_MB"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Config.from_env({**GOOD, name: value})


@pytest.mark.parametrize("scheme", ["postgres://", "postgresql://", "postgresql+psycopg2://"])
def test_every_spelling_of_postgresql_means_psycopg2(scheme: str) -> None:
    config = Config.from_env({**GOOD, "DATABASE_URL": f"{scheme}localhost/x"})
    assert config.database_url == "postgresql+psycopg2://localhost/x"


def test_secrets_are_not_in_the_text_of_a_config() -> None:
    config = Config.from_env({**GOOD, "DATABASE_URL": "postgresql://me:hunter2@localhost/x"})
    assert "hunter2" not in repr(config)
    assert GOOD["SECRET_KEY"] not in repr(config)


def test_without_a_host_channels_is_the_hosted_one_of_the_cluster() -> None:
    config = Config.from_env({**GOOD, "PUSHER_CLUSTER": "eu"})
    assert (config.pusher_rest_host, config.pusher_ws_host) == ("api-eu.pusher.com", "ws-eu.pusher.com")
    assert (config.pusher_port, config.pusher_ssl) == (443, True)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"),
        ("STRIPE_WEBHOOK_SECRET", "STRIPE_SECRET_KEY"),
    ],
)
def test_stripe_needs_both_secrets(given: str, missing: str) -> None:
    with pytest.raises(ConfigError, match=f"{missing} is not set but {given} is"):
        Config.from_env({**GOOD, given: "hunter2"})
    both = Config.from_env({**GOOD, given: "hunter2", missing: "hunter2"})
    assert "hunter2" not in repr(both)
    assert Config.from_env(GOOD).stripe_secret_key == ""


def test_the_example_explains_every_setting() -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    explained = re.findall(r"^#([A-Z_]+)=", example, re.MULTILINE)
    assert sorted(explained) == sorted(field.name.upper() for field in fields(Config))
