"""Auctions, the bid log, and the answers given to bids."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.extensions import Model

from .accounts import Timestamp


class AuctionFormat(StrEnum):
    """How the price moves."""

    ENGLISH = "ENGLISH"
    DUTCH = "DUTCH"


class AuctionStatus(StrEnum):
    """Where an auction is in its life: only ever onwards in this order, or to CANCELLED."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    ENDING_SOON = "ENDING_SOON"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"


class SnipePolicy(StrEnum):
    """What a late bid does to the end: nothing, move it to a time after the bid, or move it on by a time."""

    OFF = "OFF"
    RESET = "RESET"
    FIXED = "FIXED"


class Outcome(StrEnum):
    """How an ended auction ended."""

    SOLD = "SOLD"
    UNSOLD = "UNSOLD"
    RESERVE_NOT_MET = "RESERVE_NOT_MET"


#: When an auction ends, cut to the millisecond like everywhere in JSON. Lists are sorted by this, not by the
#: microsecond: where a page ended, and what events say of earlier ends, can be compared with it exactly.
END = text("date_bin('00:00:00.001'::interval, ends_at, '2000-01-01 00:00:00+00'::timestamptz)")

#: A condition on auctions and on sales: rates up to 100 %, and a quarter of a year to pay at most.
FEES = "premium_rate BETWEEN 0 AND 10000 AND tax_rate BETWEEN 0 AND 10000 AND payment_days BETWEEN 1 AND 90"


def _one_of(values: type[StrEnum]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Auction(Model):
    """One lot for sale: its terms, and where the bidding stands.

    The standing (from ``current_bid`` down) is a summary of the bid log, kept so that nobody has to read
    the log to bid. It changes only while the row is locked.
    """

    __tablename__ = "auctions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seller_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    #: Empty in auctions older than the categories.
    category: Mapped[str | None] = mapped_column(ForeignKey("categories.slug"), server_default="other")
    #: The sale it is a lot of, and which.
    sale_id: Mapped[int | None] = mapped_column(ForeignKey("sales.id"))
    lot_number: Mapped[int | None] = mapped_column(Integer)
    #: Whose members alone see it; empty when everybody does. Fixed once it is published.
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenants.id"))
    format: Mapped[str] = mapped_column(Text, server_default=AuctionFormat.ENGLISH.value)
    status: Mapped[str] = mapped_column(Text, server_default=AuctionStatus.DRAFT.value)
    outcome: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    #: ISO 4217. Every amount of this auction is in this currency's minor unit.
    currency: Mapped[str] = mapped_column(Text)
    starting_price: Mapped[int] = mapped_column(BigInteger)
    #: English: the step of every bid, or the first of ``increment_table``.
    min_increment: Mapped[int | None] = mapped_column(BigInteger)
    #: ``[[price, step], ...]``, see ``bidding/increments.py``; empty when the step is fixed.
    increment_table: Mapped[list[list[int]] | None] = mapped_column(JSON)
    #: Secret. Under it the lot is not sold.
    reserve_price: Mapped[int | None] = mapped_column(BigInteger)
    buy_now_price: Mapped[int | None] = mapped_column(BigInteger)
    #: Percent of ``buy_now_price`` up to which it stays open; 0: until the first bid.
    buy_now_share: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    #: Dutch: how far and how fast the price falls (in seconds), how many items there are, for how long one is
    #: held for its buyer (in seconds), and how many one buyer may have.
    floor_price: Mapped[int | None] = mapped_column(BigInteger)
    drop_amount: Mapped[int | None] = mapped_column(BigInteger)
    drop_every: Mapped[int | None] = mapped_column(Integer)
    quantity: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    hold_seconds: Mapped[int] = mapped_column(Integer, server_default=text("600"))
    per_buyer: Mapped[int | None] = mapped_column(Integer)
    #: Empty in a draft that shall start when it is published.
    starts_at: Mapped[datetime | None] = mapped_column(Timestamp)
    ends_at: Mapped[datetime] = mapped_column(Timestamp)
    #: The end without late bids; ``ends_at`` is never before it.
    scheduled_end: Mapped[datetime | None] = mapped_column(Timestamp)
    #: How a late bid moves the end, see ``bidding/english.py``. Times in seconds.
    anti_snipe: Mapped[str] = mapped_column(Text, server_default=SnipePolicy.RESET.value)
    extension_window: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    extension: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    max_extensions: Mapped[int | None] = mapped_column(Integer)
    max_extension_total: Mapped[int | None] = mapped_column(Integer)
    sudden_death: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    #: What the buyer pays on the price, and on price and premium together: basis points, 2500 is 25 %.
    premium_rate: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    tax_rate: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    #: Days that the buyer has to pay.
    payment_days: Mapped[int] = mapped_column(Integer, server_default=text("7"))
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())
    #: The draft that an unsold lot was listed again as; from then on it is no second chance any more.
    relisted_as: Mapped[int | None] = mapped_column(BigInteger)
    closed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: When the clock has to look at this auction next (open, warn, close); empty when never again.
    due_at: Mapped[datetime | None] = mapped_column(Timestamp)

    current_bid: Mapped[int | None] = mapped_column(BigInteger)
    leader_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: Secret. How far the leader would go.
    leader_strength: Mapped[int | None] = mapped_column(BigInteger)
    bid_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    extension_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    #: Dutch: items that are held for buyers, and items that are checked out. The others are free.
    held: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    sold: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    #: The number of the auction's latest event.
    seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    last_event_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: The ``part`` of the latest entry of the log under this ``seq``.
    log_part: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    #: The hash of the latest entry in the log; empty before the first.
    log_hash: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint(f"format IN ({_one_of(AuctionFormat)})", name="format"),
        CheckConstraint(f"status IN ({_one_of(AuctionStatus)})", name="status"),
        CheckConstraint(f"outcome IN ({_one_of(Outcome)})", name="outcome"),
        CheckConstraint("(status = 'ENDED') = (outcome IS NOT NULL)", name="outcome_when_ended"),
        CheckConstraint("starting_price >= 0 AND min_increment > 0", name="amounts"),
        CheckConstraint("format <> 'ENGLISH' OR min_increment IS NOT NULL", name="english_terms"),
        CheckConstraint(
            "format <> 'DUTCH' OR (floor_price BETWEEN 0 AND starting_price AND drop_amount > 0"
            " AND drop_every > 0 AND floor_price IS NOT NULL AND drop_amount IS NOT NULL"
            " AND drop_every IS NOT NULL)",
            name="dutch_terms",
        ),
        CheckConstraint("quantity > 0 AND hold_seconds > 0 AND per_buyer > 0", name="items"),
        # Whatever else goes wrong: nothing is sold that is not there.
        CheckConstraint("held >= 0 AND sold >= 0 AND held + sold <= quantity", name="stock"),
        CheckConstraint("extension_window >= 0 AND extension >= 0", name="extension"),
        CheckConstraint("current_bid >= starting_price", name="current_bid"),
        CheckConstraint(
            "(leader_id IS NULL) = (current_bid IS NULL) AND (leader_id IS NULL) = (leader_strength IS NULL)",
            name="leader",
        ),
        CheckConstraint("leader_strength >= current_bid", name="leader_strength"),
        CheckConstraint("buy_now_share BETWEEN 0 AND 100", name="buy_now_share"),
        CheckConstraint(f"anti_snipe IN ({_one_of(SnipePolicy)})", name="anti_snipe"),
        CheckConstraint("(sale_id IS NULL) = (lot_number IS NULL)", name="lot"),
        CheckConstraint(FEES, name="fees"),
        Index(
            "uq_auctions_lot",
            "sale_id",
            "lot_number",
            unique=True,
            postgresql_where=text("sale_id IS NOT NULL"),
        ),
        Index("ix_auctions_tenant", "tenant_id", postgresql_where=text("tenant_id IS NOT NULL")),
        Index("ix_auctions_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        # For lists. None has the price, the leader or the number of bids: each bid would have to update it.
        Index("ix_auctions_seller", "seller_id", "id"),
        Index("ix_auctions_drafts", "seller_id", postgresql_where=text("status = 'DRAFT'")),
        Index("ix_auctions_category", "category", "id"),
        Index("ix_auctions_end", END, "id"),
        Index(
            "ix_auctions_end_ahead",
            END,
            "id",
            postgresql_where=text("status IN ('SCHEDULED', 'RUNNING', 'ENDING_SOON')"),
        ),
        # For the relay, which looks every second.
        Index(
            "ix_auctions_falling",
            "id",
            postgresql_where=text("format = 'DUTCH' AND status IN ('RUNNING', 'ENDING_SOON')"),
        ),
        # Room in each page, so that the update every bid makes stays on the page and touches no index.
        {"postgresql_with": {"fillfactor": 50}},
    )


class Bid(Model):
    """One entry of the bid log: a link in its auction's chain. Written once, never changed."""

    __tablename__ = "bids"

    # No foreign keys here, in bid_answers and in events: the row of the auction is locked by whoever writes
    # them, and a check per row would cost a hot auction a fifth of its rate (docs/decisions/).
    auction_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    #: The ``seq`` of the event that announced it.
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    #: Its place among the entries under that number; entries after the first were told to nobody.
    part: Mapped[int] = mapped_column(Integer, primary_key=True, server_default=text("0"))
    kind: Mapped[str] = mapped_column(Text)
    bidder_id: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    placed_at: Mapped[datetime] = mapped_column(Timestamp)
    #: Secret. What was asked for, and the nonce with which the log commits to it.
    asked_amount: Mapped[int | None] = mapped_column(BigInteger)
    asked_maximum: Mapped[int | None] = mapped_column(BigInteger)
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: For a retraction or cancellation: the bid it withdraws, and why.
    refers_to_seq: Mapped[int | None] = mapped_column(BigInteger)
    refers_to_part: Mapped[int | None] = mapped_column(Integer)
    reason: Mapped[str | None] = mapped_column(Text)
    #: ``hash`` of the entry before; empty for the first. See ``bidding/chain.py``.
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        Index("ix_bids_bidder", "bidder_id", "auction_id"),
        Index(
            "ix_bids_withdrawals",
            "auction_id",
            "refers_to_seq",
            "refers_to_part",
            unique=True,
            postgresql_where=text("refers_to_seq IS NOT NULL"),
        ),
    )


class ReservationStatus(StrEnum):
    """What became of an item that was taken."""

    HELD = "HELD"
    #: Checked out.
    CONFIRMED = "CONFIRMED"
    #: Not checked out in time.
    EXPIRED = "EXPIRED"
    #: Given back by the buyer, or not paid for.
    RELEASED = "RELEASED"


class Reservation(Model):
    """One item of a Dutch auction that somebody took. Changes only while the auction's row is locked."""

    __tablename__ = "reservations"

    auction_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    #: The number of the TAKE in the bid log.
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    buyer_id: Mapped[int] = mapped_column(BigInteger)
    price: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Text, server_default=ReservationStatus.HELD.value)
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    #: When it stopped being held.
    settled_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        CheckConstraint(f"status IN ({_one_of(ReservationStatus)})", name="status"),
        CheckConstraint("(status = 'HELD') = (settled_at IS NULL)", name="settled"),
        Index("ix_reservations_held", "auction_id", "expires_at", postgresql_where=text("status = 'HELD'")),
        Index("ix_reservations_buyer", "buyer_id", "auction_id"),
    )


class BidAnswer(Model):
    """What a bidder was told, so that the same request always gets the same answer.

    Also how the desk finds out, after a lost connection, whether its commit went through.
    """

    __tablename__ = "bid_answers"

    auction_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    bidder_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    #: The Idempotency-Key, or one the desk made up.
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    #: SHA-256 of what was asked: another request under the same key is refused.
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[dict[str, object]] = mapped_column(JSON)
    answered_at: Mapped[datetime] = mapped_column(Timestamp)

    __table_args__ = (Index("ix_bid_answers_answered_at", "answered_at"),)
