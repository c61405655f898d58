"""The courier: sends the events of quiet auctions at once."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from marketplace.limits import SharedLimit
from marketplace.pause import Pause

from .outbox import Recorded, direct_parcels, mark, public_parcels
from .publisher import MAX_BATCH, ChannelsDown, ChannelsRefused, Message, Publisher

log = logging.getLogger(__name__)


class Courier:
    """Sends a quiet auction's events right after the commit, in a thread of its own.

    The route that placed the bid hands them over and answers: a bidder never waits for Channels. What the
    courier cannot send it gives back to the relay, and after a failure it leaves everything to the relay for
    a while (doubling from one second to thirty), so that Channels being away costs nothing either.
    """

    MAX_WAITING = 100
    FIRST_PAUSE_SECONDS = 1.0
    LONGEST_PAUSE_SECONDS = 30.0

    def __init__(self, engine: Engine, publisher: Publisher, budget: SharedLimit) -> None:
        self._engine = engine
        self._publisher = publisher
        self._budget = budget
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue(self.MAX_WAITING)
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pause = Pause(self.FIRST_PAUSE_SECONDS, self.LONGEST_PAUSE_SECONDS)

    @property
    def ready(self) -> bool:
        """Whether it makes sense to lease events for the courier now."""
        return not self._pause.active and not self._waiting.full()

    def send(self, events: list[Recorded]) -> None:
        """Take over committed events of one auction. Never waits and never fails: the relay is behind it."""
        if not self._take(lambda: self._deliver(events)):
            log.info("courier is full; auction %s is left to the relay", events[0].auction_id)

    def tell(self, messages: Sequence[Message]) -> None:
        """Send what is stored nowhere, if it goes: what it says was also answered. Never waits or fails."""
        for start in range(0, len(messages), MAX_BATCH):
            some = messages[start : start + MAX_BATCH]
            self._take(lambda some=some: self._tell(some))  # type: ignore[misc]

    def _take(self, work: Callable[[], None]) -> bool:
        self._ensure_thread()
        try:
            self._waiting.put_nowait(work)
        except queue.Full:
            return False
        return True

    def _ensure_thread(self) -> None:
        with self._start:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            work = self._waiting.get()
            try:
                work()
            except SQLAlchemyError:
                log.warning("could not mark events as sent", exc_info=True)
            except Exception:
                log.exception("courier failed")

    def _tell(self, messages: Sequence[Message]) -> None:
        if self._pause.active or not self._budget.take("all"):
            return
        try:
            self._publisher.send(messages)
        except (ChannelsDown, ChannelsRefused) as error:
            log.warning("Channels did not take a message: %s", error)

    def _deliver(self, events: list[Recorded]) -> None:
        public = list(public_parcels(events))
        direct = list(direct_parcels(events))
        messages = [parcel.message for parcel in (*public, *direct)]
        if self._pause.active or len(messages) > MAX_BATCH or not self._budget.take("all"):
            self._give_back(events)
            return
        try:
            self._publisher.send(messages)
        except (ChannelsDown, ChannelsRefused) as error:
            log.warning("Channels did not take the events of auction %s: %s", events[0].auction_id, error)
            self._pause.start()
            self._give_back(events)
            return
        self._pause.clear()
        with self._engine.connect() as connection:
            mark(connection, "published_at", public)
            mark(connection, "delivered_at", direct)

    def _give_back(self, events: list[Recorded]) -> None:
        with self._engine.connect() as connection:
            connection.execute(
                text(
                    "UPDATE events SET leased_until = NULL"
                    " WHERE auction_id = :auction_id AND seq BETWEEN :first AND :last"
                ),
                {"auction_id": events[0].auction_id, "first": events[0].seq, "last": events[-1].seq},
            )
