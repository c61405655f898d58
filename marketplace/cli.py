"""The ``flask`` commands."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from .extensions import db
from .verification import verify

auction = AppGroup("auction", help="Look into auctions.")


def register(app: Flask) -> None:
    """Add the commands to the application."""
    app.cli.add_command(auction)


@auction.command("verify")
@click.argument("auction_id", type=int)
def verify_auction(auction_id: int) -> None:
    """Recompute an auction's price, leader and chain from its log alone."""
    problems = verify(db.session.connection(), auction_id)
    for problem in problems:
        click.echo(f"WRONG  {problem}")
    if problems:
        raise SystemExit(1)
    click.echo(f"auction {auction_id}: the log is whole, and price and leader follow from it")
