"""Which status follows when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from marketplace.bidding.lifecycle import next_due, steps

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
WINDOW = timedelta(seconds=30)


def due(status: str, now: datetime, window: timedelta = WINDOW) -> list[str]:
    return list(steps(status, starts_at=START, ends_at=END, extension_window=window, now=now))


def test_a_scheduled_auction_opens_at_its_start_and_not_before() -> None:
    assert due("SCHEDULED", START - timedelta(microseconds=1)) == []
    assert due("SCHEDULED", START) == ["RUNNING"]


def test_a_running_auction_is_ending_soon_in_its_last_minute() -> None:
    assert due("RUNNING", END - timedelta(seconds=60, microseconds=1)) == []
    assert due("RUNNING", END - timedelta(seconds=60)) == ["ENDING_SOON"]


def test_or_in_its_extension_window_where_that_is_longer() -> None:
    assert due("RUNNING", END - timedelta(seconds=300), window=timedelta(seconds=300)) == ["ENDING_SOON"]


def test_it_ends_at_its_end() -> None:
    assert due("ENDING_SOON", END - timedelta(microseconds=1)) == []
    assert due("ENDING_SOON", END) == ["ENDED"]


def test_steps_that_nobody_took_are_caught_up_without_a_pointless_warning() -> None:
    assert due("SCHEDULED", END + timedelta(days=1)) == ["RUNNING", "ENDED"]
    assert due("SCHEDULED", END - timedelta(seconds=5)) == ["RUNNING", "ENDING_SOON"]


def test_an_auction_that_is_over_stays_so() -> None:
    for status in ("DRAFT", "ENDED", "CANCELLED"):
        assert due(status, END + timedelta(days=1)) == []


def test_the_clock_looks_again_when_the_next_step_is_due() -> None:
    times = {
        status: next_due(status, starts_at=START, ends_at=END, extension_window=WINDOW)
        for status in ("DRAFT", "SCHEDULED", "RUNNING", "ENDING_SOON", "ENDED", "CANCELLED")
    }
    assert times == {
        "DRAFT": None,
        "SCHEDULED": START,
        "RUNNING": END - timedelta(seconds=60),
        "ENDING_SOON": END,
        "ENDED": None,
        "CANCELLED": None,
    }
