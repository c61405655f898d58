"""What is sold becomes an order, in the transaction that sells it.

On Core, like everything that is written while an auction is locked (docs/decisions/bidding-desk.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from marketplace.models import OrderState
from marketplace.realtime import user_events
from marketplace.realtime.events import OrderUpdated
from marketplace.transactions import Statement, execute_together, recordset

from . import fees


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """Something sold, while its auction is locked."""

    auction_id: int
    buyer_id: int
    price: int
    #: How it was won, see ``Order.origin``.
    origin: str
    at: datetime


# The terms are fixed since the auction was published. The id is drawn here, so that what is told can name it.
_TERMS = text(
    """
    SELECT nextval(pg_get_serial_sequence('orders', 'id')) AS id, seller_id, title, currency,
        premium_rate, tax_rate, payment_days
    FROM unnest(:auctions ::bigint[]) WITH ORDINALITY AS sold(auction_id, place)
    JOIN auctions ON auctions.id = sold.auction_id
    ORDER BY place
    """
)
_INSERT = """
    INSERT INTO orders (id, auction_id, buyer_id, seller_id, origin, title, currency, price, premium_rate,
        tax_rate, premium, tax, total, due_at, created_at, payment_details)
    SELECT o.*, users.payment_details
    FROM json_to_recordset(:orders) AS o(id bigint, auction_id bigint, buyer_id bigint,
        seller_id bigint, origin text, title text, currency text, price bigint, premium_rate integer,
        tax_rate integer, premium bigint, tax bigint, total bigint, due_at timestamptz,
        created_at timestamptz)
    JOIN users ON users.id = o.seller_id
"""
_FIND = text("SELECT id FROM orders WHERE auction_id = :auction_id AND origin = :origin")
# What was sold before there were orders stays sold.
_IS_SOLD = text(
    """
    SELECT coalesce(bool_or(orders.state NOT IN ('CANCELLED', 'UNPAID')), auctions.outcome = 'SOLD', false)
    FROM auctions LEFT JOIN orders ON orders.auction_id = auctions.id
    WHERE auctions.id = :auction_id GROUP BY auctions.id
    """
)


def statements(connection: Connection, sold: Sequence[Sold]) -> list[Statement]:
    """What writes the orders of what was sold and tells buyers and sellers; the caller runs it."""
    return _writing(_rows(connection, sold)) if sold else []


def of_reservation(
    connection: Connection, *, auction_id: int, seq: int, buyer_id: int, price: int, at: datetime
) -> int:
    """The id of the order for an item taken at ``seq``, made if there is none yet; the auction is locked."""
    origin = f"take:{seq}"
    made: int | None = connection.execute(
        _FIND, {"auction_id": auction_id, "origin": origin}
    ).scalar_one_or_none()
    if made is not None:
        return made
    taken = Sold(auction_id=auction_id, buyer_id=buyer_id, price=price, origin=origin, at=at)
    rows = _rows(connection, [taken])
    execute_together(connection, _writing(rows))
    return int(rows[0]["id"])


def taken_at(origin: str) -> int | None:
    """The number at which an item of a Dutch auction was taken; None for what was won otherwise."""
    kind, _, seq = origin.partition(":")
    return int(seq) if kind == "take" else None


def is_sold(connection: Connection, auction_id: int) -> bool:
    """Whether a lot has a buyer who has paid or still may; ask while it is locked."""
    return bool(connection.execute(_IS_SOLD, {"auction_id": auction_id}).scalar_one())


def updated(order_id: int, state: str, *, title: str, total: int, currency: str) -> OrderUpdated:
    """What buyer and seller are told."""
    return OrderUpdated(order_id=order_id, state=state, title=title, total=total, currency=currency)


def _rows(connection: Connection, sold: Sequence[Sold]) -> list[dict[str, Any]]:
    found = connection.execute(_TERMS, {"auctions": [each.auction_id for each in sold]})
    return [_row(each, terms) for each, terms in zip(sold, found, strict=True)]


def _row(sold: Sold, terms: Any) -> dict[str, Any]:
    due = fees.lines(sold.price, premium_rate=terms.premium_rate, tax_rate=terms.tax_rate)
    return {
        "id": terms.id,
        "auction_id": sold.auction_id,
        "buyer_id": sold.buyer_id,
        "seller_id": terms.seller_id,
        "origin": sold.origin,
        "title": terms.title,
        "currency": terms.currency,
        "premium_rate": terms.premium_rate,
        "tax_rate": terms.tax_rate,
        **asdict(due),
        "total": due.total,
        "due_at": sold.at + timedelta(days=terms.payment_days),
        "created_at": sold.at,
    }


def _writing(rows: Sequence[dict[str, Any]]) -> list[Statement]:
    told = [
        user_events.Told(user_id, event, row["created_at"])
        for row in rows
        for event in [_made(row)]
        for user_id in (row["buyer_id"], row["seller_id"])
    ]
    return [Statement(_INSERT, {"orders": recordset(rows)}), user_events.record(told)]


def _made(row: dict[str, Any]) -> OrderUpdated:
    state = OrderState.AWAITING_PAYMENT.value
    return updated(row["id"], state, title=row["title"], total=row["total"], currency=row["currency"])
