"""A limit that all processes share through Redis, and that each keeps for itself while Redis is away.

Flask-Limiter guards the routes that people call now and then. Bids and the requests to Channels come by the
thousand, and in groups: they are counted here, a whole group in one round trip.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from redis import Redis

from .extensions import REDIS_PATIENCE_SECONDS
from .pause import Pause

log = logging.getLogger(__name__)

#: For how long Redis is left alone after it failed, doubling.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

# For each key: how many are counted in its window now, and for how many more milliseconds it lasts. The
# window begins with the first count.
_COUNT = """
local answer = {}
for i, key in ipairs(KEYS) do
    local count = redis.call('INCR', key)
    if count == 1 then redis.call('PEXPIRE', key, ARGV[1]) end
    answer[2 * i - 1] = count
    answer[2 * i] = redis.call('PTTL', key)
end
return answer
"""


class SharedLimit:
    """So many in each window, over all processes."""

    def __init__(self, redis_url: str, name: str, items: Sequence[RateLimitItem]) -> None:
        self._name = name
        self._items = items
        # redis-py would try ten times.
        client: Redis = Redis.from_url(
            redis_url,
            socket_timeout=REDIS_PATIENCE_SECONDS,
            socket_connect_timeout=REDIS_PATIENCE_SECONDS,
            retry=None,
        )
        self._count = client.register_script(_COUNT)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._pause = Pause(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    def take(self, whose: str) -> bool:
        """Count one more; False when that is one too many."""
        return self.take_each([whose]) == [0.0]

    def take_each(self, whose: Sequence[str]) -> list[float]:
        """Count one more for each; for whom that is one too many, the seconds to wait, else 0."""
        waits = [0.0] * len(whose)
        for item in self._items:
            waits = [max(pair) for pair in zip(waits, self._take(item, whose), strict=True)]
        return waits

    def _take(self, item: RateLimitItem, whose: Sequence[str]) -> list[float]:
        if not self._pause.active:
            try:
                waits = self._take_shared(item, whose)
            except Exception as error:  # whatever Redis or its client raises
                self._pause.start()
                log.warning("Redis does not answer; limits hold in this process alone for now: %s", error)
            else:
                self._pause.clear()
                return waits
        return [self._take_own(item, who) for who in whose]

    def _take_shared(self, item: RateLimitItem, whose: Sequence[str]) -> list[float]:
        # The braces keep the keys of one limit together in a Redis Cluster.
        keys = [f"limit:{{{self._name}}}:{item.amount}/{item.get_expiry()}:{who}" for who in whose]
        answer: Any = self._count(keys=keys, args=[item.get_expiry() * 1000])
        counts, milliseconds = answer[::2], answer[1::2]
        return [
            max(left, 1) / 1000 if count > item.amount else 0.0
            for count, left in zip(counts, milliseconds, strict=True)
        ]

    def _take_own(self, item: RateLimitItem, who: str) -> float:
        return 0.0 if self._own.hit(item, self._name, who) else float(item.get_expiry())
