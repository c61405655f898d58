"""What one process of the marketplace holds while it runs: settings, desk, senders, poll cache."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from limits import parse_many
from sqlalchemy import Engine

from .bidding.desk import WRITERS, Desk
from .bidding.falling import find_falling
from .client_metrics import ClientMetrics
from .config import Config
from .limits import SharedLimit
from .listings import Doorkeeper
from .pictures.gallery import Gallery
from .pictures.renderer import Renderer
from .pictures.store import FolderStore
from .polling import PollCache
from .realtime.courier import Courier
from .realtime.drops import Drops
from .realtime.publisher import Publisher, budget
from .realtime.relay import Relay
from .transactions import self_committing_engine

_KEY = "marketplace"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Made once by ``create_app``. Nothing in it opens a connection or starts a thread before it is used."""

    config: Config
    #: For sending events, and for the locks of the resident jobs; not for what must be kept.
    engine: Engine
    publisher: Publisher
    budget: SharedLimit
    desk: Desk
    polls: PollCache
    doorkeeper: Doorkeeper
    client_metrics: ClientMetrics
    gallery: Gallery

    @classmethod
    def build(cls, config: Config) -> Runtime:
        """Wire the parts together."""
        # The senders and the desk have connections of their own: however many readers wait for one of theirs,
        # bids go on. What senders write need not outlive a crash: it means an event sent twice, which clients
        # expect.
        engine = self_committing_engine(config.database_url, 2, durable=False)
        publisher, polls = Publisher(config), PollCache()
        requests = budget(config.redis_url)
        bid_limit = SharedLimit(config.redis_url, "bids", parse_many(config.bid_rate_limit))
        courier = Courier(engine, publisher, requests)
        desk = Desk(
            self_committing_engine(config.database_url, WRITERS),
            courier,
            limit=bid_limit,
            on_change=polls.forget,
        )
        gallery = Gallery(
            FolderStore(config.media_dir), Renderer(), account_bytes=config.account_media_mb * 1_000_000
        )
        return cls(config, engine, publisher, requests, desk, polls, Doorkeeper(), ClientMetrics(), gallery)

    def relay(self) -> Relay:
        """A relay; the caller sees to it that no other runs."""
        return Relay(self.engine, self.publisher, self.budget, Drops(find_falling))


def runtime() -> Runtime:
    """The runtime of the current application."""
    found: Runtime = current_app.extensions[_KEY]
    return found
