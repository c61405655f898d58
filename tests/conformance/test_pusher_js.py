"""The unmodified pusher-js, in Node and in Chromium, cannot tell this server from hosted Channels."""

from __future__ import annotations

import itertools
import signal

import pytest

from .conftest import PusherJs, Server, Tab, wait_for

numbers = itertools.count(1)


def fresh(channel: str) -> str:
    """A channel no other test has touched."""
    return f"{channel}-{next(numbers)}"


@pytest.mark.parametrize(
    "kind",
    [
        "public",
        "private",
        "presence",
        "cache",
        "private-cache",
        "presence-cache",
        "private-encrypted",
        "private-encrypted-cache",
    ],
)
def test_an_event_arrives_on_every_kind_of_channel(pusher_js: PusherJs, server: Server, kind: str) -> None:
    channel = fresh(kind)
    tab = pusher_js.connect("reader", {"user_id": "ann"})
    tab.subscribe(channel)
    server.library().trigger(channel, "bid:new", {"currentBid": 15000, "name": "Grüße 💰"})
    assert tab.wait_for("bid:new", channel)["data"] == {"currentBid": 15000, "name": "Grüße 💰"}


def test_a_refused_authorization_is_an_error_and_the_connection_stays(pusher_js: PusherJs) -> None:
    tab = pusher_js.connect("stranger")
    tab.ask("subscribe", channel="private-forbidden")
    assert tab.wait_for("pusher:subscription_error", "private-forbidden")["data"]["status"] == 403
    assert tab.ask("state") == "connected"


def test_presence_is_about_users_not_tabs(pusher_js: PusherJs, server: Server) -> None:
    channel = fresh("presence-auction")
    bob = pusher_js.connect("bob", {"user_id": "bob", "user_info": {"name": "Bob"}})
    assert bob.subscribe(channel)["data"] == {
        "ids": ["bob"],
        "count": 1,
        "me": {"id": "bob", "info": {"name": "Bob"}},
    }
    ann, ann_too = (pusher_js.connect(name, {"user_id": "ann"}) for name in ("ann", "ann-too"))
    ann.subscribe(channel)
    assert sorted(ann_too.subscribe(channel)["data"]["ids"]) == ["ann", "bob"]
    assert bob.wait_for("pusher:member_added")["data"]["id"] == "ann"
    assert server.library().users_info(channel) == {"users": [{"id": "bob"}, {"id": "ann"}]}
    ann.ask("disconnect")
    wait_for(
        lambda: server.library().channel_info(channel, ["subscription_count"])["subscription_count"] == 2
    )
    assert bob.ask("members", channel=channel) == ["bob", "ann"]
    ann_too.ask("disconnect")
    assert bob.wait_for("pusher:member_removed")["data"]["id"] == "ann"
    assert bob.ask("members", channel=channel) == ["bob"]


def test_socket_id_leaves_out_the_one_who_caused_the_event(pusher_js: PusherJs, server: Server) -> None:
    channel = fresh("auction")
    buyer, other = pusher_js.connect("buyer"), pusher_js.connect("other")
    for tab in (buyer, other):
        tab.subscribe(channel)
    server.library().trigger(channel, "item:sold", {}, buyer.socket_id)
    server.library().trigger(channel, "after", {})
    assert [message["event"] for message in _until(other, "after")] == ["item:sold", "after"]
    assert [message["event"] for message in _until(buyer, "after")] == ["after"]


def test_client_events_reach_the_others_with_the_senders_user_id(pusher_js: PusherJs) -> None:
    channel = fresh("presence-conversation")
    ann, bob = (pusher_js.connect(name, {"user_id": name}) for name in ("ann", "bob"))
    ann.subscribe(channel)
    bob.subscribe(channel, bind=["client-typing"])
    ann.ask("trigger", channel=channel, event="client-typing", data={"on": True})
    bob.ask("trigger", channel=channel, event="client-done", data={})
    typing = bob.wait_until(lambda entry: entry["kind"] == "bound")
    assert (typing["event"], typing["data"], typing["user_id"]) == ("client-typing", {"on": True}, "ann")
    assert [message["event"] for message in _until(ann, "client-done")] == ["client-done"]


def test_a_cache_channel_misses_once_and_then_starts_with_the_last_event(
    pusher_js: PusherJs, server: Server
) -> None:
    channel = fresh("cache-price")
    early, late = pusher_js.connect("early"), pusher_js.connect("late")
    early.subscribe(channel)
    early.wait_for("pusher:cache_miss", channel)
    for price in (1, 2):
        server.library().trigger(channel, "price", {"price": price})
    late.subscribe(channel)
    assert late.wait_for("price")["data"] == {"price": 2}


def test_subscription_counts_are_told(pusher_js: PusherJs) -> None:
    channel = fresh("counted")
    first, second = pusher_js.connect("first"), pusher_js.connect("second")
    first.subscribe(channel)
    assert first.wait_for("pusher:subscription_count")["data"] == {"subscription_count": 1}
    second.subscribe(channel)
    assert first.wait_for("pusher:subscription_count")["data"] == {"subscription_count": 2}
    second.ask("unsubscribe", channel=channel)
    assert first.wait_for("pusher:subscription_count")["data"] == {"subscription_count": 1}


def test_sign_in_send_to_user_watchlist_and_termination(pusher_js: PusherJs, server: Server) -> None:
    user = fresh("ann")
    watcher = pusher_js.connect("watcher", {"id": fresh("bob"), "watchlist": [user]})
    watcher.ask("signIn")
    wait_for(lambda: server.metric("channels_users") > 0, "the watcher to sign in")
    ann = pusher_js.connect("ann", {"id": user, "user_info": {"name": "Ann"}})
    ann.ask("signIn")
    assert watcher.wait_for("online")["data"]["user_ids"] == [user]

    def reaches_ann() -> bool:
        # pusher-js does not say when it has subscribed to the user's own channel.
        library.trigger(f"#server-to-user-{user}", "bid:outbid", {"auctionId": 17})
        return any(entry["kind"] == "user" and entry["event"] == "bid:outbid" for entry in ann.read())

    library = server.library()
    wait_for(reaches_ann, "a message to the signed-in user")
    presence = fresh("presence-auction")
    assert ann.subscribe(presence)["data"]["me"] == {"id": user, "info": {"name": "Ann"}}

    library.terminate_user_connections(user)
    assert ann.wait_until(lambda entry: entry["kind"] == "error")["data"]["code"] == 4009
    assert watcher.wait_for("offline")["data"]["user_ids"] == [user]
    assert ann.ask("state") != "connected"


def test_ten_thousand_events_arrive_in_order_and_once(pusher_js: PusherJs, server: Server) -> None:
    channel = fresh("auction")
    tab = pusher_js.connect("reader")
    tab.subscribe(channel)
    library = server.library()
    for start in range(0, 10_000, 10):
        batch = [
            {"channel": channel, "name": "bid:new", "data": {"seq": seq}} for seq in range(start, start + 10)
        ]
        library.trigger_batch(batch)
    got: list[int] = []

    def everything_is_there() -> bool:
        got.extend(message["data"]["seq"] for message in tab.messages() if message["event"] == "bid:new")
        return len(got) >= 10_000

    wait_for(everything_is_there, "10,000 events")
    library.trigger(channel, "after", {})
    assert [message["event"] for message in _until(tab, "after")] == ["after"]
    assert got == list(range(10_000))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_clients_come_back_to_a_restarted_server_and_subscribe_again(
    pusher_js: PusherJs, server: Server, how: signal.Signals
) -> None:
    channel = fresh("private-auction")
    tab = pusher_js.connect("reader")
    tab.subscribe(channel)
    before = tab.socket_id
    server.stop(how)
    server.start()
    tab.wait_for("pusher:subscription_succeeded", channel)
    assert tab.socket_id != before
    server.library().trigger(channel, "bid:new", {})
    tab.wait_for("bid:new", channel)


def _until(tab: Tab, event: str) -> list[dict]:
    """The app's events up to and with this one."""
    messages: list[dict] = []

    def look() -> bool:
        messages.extend(tab.messages())
        return any(message["event"] == event for message in messages)

    wait_for(look, event)
    return messages
