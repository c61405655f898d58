"""The life of an order: who may take which step, and when.

AWAITING_PAYMENT ──> PAID ──> SHIPPED ──> DONE
      ├──> CANCELLED (by the seller)
      └──> UNPAID (nobody paid in time)

Money that comes after that counts as if it had come in time, if the seller says so while the lot is nobody
else's: ``service.confirm_payment``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from marketplace.errors import Conflict, OrderNotAwaitingPayment, OrderNotPaid, OrderNotShipped
from marketplace.models import OrderState

#: What becomes of an order that is paid for.
CHAIN = (OrderState.AWAITING_PAYMENT, OrderState.PAID, OrderState.SHIPPED, OrderState.DONE)
#: Nothing is owed any more, and what was sold is free again.
CALLED_OFF = frozenset({OrderState.CANCELLED, OrderState.UNPAID})


class Party(StrEnum):
    """The two whom an order concerns."""

    BUYER = "buyer"
    SELLER = "seller"


class Step(StrEnum):
    """What somebody does with an order."""

    CHECK_OUT = "check_out"
    CONFIRM_PAYMENT = "confirm_payment"
    SHIP = "ship"
    RECEIVE = "receive"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who takes a step, from which state to which; and what it is answered in any other."""

    party: Party
    before: OrderState
    after: OrderState
    refusal: type[Conflict]


_AWAITING = OrderState.AWAITING_PAYMENT
RULES = {
    Step.CHECK_OUT: Rule(Party.BUYER, _AWAITING, _AWAITING, OrderNotAwaitingPayment),
    Step.CONFIRM_PAYMENT: Rule(Party.SELLER, _AWAITING, OrderState.PAID, OrderNotAwaitingPayment),
    Step.SHIP: Rule(Party.SELLER, OrderState.PAID, OrderState.SHIPPED, OrderNotPaid),
    Step.RECEIVE: Rule(Party.BUYER, OrderState.SHIPPED, OrderState.DONE, OrderNotShipped),
    Step.CANCEL: Rule(Party.SELLER, _AWAITING, OrderState.CANCELLED, OrderNotAwaitingPayment),
}


def after(state: OrderState, step: Step) -> OrderState:
    """The state after a step; a step that was taken before changes nothing and is no error.

    Raises:
        OrderNotAwaitingPayment, OrderNotPaid, OrderNotShipped: it is not its turn; carries ``state``.
    """
    rule = RULES[step]
    if state == rule.before:
        return rule.after
    if rule.after != rule.before and _has_been(state, rule.after):
        return state
    raise rule.refusal(state=state.value)


def _has_been(state: OrderState, earlier: OrderState) -> bool:
    """Whether an order in one state has been in the other, as a request that is sent again may find it."""
    if state in CHAIN and earlier in CHAIN:
        return CHAIN.index(state) >= CHAIN.index(earlier)
    return state == earlier
