"""People and the tokens their programs use."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.extensions import Model

Timestamp = TIMESTAMP(timezone=True, precision=6)


class User(Model):
    """Someone with an account: a bidder, a seller, often both, sometimes an administrator."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(Text)
    #: Shown to everybody who may see an auction this person bids on.
    display_name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    is_admin: Mapped[bool] = mapped_column(server_default=text("false"))
    #: How buyers on invoice pay this person, in lines: name and address, bank account. Orders keep a copy.
    payment_details: Mapped[str | None] = mapped_column(Text)
    #: Raised to end all sessions: one that was begun in an earlier epoch is over.
    session_epoch: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())

    __table_args__ = (Index("uq_users_email", func.lower(text("email")), unique=True),)


class ApiToken(Model):
    """A bearer token. Only its SHA-256 is kept: the token is random, so there is nothing to guess from it."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())
