"""The verifier that stands alone makes of any bids what the rules make of them."""

from __future__ import annotations

from datetime import timedelta
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.bidding.english import AntiSnipe, Bid, Price, SnipePolicy, Terms, meet
from marketplace.increments import Increments

PATH = Path(__file__).parents[3] / "script" / "verify-log"


def verifier() -> ModuleType:
    loader = SourceFileLoader("verify_log", str(PATH))
    spec = spec_from_loader("verify_log", loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


#: Never under the starting price of 20: such a bid is in no log.
AMOUNT = st.integers(4, 60).map(lambda n: n * 5)
#: Who, and an exact amount, a maximum that is not below it, or both.
ASKED = st.tuples(st.integers(2, 4), st.none() | AMOUNT, st.none() | AMOUNT).filter(
    lambda asked: (asked[1] or asked[2]) and (asked[1] or 0) <= (asked[2] or 300)
)


@settings(max_examples=500)
@given(st.lists(ASKED, max_size=12), st.none() | AMOUNT, st.sampled_from([1, 5, 20]))
def test_any_bids_in_any_order_make_the_same_price(
    asked: list[tuple[int, int | None, int | None]], reserve: int | None, step: int
) -> None:
    verify_log = verifier()
    terms = Terms(
        seller_id=1,
        starting_price=20,
        increments=Increments.fixed(step),
        anti_snipe=AntiSnipe(SnipePolicy.OFF, timedelta(0), timedelta(0)),
        reserve=reserve,
    )
    auction = {"startingPrice": 20, "increments": [[0, step]], "reservePrice": reserve}
    price: Price | None = None
    standing: tuple[Any, Any, Any] = (None, None, None)
    for bidder, amount, maximum in asked:
        # As a withdrawal goes through what is left: nothing is refused.
        steps = list(meet(terms, price, Bid(bidder, amount, maximum)))
        price = steps[-1].price
        entry = {"bidderId": bidder, "askedAmount": amount, "askedMaximum": maximum}
        *standing_list, made = verify_log.meet(auction, *standing, entry)
        standing = tuple(standing_list)  # type: ignore[assignment]
        assert standing == (price.leader_id, price.amount, price.strength)
        assert made == [(step.kind.value, step.price.leader_id, step.price.amount) for step in steps]
