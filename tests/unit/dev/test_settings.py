"""What is set is used as it is; what is not is filled in."""

from __future__ import annotations

import pytest

from marketplace.dev.settings import (
    SettingsError,
    generated_secrets,
    given,
    read_env_file,
    write_env_file,
)


def test_a_file_of_settings_is_read_as_a_shell_would(tmp_path):
    file = tmp_path / ".env"
    file.write_text(
        "# comment\n\n"
        "PORT=5001  # the other one\n"
        "export BID_RATE_LIMIT='5 per minute'\n"
        'SECRET_KEY="a=b#c"\n'
    )
    assert read_env_file(file) == {"PORT": "5001", "BID_RATE_LIMIT": "5 per minute", "SECRET_KEY": "a=b#c"}


@pytest.mark.parametrize("line", ["PORT", "PORT = 5001", "BID_RATE_LIMIT=5 per minute", "X='", "1X=2"])
def test_a_line_that_is_no_setting_is_refused_by_its_number(line, tmp_path):
    file = tmp_path / ".env"
    file.write_text(f"PORT=5000\n{line}\n")
    with pytest.raises(SettingsError, match=r"\.env, line 2"):
        read_env_file(file)


def test_the_environment_goes_before_the_file_and_empty_is_unset(tmp_path):
    file = tmp_path / ".env"
    file.write_text("PORT=5001\nREDIS_URL=\nDATABASE_URL=postgresql:///mine\n")
    found = given({"PORT": "5002", "BID_RATE_LIMIT": " "}, file)
    assert found == {"PORT": "5002", "DATABASE_URL": "postgresql:///mine"}


def test_half_a_channels_account_is_refused():
    with pytest.raises(SettingsError, match="PUSHER_KEY is set but PUSHER_APP_ID, PUSHER_SECRET is not"):
        given({"PUSHER_KEY": "key"})


def test_secrets_are_made_once_and_kept_private(tmp_path):
    first = generated_secrets(tmp_path)
    assert generated_secrets(tmp_path) == first
    assert len(first["SECRET_KEY"]) >= 32
    assert (tmp_path / "secrets.env").stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_of_secrets_is_completed(tmp_path):
    (tmp_path / "secrets.env").write_text("SECRET_KEY=kept-as-it-was-found\n")
    found = generated_secrets(tmp_path)
    assert found["SECRET_KEY"] == "kept-as-it-was-found"
    assert found["PUSHER_SECRET"]


def test_what_is_written_can_be_read(tmp_path):
    values = {"A": "two words", "B": "it's", "C": "#1", "D": '"$HOME"'}
    write_env_file(tmp_path / "x.env", values)
    assert read_env_file(tmp_path / "x.env") == values
