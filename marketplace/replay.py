"""Running recorded auctions again, through the HTTP API: the rules must end where the auction house did."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests
from flask import Flask
from sqlalchemy import delete, select
from werkzeug.serving import WSGIRequestHandler, make_server

from . import accounts
from .errors import Invalid
from .extensions import db, limiter
from .increments import PRESETS
from .models import ApiToken, User
from .money import MAX_AMOUNT
from .runtime import runtime
from .transactions import transaction

#: Recorded auctions that run at the same time.
WIDTH = 4
_SELLER, _ADMIN = "the seller", "the administrator"


class NotARecording(Invalid):
    """The file does not hold recorded auctions."""

    code = "not_a_recording"


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded auction, amounts in cents. A maximum that was never known is as large as can be."""

    id: str
    item: str
    opening_price: int
    final_price: int
    winner: str
    reproducible: bool
    bids: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a recording went: reproduced when ``difference`` is empty."""

    recording: Recording
    difference: str


def read(file: Path) -> list[Recording]:
    """The recordings in a file.

    Raises:
        NotARecording: it has another format.
    """
    try:
        return [_recording(each) for each in json.loads(file.read_text())]
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise NotARecording(f"{file} does not hold recorded auctions: {error!r}") from error


def _recording(data: dict[str, Any]) -> Recording:
    return Recording(
        id=data["id"],
        item=data["item"],
        opening_price=_cents(data["openingPrice"]),
        final_price=_cents(data["finalPrice"]),
        winner=data["winner"],
        reproducible=data["reproducible"],
        bids=tuple(
            (bid["bidder"], MAX_AMOUNT if bid["maxAmount"] is None else _cents(bid["maxAmount"]))
            for bid in data["bids"]
        ),
    )


def _cents(dollars: str) -> int:
    return int(Decimal(dollars) * 100)


def replay(
    app: Flask, recordings: Sequence[Recording], *, done: Callable[[], None] = lambda: None
) -> list[Replayed]:
    """Run the recordings on a web server of their own; calls ``done`` after each.

    In this process nothing is limited meanwhile: nobody here waits a minute for their next bid.
    """
    bidders = {bidder for recording in recordings for bidder, _ in recording.bids}
    tokens = _people(sorted(bidders))
    try:
        with _no_limits(), _web_server(app) as url:

            def run(recording: Recording) -> Replayed:
                result = _run(url, tokens, recording)
                done()
                return result

            with ThreadPoolExecutor(WIDTH) as pool:
                return list(pool.map(run, recordings))
    finally:
        _revoke(tokens)


@contextmanager
def _no_limits() -> Iterator[None]:
    desk = runtime().desk
    limit, desk.limit, limiter.enabled = desk.limit, None, False
    try:
        yield
    finally:
        desk.limit, limiter.enabled = limit, True


@contextmanager
def _web_server(app: Flask) -> Iterator[str]:
    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_: object) -> None:
            """Say nothing."""

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def _people(bidders: Iterable[str]) -> dict[str, str]:
    """A bearer token for each bidder, the seller and an administrator; made if they are not there yet.

    They have no password, so nobody can log in as one of them.
    """
    tokens = {name: accounts.TOKEN_PREFIX + secrets.token_urlsafe(32) for name in (*bidders, _SELLER, _ADMIN)}
    with transaction():
        there = select(User).where(User.email.in_(_mails(tokens)))
        known = {user.email: user for user in db.session.scalars(there)}
        for name, token in tokens.items():
            user = known.get(_mail(name)) or User(
                email=_mail(name), display_name=name, password_hash="", is_admin=name == _ADMIN
            )
            db.session.add(user)
            db.session.flush()
            db.session.add(ApiToken(user_id=user.id, name="replay", token_hash=accounts.token_hash(token)))
    return tokens


def _revoke(tokens: dict[str, str]) -> None:
    hashes = [accounts.token_hash(token) for token in tokens.values()]
    with transaction():
        db.session.execute(delete(ApiToken).where(ApiToken.token_hash.in_(hashes)))


def _mails(names: Iterable[str]) -> list[str]:
    return [_mail(name) for name in names]


def _mail(name: str) -> str:
    return f"{name.replace(' ', '-')}@replay.invalid"


def _run(url: str, tokens: dict[str, str], recording: Recording) -> Replayed:
    with requests.Session() as session:

        def call(name: str, method: str, path: str, body: Any = None) -> requests.Response:
            headers = {"Authorization": f"Bearer {tokens[name]}"}
            return session.request(method, url + path, json=body, headers=headers, timeout=60)

        created = call(_SELLER, "POST", "/api/auctions", _listing(recording))
        created.raise_for_status()
        path = f"/api/auctions/{created.json()['id']}"
        call(_SELLER, "POST", f"{path}/publish").raise_for_status()
        differences = []
        for n, (bidder, maximum) in enumerate(recording.bids, start=1):
            answer = call(bidder, "POST", f"{path}/bids", {"maxAmount": maximum})
            if answer.status_code != 201:
                differences.append(_refusal(n, len(recording.bids), answer.json()))
        ended = call(_ADMIN, "POST", f"{path}/end")
        ended.raise_for_status()
    return Replayed(recording, "; ".join([*differences, *_wrong_end(recording, ended.json())]))


def _listing(recording: Recording) -> dict[str, Any]:
    return {
        "title": f"{recording.item} ({recording.id})",
        "currency": "USD",
        "startingPrice": recording.opening_price,
        "incrementTable": PRESETS[0].rows,
        "endsAt": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }


def _refusal(n: int, count: int, problem: dict[str, Any]) -> str:
    minimum = problem.get("minimumNextBid")
    why = f"{problem['code']}, the minimum was {minimum / 100:.2f}" if minimum else str(problem["code"])
    return f"bid {n} of {count} is refused ({why})"


def _wrong_end(recording: Recording, auction: dict[str, Any]) -> Iterator[str]:
    price, winner = auction["currentBid"], auction["bidderName"]
    if price != recording.final_price:
        ended = "unsold" if price is None else f"at {price / 100:.2f}"
        yield f"it ends {ended} and not at {recording.final_price / 100:.2f}"
    if winner != recording.winner:
        yield f"{winner} wins and not {recording.winner}"
