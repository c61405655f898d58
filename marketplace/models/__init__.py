"""The tables. One file a subject; import models from here."""

from .accounts import ApiToken, User
from .auctions import Auction, AuctionFormat, AuctionStatus, Bid, BidAnswer, Outcome, SnipePolicy
from .events import Event
from .viewers import AuctionViewers, WebhookDelivery

__all__ = [
    "ApiToken",
    "Auction",
    "AuctionFormat",
    "AuctionStatus",
    "AuctionViewers",
    "Bid",
    "BidAnswer",
    "Event",
    "Outcome",
    "SnipePolicy",
    "User",
    "WebhookDelivery",
]
