"""Ways to pay an order, behind one small interface.

``invoice`` is always there; ``stripe`` when its keys are set. Where a service reports money, ``receiving``
writes down what came for which order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from marketplace.config import Config
from marketplace.models import Order

from .invoice import PayOnInvoice

if TYPE_CHECKING:
    from .stripe_checkout import StripeCheckout


class Method(Protocol):
    """A way to pay."""

    @property
    def name(self) -> str:
        """As in ``Order.method`` and in the API."""

    @property
    def label(self) -> str:
        """For people: what they choose."""

    @property
    def hint(self) -> str:
        """For people: what will happen then."""

    def start(self, order: Order, *, back_to: str) -> str | None:
        """Begin to pay an order that awaits payment.

        To be called outside a transaction, since it may ask a service. Called again, as after a double click
        or an answer that was lost, it never makes the buyer pay twice.

        Args:
            order: what is paid.
            back_to: the address of the order's page, where the buyer comes back to.

        Returns:
            Where to send the buyer; None when there is nothing more to do now.

        Raises:
            PaymentServiceAway: the service does not answer; nothing was changed.
            MethodUnsuitable: this order cannot be paid this way.
            PaymentUnderWay: the buyer has paid already, and the money is on its way.
        """


def methods(config: Config) -> dict[str, Method]:
    """The ways to pay by their names, in the order in which they are offered."""
    checkout, on_invoice = _stripe(config), PayOnInvoice()
    offered: list[Method] = [checkout, on_invoice] if checkout else [on_invoice]
    return {method.name: method for method in offered}


@lru_cache(maxsize=1)  # it keeps connections to Stripe open; a process has one set of settings
def _stripe(config: Config) -> StripeCheckout | None:
    """Stripe Checkout, when its keys are set."""
    if not config.stripe_secret_key:
        return None
    # The library takes a while to import, and who does not use it does not wait for it.
    from .stripe_checkout import StripeCheckout

    return StripeCheckout(config)
