"""Channel names, and who may subscribe to which."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

#: What Channels accepts as a name, https://pusher.com/docs/channels/using_channels/channels/
#: fullmatch and ASCII classes: ``$`` would let a trailing newline through, ``\d`` an Arabic digit.
_NAME = re.compile(r"[-a-zA-Z0-9_=@,.;]{1,200}")
#: What Channels gives a connection as its id.
_SOCKET_ID = re.compile(r"[0-9]{1,20}\.[0-9]{1,20}")
_KNOWN = re.compile(r"(private-auction|private-user|presence-auction)-([1-9][0-9]{0,17})")

_AUCTION_CHANNEL = re.compile(r"(private-)?auction-([1-9][0-9]{0,17})")

#: How the names of channels that carry the events of auctions begin.
AUCTION_PREFIXES = ("auction-", "private-auction-")


class ChannelKind(Enum):
    """The channels that need permission."""

    PRIVATE_AUCTION = "private-auction"
    PRIVATE_USER = "private-user"
    PRESENCE_AUCTION = "presence-auction"


@dataclass(frozen=True, slots=True)
class GuardedChannel:
    """A channel that needs permission: what it is about, and the id of that."""

    kind: ChannelKind
    subject_id: int


@dataclass(frozen=True, slots=True)
class AuctionChannel:
    """A channel that carries the events of an auction, if the auction is of that kind."""

    auction_id: int
    members_only: bool


def auction_channel(auction_id: int, *, members_only: bool) -> str:
    """Where the events of an auction are published; nothing about it goes to the other of the two."""
    return f"private-auction-{auction_id}" if members_only else f"auction-{auction_id}"


def parse_auction_channel(name: str) -> AuctionChannel | None:
    """The auction whose events a channel would carry; None for any other channel."""
    match = _AUCTION_CHANNEL.fullmatch(name)
    return AuctionChannel(int(match[2]), members_only=match[1] is not None) if match else None


def user_channel(user_id: int) -> str:
    """Where a single user is told things."""
    return f"private-user-{user_id}"


def presence_channel(auction_id: int) -> str:
    """Where signed-in users see who else is watching."""
    return f"presence-auction-{auction_id}"


def valid_socket_id(text: str) -> bool:
    """Whether this can be the id of a connection; anything else must never be signed."""
    return _SOCKET_ID.fullmatch(text) is not None


def parse_guarded(name: str) -> GuardedChannel | None:
    """The channel behind a name a client wants to have signed; None when there is none such."""
    if not _NAME.fullmatch(name):
        return None
    match = _KNOWN.fullmatch(name)
    if match is None:
        return None
    return GuardedChannel(ChannelKind(match[1]), int(match[2]))
