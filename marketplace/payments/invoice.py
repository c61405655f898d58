"""Pay on invoice: the buyer transfers the total to the seller, who confirms that it has come."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.models import Order


@dataclass(frozen=True, slots=True)
class PayOnInvoice:
    """Needs no service and no settings."""

    name = "invoice"
    label = "Pay on invoice"
    hint = "You transfer the money to the seller, who confirms it."

    def start(self, order: Order, *, back_to: str) -> None:
        """Nothing to do now: the order's page shows the invoice."""
