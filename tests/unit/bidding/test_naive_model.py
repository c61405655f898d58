"""Whatever people do, in any order: the book agrees with a naive model that works everything out anew.

The book is in memory. After every step the standing, the log and the events are compared with what the model
says they must be, word for word: so no event can carry a secret.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from marketplace.bidding import english, withdrawal
from marketplace.bidding.chain import Entry, breaks
from marketplace.bidding.english_book import EnglishBook, Recount
from marketplace.errors import AuctionOver, MarketplaceError
from marketplace.increments import Increments
from marketplace.times import iso
from marketplace.verification import Recomputation
from tests.unit.bidding.naive import Ask, Deal, Naive, Refused, picture

RUNS = settings(
    max_examples=500,
    stateful_step_count=50,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=list(HealthCheck),
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
LOT, SELLER = 7, 1
NAMES = {2: "Ann", 3: "Bob", 4: "Cem"}

bidders = st.sampled_from([*NAMES, *NAMES, *NAMES, SELLER])
#: Most bids are interesting near something: the minimum, the leader's secret, the reserve, the buy-now price.
near = st.sampled_from(["minimum", "minimum", "minimum", "secret", "reserve", "buy now"])
by = st.integers(-12, 60)
stretches = st.sampled_from([0, 1, 10, 29, 30, 31, 60, 600, 3599, 3601, 6 * 3600])
lefts = st.sampled_from([0, 5, 20, 20.000001, 60, 60.000001, 3600, 12 * 3600, 12 * 3600 + 0.000001])
#: Moments at which a retraction is interesting: so old is the bid, so long is left.
boundaries = st.sampled_from(
    [
        ("now", 0),
        ("old", 30),
        ("old", 30.000001),
        ("old", 60),
        ("old", 3600),
        ("old", 3600.000001),
        ("left", -12 * 3600),
        ("left", -12 * 3600 - 0.000001),
    ]
)

#: After the end a few more things are tried, then the next auction opens.
unless_long_over = precondition(lambda self: self.steps_since_closing < 3)

#: What has happened in all runs together.
MET: Counter[str] = Counter()


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    start = draw(st.sampled_from([0, 1, 50, 100, 990]))
    reserve = draw(st.none() | st.sampled_from([start + 1, start + 150, start + 999]))
    buy_now = draw(st.none() | st.integers(max(start, reserve or 0, 1), max(start, reserve or 1) + 1500))
    return Deal(
        seller=SELLER,
        starts_at=NOON,
        due=NOON + timedelta(seconds=draw(st.sampled_from([600, 4 * 3600, 13 * 3600, 3 * 86_400]))),
        start=start,
        steps=draw(
            st.sampled_from([[(0, 1)], [(0, 10)], [(0, 25)], [(0, 5), (100, 10), (300, 25), (1000, 50)]])
        ),
        reserve=reserve,
        buy_now=buy_now,
        buy_now_percent=draw(st.sampled_from([100, 75, 30, 0])) if buy_now else 0,
        policy=draw(st.sampled_from(["OFF", "RESET", "RESET", "FIXED", "FIXED"])),
        window=draw(st.sampled_from([0, 60, 900])),
        extension=draw(st.sampled_from([1, 60, 600])),
        most_extensions=draw(st.sampled_from([None, None, 1, 3])),
        most_seconds=draw(st.sampled_from([None, None, 90, 1000])),
        sudden_death=draw(st.sampled_from([0, 0, 20])),
    )


def terms_of(deal: Deal) -> english.Terms:
    return english.Terms(
        seller_id=deal.seller,
        starting_price=deal.start,
        increments=Increments.table(deal.steps),
        anti_snipe=english.AntiSnipe(
            policy=english.SnipePolicy(deal.policy),
            window=timedelta(seconds=deal.window),
            extension=timedelta(seconds=deal.extension),
            max_count=deal.most_extensions,
            max_total=None if deal.most_seconds is None else timedelta(seconds=deal.most_seconds),
            sudden_death=timedelta(seconds=deal.sudden_death),
        ),
        reserve=deal.reserve,
        buy_now_price=deal.buy_now,
        buy_now_share=deal.buy_now_percent,
    )


def book_of(deal: Deal) -> EnglishBook:
    """A book that opens now."""
    return EnglishBook(
        auction_id=LOT,
        title="A watch",
        currency="USD",
        starts_at=deal.starts_at,
        standing=english.Standing(terms_of(deal), "DRAFT", english.End(deal.due, deal.due)),
        leader_name=None,
        outcome=None,
        seq=0,
        part=0,
        log_hash=None,
        last_event_at=None,
        closed_at=None,
        now=deal.starts_at,
    )


class Auctions(RuleBasedStateMachine):
    """Auctions, one after the other, in the real book and in the naive model."""

    # --- setting up ---

    @initialize(deal=deals(), at_least=st.sampled_from([10, 5, 20, 40]))
    def open(self, deal: Deal, at_least: int) -> None:
        """An auction opens, in which nobody tries to close it before so many steps."""
        self.deal, self.naive, self.now = deal, Naive(deal), deal.starts_at
        self.steps_until_closing, self.steps_since_closing = at_least, 0
        self.book = book_of(deal)
        #: What the model says the log and the events must be.
        self.log: list[tuple[Any, ...]] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.direct: list[list[tuple[int, str, dict[str, Any]]]] = []
        self.part = 0
        self.warned = self.closed = False
        MET["auctions"] += 1
        self.book.publish()
        self.tell_status("RUNNING")
        self.advance()

    @precondition(lambda self: self.closed)
    @rule(deal=deals(), at_least=st.sampled_from([10, 5, 20, 40]))
    def open_another(self, deal: Deal, at_least: int) -> None:
        self.check_the_whole_log()
        self.open(deal, at_least)

    def teardown(self) -> None:
        if hasattr(self, "book"):
            self.check_the_whole_log()

    # --- what happens ---

    @unless_long_over
    @rule(who=bidders, near=near, by=by)
    def bid_exactly(self, who: int, near: str, by: int) -> None:
        self.bid(who, self.about(near, by), None)

    @unless_long_over
    @rule(who=bidders, near=near, by=by)
    def bid_up_to(self, who: int, near: str, by: int) -> None:
        self.bid(who, None, self.about(near, by))

    @unless_long_over
    @rule(who=bidders, by=st.integers(20, 500))
    def bid_up_to_much_more(self, who: int, by: int) -> None:
        self.bid(who, None, self.about("minimum", by))

    @unless_long_over
    @rule(who=bidders, near=near, by=by, more=st.integers(0, 300))
    def bid_both(self, who: int, near: str, by: int, more: int) -> None:
        amount = self.about(near, by)
        self.bid(who, amount, amount + more)

    @unless_long_over
    @precondition(lambda self: self.naive.now_at.leader)
    @rule(by=st.integers(-3, 200))
    def raise_the_maximum(self, by: int) -> None:
        leader = self.naive.now_at.leader
        assert leader
        self.bid(leader, None, self.about("secret", by))

    @unless_long_over
    @precondition(lambda self: self.naive.asks)
    @rule(which=st.integers(0, 5), with_reason=st.sampled_from([True, True, False]), at=boundaries)
    def retract(self, which: int, with_reason: bool, at: tuple[str, float]) -> None:
        """The latest bid, or one of those before it; possibly one that is gone already."""
        ask = self.recent(which)
        what, seconds = at
        boundary = {"now": self.now, "old": ask.at, "left": self.naive.end[0]}[what]
        self.let_it_be(boundary + timedelta(seconds=seconds))
        reason = withdrawal.RetractionReason.WRONG_AMOUNT if with_reason else None

        def really() -> list[Entry]:
            return withdrawal.to_retract(
                self.entry_of(ask),
                withdrawal.standing_bids(self.entries()),
                reason=reason,
                ends_at=self.book.standing.end.at,
                now=self.now,
            )

        def naively() -> list[Ask]:
            return self.naive.retract(ask, self.now, with_reason=with_reason)

        self.withdraw("RETRACTION", reason, really, naively)
        MET["too late to retract"] += self.last_refusal == ("retraction_not_allowed", {})

    @unless_long_over
    @precondition(lambda self: self.naive.asks)
    @rule(which=st.integers(0, 9))
    def the_seller_cancels_a_bid(self, which: int) -> None:
        ask = self.recent(which)

        def really() -> list[Entry]:
            return withdrawal.to_cancel(self.entry_of(ask), withdrawal.standing_bids(self.entries()))

        self.withdraw("CANCELLATION", "Who are you?", really, lambda: self.naive.cancel_bid(ask, self.now))

    @unless_long_over
    @precondition(lambda self: self.may_close or not self.naive.may_be_bought(self.now))
    @rule(who=bidders)
    def buy(self, who: int) -> None:
        self.advance()
        if not self.agree(
            lambda: self.book.buy(buyer_id=who, buyer_name=NAMES.get(who, "Seller")),
            lambda: self.naive.buy(who, self.now),
        ):
            return
        price = self.deal.buy_now
        assert price
        self.tell_bid(who, price, self.naive.now_at.shown, kind="BUY_NOW")
        self.log_entry("BUY_NOW", who, price, (price, None))
        self.tell_end("bought")

    @unless_long_over
    @rule(seconds=stretches)
    def time_passes(self, seconds: float) -> None:
        self.let_it_be(self.now + timedelta(seconds=seconds))

    @unless_long_over
    @rule(seconds=lefts)
    def so_long_is_left(self, seconds: float) -> None:
        self.let_it_be(self.naive.end[0] - timedelta(seconds=seconds))

    @unless_long_over
    @precondition(lambda self: self.may_close)
    @rule()
    def its_time_is_up(self) -> None:
        self.let_it_be(self.naive.end[0])

    @unless_long_over
    @precondition(lambda self: self.may_close)
    @rule()
    def an_administrator_ends_it(self) -> None:
        self.advance()
        if self.agree(lambda: self.book.end("ended_by_administrator"), lambda: self.naive.end_now(self.now)):
            self.tell_end("ended_by_administrator")

    @unless_long_over
    @precondition(lambda self: self.may_close or not self.naive.asks)
    @rule()
    def the_seller_calls_it_off(self) -> None:
        self.advance()
        if self.agree(self.book.cancel, lambda: self.naive.cancel(self.now)):
            self.tell_status("CANCELLED")
            self.closed = True

    # --- doing it twice ---

    @property
    def may_close(self) -> bool:
        return self.steps_until_closing <= 0

    def about(self, near: str, by: int) -> int:
        at = self.naive.now_at
        base = {
            "minimum": self.naive.minimum,
            "secret": at.strength,
            "reserve": self.deal.reserve,
            "buy now": self.deal.buy_now,
        }[near]
        return max(0, (self.naive.minimum if base is None else base) + by)

    def recent(self, which: int) -> Ask:
        return self.naive.asks[-1 - which % len(self.naive.asks)]

    def let_it_be(self, moment: datetime) -> None:
        if moment >= self.naive.end[0] and not self.may_close:
            moment = self.naive.end[0] - MOMENT
        self.now = max(self.now, moment)
        self.advance()

    def advance(self) -> None:
        """Take the steps that are due, as everyone who opens a book does first."""
        self.steps_until_closing -= 1
        self.steps_since_closing += self.closed
        MET["steps"] += 1
        self.book.now = self.now
        self.book.advance()
        end, _ = self.naive.end
        warning = timedelta(seconds=max(60, self.deal.window))
        if self.closed:
            return
        if not self.warned and end - warning <= self.now < end:
            self.warned = True
            self.tell_status("ENDING_SOON")
        if self.now >= end:
            self.tell_end("time_up")

    def agree(self, really: Callable[[], Any], naively: Callable[[], Any]) -> bool:
        """Do it in both; true if both accept. If one refuses, so must the other, for the same reason."""
        try:
            naively()
        except Refused as refused:
            expected: Any = (refused.code, refused.facts)
        else:
            expected = None
        before = self.book.standing, len(self.book.new_entries), len(self.book.new_events)
        found: Any = None
        try:
            really()
        except MarketplaceError as refused:
            found = (refused.code, refused.facts)
            assert (self.book.standing, len(self.book.new_entries), len(self.book.new_events)) == before
        assert found == expected
        self.last_refusal = found
        MET["accepted" if found is None else found[0]] += 1
        return found is None

    def bid(self, who: int, amount: int | None, maximum: int | None) -> None:
        self.advance()
        before, end_before, seq_before = self.naive.now_at, self.naive.end[0], self.book.seq
        answers: list[dict[str, Any]] = []

        def really() -> None:
            bid = english.Bid(who, amount, maximum)
            answers.append(self.book.place(bid, bidder_name=NAMES.get(who, "Seller")))

        if not self.agree(really, lambda: self.naive.bid(who, amount, maximum, self.now)):
            return
        ask, at, (end, count) = self.naive.asks[-1], self.naive.now_at, self.naive.end
        asked = (amount, maximum)
        moved = end if end != end_before else None
        if ask.silent:
            self.part += 1
            self.log_entry("RAISE", who, at.price, asked)
            MET["raise"] += 1
        shown = at.shown - len(at.last)
        for n, (ahead, price) in enumerate(at.last, start=1):
            is_last = n == len(at.last)
            concerned = {who} | ({before.leader} if before.leader else set())
            # Whoever leads again without having asked has answered.
            kind = "BID" if ahead == who else "AUTO"
            self.tell_bid(
                ahead,
                price,
                shown + n,
                kind=kind,
                moved=moved if is_last else None,
                direct=sorted(concerned) if is_last else [],
            )
            self.log_entry(kind, ahead, price, asked if kind == "BID" else None)
            MET[kind] += 1
        ask.place = self.log[-max(1, len(at.last))][0]
        if moved:
            MET["extended"] += 1
            self.tell("auction:extend", endsAt=iso(end), extensionCount=count)
        MET["jumped to the reserve"] += at.price == self.deal.reserve
        [answer] = answers
        assert answer == {
            "bidId": f"{LOT}-{ask.place[0]}" + (f".{ask.place[1]}" if ask.place[1] else ""),
            "auctionId": LOT,
            "seq": ask.place[0],
            "amount": at.price if ask.silent else at.last[0][1],
            "maxAmount": maximum,
            "currency": "USD",
            "currentBid": at.price,
            "youLead": at.leader == who,
            "minimumNextBid": self.naive.minimum,
            "receivedAt": iso(self.now),
            "endsAt": iso(end),
        }
        assert ask.silent == (self.book.seq == seq_before)

    def withdraw(
        self,
        kind: str,
        reason: str | None,
        really: Callable[[], list[Entry]],
        naively: Callable[[], list[Ask]],
    ) -> None:
        self.advance()
        before = self.naive.now_at
        gone: list[Ask] = []

        def in_the_book() -> None:
            if self.book.standing.status not in english.OPEN:
                raise AuctionOver
            entries = really()
            left = [entry for entry in withdrawal.standing_bids(self.entries()) if entry not in entries]
            fold = withdrawal.fold(self.book.standing.terms, left)
            name = NAMES[fold.price.leader_id] if fold.price else None
            self.book.withdraw(entries, kind, reason, Recount(fold.price, fold.steps, name))

        if not self.agree(in_the_book, lambda: gone.extend(naively())):
            return
        at = self.naive.now_at
        direct = []
        if at.leader is not None and at.leader != before.leader:
            data = {"bidId": None, "currentBid": at.price, "currency": "USD"}
            direct = [(at.leader, "bid:winning", data)]
            MET["a new leader by a withdrawal"] += 1
        MET["the price falls by a withdrawal"] += before.price != at.price
        MET["several go at once"] += len(gone) > 1
        # Raises last, and unseen if they are all that goes and nobody could tell.
        ordered = sorted(gone, key=lambda ask: ask.place[1] > 0)
        seen = (before.price, before.leader, before.shown) != (at.price, at.leader, at.shown)
        first = 0
        if seen or not ordered[0].place[1]:
            self.tell(
                "bid:retracted",
                direct=direct,
                currentBid=at.price,
                currency="USD",
                bidderName=NAMES[at.leader] if at.leader else None,
                bidCount=at.shown,
                minimumNextBid=self.naive.minimum,
                reserveMet=self.naive.reserve_met_at(at.price),
            )
        else:
            MET["a raise goes as unseen as it came"] += 1
            first = self.part + 1
        shown_at = {place: amount for place, _, _, amount, *_ in self.log}
        for part, ask in enumerate(ordered, start=first):
            self.part = part
            self.log_entry(kind, ask.who, shown_at[ask.place], None, ask.place, reason)
        MET[kind] += 1

    # --- what must be told and written ---

    def tell(self, name: str, *, direct: Sequence[tuple[int, str, dict[str, Any]]] = (), **data: Any) -> None:
        envelope = {"auctionId": LOT, "seq": len(self.events) + 1, "timestamp": iso(self.now)}
        self.events.append((name, envelope | data))
        self.direct.append([(user, what, envelope | told) for user, what, told in direct])
        self.part = 0

    def tell_bid(
        self,
        ahead: int,
        price: int,
        count: int,
        *,
        kind: str,
        moved: datetime | None = None,
        direct: Sequence[int] = (),
    ) -> None:
        minimum = self.naive.minimum_over(price)
        winning = {"bidId": f"{LOT}-{len(self.events) + 1}", "currentBid": price, "currency": "USD"}
        outbid = {"currentBid": price, "currency": "USD", "minimumNextBid": minimum}
        self.tell(
            "bid:new",
            direct=[
                (user, "bid:winning", winning) if user == ahead else (user, "bid:outbid", outbid)
                for user in direct
            ],
            kind=kind,
            currentBid=price,
            currency="USD",
            bidderName=NAMES[ahead],
            bidCount=count,
            minimumNextBid=minimum,
            reserveMet=self.naive.reserve_met_at(price),
            extendedEndTime=iso(moved) if moved else None,
        )

    def tell_status(self, status: str) -> None:
        end, _ = self.naive.end_by_the_clock
        self.tell("auction:status", status=status, startsAt=iso(self.deal.starts_at), endsAt=iso(end))

    def tell_end(self, reason: str) -> None:
        at, outcome = self.naive.now_at, self.naive.outcome
        sold = outcome == "SOLD"
        direct = []
        if sold:
            assert at.leader
            won = {"title": "A watch", "winningBid": at.price, "currency": "USD"}
            direct = [(at.leader, "auction:won", won)]
        self.tell(
            "auction:end",
            direct=direct,
            outcome=outcome,
            reason=reason,
            winnerName=NAMES[at.leader] if sold and at.leader else None,
            winningBid=at.price if sold else None,
            currency="USD",
        )
        self.closed = True
        MET.update([outcome, reason])

    def log_entry(
        self,
        kind: str,
        who: int,
        amount: int | None,
        asked: tuple[int | None, int | None] | None,
        refers_to: tuple[int, int] | None = None,
        reason: str | None = None,
    ) -> None:
        place = (len(self.events), self.part)
        self.log.append((place, kind, who, amount, self.now, asked, refers_to, reason))

    # --- what must hold after every step ---

    @invariant()
    def the_standing_agrees(self) -> None:
        standing, at, (end, count) = self.book.standing, self.naive.now_at, self.naive.end
        price = standing.price
        found = (price.leader_id, price.amount, price.strength) if price else (None, None, None)
        assert found == (at.leader, at.price, at.strength)
        assert self.book.leader_name == (NAMES[at.leader] if at.leader else None)
        assert standing.bid_count == at.shown
        assert standing.minimum_next_bid == self.naive.minimum
        assert standing.reserve_met == self.naive.reserve_met_at(at.price)
        assert standing.buy_now_open == self.naive.may_be_bought(self.now)
        assert standing.end.extensions == count
        if self.naive.cancelled:
            assert standing.status == "CANCELLED"
        else:
            assert standing.end.at == end
            assert (standing.status == "ENDED") == self.naive.is_over(self.now) == self.closed
            assert self.book.outcome == (self.naive.outcome if self.closed else None)

    @invariant()
    def the_log_agrees(self) -> None:
        assert [
            (
                entry.place,
                entry.kind,
                entry.bidder_id,
                entry.amount,
                entry.placed_at,
                entry.secret and (entry.secret.amount, entry.secret.maximum),
                entry.refers_to,
                entry.reason,
            )
            for entry in self.entries()[-3:]
        ] == self.log[-3:]
        assert len(self.book.new_entries) == len(self.log)

    @invariant()
    def every_event_says_what_everybody_may_know_and_no_more(self) -> None:
        told = self.book.new_events
        assert len(told) == len(self.events) == self.book.seq
        assert [(event.name, event.data) for event in told[-4:]] == self.events[-4:]
        assert [
            [(direct["userId"], direct["event"], direct["data"]) for direct in event.direct]
            for event in told[-4:]
        ] == self.direct[-4:]

    # --- what must hold in the end ---

    def check_the_whole_log(self) -> None:
        events = self.book.new_events
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert [event.name for event in events].count("auction:end") <= 1
        self.check_prices([(event.name, event.data.get("currentBid")) for event in events])
        links = self.book.new_entries
        assert list(breaks(links, self.book.log_hash)) == []
        entries = self.entries()
        assert len({entry.place for entry in entries}) == len(entries)
        assert problems(self.deal, entries) == []
        self.check_against_the_log(entries)
        if entries:
            self.check_that_a_change_is_found(self.book.seq % len(entries))

    @staticmethod
    def check_prices(told: Sequence[tuple[str, int | None]]) -> None:
        prices = [(name, price) for name, price in told if name in {"bid:new", "bid:retracted"}]
        for (_, before), (name, price) in itertools.pairwise(prices):
            if name == "bid:new":
                assert price is not None
                assert price >= (before or 0)

    def check_against_the_log(self, entries: Sequence[Entry]) -> None:
        """The log alone, without anything that anybody remembers, gives the same price and leader."""
        withdrawn = {entry.refers_to for entry in entries}
        asks = [
            Ask(entry.bidder_id, entry.secret.amount, entry.secret.maximum, entry.placed_at, silent=False)
            for entry in entries
            if entry.secret and entry.kind != "BUY_NOW" and entry.place not in withdrawn
        ]
        at = picture(self.deal, asks)
        if entries and entries[-1].kind == "BUY_NOW":
            at.leader, at.price = entries[-1].bidder_id, entries[-1].amount
        price = self.book.standing.price
        assert (at.leader, at.price) == ((price.leader_id, price.amount) if price else (None, None))

    def check_that_a_change_is_found(self, n: int) -> None:
        links = list(self.book.new_entries)
        changed = replace(links[n].entry, amount=links[n].entry.amount + 1)
        links[n] = replace(links[n], entry=changed)
        assert list(breaks(links, self.book.log_hash))
        if changed.kind not in withdrawal.WITHDRAWALS:
            # Even if the whole chain were made anew.
            assert problems(self.deal, [link.entry for link in links])
            MET["a change is found"] += 1

    def entries(self) -> list[Entry]:
        return [link.entry for link in self.book.new_entries]

    def entry_of(self, ask: Ask) -> Entry:
        [entry] = [entry for entry in self.entries() if entry.place == ask.place]
        return entry


def problems(deal: Deal, entries: Sequence[Entry]) -> list[str]:
    return list(Recomputation(terms_of(deal)).problems(entries))


def test_whatever_happens_in_any_order_the_book_agrees_with_the_naive_model() -> None:
    MET.clear()
    run_state_machine_as_test(Auctions, settings=RUNS)
    everything = {
        "BID",
        "AUTO",
        "raise",
        "extended",
        "jumped to the reserve",
        "RETRACTION",
        "CANCELLATION",
        "several go at once",
        "a new leader by a withdrawal",
        "the price falls by a withdrawal",
        "bid_too_low",
        "already_leading",
        "maximum_not_raised",
        "seller_cannot_bid",
        "auction_ended",
        "auction_cancelled",
        "auction_over",
        "has_bids",
        "buy_now_gone",
        "bid_withdrawn",
        "retraction_not_allowed",
        "too late to retract",
        "SOLD",
        "UNSOLD",
        "RESERVE_NOT_MET",
        "bought",
        "time_up",
        "ended_by_administrator",
        "a change is found",
    }
    # The runs went everywhere: otherwise they would prove less than they seem to.
    assert not everything - (+MET).keys(), MET
