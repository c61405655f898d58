"""The tables. One file a subject; import models from here."""

from .accounts import ApiToken, User
from .auctions import Auction, AuctionFormat, AuctionStatus, Bid, BidAnswer, Outcome, SnipePolicy
from .events import Event
from .sales import (
    AccountAddress,
    BlockedBidder,
    Closing,
    OfferStatus,
    Sale,
    SecondChanceOffer,
    Suspicion,
)
from .viewers import AuctionViewers, WebhookDelivery

__all__ = [
    "AccountAddress",
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
    "OfferStatus",
    "Outcome",
    "Sale",
    "SecondChanceOffer",
    "SnipePolicy",
    "Suspicion",
    "User",
    "WebhookDelivery",
]
