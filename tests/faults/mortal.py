"""A process that dies at a line of one's choice. Started by ``test_crash_points.py``.

It reads commands, one JSON object a line, and carries each out in a forked child with the settings in its
environment. With ``dieAt``, the child is killed (SIGKILL, by itself) when it first reaches that line of the
watched files, in whichever thread. The answer says whether it was killed, which watched lines it reached, and
what the bidder had been told by then.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg2

from marketplace import create_app, payments
from marketplace.accounts import Viewer
from marketplace.bidding import answers, book, desk, dutch_book, english_book, reservations, rows, service
from marketplace.bidding.answers import BidRequest
from marketplace.config import Config
from marketplace.extensions import db
from marketplace.models import Order
from marketplace.orders import making
from marketplace.orders import service as orders
from marketplace.payments import receiving, stripe_checkout, stripe_webhook
from marketplace.pictures import gallery, store
from marketplace.pictures.rendering import Rendering
from marketplace.realtime import courier, outbox, publisher, relay, user_events
from marketplace.runtime import runtime

#: Where the promises are kept: transactions, leases, sending and marking.
WATCHED = {
    str(module.__file__): Path(str(module.__file__)).name
    for module in (
        *(desk, answers, book, english_book, dutch_book, rows, reservations, service),
        *(outbox, courier, publisher, relay, user_events, making, orders),
        *(receiving, stripe_checkout, stripe_webhook, gallery, store),
    )
}
#: How long a child works at most.
BOUND_SECONDS = 20.0


class Tracer:
    """Notes the lines that are reached, and dies at one of them."""

    def __init__(self, die_at: str | None) -> None:
        self._die_at = die_at
        self.reached: dict[str, None] = {}

    def start(self) -> None:
        threading.settrace(self._call)
        sys.settrace(self._call)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        return self._line if frame.f_code.co_filename in WATCHED else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        if event == "line":
            line = f"{WATCHED[frame.f_code.co_filename]}:{frame.f_lineno}"
            if line == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            self.reached.setdefault(line)
        return self._line


def place_bid(command: dict[str, Any], tell: Callable[..., None]) -> None:
    """Place a bid at the desk; then live on until its events are sent."""
    request = BidRequest(
        auction_id=command["auctionId"],
        bidder_id=command["bidderId"],
        bidder_name="Somebody",
        amount=command["amount"],
        idempotency_key=command["key"],
    )
    answer = runtime().desk.place(request)
    tell(answer=answer.accepted)
    _until_sent(command["auctionId"])


def check_out(command: dict[str, Any], tell: Callable[..., None]) -> None:
    """Check out an item that is held, which makes an order."""
    buyer = Viewer(command["bidderId"], "Somebody", "", is_admin=False)
    tell(answer={"orderId": orders.order_reserved(command["auctionId"], command["seq"], by=buyer)})


def tick(_command: dict[str, Any], tell: Callable[..., None]) -> None:
    """Be the clock, once."""
    tell(answer={"auctions": service.tick()})


def send_outbox(command: dict[str, Any], tell: Callable[..., None]) -> None:
    """Be the relay until an auction's events are sent."""
    sender = runtime().relay()
    _until_sent(command["auctionId"], meanwhile=sender.run_once)


def add_picture(command: dict[str, Any], tell: Callable[..., None]) -> None:
    """Add a picture in two sizes to a draft."""
    files = {width: f"{command['text']} {width}".encode() for width in (320, 640)}
    rendering = Rendering(640, 480, "#808080", files)
    picture_id = runtime().gallery.add(
        command["auctionId"], by=command["sellerId"], rendering=rendering, alt=""
    )
    tell(answer=picture_id)


def remove_picture(command: dict[str, Any], tell: Callable[..., None]) -> None:
    """Take a picture out of a draft, and clear up at once."""
    runtime().gallery.remove(command["auctionId"], command["pictureId"], by=command["sellerId"])
    gallery.GRACE = timedelta(0)
    tell(answer=runtime().gallery.purge())


def _until_sent(auction_id: int, meanwhile: Callable[[], object] = lambda: None) -> None:
    # A connection of its own: what is watched must not be disturbed.
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    deadline = time.monotonic() + BOUND_SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(
                "SELECT 1 FROM events WHERE auction_id = %s"
                " AND (published_at IS NULL OR (delivered_at IS NULL AND direct IS NOT NULL))"
                " UNION ALL SELECT 1 FROM user_events LIMIT 1",
                (auction_id,),
            )
            if cursor.fetchone() is None:
                return
            meanwhile()
            time.sleep(0.005)


def end_auction(command: dict[str, Any], tell: Callable[..., None]) -> None:
    """End an auction, which makes an order."""
    service.end(command["auctionId"])


def close_overdue(command: dict[str, Any], tell: Callable[..., None]) -> None:
    """Be the job that closes what was not paid in time."""
    orders.close_overdue()


def start_payment(command: dict[str, Any], tell: Callable[..., None]) -> None:
    """Send a buyer to Stripe."""
    order = db.session.get(Order, command["orderId"])
    assert order
    url = payments.methods(runtime().config)["stripe"].start(order, back_to="https://example.com/orders/1")
    tell(answer=url)


def take_webhook(command: dict[str, Any], tell: Callable[..., None]) -> None:
    """Take what Stripe reports."""
    secret = runtime().config.stripe_webhook_secret
    tell(answer=stripe_webhook.take(command["body"].encode(), command["signature"], secret=secret))


WORK = {
    "place_bid": place_bid,
    "check_out": check_out,
    "tick": tick,
    "send_outbox": send_outbox,
    "end_auction": end_auction,
    "close_overdue": close_overdue,
    "start_payment": start_payment,
    "take_webhook": take_webhook,
    "add_picture": add_picture,
    "remove_picture": remove_picture,
}


def main() -> None:
    app = create_app(Config.from_env(os.environ))  # connects to nothing and starts nothing yet
    for line in sys.stdin:
        command = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            _live(app, command, writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            told = [json.loads(said) for said in pipe]
        _, status = os.waitpid(child, 0)
        answer: dict[str, Any] = {"killed": os.WIFSIGNALED(status), "answer": None, "reached": []}
        for said in told:
            answer |= said
        print(json.dumps(answer), flush=True)


def _live(app: Any, command: dict[str, Any], pipe: int) -> None:
    def tell(**facts: Any) -> None:
        os.write(pipe, (json.dumps(facts) + "\n").encode())

    code = 1
    try:
        tracer = Tracer(command.get("dieAt"))
        with app.app_context():
            tracer.start()
            WORK[command["do"]](command, tell)
            tell(reached=list(tracer.reached))
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
