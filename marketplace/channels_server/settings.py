"""What one app may do, and the limits it lives within."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One Channels app. The defaults are what hosted Pusher documents; durations are in seconds.

    ``quota`` is the app's own allowance (close code 4004, clients give up); ``capacity`` is what this
    process is willing to carry (4100, clients come back a second later).
    """

    app_id: str
    key: str
    secret: str

    enabled: bool = True
    tls_only: bool = False
    client_events: bool = True
    subscription_counts: bool = True

    quota: int | None = None
    capacity: int = 10_000
    max_members: int = 100
    max_subscriptions: int = 1_000
    max_data: int = 10_240
    max_client_events: int = 10
    max_watchlist: int = 100

    activity_timeout: int = 120
    pong_timeout: float = 30.0
    idle_timeout: float = 24 * 3600.0
    authorization_timeout: float | None = None

    cache_ttl: float = 30 * 60.0
    count_interval: float = 5.0
    count_unpaced: int = 100
    webhook_grace: float = 3.0
