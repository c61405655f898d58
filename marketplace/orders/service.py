"""What people do with orders, and what becomes of those that nobody pays.

Locks are taken in one order: the auction's row where what was sold becomes free again, then the order's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from marketplace import listings
from marketplace.accounts import Viewer
from marketplace.bidding import reservations
from marketplace.bidding.rows import open_book, try_open_book
from marketplace.errors import Forbidden, NoStrike, NotFound, OrderNotAwaitingPayment, PaidElsewhere
from marketplace.extensions import db
from marketplace.models import Auction, Order, OrderState, ReservationStatus, Strike, User
from marketplace.realtime import user_events
from marketplace.transactions import database_now, execute_together, lock, transaction

from .making import of_item, taken_at, updated
from .states import CALLED_OFF, RULES, Party, Step, after

#: Overdue orders that are looked up at once; each is closed in a transaction of its own.
BATCH = 100
#: The way of paying that the seller confirms; every other reports its payments itself.
BY_INVOICE = "invoice"

#: The moment that each state is entered.
_MOMENTS = {
    OrderState.PAID: "paid_at",
    OrderState.SHIPPED: "shipped_at",
    OrderState.DONE: "done_at",
    OrderState.CANCELLED: "closed_at",
    OrderState.UNPAID: "closed_at",
}

#: Why an item of a Dutch auction is free again, as its log says it.
_RETURNED = {OrderState.CANCELLED: "cancelled", OrderState.UNPAID: "unpaid"}

Buyer = aliased(User)
Seller = aliased(User)
_Standing = aliased(Strike)


@dataclass(frozen=True, slots=True)
class View:
    """An order as it is shown: with the names of its people and the strike it brought, if any."""

    order: Order
    buyer_name: str
    seller_name: str
    strike: Strike | None
    #: How many the buyer has in all, and no seller has lifted.
    buyer_strikes: int
    overdue: bool

    def party(self, viewer: Viewer) -> Party | None:
        """Which of the two somebody is; None for an administrator who looks on."""
        return _party(self.order, viewer)

    def payment_details(self, viewer: Viewer) -> str | None:
        """How the seller is paid: nobody's business but the two parties'."""
        return self.order.payment_details if self.party(viewer) else None


# --- looking ------------------------------------------------------------------------------------------------


def get(order_id: int, viewer: Viewer) -> View:
    """An order, for its buyer, its seller and administrators.

    Raises:
        NotFound: there is no such order for this viewer.
    """
    view = _look(order_id, viewer)
    return _look(order_id, viewer) if view.overdue and close_if_overdue(order_id) else view


def find(
    viewer: Viewer,
    party: Party,
    *,
    state: OrderState | None = None,
    auction_id: int | None = None,
    before: int | None = None,
    limit: int,
) -> list[View]:
    """The viewer's orders as buyer or as seller, the latest first; ``before`` is the last id of the page
    before."""
    mine = Order.buyer_id if party is Party.BUYER else Order.seller_id
    query = _views().where(mine == viewer.id)
    if state is not None:
        query = query.where(Order.state == state)
    if auction_id is not None:
        query = query.where(Order.auction_id == auction_id)
    if before is not None:
        query = query.where(Order.id < before)
    found = [View(*row) for row in db.session.execute(query.order_by(Order.id.desc()).limit(limit))]
    return [get(view.order.id, viewer) if view.overdue else view for view in found]


def bought_at(viewer: Viewer, auction_ids: Collection[int]) -> dict[int, View]:
    """The latest order of the viewer, as its buyer, at each of some auctions."""
    query = _views().where(Order.buyer_id == viewer.id, Order.auction_id.in_(auction_ids))
    found = [View(*row) for row in db.session.execute(query.order_by(Order.id))]
    return {view.order.auction_id: view for view in found}


def strikes(user_id: int) -> int:
    """How many strikes somebody has that no seller has lifted."""
    query = select(func.count()).where(_Standing.user_id == user_id, _Standing.lifted_at.is_(None))
    return db.session.execute(query).scalar_one()


def _look(order_id: int, viewer: Viewer) -> View:
    query = _views().where(Order.id == order_id)
    row: Any = db.session.execute(query).one_or_none()
    if row is None or (_party(row[0], viewer) is None and not viewer.is_admin):
        raise NotFound
    return View(*row)


def _views() -> Any:
    standing = select(func.count(_Standing.order_id)).where(
        _Standing.user_id == Order.buyer_id, _Standing.lifted_at.is_(None)
    )
    overdue = and_(Order.state == OrderState.AWAITING_PAYMENT, Order.due_at <= func.clock_timestamp()).label(
        "overdue"
    )
    return (
        select(Order, Buyer.display_name, Seller.display_name, Strike, standing.scalar_subquery(), overdue)
        .join(Buyer, Buyer.id == Order.buyer_id)
        .join(Seller, Seller.id == Order.seller_id)
        .outerjoin(Strike, Strike.order_id == Order.id)
    )


def _party(order: Order, viewer: Viewer) -> Party | None:
    if viewer.id == order.buyer_id:
        return Party.BUYER
    return Party.SELLER if viewer.id == order.seller_id else None


# --- steps --------------------------------------------------------------------------------------------------
#
# Each raises NotFound for whoever may not see the order, Forbidden for whoever may not take the step, and the
# refusals of ``states.after`` when it is not its turn. A step that was taken before changes nothing.


def to_check_out(order_id: int, *, by: Viewer) -> Order:
    """An order that can be checked out. For the buyer; raises what ``check_out`` would."""
    _check_party(order_id, RULES[Step.CHECK_OUT].party, by)
    order = get(order_id, by).order
    after(_state(order, database_now()), Step.CHECK_OUT)
    return order


def check_out(order_id: int, *, by: Viewer, ship_to: str, method: str) -> Order:
    """Say where it goes and how it is paid; until it is paid, both can be changed. For the buyer."""
    with _taking(Step.CHECK_OUT, order_id, by=by) as order:
        order.ship_to, order.method = ship_to, method
    return order


def order_reserved(auction_id: int, seq: int, *, by: Viewer) -> int:
    """The order for an item of a Dutch auction that is held for its buyer: it is sold now. Once more is the
    same order.

    Raises:
        NotFound: there is no such reservation of theirs.
        ReservationOver: it is not held any more.
    """
    with transaction():
        opened = reservations.open_reservation(auction_id, seq, by=by.id)
        if opened.reservation.status != ReservationStatus.CONFIRMED:
            reservations.confirm(opened)
        return of_item(db.session.connection(), auction_id, seq)


def confirm_payment(order_id: int, *, by: Viewer) -> None:
    """The money has come. For the seller, unless the buyer pays through a service.

    Also when it came too late, as long as nothing has become of what was sold; a strike for it stays until
    the seller lifts it.

    Raises:
        OrderNotAwaitingPayment: it was called off; or it came late, and the lot is offered, listed or sold
            again.
        PaidElsewhere: the service reports the payment.
    """
    auction_id = _check_party(order_id, RULES[Step.CONFIRM_PAYMENT].party, by)
    with transaction():
        # First: nobody else gets the lot while this is decided.
        open_book(db.session.connection(), auction_id)
        order = lock(Order, order_id)
        now = database_now()
        state = _state(order, now)
        if state == OrderState.UNPAID and _is_free_still(order):
            state = OrderState.AWAITING_PAYMENT
        to = after(state, Step.CONFIRM_PAYMENT)
        if state == OrderState.AWAITING_PAYMENT:
            if order.method not in {None, BY_INVOICE}:
                raise PaidElsewhere(method=order.method)
            order.method, order.closed_at = BY_INVOICE, None
        _move(order, to, now)


def _is_free_still(order: Order) -> bool:
    """Whether what was not paid in time is still there for its buyer; its auction is locked."""
    if taken_at(order.origin) is not None:
        # An item goes back to the others when its order is closed.
        return order.state == OrderState.AWAITING_PAYMENT
    relisted_as = db.session.execute(
        select(Auction.relisted_as).where(Auction.id == order.auction_id)
    ).scalar_one()
    sold = select(Order.id).where(
        Order.auction_id == order.auction_id, Order.id != order.id, Order.state.not_in(CALLED_OFF)
    )
    taken = listings.is_offered(order.auction_id) or db.session.execute(sold).first() is not None
    return relisted_as is None and not taken


def ship(order_id: int, *, by: Viewer, carrier: str, tracking: str) -> None:
    """It is on its way; until it has arrived, the seller can correct what they said."""
    with _taking(Step.SHIP, order_id, by=by) as order:
        if order.state != OrderState.DONE:
            order.carrier, order.tracking = carrier, tracking


def receive(order_id: int, *, by: Viewer) -> None:
    """It has arrived. For the buyer."""
    with _taking(Step.RECEIVE, order_id, by=by):
        pass


def cancel(order_id: int, *, by: Viewer, reason: str) -> None:
    """Call the sale off before it is paid, which frees what was sold. For the seller."""
    with _taking(Step.CANCEL, order_id, by=by) as order:
        if order.state == OrderState.AWAITING_PAYMENT:
            order.reason = reason


def lift_strike(order_id: int, *, by: Viewer) -> None:
    """Take back the strike that the buyer has for not paying. For the seller.

    Raises:
        NoStrike: there is none.
    """
    _check_party(order_id, Party.SELLER, by)
    with transaction():
        try:
            strike = lock(Strike, order_id)
        except NotFound:
            raise NoStrike from None
        strike.lifted_at = strike.lifted_at or database_now()


def pay(order: Order, *, method: str) -> None:
    """A payment service has the money. In the caller's transaction, which holds the lock of the order.

    What came before anybody closed the order came in time: nothing is free again yet.

    Raises:
        OrderNotAwaitingPayment: it was called off, or is paid: the money has to go back.
    """
    if order.state != OrderState.AWAITING_PAYMENT:
        raise OrderNotAwaitingPayment(state=order.state)
    order.method = method
    _move(order, OrderState.PAID, database_now())


@contextmanager
def _taking(step: Step, order_id: int, *, by: Viewer) -> Iterator[Order]:
    """The order, locked, while somebody takes a step with it; afterwards it is in its new state."""
    auction_id = _check_party(order_id, RULES[step].party, by)
    with transaction():
        if RULES[step].after in CALLED_OFF:
            open_book(db.session.connection(), auction_id)
        order = lock(Order, order_id)
        now = database_now()
        to = after(_state(order, now), step)
        yield order
        if to in CALLED_OFF:
            _call_off(order, to, now)
        else:
            _move(order, to, now)


def _check_party(order_id: int, party: Party, viewer: Viewer) -> int:
    """The auction of an order, if the viewer is this party to it. Before any lock: no stranger waits for it.

    Raises:
        NotFound: the viewer may not see the order.
        Forbidden: they are somebody else.
    """
    order = get(order_id, viewer).order
    if _party(order, viewer) is not party:
        raise Forbidden(f"Only the {party} may do this.")
    return order.auction_id


def _state(order: Order, now: datetime) -> OrderState:
    """The state by the clock: nobody may have noticed yet that the time to pay is over."""
    if order.state == OrderState.AWAITING_PAYMENT and order.due_at <= now:
        return OrderState.UNPAID
    return OrderState(order.state)


def _call_off(order: Order, to: OrderState, now: datetime) -> None:
    """Close an order that will not be paid; its auction is locked, and what was sold is free again."""
    _move(order, to, now)
    if (seq := taken_at(order.origin)) is not None:
        reservations.return_item(order.auction_id, seq, reason=_RETURNED[to])


def _move(order: Order, to: OrderState, now: datetime) -> None:
    """Enter a state, and tell both of it; nothing if the order is there already."""
    if order.state == to:
        return
    order.state = to.value
    setattr(order, _MOMENTS[to], now)
    event = updated(order.id, order.state, title=order.title, total=order.total, currency=order.currency)
    told = [user_events.Told(user_id, event, now) for user_id in (order.buyer_id, order.seller_id)]
    execute_together(db.session.connection(), [user_events.record(told)])


# --- what nobody pays ---------------------------------------------------------------------------------------


def close_overdue() -> int:
    """Close all that was not paid in time; returns how many. Safe to run anywhere, and to be killed."""
    closed = 0
    for order_ids in iter(_overdue, []):
        done = sum(map(close_if_overdue, order_ids))
        closed += done
        if done < len(order_ids):
            # Somebody else is busy with one of them; the next run finds it, if they leave it.
            break
    return closed


def _overdue() -> Sequence[int]:
    query = (
        select(Order.id)
        .where(Order.state == OrderState.AWAITING_PAYMENT, Order.due_at <= func.statement_timestamp())
        .order_by(Order.due_at)
        .limit(BATCH)
    )
    return list(db.session.scalars(query))


def close_overdue_of(auction_id: int) -> None:
    """Close what was sold at an auction and not paid in time: whoever looks first does the job's work."""
    query = select(Order.id).where(
        Order.auction_id == auction_id,
        Order.state == OrderState.AWAITING_PAYMENT,
        Order.due_at <= func.statement_timestamp(),
    )
    for order_id in list(db.session.scalars(query)):
        close_if_overdue(order_id)


def close_if_overdue(order_id: int) -> bool:
    """Make an order UNPAID if its time is over, with a strike for the buyer; returns whether that happened.

    If somebody else holds it or its auction just now nothing is done, and nobody who reads waits for them.
    """
    with transaction():
        auction_id = db.session.execute(select(Order.auction_id).where(Order.id == order_id)).scalar_one()
        if try_open_book(db.session.connection(), auction_id) is None:
            return False
        order = db.session.get(Order, order_id, with_for_update={"skip_locked": True}, populate_existing=True)
        now = database_now()
        if order is None or order.state != OrderState.AWAITING_PAYMENT or order.due_at > now:
            return False
        db.session.add(Strike(order_id=order.id, user_id=order.buyer_id, created_at=now))
        _call_off(order, OrderState.UNPAID, now)
    return True
