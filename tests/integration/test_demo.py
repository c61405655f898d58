"""Demo data and demo bidders."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.serving import make_server

from marketplace.bidding import service
from marketplace.config import Config
from marketplace.dev import demo, drawings
from marketplace.extensions import db
from marketplace.models import Auction, Picture
from marketplace.verification import verify


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    """The application behind a port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def in_app(app: Flask) -> Iterator[Flask]:
    with app.app_context():
        yield app
        db.session.remove()


def test_loading_twice_loads_once(in_app: Flask) -> None:
    assert len(demo.load()) == len(demo.LOTS)
    assert demo.load() == []


def test_the_data_shows_several_states_and_currencies_and_its_logs_are_whole(in_app: Flask) -> None:
    demo.load()
    auctions = list(db.session.scalars(select(Auction)))
    assert {auction.status for auction in auctions} >= {"DRAFT", "SCHEDULED", "RUNNING"}
    assert len({auction.currency for auction in auctions}) >= 5
    assert [verify(db.session.connection(), auction.id) for auction in auctions] == [[] for _ in auctions]


def test_a_dutch_lot_that_is_over_is_put_up_again(in_app: Flask) -> None:
    demo.load()
    falling = {lot.title: lot for lot in demo.LOTS if lot.falls}
    over = next(title for title, lot in falling.items() if not lot.opens_in)
    service.end(db.session.scalars(select(Auction.id).where(Auction.title == over)).one())
    assert demo.load() == [over]


def test_simulated_buyers_take_items(app: Flask, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "TAKING", 1)
    simulation = demo.Simulation(url, chance=random.Random(1))
    with app.app_context():
        demo.load()
        held = db.session.scalar(select(func.sum(Auction.held)))
    for _ in range(3):
        assert " takes one at " in simulation.step()
    with app.app_context():
        assert db.session.scalar(select(func.sum(Auction.held))) == held + 3


def test_every_lot_has_pictures_that_say_what_they_show(in_app: Flask) -> None:
    demo.load()
    shown = db.session.execute(
        select(Auction.title, func.count(Picture.id)).outerjoin(Picture).group_by(Auction.title)
    )
    assert {title for title, count in shown if count == 0} == set()
    assert all(db.session.scalars(select(Picture.alt)))
    drawn = [drawings.drawing(lot.title) for lot in (*demo.LOTS, *demo.FRESH, *demo.FRESH_DUTCH)]
    assert None not in drawn


def test_the_logins_work(app: Flask) -> None:
    with app.app_context():
        demo.load()
    for email, password, _ in demo.LOGINS:
        credentials = {"email": email, "password": password}
        assert app.test_client().post("/api/auth/login", json=credentials).status_code == 200


def test_the_simulation_puts_lots_up_and_bids_within_the_limit(app: Flask, url: str) -> None:
    with app.app_context():
        demo.load()
        before = db.session.scalar(select(func.sum(Auction.bid_count)))
    simulation = demo.Simulation(url, chance=random.Random(1))
    said = [simulation.step() for _ in range(12)]
    bids = [line for line in said if " bids " in line or " takes one " in line]
    assert any("puts up" in line for line in said)
    assert not any(": " in line for line in bids), said
    with app.app_context():
        assert db.session.scalar(select(func.sum(Auction.bid_count))) == before + len(bids)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"database_url": "postgresql+psycopg2://u@db.example.com/x"}, "db.example.com"),
        ({"database_url": "postgresql+psycopg2://u@/x?host=db.example.com"}, "db.example.com"),
        ({"database_url": "postgresql+psycopg2://u@/x?host=/tmp&host=db.example.com"}, "db.example.com"),
        ({"secure_cookies": True}, "SECURE_COOKIES"),
    ],
)
def test_demo_people_stay_on_a_developers_machine(
    config: Config, changes: dict[str, object], said: str
) -> None:
    demo.check_development(config)
    with pytest.raises(demo.NotForDevelopment, match=said):
        demo.check_development(replace(config, **changes))
