"""Browsing: words, categories, filters, orders, and pages that neither repeat nor skip."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from marketplace import browsing, listings
from marketplace.bidding import dutch, service
from marketplace.bidding.answers import BidRequest
from marketplace.bidding.desk import Desk
from marketplace.browsing import Filters, Position, Sort
from marketplace.errors import Invalid, MarketplaceError
from marketplace.extensions import db
from marketplace.models import Auction, Bid, SearchDocument, User
from marketplace.runtime import runtime
from tests.people import MakeAuction, MakePerson, Person
from tests.plans import plan_of

Find = Callable[..., list[str]]


@pytest.fixture
def find(client: FlaskClient) -> Find:
    """The titles that a query finds, in order: ``find(q="watch")``."""

    def titles(**query: Any) -> list[str]:
        answer = client.get("/api/auctions", query_string=query)
        assert answer.status_code == 200, answer.json
        return [item["title"] for item in answer.json["items"]]

    return titles


def problems(answer: Any) -> set[str]:
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request"), answer.json
    return {error["field"] for error in answer.json["errors"]}


# --- words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("leica", {"Leica M3, 1957", "Strap"}),
        ("LEICA -strap", {"Leica M3, 1957"}),
        # What is left out is that word, and not what begins with it.
        ("leica -rang", {"Leica M3, 1957", "Strap"}),
        ("cam", {"Leica M3, 1957", "Nikon"}),
        ('"rangefinder camera"', {"Leica M3, 1957"}),
        ('"camera rangefinder"', set()),
        ("nikon or omega", {"Nikon", "Omega"}),
        ("m3 1957", {"Leica M3, 1957"}),
        ("lodz", {"Zegar z Łodzi"}),
        ("ŁODZI", {"Zegar z Łodzi"}),
        ("گھڑی", {"پرانی گھڑی"}),
        ("the who", {"The Who, live"}),
        ("d'oreille", {"Boucles d'oreilles"}),
        ("nothing-like-it", set()),
    ],
)
def test_words_are_found_in_titles_and_descriptions(
    auction: MakeAuction, person: MakePerson, find: Find, words: str, titles: set[str]
) -> None:
    seller = person("Seller")
    for title, description in (
        ("Leica M3, 1957", "A rangefinder camera."),
        ("Strap", "For a Leica."),
        ("Nikon", "A camera with its lens."),
        ("Omega", "A watch."),
        ("Zegar z Łodzi", "Stary zegar."),
        ("پرانی گھڑی", ""),
        ("The Who, live", "A record."),
        ("Boucles d'oreilles", ""),
    ):
        auction(seller=seller, title=title, description=description)
    assert set(find(q=words)) == titles


def test_no_words_are_no_filter(shop: Person, find: Find) -> None:
    assert find(q="") == find()


def test_a_word_in_the_title_counts_more(auction: MakeAuction, person: MakePerson, find: Find) -> None:
    seller = person()
    auction(seller=seller, title="A box", description="For a clock.")
    auction(seller=seller, title="A clock")
    auction(seller=seller, title="A box", description="Nothing in it.")
    assert find(q="clock") == ["A clock", "A box"]
    assert find(q="clock", sort="ending") == ["A box", "A clock"]


def test_a_draft_has_no_words_until_it_is_published(
    app: Flask, auction: MakeAuction, person: MakePerson, find: Find
) -> None:
    seller = person()
    lot = auction(seller=seller, title="Old words", publish=False)
    assert find(q="words") == []
    assert seller.get("/api/auctions?q=words").json["items"] == []
    with app.app_context():
        # Or those of drafts would be among the newest that are looked at.
        assert db.session.scalars(select(SearchDocument.auction_id)).all() == []
    seller.request("PATCH", f"/api/auctions/{lot}", json={"title": "A fresh start"})
    seller.post(f"/api/auctions/{lot}/publish")
    assert (find(q="words"), find(q="fresh")) == ([], ["A fresh start"])


def test_words_find_nothing_that_one_may_not_see(
    auction: MakeAuction, person: MakePerson, find: Find
) -> None:
    seller, member = person(), person()
    tenant = seller.post("/api/tenants", json={"name": "A club"}).json["id"]
    members = f"/api/tenants/{tenant}/members"
    assert seller.post(members, json={"email": member.email, "role": "MEMBER"}).status_code == 201
    auction(seller=seller, title="A secret", tenantId=tenant)

    def seen(who: Person) -> int:
        return len(who.get("/api/auctions?q=secret&sort=relevance").json["items"])

    assert (seen(member), seen(person()), find(q="secret")) == (1, 0, [])
    assert seller.request("DELETE", f"{members}/{member.id}").status_code == 204
    assert seen(member) == 0


@settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(words=st.text(max_size=40) | st.text("ab'\"\\:*!&|<>()- -or", max_size=40))
@example(words="it's")
@example(words="\\'abc' 'def")
@example(words="a:* & !(b | c):A <-> 'd'''")
@example(words="http://example.com/a'b'?c='def'")
def test_whatever_is_typed_is_answered(client: FlaskClient, words: str) -> None:
    answer = client.get("/api/auctions", query_string={"q": words})
    assert answer.status_code in {200, 422}, answer.json


# --- categories ---------------------------------------------------------------------------------------------


def test_categories_are_a_tree_of_two_levels(client: FlaskClient) -> None:
    tree = client.get("/api/categories").json["items"]
    cameras = next(top for top in tree if top["slug"] == "electronics")
    assert {"slug": "cameras", "name": "Cameras and lenses"} in cameras["children"]
    assert tree[-1] == {"slug": "other", "name": "Everything else", "children": []}


def test_a_category_stands_for_those_in_it(auction: MakeAuction, person: MakePerson, find: Find) -> None:
    seller = person()
    auction(seller=seller, title="M3", category="cameras")
    auction(seller=seller, title="Radio", category="audio")
    auction(seller=seller, title="Rug", category="rugs")
    auction(seller=seller, title="Thing")
    assert find(category="electronics") == ["M3", "Radio"]
    assert find(category="cameras") == ["M3"]
    assert find(category="other") == ["Thing"]
    assert find(category="fashion") == []


def test_a_category_is_set_changed_and_kept_when_listed_again(
    auction: MakeAuction, person: MakePerson
) -> None:
    seller = person()
    lot = auction(seller=seller, publish=False, category="cameras")
    path = f"/api/auctions/{lot}"
    assert seller.get(path).json["category"] == "cameras"
    assert seller.request("PATCH", path, json={"title": "A clock"}).json["category"] == "cameras"
    assert seller.request("PATCH", path, json={"category": "clocks"}).json["category"] == "clocks"
    for wrong in ("no-such-thing", "Clocks", "", None, 5):
        assert problems(seller.request("PATCH", path, json={"category": wrong})) == {"category"}
    assert problems(seller.post("/api/auctions", json=terms(category="no-such-thing"))) == {"category"}
    seller.post(f"{path}/publish")
    seller.post(f"{path}/cancel")
    again = seller.post(f"{path}/relist", json={"endsAt": in_a_day()}).json
    assert again["category"] == "clocks"


def test_an_auction_from_before_the_categories_has_none(auction: MakeAuction, person: MakePerson) -> None:
    seller = person()
    lot = auction(seller=seller)
    with seller.client.application.app_context():
        db.session.execute(text("UPDATE auctions SET category = NULL"))
        db.session.commit()
    assert seller.get(f"/api/auctions/{lot}").json["category"] is None
    assert len(seller.get("/api/auctions").json["items"]) == 1


def terms(**more: Any) -> dict[str, Any]:
    return {
        "title": "A watch",
        "currency": "USD",
        "startingPrice": 1000,
        "minIncrement": 100,
        "endsAt": in_a_day(),
        **more,
    }


def in_a_day() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


# --- filters and orders -------------------------------------------------------------------------------------

DUTCH = {"format": "DUTCH", "minIncrement": None, "floorPrice": 500, "dropAmount": 100, "dropEvery": 3600}


@pytest.fixture
def shop(auction: MakeAuction, person: MakePerson) -> Person:
    """Somebody who sells a few things; the second is bid on twice, the third once."""
    seller, ann, bob = person("Seller"), person(), person()
    for number, (title, more) in enumerate(
        {
            "cheap": {"startingPrice": 1000, "lasts": 400},
            "middle": {"startingPrice": 1000, "lasts": 300},
            "dear": {"startingPrice": 5000, "lasts": 200},
            "falling": {**DUTCH, "startingPrice": 1500, "lasts": 100},
            "euros": {"startingPrice": 1, "currency": "EUR", "lasts": 7200},
        }.items()
    ):
        lot = auction(seller=seller, title=title, **more)
        if number in {1, 2}:
            ann.bid(lot, 5000 if title == "dear" else 1000)
        if number == 1:
            bob.bid(lot, 2000)
    return seller


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({}, ["falling", "dear", "middle", "cheap", "euros"]),
        ({"sort": "newest"}, ["euros", "falling", "dear", "middle", "cheap"]),
        ({"sort": "bids"}, ["middle", "dear", "euros", "falling", "cheap"]),
        ({"sort": "price_asc", "currency": "USD"}, ["cheap", "falling", "middle", "dear"]),
        ({"sort": "price_desc", "currency": "USD"}, ["dear", "middle", "falling", "cheap"]),
        ({"currency": "USD", "minPrice": 1500, "maxPrice": 2000}, ["falling", "middle"]),
        ({"currency": "USD", "maxPrice": 0}, []),
        ({"format": "DUTCH"}, ["falling"]),
        ({"endingWithin": 3600, "format": "ENGLISH"}, ["dear", "middle", "cheap"]),
        ({"status": "ENDED"}, []),
    ],
)
def test_filters_and_orders(shop: Person, find: Find, query: dict[str, Any], titles: list[str]) -> None:
    assert find(**query) == titles
    assert find(sellerId=shop.id, **query) == titles
    assert find(sellerId=shop.id + 1, **query) == []


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("minPrice=5", {"minPrice"}),
        ("sort=price_asc", {"sort"}),
        ("sort=price_desc&maxPrice=5", {"sort", "maxPrice"}),
        ("currency=USD&minPrice=6&maxPrice=5", {"maxPrice"}),
        ("currency=USD&minPrice=-1", {"minPrice"}),
        ("sort=relevance", {"sort"}),
        ("q=!!!", {"q"}),
        ("q=%00", {"q"}),
        ("endingWithin=60&status=ENDED", {"endingWithin"}),
        ("endingWithin=0", {"endingWithin"}),
        ("category=nothing", {"category"}),
        ("sort=endsAt", {"sort"}),
        ("seller=1", {"seller"}),
        ("format=SILENT", {"format"}),
    ],
)
def test_what_makes_no_sense_is_said_so(client: FlaskClient, query: str, fields: set[str]) -> None:
    assert problems(client.get(f"/api/auctions?{query}")) == fields


def test_a_cursor_is_for_its_own_order_and_for_an_hour(
    auction: MakeAuction, person: MakePerson, client: FlaskClient, app: Flask
) -> None:
    seller = person()
    for _ in range(2):
        auction(seller=seller)
    cursor = client.get("/api/auctions?limit=1").json["nextCursor"]
    assert client.get(f"/api/auctions?limit=1&cursor={cursor}").json["nextCursor"] is None
    assert problems(client.get(f"/api/auctions?sort=newest&cursor={cursor}")) == {"cursor"}
    old = Position(datetime.now(UTC) - timedelta(hours=1, seconds=1), datetime.now(UTC), 1)
    with app.app_context(), pytest.raises(Invalid) as refused:
        browsing.find(None, Filters(), after=old, limit=1)
    assert refused.value.facts["errors"][0]["field"] == "cursor"


@settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    start=st.integers(1, 10**13),
    share=st.floats(0, 1),
    amount=st.integers(1, 10**13),
    every=st.integers(1, 86_400),
    elapsed=st.timedeltas(-timedelta(days=1), timedelta(days=400)),
    lasts=st.timedeltas(timedelta(seconds=1), timedelta(days=366)),
)
def test_the_price_in_sql_is_that_of_the_rules(
    app: Flask, start: int, share: float, amount: int, every: int, elapsed: timedelta, lasts: timedelta
) -> None:
    opened = datetime(2026, 1, 1, tzinfo=UTC)
    floor = int(start * share)
    rules = dutch.Terms(1, start, floor, amount, timedelta(seconds=every), 1, timedelta(seconds=1))
    standing = dutch.Standing(rules, "RUNNING", opened, opened + lasts)
    with app.app_context():
        seller = User(email="seller@example.com", display_name="", password_hash="")
        db.session.add(seller)
        db.session.flush()
        lot = Auction(
            seller_id=seller.id,
            format="DUTCH",
            status="RUNNING",
            title="",
            currency="EUR",
            starting_price=start,
            floor_price=floor,
            drop_amount=amount,
            drop_every=every,
            starts_at=opened,
            ends_at=opened + lasts,
        )
        db.session.add(lot)
        db.session.flush()
        price = db.session.scalar(select(browsing.price_at(opened + elapsed)).where(Auction.id == lot.id))
        db.session.rollback()
    assert price == standing.price_at(opened + elapsed).amount


# --- pages --------------------------------------------------------------------------------------------------

DESCENDING = {Sort.NEWEST, Sort.PRICE_DESC, Sort.BIDS, Sort.RELEVANCE}
_people = itertools.count(1)


class House:
    """A seller with a few lots, and people who do things to them, without HTTP."""

    def __init__(self) -> None:
        users = [
            User(email=f"u{next(_people)}@example.org", display_name="X", password_hash="") for _ in "sab"
        ]
        db.session.add_all(users)
        db.session.commit()
        self.seller, *self.bidders = (user.id for user in users)
        self.desk = Desk(runtime().desk.engine)
        end = datetime.now(UTC) + timedelta(seconds=50)
        late = {"min_increment": 1, "extension_window": 60, "extension": 120}
        # Two end at the same microsecond, and one in the same millisecond.
        for number in range(4):
            ends_at = end + timedelta(microseconds=(0, 0, 1, 5_000_000)[number])
            self.put_up(f"lamp {'lamp ' * number}", ends_at=ends_at, **late)
        self.put_up(
            "lamp", format="DUTCH", ends_at=end, floor_price=1, drop_amount=1, drop_every=1, quantity=3
        )

    def put_up(self, title: str, *, ends_at: datetime, **terms: Any) -> None:
        lot = listings.create(
            self.seller,
            title=title,
            description="",
            currency="USD",
            starting_price=100,
            ends_at=ends_at,
            **terms,
        )
        service.publish(lot.id, by=self.seller)

    def act(self, what: str, lot: int, bidder: int, more: int) -> None:
        found = db.session.get(Auction, lot, populate_existing=True)
        assert found
        db.session.commit()
        if what == "end":
            service.end(lot) if found.status in browsing.RUNNING else None
        elif what == "retract":
            self.retract(lot, self.bidders[bidder])
        elif what == "new":
            self.put_up("lamp", ends_at=datetime.now(UTC) + timedelta(seconds=40 + more), min_increment=1)
        else:
            amount = (found.current_bid or 100) + more
            self.desk.place(BidRequest(lot, self.bidders[bidder], "X", amount))

    def retract(self, lot: int, bidder_id: int) -> None:
        own = select(Bid.seq, Bid.part).where(Bid.auction_id == lot, Bid.bidder_id == bidder_id)
        place = db.session.execute(own.order_by(Bid.seq.desc()).limit(1)).one_or_none()
        with suppress(MarketplaceError):
            service.retract(place, lot, by=bidder_id, reason=None) if place else None
        db.session.rollback()

    def read(self, sort: Sort, after: Position | None, limit: int) -> browsing.Page:
        filters = Filters(seller_id=self.seller, currency="USD", words="lamp")
        page = browsing.find(None, filters, sort=sort, after=after, limit=limit)
        db.session.rollback()
        return page


ACTIONS = st.tuples(
    st.sampled_from(["bid", "bid", "bid", "retract", "end", "new"]),
    st.integers(0, 4),
    st.integers(0, 1),
    st.integers(1, 50),
)


@settings(
    max_examples=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=st.lists(st.lists(ACTIONS, max_size=4), min_size=5, max_size=5),
    before=st.lists(ACTIONS, max_size=4),
)
@example(
    # All extended, all raised, and the dearest ended, after the first page.
    steps=[[("bid", lot, 0, 50 - 10 * lot) for lot in range(5)], [("end", 3, 0, 1)], [], [], []],
    before=[("bid", 3, 1, 9)],
)
def test_pages_neither_repeat_nor_skip_in_any_order_while_others_bid(
    app: Flask, steps: list[list[tuple[str, int, int, int]]], before: list[tuple[str, int, int, int]]
) -> None:
    with app.app_context():
        house = House()
        lots = [view.auction.id for view in house.read(Sort.NEWEST, None, 100).views]
        for what, lot, *rest in before:
            house.act(what, lots[lot], *rest)
        pages = {sort: house.read(sort, None, 1) for sort in Sort}
        read = {sort: [view.auction.id for view in page.views] for sort, page in pages.items()}
        expected = {sort: order_at(house, sort, page.end) for sort, page in pages.items()}
        for step in itertools.chain(steps, itertools.repeat([])):
            for what, lot, *rest in step:
                house.act(what, lots[lot], *rest)
            for sort, page in pages.items():
                if page.end is not None:
                    pages[sort] = house.read(sort, page.end, 1)
                    read[sort] += [view.auction.id for view in pages[sort].views]
            if all(page.end is None for page in pages.values()):
                break
        for sort, ids in read.items():
            known = set(expected[sort])
            assert [each for each in ids if each in known] == expected[sort], sort
            assert len(ids) == len(set(ids)), sort
        db.session.remove()


def order_at(house: House, sort: Sort, end: Position | None) -> list[int]:
    """All lots in the order that the first page began."""
    assert end is not None
    number = 10**17 if sort in DESCENDING else -1
    key = datetime(2000, 1, 1, tzinfo=UTC) if sort == Sort.ENDING else number
    page = house.read(sort, Position(end.as_of, key, 0), 100)
    return [view.auction.id for view in page.views]


# --- many ---------------------------------------------------------------------------------------------------

MANY, AT_ONCE = 20_000, 2_000
_USER = "INSERT INTO users (email, display_name, password_hash) VALUES ('many@example.com', 'Many', '')"
_FILL = """
INSERT INTO auctions (seller_id, status, outcome, title, description, category, currency, starting_price,
    min_increment, starts_at, ends_at)
SELECT (SELECT min(id) FROM users), CASE WHEN n % 10 = 0 THEN 'RUNNING' ELSE 'ENDED' END,
    CASE WHEN n % 10 = 0 THEN NULL ELSE 'UNSOLD' END, 'Lot ' || n,
    CASE WHEN n % 500 = 0 THEN 'seldom ' ELSE '' END || words,
    CASE WHEN n % 300 = 0 THEN 'watches' ELSE 'other' END, 'USD', n, 1, now() - interval '1 day',
    now() + n * interval '1 second'
FROM generate_series(:first ::int, :last) AS n,
    LATERAL (SELECT string_agg('word' || n * w % 3001, ' ') AS words FROM generate_series(1, 60) AS w) AS w
"""


@pytest.fixture(scope="module")
def many(new_database: Callable[[], str], services: Any) -> Iterator[Flask]:
    """A marketplace with some ten thousand auctions, one in ten of them running."""
    from marketplace import create_app
    from marketplace.config import Config

    services.start("redis")
    app = create_app(Config.from_env({**services.env, "DATABASE_URL": new_database()}))
    with app.app_context():
        db.session.execute(text(_USER))
        for first in range(1, MANY, AT_ONCE):
            db.session.execute(text(_FILL), {"first": first, "last": first + AT_ONCE - 1})
            db.session.commit()
        db.session.execute(text("ANALYZE"))
        db.session.commit()
    yield app
    with app.app_context():
        for engine in (db.engine, runtime().engine, runtime().desk.engine):
            engine.dispose()


RUNNING = {"statuses": browsing.RUNNING}


@pytest.mark.parametrize(
    ("filters", "sort", "index"),
    [
        ({}, Sort.NEWEST, "pk_auctions"),
        ({}, Sort.ENDING, "ix_auctions_end"),
        (RUNNING, Sort.ENDING, "ix_auctions_end_ahead"),
        ({"ending_within": timedelta(hours=1)}, Sort.ENDING, "ix_auctions_end_ahead"),
        ({"category": "watches"}, Sort.NEWEST, "ix_auctions_category"),
        ({"words": "seldom"}, Sort.RELEVANCE, "ix_search_documents_document"),
        ({"words": "seldom", **RUNNING}, Sort.ENDING, "ix_search_documents_document"),
        ({"words": "seldom", "currency": "USD"}, Sort.PRICE_ASC, "ix_search_documents_document"),
        ({"category": "watches", "currency": "USD"}, Sort.PRICE_DESC, "ix_auctions_category"),
    ],
)
@pytest.mark.parametrize("further", [False, True], ids=["first", "next"])
def test_an_index_leads_to_the_auctions(
    many: Flask, filters: dict[str, Any], sort: Sort, index: str, further: bool
) -> None:
    with many.app_context():
        asked = Filters(**filters)
        after = browsing.find(None, asked, sort=sort, limit=2).end if further else None
        assert further == (after is not None)
        plan = plan_of(lambda: browsing.find(None, asked, sort=sort, after=after, limit=2))
    assert index in plan, plan
    # Few as they are, all auctions are read as quickly as the 600 that PostgreSQL expects to have the words.
    assert "words" in filters or "Seq Scan on auctions" not in plan, plan
    assert "Seq Scan on search_documents" not in plan, plan


def test_no_more_than_the_candidates_are_sorted(many: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest of them; without the cap the cheapest would be the oldest."""
    monkeypatch.setattr(browsing, "MAX_CANDIDATES", 100)
    with many.app_context():
        found = browsing.find(None, Filters(currency="USD"), sort=Sort.PRICE_ASC, limit=1).views[0]
        assert found.auction.starting_price == MANY - 99
