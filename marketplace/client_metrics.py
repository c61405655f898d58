"""What browsers report about their connections: summed up here, for when the process's metrics are published.

Nobody reads the sums yet. The log has each beacon, and it alone has how long the first connection took.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Counter(StrEnum):
    """What the client library counts; ``client/src/metrics.ts`` says what each is."""

    CONNECTS = "connects"
    RECONNECTS = "reconnects"
    CONNECTION_FAILURES = "connectionFailures"
    SILENCES = "silences"
    SUBSCRIPTION_FAILURES = "subscriptionFailures"
    REQUEST_FAILURES = "requestFailures"
    WAKES = "wakes"
    APPLIED = "applied"
    STALE = "stale"
    MALFORMED = "malformed"
    IMPOSSIBLE = "impossible"
    GAPS = "gaps"
    CATCH_UPS = "catchUps"
    RESETS = "resets"
    LATE_SNAPSHOTS = "lateSnapshots"
    POLLS = "polls"
    BIDS = "bids"
    BIDS_REPEATED = "bidsRepeated"
    BIDS_DELAYED = "bidsDelayed"


#: Upper ends of the classes that latencies are counted in, in milliseconds; there is one more class, above.
LATENCY_BOUNDS_MS = (10, 25, 50, 75, 100, 150, 250, 500, 1_000, 2_500, 5_000)


@dataclass
class Latencies:
    """How many in each class, and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_MS) + 1))
    sum_ms: int = 0


class ClientMetrics:
    """The sums of all beacons that this process has taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters = dict.fromkeys(Counter, 0)
        self._latencies = Latencies()

    def add(
        self, counters: Mapping[Counter, int], latency_counts: Sequence[int], latency_sum_ms: int
    ) -> None:
        """Take one beacon; ``latency_counts`` has a number for each class."""
        with self._lock:
            for counter, count in counters.items():
                self._counters[counter] += count
            pairs = zip(self._latencies.counts, latency_counts, strict=True)
            self._latencies.counts = [ours + theirs for ours, theirs in pairs]
            self._latencies.sum_ms += latency_sum_ms

    def totals(self) -> tuple[dict[Counter, int], Latencies]:
        """All that was counted since the process began."""
        with self._lock:
            return dict(self._counters), Latencies(list(self._latencies.counts), self._latencies.sum_ms)
