"""The ``flask`` commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from . import replay
from .errors import MarketplaceError
from .export import export
from .extensions import db
from .realtime import catalogue
from .runtime import runtime
from .verification import verify

EVENTS_PAGE = Path(__file__).parents[1] / "docs" / "events.md"

auction = AppGroup("auction", help="Look into auctions.")
docs = AppGroup("docs", help="Write the documentation that is made from code.")
demo = AppGroup("demo", help="Demo people and auctions, on a developer's own machine.")


def register(app: Flask) -> None:
    """Add the commands to the application."""
    app.cli.add_command(auction)
    app.cli.add_command(docs)
    app.cli.add_command(demo)
    app.cli.add_command(channels)


@auction.command("verify")
@click.argument("auction_id", type=int)
def verify_auction(auction_id: int) -> None:
    """Recompute an auction's prices, chain, and leader or stock from its log alone."""
    # One moment for all that is read, or an auction that goes on meanwhile seems wrong.
    moment = {"isolation_level": "REPEATABLE READ"}
    problems = verify(db.session.connection(execution_options=moment), auction_id)
    for problem in problems:
        click.echo(f"WRONG  {problem}")
    if problems:
        raise SystemExit(1)
    click.echo(f"auction {auction_id}: the log is whole, and all that is stored follows from it")


@auction.command("export")
@click.argument("auction_id", type=int)
def export_auction(auction_id: int) -> None:
    """Write the log of an auction that is over, secrets included, for script/verify-log."""
    try:
        click.echo(json.dumps(export(db.session.connection(), auction_id), indent=1))
    except MarketplaceError as error:
        raise click.ClickException(error.detail) from error


@auction.command("replay")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def replay_auctions(file: Path) -> None:
    """Run recorded auctions through the HTTP API, on a web server of their own, and compare."""
    try:
        recordings = replay.read(file)
    except replay.NotARecording as error:
        raise click.ClickException(error.detail) from error
    app = cast(Flask, current_app._get_current_object())  # type: ignore[attr-defined] # noqa: SLF001
    with click.progressbar(length=len(recordings), label="replaying") as progress:
        results = replay.replay(app, recordings, done=lambda: progress.update(1))
    for result in results:
        if result.difference:
            expected = "UNEXPECTED" if result.recording.reproducible else "differs"
            click.echo(f"{expected}  {result.recording.id}: {result.difference}")
    wanted = [result for result in results if result.recording.reproducible]
    reproduced = [result for result in wanted if not result.difference]
    click.echo(f"{len(reproduced)} of {len(wanted)} reproduced")
    if len(reproduced) < len(wanted):
        raise SystemExit(1)


@docs.command("events")
def write_events() -> None:
    """Write docs/events.md from the catalogue of events."""
    EVENTS_PAGE.write_text(catalogue.markdown())
    click.echo(f"{EVENTS_PAGE.name} is written")


# marketplace.dev is imported inside the commands only: nothing in production loads it.


@demo.command("load")
def load_demo_data() -> None:
    """Put in the demo people and auctions that are not there yet."""
    _check_development()
    from .dev import demo as demo_data

    new = demo_data.load()
    click.echo(f"{len(new)} new auctions" if new else "The demo data is there already.")


@demo.command("simulate")
def simulate_bidders() -> None:
    """Have demo bidders bid every few seconds on the marketplace at PORT, until Ctrl-C."""
    _check_development()
    from .dev import demo as demo_data

    demo_data.load()
    db.session.remove()  # or its transaction would stay open all the while
    demo_data.simulate(f"http://127.0.0.1:{runtime().config.port}")


@click.command(
    "channels",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.pass_context
def channels(context: click.Context) -> None:
    """Run the embedded Channels server; --help tells its options."""
    # It is not part of what production needs: there Channels is hosted.
    try:
        from .channels_server.command import channels as run
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is missing: install requirements-dev.txt.") from error
    run.main(args=context.args, prog_name=context.command_path)


def _check_development() -> None:
    from .dev.demo import NotForDevelopment, check_development

    try:
        check_development(runtime().config)
    except NotForDevelopment as error:
        raise click.ClickException(str(error)) from error
