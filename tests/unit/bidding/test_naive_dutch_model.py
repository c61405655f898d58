"""Whatever buyers, sellers and the clock do, in any order: stock and holds agree with a naive model.

The rows are in memory; the desk's answers, the book and the reservations are the real ones. After every step
the stock, the reservations, the log and the events are compared with what the model says they must be, word
for word: so no event can carry who bought, or what they were ready to pay.
"""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
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
from sqlalchemy import Engine

from marketplace.bidding import dutch, reservations
from marketplace.bidding.answers import Answer, BidRequest, Facts
from marketplace.bidding.chain import Link, breaks
from marketplace.bidding.desk import Desk, _is_worth_storing, _Waiting
from marketplace.bidding.dutch_book import DutchBook, Item
from marketplace.errors import Invalid, MarketplaceError, NotFound
from marketplace.models import Reservation
from marketplace.realtime.outbox import Recorded
from marketplace.times import iso
from tests.unit.bidding.naive import Refused
from tests.unit.bidding.naive_dutch import Deal, Naive, Taken

RUNS = settings(
    max_examples=500,
    stateful_step_count=30,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=list(HealthCheck),
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
WARNING = timedelta(seconds=60)
LOT, SELLER = 7, 1
BUYERS = [2, 3, 4]
#: Items that one transaction takes back here: few, so that there often are more.
MAX_RETURNED = 2

buyers = st.sampled_from([*BUYERS, *BUYERS, *BUYERS, SELLER])
#: How much more, or less, than the price a buyer has seen.
by = st.sampled_from([0, 0, 0, 0, 1, 40, 1000, -1, -40])
keys = st.sampled_from([None, None, None, "one", "two"])
bids = st.lists(st.tuples(buyers, by, keys), min_size=1, max_size=4)
which = st.integers(0, 5)
stretches = st.sampled_from([1, 4, 5, 9, 10, 30, 59, 61, 600])
#: Moments at which something changes, and just before.
moments = st.tuples(
    st.sampled_from(["drop", "expiry", "expiry", "last expiry", "end"]), st.sampled_from([-1, 0, 0, 1])
)

#: After the end a few more things are tried, then the next auction opens.
unless_long_over = precondition(lambda self: self.steps_since_end < 10)
when_something_is_taken = precondition(lambda self: self.steps_since_end < 10 and self.naive.taken)

#: What has happened in all runs together.
MET: Counter[str] = Counter()


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    floor = draw(st.sampled_from([0, 1, 100]))
    return Deal(
        seller=SELLER,
        starts_at=NOON + timedelta(seconds=draw(st.sampled_from([0, 0, 0, 0, 20]))),
        due=NOON + timedelta(seconds=draw(st.sampled_from([50, 600, 3600, 3600]))),
        start=floor + draw(st.sampled_from([0, 1, 100, 250])),
        floor=floor,
        drop=draw(st.sampled_from([1, 40, 100])) if floor else 40,
        every=draw(st.sampled_from([1, 10, 60])),
        quantity=draw(st.sampled_from([4, 3, 2, 1, 6, 12])),
        hold=draw(st.sampled_from([5, 10, 30, 600])),
        per_buyer=draw(st.sampled_from([None, None, None, 1, 2])),
    )


class Rows:
    """The rows of one auction: what ``rows.py`` reads into a book, and writes back when it has changed."""

    def __init__(self, deal: Deal) -> None:
        terms = dutch.Terms(
            seller_id=deal.seller,
            starting_price=deal.start,
            floor=deal.floor,
            drop_amount=deal.drop,
            drop_every=timedelta(seconds=deal.every),
            quantity=deal.quantity,
            hold=timedelta(seconds=deal.hold),
            per_buyer=deal.per_buyer,
        )
        self.auction: dict[str, Any] = {
            "auction_id": LOT,
            "title": "Tulips",
            "currency": "EUR",
            "starts_at": deal.starts_at,
            "standing": dutch.Standing(terms, "DRAFT", deal.starts_at, deal.due),
            "outcome": None,
            "seq": 0,
            "part": 0,
            "log_hash": None,
            "last_event_at": None,
            "closed_at": None,
        }
        self.due_at: datetime | None = None
        self.reservations: dict[int, Reservation] = {}
        self.log: list[Link] = []
        self.events: list[Recorded] = []
        #: The answers as they are stored, by buyer and key.
        self.answers: dict[tuple[int, str], tuple[bytes, str]] = {}

    @property
    def standing(self) -> dutch.Standing:
        return cast(dutch.Standing, self.auction["standing"])

    def open(self, now: datetime) -> DutchBook:
        held = sorted(
            (each for each in self.reservations.values() if each.status == "HELD"),
            key=lambda each: (each.expires_at, each.seq),
        )
        over = [each for each in held if each.expires_at <= now][:MAX_RETURNED]
        return DutchBook(
            **self.auction,
            now=now,
            overdue=[Item(each.seq, each.buyer_id, each.price, each.expires_at) for each in over],
            next_expiry=min((each.expires_at for each in held if each not in over), default=None),
            has=Counter(
                each.buyer_id
                for each in self.reservations.values()
                if each.status in {"HELD", "CONFIRMED"} and each not in over
            ),
            stored_due_at=self.due_at,
        )

    def save(self, book: DutchBook) -> None:
        if not book.changed:
            assert {name: getattr(book, name) for name in self.auction} == self.auction
            assert not (book.new_entries or book.taken)
            return
        self.auction = {name: getattr(book, name) for name in self.auction}
        self.due_at = book.due_at
        self.log += book.new_entries
        self.events += book.new_events
        for item in book.taken:
            assert item.seq not in self.reservations
            self.reservations[item.seq] = Reservation(
                auction_id=LOT,
                seq=item.seq,
                buyer_id=item.buyer_id,
                price=item.price,
                status="HELD",
                expires_at=item.expires_at,
            )
        for seq, status in book.settled.items():
            self.reservations[seq].status = status


class Auctions(RuleBasedStateMachine):
    """Auctions, one after the other, in the real book and in the naive model."""

    #: Where ``reservations.py`` finds the auction, and what time it is there.
    here: Auctions

    # --- setting up ---

    @initialize(deal=deals(), at_least=st.sampled_from([10, 3, 20]))
    def open(self, deal: Deal, at_least: int) -> None:
        """An auction is published, which nobody ends before so many steps."""
        Auctions.here = self
        self.deal, self.naive, self.now = deal, Naive(deal), NOON
        self.rows = Rows(deal)
        self.steps_until_end, self.steps_since_end = at_least, 0
        #: What the model says the log and the events must be.
        self.log: list[tuple[Any, ...]] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.direct: list[list[tuple[int, str, dict[str, Any]]]] = []
        #: What was answered under a key: the amount, and the answer or refusal.
        self.answered: dict[tuple[int, str], tuple[int, Any]] = {}
        self.status, self.closed_at = "DRAFT", None
        self.numbers = itertools.count()
        MET["auctions"] += 1
        book = self.rows.open(self.now)
        book.publish()
        self.rows.save(book)
        self.tell_status("SCHEDULED" if self.now < deal.starts_at else "RUNNING")
        self.look()

    @precondition(lambda self: self.steps_since_end >= 4)
    @rule(deal=deals(), at_least=st.sampled_from([10, 3, 20]))
    def open_another(self, deal: Deal, at_least: int) -> None:
        self.check_the_whole_log()
        self.open(deal, at_least)

    def teardown(self) -> None:
        if hasattr(self, "rows"):
            self.check_the_whole_log()

    # --- what happens ---

    @unless_long_over
    @rule(asked=bids)
    def buyers_take(self, asked: list[tuple[int, int, str | None]]) -> None:
        """A group of bids, as the desk decides it."""
        price = self.naive.price(self.now)
        self.place([(who, max(0, price + by), key) for who, by, key in asked])

    @unless_long_over
    @rule(who=st.sampled_from(BUYERS), with_amount=st.booleans())
    def somebody_sends_a_maximum(self, who: int, with_amount: bool) -> None:
        bid = BidRequest(LOT, who, "Ann", 1000 if with_amount else None, 1000)
        [answer], book = self.decide([bid])
        self.look()
        assert isinstance(answer.refusal, Invalid)
        assert not book.rejections

    @precondition(lambda self: self.status in {"RUNNING", "ENDING_SOON"})
    @rule(crowd=st.lists(st.sampled_from(BUYERS), min_size=2, max_size=4))
    def a_crowd_takes(self, crowd: list[int]) -> None:
        """One after the other."""
        for who in crowd:
            self.place([(who, self.naive.price(self.now), None)])
            self.let_it_be(self.now + timedelta(seconds=1))

    @precondition(lambda self: self.steps_since_end < 10 and self.answered)
    @rule(which=which, same=st.sampled_from([True, True, False]))
    def somebody_tries_again(self, which: int, same: bool) -> None:
        """The same key once more, with the same amount or another."""
        (who, key), (amount, _) = list(self.answered.items())[which % len(self.answered)]
        self.place([(who, amount + (not same), key)])

    @when_something_is_taken
    @rule(which=which, at_the_first_expiry=st.booleans())
    def a_buyer_checks_out(self, which: int, at_the_first_expiry: bool) -> None:
        one = self.recent(which)
        if at_the_first_expiry and self.naive.held:
            one = self.naive.held[-1]
            self.let_it_be(self.naive.held[0].until)

        def really() -> None:
            reservations.confirm(reservations.open_reservation(LOT, one.place, by=one.who))

        if self.agree(really, lambda: self.naive.check_out(one, self.now)):
            MET["confirmed"] += 1
            MET["confirmed while others are overdue"] += bool(self.naive.overdue(self.now))

    @when_something_is_taken
    @rule(which=which, somebody_else=st.sampled_from([False, False, False, True]))
    def a_buyer_gives_it_back(self, which: int, somebody_else: bool) -> None:
        one = self.recent(which)
        who = one.who + 1 if somebody_else else one.who

        def naively() -> None:
            if who != one.who:
                raise Refused("not_found")
            if one.checked_out and one.back is None:
                raise Refused("reservation_over")
            self.look()
            if one.back is None:
                self.come_back(one, "released")

        self.agree(lambda: reservations.release(LOT, one.place, by=who), naively)

    @when_something_is_taken
    @rule(which=which, reason=st.sampled_from(["unpaid", "cancelled"]))
    def an_order_comes_to_nothing(self, which: int, reason: str) -> None:
        one = self.naive.sold[0] if self.naive.sold and which else self.recent(which)

        def naively() -> None:
            self.look()
            if one.checked_out and one.back is None:
                self.come_back(one, reason)

        self.agree(lambda: reservations.return_item(LOT, one.place, reason=reason), naively)

    @unless_long_over
    @rule(seconds=stretches)
    def time_passes(self, seconds: float) -> None:
        """And nobody looks."""
        self.let_it_be(self.now + timedelta(seconds=seconds))

    @unless_long_over
    @rule(moment=moments)
    def the_moment_comes(self, moment: tuple[str, int]) -> None:
        what, by = moment
        coming = {
            "drop": self.naive.coming_drops(self.now),
            "expiry": [one.until for one in self.naive.held],
            "last expiry": [one.until for one in reversed(self.naive.held)],
            "end": [self.naive.end],
        }[what]
        if coming:
            self.let_it_be(coming[0] + by * MOMENT)

    @unless_long_over
    @rule()
    def the_clock_ticks(self) -> None:
        """Until nothing is due: which must come to an end."""
        rounds = 0
        while self.rows.due_at is not None and self.rows.due_at <= self.now:
            rounds += 1
            assert rounds <= 2 + len(self.naive.taken) / MAX_RETURNED
            overdue = len(self.naive.overdue(self.now))
            self.somebody_reads()
            MET["several rounds of the clock"] += rounds > 1
            MET["several expire at once"] += overdue > 1

    @unless_long_over
    @rule()
    def somebody_reads(self) -> None:
        book = self.rows.open(self.now)
        book.advance()
        self.rows.save(book)
        self.look()
        # Nothing is due too late, and nothing too early.
        assert self.rows.due_at == self.due_at

    @precondition(lambda self: self.may_end and self.steps_since_end < 3)
    @rule(by_the_seller=st.booleans())
    def somebody_ends_it(self, by_the_seller: bool) -> None:
        """The seller by calling it off, or an administrator."""

        def naively() -> None:
            self.look()
            if by_the_seller:
                self.naive.cancel(self.now)
                self.tell_status("CANCELLED")
                self.closed_at = self.now
            else:
                self.naive.end_now(self.now)
                self.tell_end("ended_by_administrator")

        def really() -> None:
            """As ``service.py`` does it."""
            book = self.rows.open(self.now)
            book.advance()
            if by_the_seller:
                book.cancel()
            else:
                book.end("ended_by_administrator")
            self.rows.save(book)

        self.agree(really, naively)

    # --- doing it twice ---

    @property
    def may_end(self) -> bool:
        return self.steps_until_end <= 0

    @property
    def is_over(self) -> bool:
        return self.naive.cancelled or self.now >= self.naive.end

    def recent(self, which: int) -> Taken:
        """What is held comes first, then what was."""
        taken = sorted(self.naive.taken, key=lambda one: (one in self.naive.held, one.place), reverse=True)
        return taken[which % len(taken)]

    def let_it_be(self, moment: datetime) -> None:
        if moment >= self.naive.end and not self.may_end:
            moment = self.naive.end - MOMENT
        self.now = max(self.now, moment)

    def agree(self, really: Callable[[], Any], naively: Callable[[], Any]) -> bool:
        """Do it in both; true if both accept. If one refuses, so must the other, and nothing has happened."""
        kept = self.naive.copy(), self.status, self.closed_at
        lengths = len(self.log), len(self.events)
        expected: Any = None
        found: Any = None
        try:
            naively()
        except Refused as refused:
            expected = (refused.code, refused.facts)
            self.naive, self.status, self.closed_at = kept
            del self.log[lengths[0] :], self.events[lengths[1] :], self.direct[lengths[1] :]
        try:
            really()
        except MarketplaceError as refused:
            found = (refused.code, refused.facts)
        assert found == expected
        MET["done" if found is None else found[0]] += 1
        return found is None

    def decide(self, requests: Sequence[BidRequest]) -> tuple[list[Any], DutchBook]:
        """As ``Desk._decide`` does it, without a database."""
        batch = [_Waiting(each, each.idempotency_key or f"made up {next(self.numbers)}") for each in requests]
        known = {
            identity: (fingerprint, Answer.restored(json.loads(stored)))
            for identity, (fingerprint, stored) in self.rows.answers.items()
        }
        book = self.rows.open(self.now)
        book.advance()
        answers = Desk(cast(Engine, None))._answers(
            book, Facts(backlog=False, insiders=frozenset(), blocked=frozenset(), known=known), batch
        )
        for waiting, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Answer) and _is_worth_storing(waiting, answer):
                stored = json.dumps(answer.stored())
                self.rows.answers[waiting.identity] = (waiting.request.fingerprint, stored)
        self.rows.save(book)
        return answers, book

    def place(self, asked: Sequence[tuple[int, int, str | None]]) -> None:
        answers, book = self.decide(
            [
                BidRequest(LOT, who, f"Buyer {who}", amount, None, key, f"socket {who}")
                for who, amount, key in asked
            ]
        )
        self.look()
        told: list[tuple[int, str, dict[str, Any]]] = []
        for (who, amount, key), answer in zip(asked, answers, strict=True):
            expected, repeated = self.expect(who, amount, key, told)
            MET["tried again"] += repeated
            if isinstance(answer, Answer):
                assert answer.replayed == repeated
                refusal = answer.refusal
                found: Any = (refusal.code, refusal.facts) if refusal else answer.accepted
            else:
                found = (answer.code, answer.facts)
            assert found == expected
            MET["taken" if isinstance(found, dict) else found[0]] += 1
        assert [
            (to.user_id, to.event.name, to.event.data(LOT, book.seq, self.now)) for to in book.rejections
        ] == [
            (who, name, {"auctionId": LOT, "seq": len(self.events), "timestamp": iso(self.now), **data})
            for who, name, data in told
        ]

    def expect(
        self, who: int, amount: int, key: str | None, told: list[tuple[int, str, dict[str, Any]]]
    ) -> tuple[Any, bool]:
        """What the model answers to a bid, and whether it has answered it before."""
        if key is not None and (who, key) in self.answered:
            before, answer = self.answered[who, key]
            if before == amount:
                return answer, True
            return ("idempotency_key_reused", {}), False
        try:
            answer = self.take(who, amount)
        except Refused as refused:
            facts = {name: _json(fact) for name, fact in refused.facts.items()}
            answer = (refused.code, facts)
            rejected = {
                "bidId": None,
                "reason": refused.code,
                "currentPrice": self.naive.price(self.now),
                "currency": "EUR",
                "remainingItems": self.naive.free,
            }
            told.append((who, "bid:rejected", rejected))
        if key is not None:
            self.answered[who, key] = (amount, answer)
        return answer, False

    def take(self, who: int, amount: int) -> dict[str, Any]:
        one = self.naive.take(who, amount, self.now, len(self.events) + 1)
        place = f"{LOT}-{one.place}"
        accepted = {
            "bidId": place,
            "winningPrice": one.price,
            "currency": "EUR",
            "reservationId": place,
            "expiresAt": iso(one.until),
        }
        self.tell(
            "item:sold",
            direct=[(who, "bid:accepted", accepted)],
            remainingItems=self.naive.free,
            price=one.price,
            currency="EUR",
        )
        self.log.append((one.place, "TAKE", who, one.price, self.now, (amount, None), None, None))
        answer = {
            "bidId": place,
            "auctionId": LOT,
            "seq": one.place,
            "amount": one.price,
            "currency": "EUR",
            "reservationId": place,
            "expiresAt": iso(one.until),
            "remainingItems": self.naive.free,
            "receivedAt": iso(self.now),
            "endsAt": iso(self.naive.end),
        }
        if not self.naive.free:
            self.tell_end("sold_out")
        return answer

    # --- what must have been told and written ---

    def look(self) -> None:
        """What is due happens, as to everyone who opens a book: first what comes back, then the rest."""
        for one in self.naive.overdue(self.now)[:MAX_RETURNED]:
            self.come_back(one, "expired")
        if self.status == "SCHEDULED" and self.now >= self.deal.starts_at:
            self.tell_status("RUNNING")
        self.warn()
        if self.status in {"RUNNING", "ENDING_SOON"} and self.now >= self.naive.end:
            self.tell_end("time_up")

    def warn(self) -> None:
        if self.status == "RUNNING" and self.naive.end - WARNING <= self.now < self.naive.end:
            self.tell_status("ENDING_SOON")

    def come_back(self, one: Taken, why: str) -> None:
        one.back = why
        over = self.status == "ENDED"
        goes_on = over and self.now < self.naive.end
        direct = []
        if why == "expired":
            lost = {
                "reservationId": f"{LOT}-{one.place}",
                "title": "Tulips",
                "price": one.price,
                "currency": "EUR",
            }
            direct = [(one.who, "reservation:expired", lost)]
        self.tell(
            "item:returned",
            direct=direct,
            remainingItems=self.naive.free,
            outcome=self.naive.outcome if over and not goes_on else None,
        )
        entry = (len(self.events), "RETURN", one.who, one.price, self.now, None, (one.place, 0), why)
        self.log.append(entry)
        MET[why] += 1
        MET["comes back after the end"] += over and not goes_on
        if goes_on:
            self.closed_at = None
            self.tell_status("RUNNING")
            self.warn()
            MET["opens again"] += 1

    def tell(self, name: str, *, direct: Sequence[tuple[int, str, dict[str, Any]]] = (), **data: Any) -> None:
        envelope = {"auctionId": LOT, "seq": len(self.events) + 1, "timestamp": iso(self.now)}
        self.events.append((name, envelope | data))
        self.direct.append([(user, what, envelope | told) for user, what, told in direct])

    def tell_status(self, status: str) -> None:
        self.status = status
        ends_at = iso(self.naive.end)
        self.tell("auction:status", status=status, startsAt=iso(self.deal.starts_at), endsAt=ends_at)

    def tell_end(self, reason: str) -> None:
        self.status, self.closed_at = "ENDED", self.now
        self.tell(
            "auction:end",
            outcome=self.naive.outcome,
            reason=reason,
            winnerName=None,
            winningBid=None,
            currency="EUR",
        )
        MET.update([reason, self.naive.outcome])

    @property
    def due_at(self) -> datetime | None:
        """When something is due next."""
        step = {
            "SCHEDULED": self.deal.starts_at,
            "RUNNING": self.naive.end - WARNING,
            "ENDING_SOON": self.naive.end,
        }.get(self.status)
        return min([at for at in [step, *(one.until for one in self.naive.held)] if at], default=None)

    # --- what must hold after every step ---

    @invariant()
    def steps_are_counted(self) -> None:
        self.steps_until_end -= 1
        self.steps_since_end += self.is_over
        MET["steps"] += 1

    @invariant()
    def every_item_is_held_sold_or_free(self) -> None:
        standing = self.rows.standing
        held, sold, free = len(self.naive.held), len(self.naive.sold), self.naive.free
        assert (standing.held, standing.sold, standing.free) == (held, sold, free)
        assert held + sold + free == self.deal.quantity
        assert min(held, sold, free) >= 0
        assert standing.bid_count == len(self.naive.taken)
        if self.deal.per_buyer is not None:
            assert all(self.naive.has(who) <= self.deal.per_buyer for who in BUYERS)

    @invariant()
    def the_reservations_agree(self) -> None:
        assert {
            seq: (each.buyer_id, each.price, each.expires_at, each.status)
            for seq, each in self.rows.reservations.items()
        } == {
            one.place: (one.who, one.price, one.until, _reservation_status(one)) for one in self.naive.taken
        }

    @invariant()
    def the_standing_agrees(self) -> None:
        standing, auction = self.rows.standing, self.rows.auction
        assert standing.status == self.status
        assert auction["outcome"] == (self.naive.outcome if self.status == "ENDED" else None)
        assert auction["closed_at"] == self.closed_at
        assert (auction["starts_at"], standing.starts_at) == (self.deal.starts_at,) * 2
        assert standing.ends_at == self.naive.end
        assert standing.price_at(self.now).amount == self.naive.price(self.now)

    @invariant()
    def whoever_looks_now_finds_what_the_model_says(self) -> None:
        """Also when nobody has looked for a while; and looking without saving changes nothing."""
        book = self.rows.open(self.now)
        if len(self.naive.overdue(self.now)) <= MAX_RETURNED:
            book.advance()
            later = self.naive.copy()
            for one in later.overdue(self.now):
                one.back = "expired"
            assert book.standing.status == later.status(self.now)
            assert (book.standing.held, book.standing.free) == (len(later.held), later.free)

    @invariant()
    def no_step_is_forgotten(self) -> None:
        """The clock is never told to look too late; too early it puts right by itself."""
        if self.due_at is not None:
            assert self.rows.due_at is not None
            assert self.rows.due_at <= self.due_at

    @invariant()
    def the_log_agrees(self) -> None:
        assert [
            (
                entry.seq,
                entry.kind,
                entry.bidder_id,
                entry.amount,
                entry.placed_at,
                entry.secret and (entry.secret.amount, entry.secret.maximum),
                entry.refers_to,
                entry.reason,
            )
            for entry in (link.entry for link in self.rows.log[-6:])
        ] == self.log[-6:]
        assert len(self.rows.log) == len(self.log)
        assert all(link.entry.part == 0 for link in self.rows.log[-6:])

    @invariant()
    def every_event_says_what_everybody_may_know_and_no_more(self) -> None:
        told = self.rows.events
        assert len(told) == len(self.events) == self.rows.auction["seq"]
        assert [(event.name, event.data) for event in told[-8:]] == self.events[-8:]
        assert [
            [(direct["userId"], direct["event"], direct["data"]) for direct in event.direct]
            for event in told[-8:]
        ] == self.direct[-8:]
        assert [event.except_socket for event in told[-8:]] == [
            f"socket {direct[0][0]}" if name == "item:sold" else None
            for (name, _), direct in zip(self.events[-8:], self.direct[-8:], strict=True)
        ]

    # --- what must hold in the end ---

    def check_the_whole_log(self) -> None:
        assert [event.seq for event in self.rows.events] == list(range(1, len(self.rows.events) + 1))
        assert list(breaks(self.rows.log, self.rows.auction["log_hash"])) == []
        entries = [link.entry for link in self.rows.log]
        takes = [entry for entry in entries if entry.kind == "TAKE"]
        returned = [entry.refers_to for entry in entries if entry.kind == "RETURN"]
        # The log alone proves the stock: so many went, and each came back once at most.
        assert len(set(returned)) == len(returned)
        assert len(takes) - len(returned) == self.rows.standing.held + self.rows.standing.sold
        for entry in takes:
            assert entry.secret
            assert entry.secret.amount is not None
            assert self.deal.floor <= entry.amount <= entry.secret.amount
            assert entry.amount == Naive(self.deal).price(entry.placed_at)
        if entries:
            n = len(self.events) % len(entries)
            changed = replace(self.rows.log[n], entry=replace(entries[n], amount=entries[n].amount + 1))
            links = [*self.rows.log[:n], changed, *self.rows.log[n + 1 :]]
            assert list(breaks(links, self.rows.auction["log_hash"]))
            MET["a change is found"] += 1


def _json(fact: Any) -> Any:
    return iso(fact) if isinstance(fact, datetime) else fact


def _reservation_status(one: Taken) -> str:
    if one.back is None:
        return "CONFIRMED" if one.checked_out else "HELD"
    return "EXPIRED" if one.back == "expired" else "RELEASED"


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``reservations.py`` work on the rows of the auction at hand."""

    def open_reservation(_auction_id: int, seq: int, *, by: int | None = None) -> reservations.Opened:
        here = Auctions.here
        found = here.rows.reservations[seq]
        if by not in {None, found.buyer_id}:
            raise NotFound
        return reservations.Opened(here.rows.open(here.now), found)

    def save(_connection: object, books: list[DutchBook]) -> None:
        [book] = books
        Auctions.here.rows.save(book)

    monkeypatch.setattr(reservations, "open_reservation", open_reservation)
    monkeypatch.setattr(reservations, "save", save)
    monkeypatch.setattr(reservations, "transaction", nullcontext)
    monkeypatch.setattr(reservations, "db", MagicMock())


@pytest.mark.usefixtures("in_memory")
def test_whatever_happens_in_any_order_stock_and_holds_agree_with_the_naive_model() -> None:
    MET.clear()
    run_state_machine_as_test(Auctions, settings=RUNS)
    everything = {
        "taken",
        "tried again",
        "idempotency_key_reused",
        "price_changed",
        "sold_out",
        "buyer_limit_reached",
        "seller_cannot_bid",
        "auction_not_running",
        "auction_ended",
        "auction_cancelled",
        "auction_over",
        "has_bids",
        "not_found",
        "reservation_over",
        "confirmed",
        "confirmed while others are overdue",
        "expired",
        "released",
        "unpaid",
        "cancelled",
        "several expire at once",
        "several rounds of the clock",
        "comes back after the end",
        "opens again",
        "time_up",
        "ended_by_administrator",
        "SOLD",
        "UNSOLD",
        "a change is found",
    }
    # The runs went everywhere: otherwise they would prove less than they seem to.
    assert not everything - (+MET).keys(), MET
