"""The tables. One file a subject; import models from here."""

from .accounts import ApiToken, User
from .auctions import Auction, AuctionFormat, AuctionStatus, Bid, BidAnswer, Outcome, SnipePolicy
from .events import Event
from .sales import BlockedBidder, Closing, Sale
from .viewers import AuctionViewers, WebhookDelivery

__all__ = [
    "ApiToken",
    "Auction",
    "AuctionFormat",
    "AuctionStatus",
    "AuctionViewers",
    "Bid",
    "BidAnswer",
    "BlockedBidder",
    "Closing",
    "Event",
    "Outcome",
    "Sale",
    "SnipePolicy",
    "User",
    "WebhookDelivery",
]
