"""Orders and reservations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from marketplace.models import OrderState, ReservationStatus

from .base import Line, Moment, PageSize, Person, Schema, Text


class ReservationView(Schema):
    """An item of a Dutch auction that you took."""

    reservation_id: Annotated[str, Field(description="the id of the bid that took it")]
    auction_id: int
    title: str
    price: Annotated[int, Field(description="what you pay for it")]
    currency: str
    status: Annotated[
        ReservationStatus,
        Field(description="HELD until you check out (CONFIRMED), give it back (RELEASED) or let it expire"),
    ]
    expires_at: Annotated[Moment, Field(description="until when it is held")]
    created_at: Moment
    settled_at: Annotated[Moment | None, Field(description="when it stopped being held")]


class ReservationPage(Schema):
    """Some of your reservations."""

    items: list[ReservationView]
    next_cursor: str | None


class ReservationQuery(Schema):
    """Which reservations."""

    status: ReservationStatus | None = None
    limit: PageSize = 20
    cursor: Annotated[str | None, Field(max_length=200)] = None


class ReservationPath(Schema):
    """The id in the path."""

    reservation_id: Annotated[str, Field(max_length=40)]


Origin = Annotated[
    str,
    Field(
        description="how it was won: win, buy_now, offer:ID of a second chance, take:SEQ of a Dutch auction"
    ),
]


class StrikeView(Schema):
    """That the buyer did not pay in time."""

    at: Moment
    lifted_at: Annotated[Moment | None, Field(description="when the seller took it back")]


class OrderView(Schema):
    """Something sold, as its buyer, its seller and administrators see it."""

    id: int
    auction_id: int
    origin: Origin
    title: str
    buyer: Person
    seller: Person
    currency: str
    price: int
    premium_rate: Annotated[int, Field(description="in hundredths of a percent, as taxRate")]
    premium: Annotated[int, Field(description="on the price")]
    tax_rate: int
    tax: Annotated[int, Field(description="on price and premium")]
    total: int
    state: OrderState
    method: Annotated[str | None, Field(description="how the buyer pays; null until they have checked out")]
    ship_to: str | None
    payment_details: Annotated[
        str | None,
        Field(description="how the seller was to be paid when this was sold; told to buyer and seller only"),
    ]
    carrier: str | None
    tracking: str | None
    reason: Annotated[str | None, Field(description="why the seller called it off")]
    due_at: Annotated[Moment, Field(description="until when it has to be paid")]
    created_at: Moment
    paid_at: Moment | None
    shipped_at: Moment | None
    done_at: Moment | None
    closed_at: Annotated[Moment | None, Field(description="when it was cancelled or became unpaid")]
    strike: StrikeView | None
    buyer_strikes: Annotated[
        int | None,
        Field(description="of the buyer, and not lifted; told to the seller and to administrators"),
    ]


class CheckedOutOrder(OrderView):
    """An order that was checked out."""

    redirect_url: Annotated[str | None, Field(description="where to pay; null: nothing more to do here")]


class OrderPage(Schema):
    """Some of your orders."""

    items: list[OrderView]
    next_cursor: str | None


class OrderQuery(Schema):
    """Which of your orders."""

    role: Literal["buyer", "seller"] = "buyer"
    state: OrderState | None = None
    limit: PageSize = 20
    cursor: Annotated[str | None, Field(max_length=200)] = None


class OrderPath(Schema):
    """The id in the path."""

    order_id: int


class Checkout(Schema):
    """Where it goes, and how it is paid."""

    ship_to: Annotated[Text, Field(min_length=1, max_length=1000, description="name and address, in lines")]
    method: Annotated[Line, Field(max_length=40, description="a way of paying, such as `invoice`")]


class Shipment(Schema):
    """How it is sent."""

    carrier: Annotated[Line, Field(max_length=100)]
    tracking: Annotated[
        Text, Field(max_length=200, description="the carrier's number for it; may be empty")
    ] = ""


class OrderCancellation(Schema):
    """Why a sale is called off; the buyer can read it."""

    reason: Annotated[Line, Field(max_length=200)]
