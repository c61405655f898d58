"""``flask channels`` and ``python -m marketplace.channels_server``: run the server. Needs no Flask app."""

import asyncio
import errno
import gc
import ipaddress
import logging
import resource
import signal
from typing import Any

import click
from aiohttp import web
from aiohttp.http import HttpProcessingError

from marketplace.channels_server.server import Server
from marketplace.channels_server.settings import Settings

BACKLOG = 4096
"""Connections the kernel keeps waiting while everybody comes back at once."""

KEEPALIVE_TIMEOUT = 300.0
"""Seconds an HTTP connection may stay without a request: longer than apps usually pause between two."""

_LIMIT = click.IntRange(min=1)


def _addresses(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> list[str]:
    return [url for each in given for url in each.replace(",", " ").split()]


@click.command("channels", context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", envvar="PUSHER_PORT", show_envvar=True, type=click.IntRange(0, 65535), default=6001)
@click.option("--app-id", envvar="PUSHER_APP_ID", show_envvar=True, required=True)
@click.option("--key", envvar="PUSHER_KEY", show_envvar=True, required=True)
@click.option(
    "--secret", envvar="PUSHER_SECRET", show_envvar=True, required=True, help="Better set by its variable."
)
@click.option(
    "--webhook-url",
    "webhook_urls",
    envvar="PUSHER_WEBHOOK_URL",
    show_envvar=True,
    multiple=True,
    callback=_addresses,
    help="Where to post webhooks; several by comma, or by repeating this.",
)
@click.option("--client-events/--no-client-events", default=True, help="Let clients send client- events.")
@click.option("--subscription-counts/--no-subscription-counts", default=True, help="Tell and report them.")
@click.option("--tls-only", is_flag=True, help="Refuse connections a proxy did not receive over TLS.")
@click.option("--disabled", is_flag=True, help="Refuse everything with 4003 and 403.")
@click.option("--quota", type=_LIMIT, help="Connections the app may have; more are refused for good (4004).")
@click.option("--capacity", type=_LIMIT, default=10_000, help="Connections this process takes (4100).")
@click.option("--max-members", type=_LIMIT, default=100, help="Users in a presence channel.")
@click.option("--max-data", type=_LIMIT, default=10_240, help="Bytes of an event's data.")
@click.option("--max-client-events", type=_LIMIT, default=10, help="Client events a second and connection.")
@click.option(
    "--max-buffer", type=_LIMIT, default=1024 * 1024, help="Bytes waiting for one slow reader (4100)."
)
@click.option("--activity-timeout", type=_LIMIT, default=120, help="Seconds of silence before a ping.")
@click.option("--pong-timeout", type=_LIMIT, default=30, help="Seconds to answer that ping (4201).")
@click.option("--authorization-timeout", type=float, help="Seconds to sign in or subscribe privately (4009).")
@click.option("--console/--no-console", default=None, help="Debug console at /; by default only on loopback.")
def channels(host: str, port: int, **options: Any) -> None:
    """Run the embedded Channels server until it is interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    _allow_many_files()
    _calm_the_collector()
    console = _is_loopback(host) if options["console"] is None else options["console"]
    server = _server(**{**options, "console": console})
    asyncio.run(_serve(server, host, port, console=console))


def _server(
    *, webhook_urls: list[str], max_buffer: int, console: bool, disabled: bool, **options: Any
) -> Server:
    settings = Settings(enabled=not disabled, **options)
    return Server(settings, webhook_urls=webhook_urls, max_buffer=max_buffer, console=console)


async def _serve(server: Server, host: str, port: int, *, console: bool) -> None:
    interrupted = _interruption()
    runner = web.AppRunner(
        server.application(), access_log=None, keepalive_timeout=KEEPALIVE_TIMEOUT, shutdown_timeout=2.0
    )
    await runner.setup()
    try:
        listener = await _listen(server, runner, host, port)
        _announce(f"http://{host}:{listener.sockets[0].getsockname()[1]}", console=console)
        await interrupted.wait()
        # First of all, or those sent away would come straight back to a server that is leaving.
        listener.close()
        await server.drain()
    finally:
        await runner.cleanup()


async def _listen(server: Server, runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    accept = runner.server
    assert accept
    try:
        return await asyncio.get_running_loop().create_server(
            lambda: server.watched(accept()), host, port, backlog=BACKLOG
        )
    except OSError as error:
        reason = "address in use" if error.errno == errno.EADDRINUSE else error.strerror
        raise click.ClickException(
            f"Cannot listen on {host}:{port}: {reason}. Stop what is there, or choose another --port."
        ) from error


def _announce(address: str, *, console: bool) -> None:
    click.echo(f"Channels server on {address}{' (debug console at the same address)' if console else ''}")
    click.echo(
        "It is one process for one machine. Beyond that, hosted Channels or a self-hosted cluster takes over "
        "with the same PUSHER_ settings: docs/channels-server.md."
    )


def _interruption() -> asyncio.Event:
    """Set once the process is asked to end."""
    interrupted = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, interrupted.set)
    return interrupted


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a logged error is this server's: a peer that does not speak HTTP got its 400 and is no news."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _allow_many_files() -> None:
    """Every connection is an open file, and the usual soft limit of 1,024 is soon reached."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _calm_the_collector() -> None:
    """Let the garbage collector walk the connections less often.

    Nearly everything here is freed by its reference count. Looking for the rest among thousands of long-lived
    connections costs a third of the processor time when they all come back at once.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
