"""Channel names and socket ids: what may be signed at all."""

from __future__ import annotations

import pytest

from marketplace.realtime.channels import (
    AuctionChannel,
    ChannelKind,
    GuardedChannel,
    auction_channel,
    parse_auction_channel,
    parse_guarded,
    valid_socket_id,
)


@pytest.mark.parametrize("text", ["1.1", "123.456", "12345678901234567890.1"])
def test_a_socket_id_is_two_numbers(text: str) -> None:
    assert valid_socket_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.",
        ".1",
        "1.1\n",
        " 1.1",
        "1.1:private-user-2",
        "١.١",
        "1.1.1",
        "-1.1",
        "1e3.1",
        "1" * 21 + ".1",
    ],
)
def test_nothing_else_is(text: str) -> None:
    assert not valid_socket_id(text)


def test_known_channels() -> None:
    assert parse_guarded("private-user-12") == GuardedChannel(ChannelKind.PRIVATE_USER, 12)
    assert parse_guarded("presence-auction-3") == GuardedChannel(ChannelKind.PRESENCE_AUCTION, 3)
    assert parse_guarded("private-auction-3") == GuardedChannel(ChannelKind.PRIVATE_AUCTION, 3)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "auction-1",
        "announcements",
        "private-user-",
        "private-user-0",
        "private-user-01",
        "private-user-1\n",
        "private-user-1 ",
        "private-user-١",
        "private-user-1-2",
        "private-encrypted-user-1",
        "private-cache-user-1",
        "Private-user-1",
        "private-user-" + "9" * 19,
        "#server-to-user-1",
    ],
)
def test_everything_else_is_never_signed(name: str) -> None:
    assert parse_guarded(name) is None


@pytest.mark.parametrize("members_only", [False, True])
def test_an_auction_has_one_channel_for_its_events(members_only: bool) -> None:
    name = auction_channel(7, members_only=members_only)
    assert name == ("private-auction-7" if members_only else "auction-7")
    assert parse_auction_channel(name) == AuctionChannel(7, members_only=members_only)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "auction-",
        "auction-0",
        "auction-07",
        "auction-7\n",
        "auction-٧",
        "auction-7x",
        "presence-auction-7",
        "private-encrypted-auction-7",
        "private-private-auction-7",
        "Private-auction-7",
        "private-user-7",
        "auction-" + "9" * 19,
    ],
)
def test_no_other_channel_carries_them(name: str) -> None:
    assert parse_auction_channel(name) is None
