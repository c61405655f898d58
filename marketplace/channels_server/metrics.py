"""What the server counts, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from marketplace.channels_server.protocol import App


class Metrics:
    """One registry per server, apart from the library's global one."""

    CONTENT_TYPE = CONTENT_TYPE_LATEST

    def __init__(self, app: App) -> None:
        self._registry = CollectorRegistry()
        self._gauge("channels_connections", "Open connections", lambda: len(app.connections))
        self._gauge("channels_occupied", "Channels with subscribers", lambda: len(app.channels))
        self._gauge("channels_users", "Signed-in users", lambda: len(app.users))
        self.sent = self._counter("channels_messages_sent", "Messages written to connections")
        self.received = self._counter("channels_messages_received", "Messages from connections")
        self.happened = self._counter("channels_happenings", "What happened, by kind", "kind")
        self.answers = self._counter("channels_api_answers", "Answers of the HTTP API, by status", "status")
        self.closes = self._counter("channels_closes", "Connections closed from this side, by code", "code")
        self.webhooks = self._counter("channels_webhooks", "Webhook requests, by outcome", "outcome")

    def render(self) -> bytes:
        return generate_latest(self._registry)

    def _gauge(self, name: str, text: str, read: Callable[[], int]) -> None:
        Gauge(name, text, registry=self._registry).set_function(read)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)
