"""Bidding: pure rules (``english``, ``lifecycle``), the chained log (``chain``), the desk that takes bids
(``desk``) and everything else that changes an auction's standing (``service``)."""
