"""``flask channels``, or ``python -m marketplace.channels_server``: run the server on its own. Needs no Flask app."""

import asyncio
import logging
import signal

import click
from aiohttp import web

from marketplace.channels_server.server import Server
from marketplace.channels_server.settings import Settings

BACKLOG = 4096


@click.command("channels")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", envvar="PUSHER_PORT", type=click.IntRange(0, 65535), default=6001, show_default=True)
@click.option("--app-id", envvar="PUSHER_APP_ID", required=True, show_envvar=True)
@click.option("--key", envvar="PUSHER_KEY", required=True, show_envvar=True)
@click.option("--secret", envvar="PUSHER_SECRET", required=True, show_envvar=True)
@click.option("--client-events/--no-client-events", default=True, show_default=True)
@click.option("--subscription-counts/--no-subscription-counts", default=True, show_default=True)
def channels(host: str, port: int, **options: object) -> None:
    """Run the embedded Channels server until it is interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        asyncio.run(_serve(Server(Settings(**options)), host, port))  # type: ignore[arg-type]
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen on {host}:{port}: {error.strerror}. Stop what uses it, or choose another --port."
        ) from error


async def _serve(server: Server, host: str, port: int) -> None:
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        click.echo(f"Channels server on http://{host}:{runner.addresses[0][1]}.")
        await _interruption()
        await server.drain()
    finally:
        await runner.cleanup()


async def _interruption() -> None:
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, interrupted.set)
    await interrupted.wait()
