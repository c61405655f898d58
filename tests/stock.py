"""The stock of a Dutch auction, watched from outside."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg2


@dataclass
class Sampler:
    """Reads where the stock is, in one statement, all the time."""

    database_url: str
    auction_id: int
    samples: list[tuple[int, ...]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    #: What the auction says; what the reservations say; what the log says; what everybody was told last.
    STOCK = """
        SELECT a.quantity, a.held, a.sold,
            (SELECT count(*) FROM reservations WHERE auction_id = a.id AND status = 'HELD'),
            (SELECT count(*) FROM reservations WHERE auction_id = a.id AND status = 'CONFIRMED'),
            (SELECT count(*) FILTER (WHERE kind = 'TAKE') - count(*) FILTER (WHERE kind = 'RETURN')
            FROM bids WHERE auction_id = a.id),
            coalesce((SELECT (data->>'remainingItems')::int FROM events
            WHERE auction_id = a.id AND name IN ('item:sold', 'item:returned') ORDER BY seq DESC LIMIT 1),
            a.quantity)
        FROM auctions a WHERE a.id = %s
    """

    def __enter__(self) -> Sampler:
        self._pool = ThreadPoolExecutor(1)
        self._work = self._pool.submit(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        self._work.result()

    def _look(self) -> None:
        connection = psycopg2.connect(self.database_url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not self._stop.is_set():
                cursor.execute(self.STOCK, (self.auction_id,))
                self.samples.append(cursor.fetchone())
                self._stop.wait(0.005)
        connection.close()

    def check(self) -> None:
        """sold + held + free = quantity at every moment, whomever one asks."""
        for quantity, held, sold, reserved, confirmed, gone, told_free in set(self.samples):
            assert min(held, sold, told_free) >= 0
            assert (held, sold) == (reserved, confirmed)
            assert gone == held + sold
            assert sold + held + told_free == quantity
