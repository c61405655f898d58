"""What can go wrong, in the words of the trade. No HTTP here: ``api/errors.py`` maps kinds to statuses.

An error has a kind (one of the base classes), a stable ``code``, and the facts a client needs to react.
The first line of its docstring is the message a person reads.
"""

from __future__ import annotations

from typing import Any, ClassVar


class MarketplaceError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        self.detail = detail or self.message()
        self.facts = facts
        super().__init__(self.detail)

    @classmethod
    def message(cls) -> str:
        """The first line of the docstring: the sentence shown to people."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]


# Kinds. An HTTP status belongs to each of these and to nothing else.


class Unauthenticated(MarketplaceError):
    """Log in, or send a valid bearer token."""

    code = "unauthenticated"


class Forbidden(MarketplaceError):
    """You may not do this."""

    code = "forbidden"


class NotFound(MarketplaceError):
    """There is no such thing here, or you may not see it."""

    code = "not_found"


class Conflict(MarketplaceError):
    """The request does not fit the present state."""

    code = "conflict"


class Invalid(MarketplaceError):
    """The request is understood, but something in it is not acceptable."""

    code = "invalid_request"


class Malformed(MarketplaceError):
    """The request could not be read."""

    code = "malformed_request"


class RateLimited(MarketplaceError):
    """Too many requests; wait, then try again."""

    code = "rate_limited"


class Unavailable(MarketplaceError):
    """The service cannot answer right now; nothing was changed. Try again shortly."""

    code = "unavailable"


# Refusals of a bid.


class BidRefused(Conflict):
    """The bid was refused."""

    code = "bid_refused"


class AuctionNotRunning(BidRefused):
    """The auction has not started, so it takes no bids."""

    code = "auction_not_running"


class AuctionEnded(BidRefused):
    """The auction has ended."""

    code = "auction_ended"


class AuctionCancelled(BidRefused):
    """The auction was cancelled."""

    code = "auction_cancelled"


class BidTooLow(BidRefused):
    """The bid is below the minimum next bid."""

    code = "bid_too_low"


class AlreadyLeading(BidRefused):
    """You already have the highest bid."""

    code = "already_leading"


class MaximumNotRaised(BidRefused):
    """You lead already, and this maximum is not above your own."""

    code = "maximum_not_raised"


class PriceChanged(BidRefused):
    """The price is higher than the one you agreed to; nothing was bought."""

    code = "price_changed"


class SoldOut(BidRefused):
    """Every item is taken; one that is held may still come back."""

    code = "sold_out"


class BuyerLimitReached(BidRefused):
    """You have as many of these items as one buyer may have."""

    code = "buyer_limit_reached"


class ReservationOver(Conflict):
    """The item is not held for you any more."""

    code = "reservation_over"


class BuyNowGone(BidRefused):
    """This lot cannot, or can no longer, be bought at once."""

    code = "buy_now_gone"


class AuctionNotOver(Conflict):
    """The auction is not over, and what its bidders would pay is still secret."""

    code = "auction_not_over"


class BidWithdrawn(Conflict):
    """The bid was withdrawn before."""

    code = "bid_withdrawn"


class RetractionNotAllowed(Conflict):
    """It is too late to retract this bid."""

    code = "retraction_not_allowed"


class SellerCannotBid(Forbidden):
    """Sellers cannot bid on their own auctions."""

    code = "seller_cannot_bid"


class IdempotencyKeyReused(Invalid):
    """This Idempotency-Key was used before with another request; use a new key for a new bid."""

    code = "idempotency_key_reused"


class DeskBusy(Unavailable):
    """Too many bids are waiting; this one was not placed. Try again shortly."""

    code = "busy"


class OutcomeUnknown(Unavailable):
    """Whether this bid was placed is not known yet; send it again with the same Idempotency-Key."""

    code = "outcome_unknown"


# Life of an auction.


class NotADraft(Conflict):
    """Only a draft can be changed."""

    code = "not_a_draft"


class NotPublished(Conflict):
    """This is a draft, which nobody else sees; discard it instead."""

    code = "not_published"


class TooManyDrafts(Conflict):
    """You have as many drafts as an account may have; publish or discard one first."""

    code = "too_many_drafts"


class AlreadyPublished(Conflict):
    """The auction is already published."""

    code = "already_published"


class HasBids(Conflict):
    """The auction has bids, so it can no longer be cancelled."""

    code = "has_bids"


class WrongFormat(Conflict):
    """This cannot be done in an auction of this format."""

    code = "wrong_format"


class AuctionOver(Conflict):
    """The auction is over."""

    code = "auction_over"


# Accounts.


class EmailTaken(Conflict):
    """There is already an account with this e-mail address."""

    code = "email_taken"


class WrongCredentials(Unauthenticated):
    """The e-mail address or the password is wrong."""

    code = "wrong_credentials"


class WrongPassword(Invalid):
    """The current password is wrong; nothing was changed."""

    code = "wrong_password"


class SessionRequired(Forbidden):
    """A token may not do this: log in, and do it in that session."""

    code = "session_required"


class TooManyTokens(Conflict):
    """You have as many tokens as an account may have; revoke one that you do not need."""

    code = "too_many_tokens"


class TooManyWatched(Conflict):
    """You watch as many auctions as an account may; stop watching one that you do not need."""

    code = "too_many_watched"


class BidderBlocked(Forbidden):
    """The seller does not take bids from you."""

    code = "bidder_blocked"


class NotUnsold(Conflict):
    """Only a lot that was not sold, or not paid for, can be listed again."""

    code = "not_unsold"


class NobodyToOffer(Conflict):
    """There is nobody left to offer the lot to."""

    code = "nobody_to_offer"


class LotSold(Conflict):
    """The lot is sold: its buyer has paid, or still has time to."""

    code = "lot_sold"


class OfferPending(Conflict):
    """The lot is offered to somebody already."""

    code = "offer_pending"


class OfferAnswered(Conflict):
    """The offer has been answered."""

    code = "offer_answered"


class OfferExpired(Conflict):
    """The offer is over."""

    code = "offer_expired"


class LastManager(Conflict):
    """A tenant needs a manager; make somebody else one first."""

    code = "last_manager"


class LotOfASale(Conflict):
    """A lot is published, and its times and fees are set, with the sale it belongs to."""

    code = "lot_of_a_sale"


class OfferBinds(Conflict):
    """The lot is offered to a bidder, or was listed again already."""

    code = "offer_binds"


# Orders.


class OrderNotAwaitingPayment(Conflict):
    """The order does not await payment any more; see its state."""

    code = "order_not_awaiting_payment"


class OrderNotPaid(Conflict):
    """The order is not paid, or is called off; see its state."""

    code = "order_not_paid"


class OrderNotShipped(Conflict):
    """The order is not on its way; see its state."""

    code = "order_not_shipped"


class PaidElsewhere(Conflict):
    """The buyer pays through a service, which reports the payment itself."""

    code = "paid_elsewhere"


class NoStrike(Conflict):
    """The buyer of this order has no strike for it."""

    code = "no_strike"


# Pictures.


class NotAPicture(Invalid):
    """This is not a picture of a kind that is taken; send a JPEG, PNG, WebP or AVIF file."""

    code = "not_a_picture"


class PictureDamaged(Invalid):
    """The picture cannot be read to its end; save it anew, then send it again."""

    code = "picture_damaged"


class PictureAnimated(Invalid):
    """The picture moves; send a still one."""

    code = "picture_animated"


class PictureSizeWrong(Invalid):
    """The picture has too few or too many pixels; see minSide (each side at least) and maxPixels (in all)."""

    code = "picture_size"


class TooManyPictures(Conflict):
    """The auction has as many pictures as one may have; remove one first."""

    code = "too_many_pictures"


class PictureSpaceUsedUp(Conflict):
    """Your pictures take as much space as an account may have; remove some from your drafts."""

    code = "picture_space_used_up"


class RenderingBusy(Unavailable):
    """Too many pictures are being worked on; this one was not kept. Try again shortly."""

    code = "rendering_busy"


class OtherAccount(Conflict):
    """Somebody else is logged in here by now, so nothing was placed."""

    code = "other_account"


class InvalidOrigin(Forbidden):
    """A change made with a session cookie must come from this site, with its Origin; or use a token."""

    code = "invalid_origin"


class WebhookNotGenuine(Unauthenticated):
    """The webhook is not signed by who should have sent it, or is more than five minutes old."""

    code = "webhook_not_genuine"


# Payments.


class PaymentServiceAway(Unavailable):
    """The payment service does not answer; nothing was paid. Try again shortly, or pay another way."""

    code = "payment_service_unavailable"


class MethodUnsuitable(Conflict):
    """This order cannot be paid this way; choose another."""

    code = "method_unsuitable"


class PaymentUnderWay(Conflict):
    """You have paid already: the money is on its way, which may take some days."""

    code = "payment_under_way"


class EventTooLarge(MarketplaceError):
    """An event is larger than Channels accepts (10,240 bytes)."""

    code = "event_too_large"
