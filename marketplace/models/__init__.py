"""The tables. One file a subject; import models from here."""

from .accounts import ApiToken, User
from .auctions import (
    END,
    Auction,
    AuctionFormat,
    AuctionStatus,
    Bid,
    BidAnswer,
    Outcome,
    Reservation,
    ReservationStatus,
    SnipePolicy,
)
from .browsing import Category, SearchDocument, Watch
from .events import Event, UserEvent
from .orders import Order, OrderState, Strike
from .payments import Payment, PaymentState, StripeEvent, StripeSession
from .pictures import Image, Picture
from .sales import (
    AccountAddress,
    BlockedBidder,
    Closing,
    OfferStatus,
    Sale,
    SecondChanceOffer,
    Suspicion,
)
from .tenants import Membership, Role, Tenant
from .viewers import AuctionViewers, WebhookDelivery

__all__ = [
    "END",
    "AccountAddress",
    "ApiToken",
    "Auction",
    "AuctionFormat",
    "AuctionStatus",
    "AuctionViewers",
    "Bid",
    "BidAnswer",
    "BlockedBidder",
    "Category",
    "Closing",
    "Event",
    "Image",
    "Membership",
    "OfferStatus",
    "Order",
    "OrderState",
    "Outcome",
    "Payment",
    "PaymentState",
    "Picture",
    "Reservation",
    "ReservationStatus",
    "Role",
    "Sale",
    "SearchDocument",
    "SecondChanceOffer",
    "SnipePolicy",
    "Strike",
    "StripeEvent",
    "StripeSession",
    "Suspicion",
    "Tenant",
    "User",
    "UserEvent",
    "Watch",
    "WebhookDelivery",
]
