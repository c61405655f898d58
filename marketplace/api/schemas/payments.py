"""Payments."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from marketplace.models import PaymentState

from .base import Moment, PageSize, Schema


class PaymentView(Schema):
    """Money that a payment service took for an order."""

    id: int
    order_id: int
    method: str
    reference: Annotated[str, Field(description="the payment service's name for it")]
    amount: Annotated[int, Field(description="what came, in the minor unit of its currency")]
    currency: str
    state: Annotated[PaymentState, Field(description="TO_REFUND: the order did not need it, see the reason")]
    reason: Annotated[
        str | None, Field(description="order_cancelled, order_unpaid, paid_before or other_amount")
    ]
    received_at: Moment


class PaymentList(Schema):
    """The payments of an order."""

    items: list[PaymentView]
    next_cursor: None = None


class PaymentPage(Schema):
    """Some payments."""

    items: list[PaymentView]
    next_cursor: str | None


class PaymentQuery(Schema):
    """Which page."""

    limit: PageSize = 50
    cursor: Annotated[str | None, Field(max_length=200)] = None
