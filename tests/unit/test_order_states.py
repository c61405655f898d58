"""The states of an order: every step from every state."""

from __future__ import annotations

import pytest

from marketplace.errors import Conflict
from marketplace.models import OrderState
from marketplace.orders.states import CALLED_OFF, CHAIN, RULES, Party, Step, after

#: What each step makes of each state; a code: it is refused so. The same state: it was taken before.
TABLE = """
                  check_out                    confirm_payment              ship            receive           cancel
AWAITING_PAYMENT  AWAITING_PAYMENT             PAID                         order_not_paid  order_not_shipped CANCELLED
PAID              order_not_awaiting_payment   PAID                         SHIPPED         order_not_shipped order_not_awaiting_payment
SHIPPED           order_not_awaiting_payment   SHIPPED                      SHIPPED         DONE              order_not_awaiting_payment
DONE              order_not_awaiting_payment   DONE                         DONE            DONE              order_not_awaiting_payment
CANCELLED         order_not_awaiting_payment   order_not_awaiting_payment   order_not_paid  order_not_shipped CANCELLED
UNPAID            order_not_awaiting_payment   order_not_awaiting_payment   order_not_paid  order_not_shipped order_not_awaiting_payment
"""  # noqa: E501
_STEPS, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [
    (OrderState(state), Step(step), outcome)
    for state, *outcomes in _ROWS
    for step, outcome in zip(_STEPS, outcomes, strict=True)
]


def test_the_table_knows_every_state_and_step() -> None:
    assert {(state, step) for state, step, _ in CELLS} == {(s, t) for s in OrderState for t in Step}


@pytest.mark.parametrize(("state", "step", "outcome"), CELLS)
def test_every_step_from_every_state(state: OrderState, step: Step, outcome: str) -> None:
    if outcome in set(OrderState):
        assert after(state, step) == outcome
        return
    with pytest.raises(Conflict) as refusal:
        after(state, step)
    assert (refusal.value.code, refusal.value.facts) == (outcome, {"state": state})


@pytest.mark.parametrize("step", Step)
def test_a_step_taken_twice_is_taken_once(step: Step) -> None:
    once = after(RULES[step].before, step)
    assert after(once, step) == once


def test_what_is_called_off_stays_so_and_nothing_goes_back() -> None:
    for state, step, outcome in CELLS:
        if state in CALLED_OFF and outcome in set(OrderState):
            assert outcome == state
        if state in CHAIN and outcome in CHAIN:
            assert CHAIN.index(OrderState(outcome)) >= CHAIN.index(state)
        assert RULES[step].party in Party
