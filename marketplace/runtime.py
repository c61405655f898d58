"""What one process of the marketplace holds while it runs: settings, desk, senders, poll cache."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from sqlalchemy import Engine, create_engine

from .bidding.desk import WRITERS, Desk
from .config import Config
from .polling import PollCache
from .realtime.courier import Courier
from .realtime.publisher import Budget, Publisher
from .realtime.relay import Relay
from .transactions import engine_options

_KEY = "marketplace"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Made once by ``create_app``. Nothing in it opens a connection or starts a thread before it is used."""

    config: Config
    engine: Engine
    publisher: Publisher
    budget: Budget
    desk: Desk
    polls: PollCache

    @classmethod
    def build(cls, config: Config) -> Runtime:
        """Wire the parts together."""
        # Connections of its own: however many readers wait for one of theirs, bids go on.
        engine = create_engine(config.database_url, **engine_options(pool_size=WRITERS + 1))
        publisher, budget, polls = Publisher(config), Budget(config.redis_url), PollCache()
        courier = Courier(engine, publisher, budget)
        desk = Desk(engine, courier, on_change=polls.forget)
        return cls(config, engine, publisher, budget, desk, polls)

    def relay(self) -> Relay:
        """A relay; the caller sees to it that no other runs."""
        return Relay(self.engine, self.publisher, self.budget)


def runtime() -> Runtime:
    """The runtime of the current application."""
    found: Runtime = current_app.extensions[_KEY]
    return found
