"""Orders: ``fees`` and ``states`` are the rules, ``making`` writes orders in the transaction that sells, and
``service`` is what people do with them."""

from .making import is_sold, of_reservation

__all__ = ["is_sold", "of_reservation"]
