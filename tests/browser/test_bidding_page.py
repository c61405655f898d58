"""The page of an English auction: quick bids, bids made offline, notices, alerts, the bar on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import Request, expect

from .conftest import Visit, Visitor

PHONE = {"width": 390, "height": 844}


def quick(visitor: Visitor) -> list[str]:
    return [chip.inner_text() for chip in visitor.page.locator("[data-quick] button").all()]


def test_quick_bids_follow_the_table_of_steps_and_are_sent_by_the_button_alone(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell(startingPrice=9_500, minIncrement=None, incrementTable=[[0, 250], [10_000, 500]])
    ann.open(lot)
    chips = ann.page.locator("[data-quick] button")
    expect(chips.first).to_have_attribute("aria-disabled", "false")
    # From 100.00 on the steps are larger.
    assert quick(ann) == ["$95.00", "$97.50", "$100.00"]
    chips.nth(2).click()
    expect(ann.button).to_have_text("Bid $100.00")
    expect(chips.nth(2)).to_have_attribute("aria-pressed", "true")
    assert ann.api("GET", f"/api/auctions/{lot}")["bidCount"] == 0
    ann.button.click()
    expect(ann.standing).to_have_text("You have the highest bid.")
    # The leader raises, from their own maximum.
    assert quick(ann) == ["$105.00", "$110.00", "$120.00"]

    bob.open(lot)
    bob.page.locator("[data-quick] button").nth(1).click()
    expect(bob.button).to_have_text("Bid $110.00")
    ann.page.get_by_label("Raise your maximum to").fill("130")
    ann.button.click()
    expect(ann.message).to_have_text("You now go up to $130.00.")
    expect(bob.button).to_have_text("Bid $110.00")
    bob.button.click()
    expect(bob.message).to_have_text(re.compile("outbid at once"))
    # What was chosen does no longer do.
    expect(bob.button).to_have_text("Bid $120.00")
    assert ann.complaints == []


def test_quick_bids_wait_until_the_page_is_live(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    ann.open(seller.sell())
    chip = ann.page.locator("[data-quick] button").first
    expect(chip).to_have_attribute("aria-disabled", "false")
    ann.context.set_offline(True)
    expect(ann.badge).to_have_attribute("data-state", "offline")
    expect(chip).to_have_attribute("aria-disabled", "true")
    ann.context.set_offline(False)
    expect(chip).to_have_attribute("aria-disabled", "false")


def test_a_button_that_the_price_has_just_changed_is_not_pressed_by_mistake(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell()
    ann.open(lot)
    ann.page.evaluate(
        """() => {
            const button = document.querySelector("#bid [data-button]");
            new MutationObserver((_, observer) => {
                observer.disconnect();
                button.click();
            }).observe(button, { childList: true, characterData: true, subtree: true });
        }"""
    )
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=10_000)
    expect(ann.message).to_have_text("The price has just moved: the button says $105.00 now.")
    assert ann.api("GET", f"/api/auctions/{lot}")["bidCount"] == 1
    ann.page.wait_for_timeout(500)
    ann.button.click()
    expect(ann.standing).to_have_text("You have the highest bid.")


#: Presses the button whenever what it says has changed.
_PRESS_AT_EACH_CHANGE = """() => {
    const button = document.querySelector("#bid [data-button]");
    const watching = new MutationObserver(() => button.click());
    watching.observe(button, { childList: true, characterData: true, subtree: true });
    globalThis.enough = () => watching.disconnect();
}"""


def test_what_becomes_of_the_button_under_the_finger_is_not_pressed(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell()
    ann.open(lot)
    expect(ann.badge).to_have_attribute("data-state", "live")
    ann.page.evaluate(_PRESS_AT_EACH_CHANGE)
    ann.button.click()
    expect(ann.message).to_have_text("Your bid of $100.00 was accepted.")
    ann.page.evaluate("enough()")
    assert ann.api("GET", f"/api/auctions/{lot}/me")["yourMaxAmount"] == 10_000

    # A raise that Bob has made into a bid stays a maximum, and is not sent before it can be read.
    ann.page.get_by_label("Raise your maximum to").fill("500")
    expect(ann.button).to_have_text("Raise to $500.00")
    ann.page.evaluate(_PRESS_AT_EACH_CHANGE)
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=16_000)
    expect(ann.button).to_have_text("Bid up to $500.00")
    expect(ann.message).to_have_text("The price has just moved: the button says $500.00 now.")
    ann.page.evaluate("enough()")
    assert ann.api("GET", f"/api/auctions/{lot}")["bidCount"] == 2
    ann.page.wait_for_timeout(500)
    ann.button.click()
    expect(ann.message).to_have_text("Accepted: you lead at $165.00 and go up to $500.00.")


def test_what_became_of_a_bid_is_told_when_the_auction_is_over(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    lot = seller.sell()
    ann.open(lot)
    expect(ann.badge).to_have_attribute("data-state", "live")
    ann.context.set_offline(True)
    ann.bid("150")
    expect(ann.page.locator(".open-bid")).to_contain_text("waits")
    seller.api("POST", f"/api/auctions/{lot}/cancel")
    ann.context.set_offline(False)
    expect(ann.standing).to_have_text("This auction was cancelled.")
    expect(ann.message).to_be_visible()
    expect(ann.message).to_have_text("No bids are taken any more, so your bid of $150.00 was not sent.")
    expect(ann.button).to_be_hidden()


def test_a_bid_made_offline_waits_and_can_be_taken_back(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    lot = seller.sell()
    ann.open(lot)
    ann.context.set_offline(True)
    ann.bid("150")
    waiting = ann.page.locator(".open-bid")
    expect(waiting).to_contain_text("Your bid of $150.00 waits, and is sent when you are back.")
    expect(ann.button).to_have_attribute("aria-disabled", "true")
    waiting.get_by_role("button", name="Take it back").click()
    expect(ann.message).to_have_text("The bid was taken back.")
    expect(ann.button).to_be_focused()
    ann.context.set_offline(False)
    expect(ann.badge).to_have_attribute("data-state", "live")
    assert ann.api("GET", f"/api/auctions/{lot}")["bidCount"] == 0


def test_a_bid_made_offline_is_asked_about_when_the_price_has_moved_and_sent_once(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell()
    ann.open(lot)
    keys: list[str | None] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/bids"):
            keys.append(request.headers.get("idempotency-key"))

    ann.page.on("request", note)
    ann.context.set_offline(True)
    ann.bid("150")
    expect(ann.page.locator(".open-bid")).to_contain_text("waits")
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=12_000)
    ann.context.set_offline(False)
    asked = ann.page.locator(".open-bid")
    expect(asked).to_have_text(
        re.compile(
            re.escape(
                "You wanted to bid $150.00 when the price was $100.00; it is $120.00 now. "
                "Bid $150.00 all the same?"
            )
        )
    )
    assert keys == []
    # A reload does not lose it, nor send it.
    ann.page.reload()
    expect(asked).to_contain_text("You wanted to bid $150.00")
    assert keys == []
    asked.get_by_role("button", name="Yes").click()
    expect(ann.standing).to_have_text("You have the highest bid.")
    expect(ann.price).to_have_text("$150.00")
    expect(asked).to_have_count(0)
    assert len(keys) == 1
    assert keys[0]
    assert ann.api("GET", f"/api/auctions/{lot}")["bidCount"] == 2


def test_a_bid_made_offline_that_others_went_beyond_is_not_sent(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell()
    ann.open(lot)
    ann.context.set_offline(True)
    ann.bid("110")
    expect(ann.page.locator(".open-bid")).to_contain_text("waits")
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=12_000)
    ann.context.set_offline(False)
    expect(ann.message).to_have_text(
        "Others went further, so your bid of $110.00 was not sent. Bid at least $125.00."
    )
    expect(ann.button).to_have_text("Bid $125.00")


def test_the_form_closes_by_the_servers_clock(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    lot = seller.sell(lasts=8)
    ann.open(lot)
    # Nobody can tell the page any more that it is over.
    ann.context.set_offline(True)
    expect(ann.button).to_have_text("Closed")
    expect(ann.button).to_have_attribute("aria-disabled", "true")


def test_an_extension_says_by_how_much(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell(lasts=30, antiSnipe="FIXED", extensionWindow=60, extension=90)
    ann.open(lot)
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=10_000)
    expect(ann.page.locator("[data-extended]")).to_have_text("Late bid: +1 min 30 s")
    expect(ann.page.locator("[data-clock]")).to_have_text(re.compile("1:5[0-9] left"))


def test_being_outbid_elsewhere_is_told_on_every_page_and_does_not_pile_up(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lots = [seller.sell(title=f"Lot {letter}") for letter in "ABCD"]
    for lot in lots:
        ann.api("POST", f"/api/auctions/{lot}/bids", amount=10_000)
    ann.page.goto(f"{ann.url}/orders")
    toasts = ann.page.locator(".toast")
    # Without a badge to say so: messages come once the channel is joined.
    ann.page.wait_for_function(
        "() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/pusher/auth'))"
    )
    ann.page.wait_for_timeout(500)
    bob.api("POST", f"/api/auctions/{lots[0]}/bids", amount=11_000)
    expect(toasts).to_have_text([re.compile("You were outbid: Lot A")])
    # About the same auction: the former one makes room.
    former = toasts.first.element_handle()
    ann.api("POST", f"/api/auctions/{lots[0]}/bids", amount=12_000)
    bob.api("POST", f"/api/auctions/{lots[0]}/bids", amount=13_000)
    ann.page.wait_for_function("(toast) => !toast.isConnected", arg=former)
    expect(toasts).to_have_text([re.compile("Lot A")])
    # Those of different auctions may overtake each other on their way, so one after the other.
    for lot, seen in zip(lots[1:3], ("AB", "ABC"), strict=True):
        bob.api("POST", f"/api/auctions/{lot}/bids", amount=11_000)
        expect(toasts).to_have_text([re.compile(f"Lot {letter}") for letter in seen])
    # Three at most.
    bob.api("POST", f"/api/auctions/{lots[3]}/bids", amount=11_000)
    expect(toasts).to_have_text([re.compile(f"Lot {letter}") for letter in "BCD"])
    toasts.first.get_by_role("button", name="Close").click()
    expect(toasts).to_have_count(2)
    toasts.last.get_by_role("link", name="Bid again").click()
    expect(ann.page.get_by_role("heading", level=1)).to_have_text("Lot D")
    assert ann.complaints == []


def test_the_page_of_an_auction_tells_of_it_in_place(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot, other = seller.sell(title="Here"), seller.sell(title="Elsewhere")
    for each in (lot, other):
        ann.api("POST", f"/api/auctions/{each}/bids", amount=10_000)
    ann.open(lot)
    ann.page.wait_for_timeout(500)
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=11_000)
    expect(ann.standing).to_have_text("You were outbid. Bid $115.00 or more to lead again.")
    bob.api("POST", f"/api/auctions/{other}/bids", amount=11_000)
    expect(ann.page.locator(".toast")).to_have_text([re.compile("Elsewhere")])


def test_alerts_are_off_until_switched_on_and_then_remembered(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell(title="A vase")
    ann.open(lot)
    ann.page.get_by_text("Alerts", exact=True).click()
    for label in ("A sound when I am outbid", "A flashing title when I am outbid"):
        expect(ann.page.get_by_label(label)).not_to_be_checked()
        ann.page.get_by_label(label).check()
    ann.page.reload()
    ann.page.get_by_text("Alerts", exact=True).click()
    expect(ann.page.get_by_label("A sound when I am outbid")).to_be_checked()
    ann.bid("100")
    expect(ann.standing).to_have_text("You have the highest bid.")
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=11_000)
    expect(ann.page).to_have_title("Outbid!")
    expect(ann.page).to_have_title("A vase · Marketplace")
    ann.page.mouse.click(5, 5)
    ann.page.wait_for_timeout(1_500)
    expect(ann.page).to_have_title("A vase · Marketplace")
    assert ann.complaints == []


def test_on_a_phone_price_clock_and_the_way_to_the_form_stay_in_reach(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann", viewport=PHONE), visitor("Bob")
    lot = seller.sell(description="Long.\n" * 60)
    ann.open(lot)
    bar = ann.page.locator(".bid-bar")
    ann.page.get_by_role("heading", name="Bids").scroll_into_view_if_needed()
    expect(bar).to_be_in_viewport()
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=12_300)
    expect(bar).to_contain_text("$123.00")
    expect(bar).to_contain_text(" left")
    bar.get_by_role("link", name="Bid").click()
    expect(ann.button).to_be_in_viewport()
    expect(bar).to_be_hidden()


def test_live_updates_shift_nothing(visitor: Visit) -> None:
    seller, ann, bob, cy = visitor("Sue"), visitor("Ann"), visitor("Bob"), visitor("Cy")
    lot = seller.sell(lasts=30, antiSnipe="FIXED", extensionWindow=60, extension=20)
    ann.api("POST", f"/api/auctions/{lot}/bids", amount=10_000)
    ann.page.add_init_script(
        """window.shifts = [];
        new PerformanceObserver((list) => {
            for (const { value, sources } of list.getEntries())
                shifts.push([value, ...sources.map(({ node }) => node?.outerHTML?.slice(0, 80) ?? "")]);
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    ann.open(lot)
    expect(ann.standing).to_have_text("You have the highest bid.")
    for rival, amount in ((bob, 11_000), (cy, 123_400)):
        rival.api("POST", f"/api/auctions/{lot}/bids", amount=amount)
        ann.page.wait_for_timeout(300)
    expect(ann.standing).to_have_text(re.compile("You were outbid"))
    expect(ann.page.locator("[data-extended]")).not_to_be_empty()
    bob.open(lot)
    expect(ann.page.get_by_text("2 are watching")).to_be_visible()
    # The list of bids grows on top; everything else stays where it is.
    shifts = [
        each for each in ann.page.evaluate("shifts") if not any("data-seq" in node for node in each[1:])
    ]
    assert sum(value for value, *_ in shifts) < 0.001, shifts


def test_what_can_be_done_comes_and_goes_with_what_happens(visitor: Visit) -> None:
    seller, bob = visitor("Sue"), visitor("Bob")
    stranger = visitor("Stan", registered=False)
    lot, other = seller.sell(), seller.sell()
    stranger.open(other)
    expect(stranger.page.get_by_role("link", name="Log in to bid")).to_be_visible()
    seller.open(lot)
    expect(seller.page.get_by_text("You can call it off until somebody bids.")).to_be_visible()
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=10_000)
    expect(seller.page.get_by_text("This is your auction.", exact=True)).to_be_visible()
    expect(seller.page.get_by_role("button", name="Cancel auction")).to_be_hidden()
    seller.api("POST", f"/api/auctions/{other}/cancel")
    expect(stranger.page.get_by_role("link", name="Log in to bid")).to_be_hidden()
    expect(stranger.page.get_by_text("Next bid: at least")).to_be_hidden()
    assert [seller.complaints, stranger.complaints] == [[], []]
