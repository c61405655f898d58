"""``BID_RATE_LIMIT`` and ``Idempotency-Key`` together: a bid counts once, however often it is sent.

Requests with one key that are under way at the same time in this process share the first one's answer. A
request over the limit still gets the answer its key was given before.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future

from flask_limiter import RateLimitExceeded

from marketplace.bidding.desk import Answer, BidRequest
from marketplace.errors import IdempotencyKeyReused
from marketplace.extensions import limiter
from marketplace.runtime import runtime

from .security import viewer_or_address

_Flight = tuple[int, int, str]

_lock = threading.Lock()
_under_way: dict[_Flight, tuple[BidRequest, Future[Answer]]] = {}


def place_within_limit(request: BidRequest) -> Answer:
    """Place a bid if the bidder's limit allows it.

    Raises:
        RateLimitExceeded: it does not, and this is no repetition.
        MarketplaceError: see ``Desk.place``.
    """
    if request.idempotency_key is None:
        _count_bid()
        return runtime().desk.place(request)
    flight = (request.auction_id, request.bidder_id, request.idempotency_key)
    with _lock:
        leading = _under_way.get(flight)
        if leading is None:
            future: Future[Answer] = Future()
            _under_way[flight] = (request, future)
    if leading is not None:
        return _follow(request, *leading)
    try:
        answer = _place_or_repeat(request)
    except BaseException as error:
        future.set_exception(error)
        raise
    else:
        future.set_result(answer)
        return answer
    finally:
        with _lock:
            del _under_way[flight]


def _follow(request: BidRequest, leader: BidRequest, future: Future[Answer]) -> Answer:
    if leader.amount != request.amount:
        raise IdempotencyKeyReused
    answer = future.result()
    return Answer(answer.accepted, answer.refusal, replayed=True)


def _place_or_repeat(request: BidRequest) -> Answer:
    desk = runtime().desk
    try:
        _count_bid()
    except RateLimitExceeded:
        answer = desk.find(request)
        if answer is None:
            raise
        return answer
    return desk.place(request)


@limiter.shared_limit(lambda: runtime().config.bid_rate_limit, scope="bids", key_func=viewer_or_address)
def _count_bid() -> None:
    """Flask-Limiter counts calls of this function, per bidder."""
