"""The page about events."""

from __future__ import annotations

from marketplace.cli import EVENTS_PAGE
from marketplace.realtime.catalogue import markdown
from marketplace.realtime.events import CATALOGUE


def test_the_committed_page_is_the_catalogues() -> None:
    assert EVENTS_PAGE.read_text() == markdown(), "run: script/run flask docs events"


def test_every_event_has_a_section() -> None:
    page = markdown()
    assert all(f"### `{event.name}`" in page for event in CATALOGUE)
