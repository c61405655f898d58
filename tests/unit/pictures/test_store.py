"""Files: all of one or none of it, whenever the power goes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from marketplace.pictures.store import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "media")


def test_what_is_put_is_got_until_it_is_deleted(store: FolderStore) -> None:
    store.put("abc-320.webp", b"first")
    store.put("abc-320.webp", b"again")
    assert store.get("abc-320.webp") == b"again"
    store.delete("abc-320.webp")
    store.delete("abc-320.webp")
    with pytest.raises(FileNotFoundError):
        store.get("abc-320.webp")


@pytest.mark.parametrize("name", ["../escape", "a/b", ".hidden", "/etc/passwd", "", ".."])
def test_names_lead_nowhere_else(store: FolderStore, name: str) -> None:
    for call in (store.get, store.delete, lambda name: store.put(name, b"")):
        with pytest.raises(ValueError):
            call(name)


def test_it_is_flushed_before_it_has_its_name(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = tmp_path / "media" / "ab" / "abc-320.webp"
    flushed: list[bool] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        flushed.append(final.exists())
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    store.put("abc-320.webp", b"content")
    # The file under another name; then the two folders that lead to it.
    assert flushed == [False, True, True]


def test_what_fails_leaves_nothing(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(handle: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match="no space"):
            store.put("abc-320.webp", b"content")
    assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()] == []


def test_what_a_killed_process_left_is_removed_after_an_hour(store: FolderStore, tmp_path: Path) -> None:
    unfinished = tmp_path / "media" / "unfinished"
    unfinished.mkdir(parents=True)
    old, fresh = unfinished / "old", unfinished / "fresh"
    for path in (old, fresh):
        path.write_bytes(b"half a pic")
    os.utime(old, (time.time() - 3700,) * 2)
    store.put("abc-320.webp", b"content")
    assert not old.exists()
    assert fresh.exists()
