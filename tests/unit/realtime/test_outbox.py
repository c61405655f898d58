"""What the outbox makes of recorded events."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from marketplace.realtime.events import MAX_DATA_BYTES
from marketplace.realtime.outbox import MAX_BIDS_IN_BATCH, Recorded, direct_parcels, public_parcels


def event(seq: int, name: str = "bid:new", *, direct: int = 0, padding: int = 0) -> Recorded:
    data: dict[str, Any] = {"auctionId": 7, "seq": seq, "timestamp": "2026-11-20T12:00:00.000Z"}
    if padding:
        data["padding"] = "ü" * padding
    told = [{"userId": n, "event": "bid:outbid", "data": {"seq": seq}} for n in range(direct)]
    return Recorded(7, seq, name, data, told, members_only=False)


def names(events: list[Recorded]) -> list[str]:
    return [parcel.message.event for parcel in public_parcels(events)]


def test_a_single_bid_goes_as_it_is() -> None:
    [parcel] = public_parcels([event(4)])
    assert parcel.message.channel == "auction-7"
    assert (parcel.message.event, parcel.first, parcel.last) == ("bid:new", 4, 4)


def test_what_is_for_members_only_goes_to_no_other_channel() -> None:
    events = [event(1, "auction:status"), event(2), event(3), event(4, "auction:end"), event(5)]
    assert {parcel.message.channel for parcel in public_parcels(events)} == {"auction-7"}
    closed = [replace(each, members_only=True) for each in events]
    parcels = list(public_parcels(closed))
    assert {parcel.message.channel for parcel in parcels} == {"private-auction-7"}
    assert [parcel.message.data for parcel in parcels] == [
        parcel.message.data for parcel in public_parcels(events)
    ]


def test_a_run_of_bids_becomes_one_message() -> None:
    [parcel] = public_parcels([event(4), event(5), event(6)])
    data = json.loads(parcel.message.data)
    assert parcel.message.event == "bids:batch"
    assert (data["fromSeq"], data["seq"], parcel.first, parcel.last) == (4, 6, 4, 6)
    assert [bid["seq"] for bid in data["bids"]] == [4, 5, 6]
    assert data["latestBid"] == data["bids"][-1]


def test_other_events_keep_their_place_between_bids() -> None:
    events = [event(1), event(2), event(3, "auction:extend"), event(4), event(5, "auction:end")]
    assert names(events) == ["bids:batch", "auction:extend", "bid:new", "auction:end"]


def test_bids_with_a_gap_are_not_told_as_one_run() -> None:
    assert [(p.first, p.last) for p in public_parcels([event(1), event(2), event(4)])] == [(1, 2), (4, 4)]


@given(st.lists(st.integers(0, 900), min_size=1, max_size=120))
def test_every_event_is_told_once_in_order_and_no_message_is_too_large(paddings: list[int]) -> None:
    events = [event(seq, padding=padding) for seq, padding in enumerate(paddings, start=1)]
    parcels = list(public_parcels(events))
    told = [seq for parcel in parcels for seq in range(parcel.first, parcel.last + 1)]
    assert told == [event.seq for event in events]
    for parcel in parcels:
        assert len(parcel.message.data.encode()) <= MAX_DATA_BYTES
        assert parcel.last - parcel.first < MAX_BIDS_IN_BATCH


def test_direct_messages_are_never_gathered() -> None:
    parcels = list(direct_parcels([event(1, direct=2), event(2), event(3, direct=1)]))
    assert [parcel.message.channel for parcel in parcels] == [
        "private-user-0",
        "private-user-1",
        "private-user-0",
    ]


def test_an_event_counts_as_delivered_with_the_last_of_its_direct_messages() -> None:
    first, second = direct_parcels([event(5, direct=2)])
    assert first.last < first.first, "an empty range marks nothing"
    assert (second.first, second.last) == (5, 5)
