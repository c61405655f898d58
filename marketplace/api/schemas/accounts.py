"""Accounts, sessions and tokens."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from .base import Line, Moment, Schema, Text


def _mail_address(text: str) -> str:
    text = text.strip()
    local, _, domain = text.rpartition("@")
    if not local or "." not in domain.strip(".") or any(c.isspace() or ord(c) < 33 for c in text):
        raise ValueError("must be an e-mail address")
    return text


Email = Annotated[str, Field(max_length=254), AfterValidator(_mail_address)]
DisplayName = Annotated[Line, Field(max_length=60, description="what others see beside your bids and orders")]
#: One that somebody chooses; one that is only checked may be anything.
NewPassword = Annotated[str, Field(min_length=10, max_length=200)]


class Registration(Schema):
    """A new account."""

    email: Email
    password: NewPassword
    display_name: DisplayName


class Credentials(Schema):
    """What opens an account."""

    email: Annotated[Text, Field(max_length=254)]
    password: Annotated[str, Field(max_length=200)]


class Me(Schema):
    """Who is asking."""

    id: int
    email: str
    display_name: str
    is_admin: bool
    strikes: Annotated[int, Field(description="orders that you did not pay, unless the seller has lifted it")]
    payment_details: Annotated[
        str | None, Field(description="how buyers on invoice pay you; null: you have not said it")
    ]


class ProfileChange(Schema):
    """What you want to be called."""

    display_name: DisplayName


class PasswordChange(Schema):
    """A new password, and the one until now."""

    current_password: Annotated[str, Field(max_length=200)]
    new_password: NewPassword


class PaymentDetails(Schema):
    """How buyers on invoice pay you."""

    text: Annotated[
        Text,
        Field(max_length=1000, description="in lines, such as name, address and bank account; may be empty"),
    ]


class TokenRequest(Schema):
    """A new bearer token."""

    name: Annotated[Line, Field(max_length=60, description="what it is for")]


class TokenInfo(Schema):
    """A bearer token, without the token."""

    id: int
    name: str
    created_at: Moment


class NewToken(TokenInfo):
    """A new bearer token; this is the only time it is shown."""

    token: str


class TokenList(Schema):
    """Your tokens."""

    items: list[TokenInfo]
    next_cursor: None = None


class TokenChoice(Schema):
    """Which token."""

    id: Annotated[int, Field(strict=True, ge=1, le=10**18)]
