"""Pay on invoice: the buyer transfers the total to the seller, who confirms that it has come."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext

from marketplace.models import Order


@dataclass(frozen=True, slots=True)
class PayOnInvoice:
    """Needs no service and no settings."""

    name = "invoice"

    @property
    def label(self) -> str:
        """What buyers choose, in the reader's language."""
        return gettext("Pay on invoice")

    @property
    def hint(self) -> str:
        """What will happen then."""
        return gettext("You transfer the money to the seller, who confirms it.")

    def start(self, order: Order, *, back_to: str) -> None:
        """Nothing to do now: the order's page shows the invoice."""
