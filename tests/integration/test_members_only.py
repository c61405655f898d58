"""Members-only auctions: for everybody but members, the seller and administrators they do not exist."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from marketplace.bidding import service
from marketplace.bidding.answers import BidRequest
from marketplace.config import Config
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.realtime.publisher import Message, Publisher
from marketplace.realtime.viewers import announcements
from marketplace.runtime import runtime
from tests.people import MakeAuction, MakePerson, Person

#: An id that nothing ever had; one digit as the others have, for pages that ask to log in name it.
NEVER = 9


@dataclass(frozen=True)
class Club:
    """A tenant: who manages it and sells, who belongs to it, who does not, and an auction of it."""

    id: int
    seller: Person
    member: Person
    rival: Person
    other: Person
    admin: Person
    lot: int

    def add(self, person: Person, role: str = "MEMBER") -> TestResponse:
        return self.seller.post(f"/api/tenants/{self.id}/members", json={"email": person.email, "role": role})

    def remove(self, person: Person) -> None:
        gone = self.seller.request("DELETE", f"/api/tenants/{self.id}/members/{person.id}")
        assert gone.status_code == 204


def new_tenant(manager: Person, name: str = "The club") -> int:
    made = manager.post("/api/tenants", json={"name": name})
    assert made.status_code == 201, made.json
    found: int = made.json["id"]
    return found


@pytest.fixture
def club(person: MakePerson, auction: MakeAuction) -> Club:
    seller, member, rival, other = person("Seller"), person("Member"), person("Rival"), person("Other")
    admin = person("Admin", admin=True)
    # Numbers of their own, so that no test passes because two ids are alike.
    new_tenant(admin, "The first")
    new_tenant(other, "Another club")
    tenant = new_tenant(seller)
    lot = auction(seller=seller, tenantId=tenant)
    club = Club(tenant, seller, member, rival, other, admin, lot)
    for somebody in (member, rival):
        assert club.add(somebody).status_code == 201
    return club


def told(answer: TestResponse) -> tuple[int, dict[str, str], str]:
    """The complete answer, without what is another in each, and without the address that was asked."""
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"X-Request-Id", "Date", "Content-Length"}
    }
    text = answer.get_data(as_text=True)
    for own in (answer.headers.get("X-Request-Id", ""), answer.request.path):
        text = text.replace(own, "")
    return answer.status_code, headers, text


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def soon(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


# --- tenants ----------------------------------------------------------------------------------------------


def test_whoever_creates_a_tenant_manages_it(person: MakePerson) -> None:
    ann = person("Ann")
    made = ann.post("/api/tenants", json={"name": " The club "}).json
    assert (made["name"], made["role"]) == ("The club", "MANAGER")
    assert ann.get(f"/api/tenants/{made['id']}").json == made
    assert ann.get("/api/tenants").json == {"items": [made], "nextCursor": None}
    assert person().get("/api/tenants").json["items"] == []


def test_managers_let_people_in_and_see_their_addresses(club: Club) -> None:
    seen = club.seller.get(f"/api/tenants/{club.id}/members").json["items"]
    assert [(each["user"]["displayName"], each["email"], each["role"]) for each in seen] == [
        ("Seller", club.seller.email, "MANAGER"),
        ("Member", club.member.email, "MEMBER"),
        ("Rival", club.rival.email, "MEMBER"),
    ]
    seen = club.member.get(f"/api/tenants/{club.id}/members").json["items"]
    assert [each["email"] for each in seen] == [None, None, None]
    assert club.member.get(f"/api/tenants/{club.id}").json["role"] == "MEMBER"


def test_tenants_and_members_come_in_pages(club: Club) -> None:
    for name in ("Second", "Third"):
        new_tenant(club.seller, name)
    for path, count in (("/api/tenants", 3), (f"/api/tenants/{club.id}/members", 3)):
        found, cursor = [], None
        for _ in range(3):
            page = club.seller.get(path, query_string={"limit": 1} | ({"cursor": cursor} if cursor else {}))
            found += page.json["items"]
            cursor = page.json["nextCursor"]
        assert (len(found), cursor) == (count, None)
        assert found == club.seller.get(path).json["items"]


def test_only_managers_say_who_belongs(club: Club) -> None:
    members = f"/api/tenants/{club.id}/members"
    body = {"email": club.other.email}
    assert code(club.member.post(members, json=body)) == (403, "forbidden")
    assert code(club.member.request("DELETE", f"{members}/{club.rival.id}")) == (403, "forbidden")
    assert club.add(club.member, "MANAGER").status_code == 201
    assert club.member.post(members, json=body).status_code == 201
    assert club.other.get(f"/api/tenants/{club.id}").status_code == 200


def test_members_may_leave_but_not_the_last_manager(club: Club) -> None:
    members = f"/api/tenants/{club.id}/members"
    assert club.member.request("DELETE", f"{members}/{club.member.id}").status_code == 204
    assert code(club.member.get(members)) == (404, "not_found")
    assert code(club.seller.request("DELETE", f"{members}/{club.seller.id}")) == (409, "last_manager")
    assert code(club.add(club.seller, "MEMBER")) == (409, "last_manager")
    assert club.seller.get(f"/api/tenants/{club.id}").json["role"] == "MANAGER"
    assert code(club.seller.request("DELETE", f"{members}/{club.member.id}")) == (404, "not_found")


def test_nobody_can_be_let_in_without_an_account(club: Club) -> None:
    answer = club.seller.post(f"/api/tenants/{club.id}/members", json={"email": "nobody@example.com"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "email")


def test_to_others_a_tenant_does_not_exist(club: Club, client: FlaskClient) -> None:
    body = {"json": {"email": club.other.email}}
    routes: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/api/tenants/{}", {}),
        ("GET", "/api/tenants/{}/members", {}),
        ("POST", "/api/tenants/{}/members", body),
        ("DELETE", f"/api/tenants/{{}}/members/{club.member.id}", {}),
        ("DELETE", f"/api/tenants/{{}}/members/{club.other.id}", {}),
    ]
    for method, path, options in routes:
        for somebody in (club.other, club.admin):
            hidden = somebody.request(method, path.format(club.id), **options)
            assert told(hidden) == told(somebody.request(method, path.format(NEVER), **options)), path
            assert hidden.status_code == 404
        assert client.open(path.format(club.id), method=method, **options).status_code == 401


# --- whose auction ----------------------------------------------------------------------------------------


def test_only_members_create_auctions_of_a_tenant(club: Club) -> None:
    body = {"title": "A watch", "currency": "USD", "startingPrice": 1, "minIncrement": 1}
    for terms in (body | {"endsAt": soon(hours=1)}, body | {"endsAt": soon(hours=-1)}):
        answers = [
            club.other.post("/api/auctions", json=terms | {"tenantId": tenant}) for tenant in (club.id, NEVER)
        ]
        assert told(answers[0]) == told(answers[1])
        assert code(answers[0]) == (404, "not_found")
    made = club.member.post("/api/auctions", json=body | {"endsAt": soon(hours=1), "tenantId": club.id})
    assert (made.status_code, made.json["tenantId"]) == (201, club.id)


def test_a_draft_can_be_for_others_until_it_is_published(club: Club, auction: MakeAuction) -> None:
    lot = auction(seller=club.seller, publish=False)
    assert club.seller.get(f"/api/auctions/{lot}").json["tenantId"] is None
    path = f"/api/auctions/{lot}"
    for tenant in (NEVER, new_tenant(club.other)):
        assert code(club.seller.request("PATCH", path, json={"tenantId": tenant})) == (404, "not_found")
    assert club.seller.request("PATCH", path, json={"tenantId": club.id}).json["tenantId"] == club.id
    assert club.seller.request("PATCH", path, json={"title": "Mine"}).json["tenantId"] == club.id
    assert club.seller.post(f"{path}/publish").status_code == 200
    assert code(club.seller.request("PATCH", path, json={"tenantId": None})) == (409, "not_a_draft")
    assert club.other.get(path).status_code == 404


def test_a_seller_who_left_keeps_the_auction_but_publishes_no_more(club: Club, auction: MakeAuction) -> None:
    running = auction(seller=club.member, tenantId=club.id)
    draft = auction(seller=club.member, tenantId=club.id, publish=False)
    club.remove(club.member)
    assert club.member.get(f"/api/auctions/{running}").json["tenantId"] == club.id
    assert code(club.member.post(f"/api/auctions/{draft}/publish")) == (403, "forbidden")
    assert club.member.get(f"/api/auctions/{club.lot}").status_code == 404
    unchanged = club.member.request("PATCH", f"/api/auctions/{draft}", json={"title": "Still mine"})
    assert (unchanged.status_code, unchanged.json["tenantId"]) == (200, club.id)


# --- who sees it ------------------------------------------------------------------------------------------


def test_members_seller_and_administrators_see_it(club: Club) -> None:
    for somebody in (club.seller, club.member, club.rival, club.admin):
        snapshot = somebody.get(f"/api/auctions/{club.lot}")
        assert (snapshot.status_code, snapshot.json["tenantId"]) == (200, club.id)
        assert somebody.get(f"/api/auctions/{club.lot}/events").status_code == 200
        assert [each["id"] for each in somebody.get("/api/auctions").json["items"]] == [club.lot]
    assert club.admin.bid(club.lot, 1000).status_code == 201
    assert club.member.bid(club.lot, 1100).status_code == 201


def test_others_find_it_in_no_list_and_on_no_page(
    club: Club, auction: MakeAuction, client: FlaskClient
) -> None:
    lots = []
    for n in range(1, 7):
        closed = {"tenantId": club.id} if n % 2 else {}
        lots.append(auction(seller=club.seller, lasts=4000 + n, **closed))
    visible = lots[1::2]
    filters: list[dict[str, Any]] = [{}, {"sellerId": club.seller.id}, {"status": "RUNNING"}]
    for sort in ("ending", "newest"):
        for wanted in filters:
            query = wanted | {"sort": sort}
            expected = visible if sort == "ending" else visible[::-1]
            assert listed(club.other.get, query) == expected
            assert listed(client.get, query) == expected
            assert len(listed(club.member.get, query)) == 7
    assert listed(club.other.get, {"tenantId": club.id}) == []
    assert listed(client.get, {"tenantId": club.id}) == []
    assert len(listed(club.member.get, {"tenantId": club.id})) == 4
    # A cursor says where a page ended, and opens nothing.
    cursor = club.member.get("/api/auctions", query_string={"limit": 1}).json["nextCursor"]
    found = club.other.get("/api/auctions", query_string={"cursor": cursor}).json["items"]
    assert [each["id"] for each in found] == visible


def listed(get: Callable[..., TestResponse], query: dict[str, Any]) -> list[int]:
    found: list[int] = []
    cursor: str | None = None
    while True:
        page = get(
            "/api/auctions", query_string=query | {"limit": 1} | ({"cursor": cursor} if cursor else {})
        )
        found += [each["id"] for each in page.json["items"]]
        cursor = page.json["nextCursor"]
        if cursor is None:
            return found


#: What each route wants to read before it looks at the auction; every route with an auction in it is tried.
BODIES: dict[str, dict[str, Any]] = {
    "PATCH /api/auctions/<id:auction_id>": {"json": {"title": "Another"}},
    "POST /api/auctions/<id:auction_id>/status": {"json": {"status": "ENDED"}},
    "POST /api/auctions/<id:auction_id>/relist": {"json": {"endsAt": "2100-01-01T00:00:00Z"}},
    "POST /api/auctions/<id:auction_id>/bids": {"json": {"amount": 5000}},
    "POST /api/auctions/<id:auction_id>/second-chance": {"json": {"hours": 1}},
    "PUT /api/auctions/<id:auction_id>/pictures": {"json": {"items": []}},
    "DELETE /api/bids/<bid_id>": {"json": {}},
    "POST /api/bids/<bid_id>/cancel": {"json": {"reason": "no"}},
    "POST /auctions/<id:auction_id>/bids": {"data": {"amount": "50"}},
}


def routes(app: Flask, argument: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for rule in app.url_map.iter_rules():
        if argument not in rule.arguments or rule.arguments - {argument, "change"}:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths = [rule.rule]
            if "change" in rule.arguments:
                paths = [rule.rule.split("<any")[0] + change for change in ("publish", "cancel", "end")]
            for path in paths:
                yield method, path, BODIES.get(f"{method} {rule.rule}", {})


def test_every_route_tells_others_that_it_does_not_exist(club: Club, app: Flask, client: FlaskClient) -> None:
    assert club.member.bid(club.lot, 1000).status_code == 201
    seq = club.member.get(f"/api/auctions/{club.lot}").json["seq"]
    tried = 0
    for method, path, body in routes(app, "auction_id"):
        block = {"json": {"bidId": "{}-{}", "reason": "no"}} if path.endswith("/blocked") else body
        for key in ({}, {"Idempotency-Key": "k"}, {"Idempotency-Key": "k"}, {"If-None-Match": "*"}):
            for somebody in (club.other.request, anonymous(client)):
                hidden, never = (
                    told(somebody(method, put(path, lot), headers=key, **filled(block, lot, seq)))
                    for lot in (club.lot, NEVER)
                )
                assert json.dumps(hidden) == about(never, club.lot), (method, path)
                if somebody == club.other.request:
                    assert hidden[0] == 404, (method, path, hidden)
                else:
                    assert hidden[0] in {401, 404, 303}, (method, path, hidden)
                tried += 1
    assert tried > 150
    for method, path, body in routes(app, "bid_id"):
        for somebody in (club.other.request, anonymous(client)):
            hidden, never = (
                told(somebody(method, path.replace("<bid_id>", f"{lot}-{seq}"), **body))
                for lot in (club.lot, NEVER)
            )
            assert hidden == never, (method, path)
            assert hidden[0] in ({404} if somebody == club.other.request else {401, 404})
    assert club.member.get(f"/api/auctions/{club.lot}").json["seq"] == seq


def anonymous(client: FlaskClient) -> Callable[..., TestResponse]:
    return lambda method, path, **options: client.open(path, method=method, **options)


def put(path: str, lot: int) -> str:
    return path.replace("<id:auction_id>", str(lot))


def filled(body: dict[str, Any], lot: int, seq: int) -> dict[str, Any]:
    return json.loads(json.dumps(body).replace("{}-{}", f"{lot}-{seq}"))


def about(answer: tuple[int, dict[str, str], str], lot: int) -> str:
    """The answer as it would be about another auction: a page that asks to log in says where to go on."""
    return json.dumps(answer).replace(f"/auctions/{NEVER}", f"/auctions/{lot}")


def test_the_limit_of_bids_tells_nothing(club: Club, app: Flask) -> None:
    with app.app_context():
        assert runtime().config.bid_rate_limit == "5 per minute"
    answers = {lot: [told(club.other.bid(lot, 1000)) for _ in range(8)] for lot in (club.lot, NEVER)}
    assert answers[club.lot] == answers[NEVER]
    assert {status for status, _, _ in answers[NEVER]} == {404}


def test_what_a_stranger_asks_of_it_waits_for_no_lock(club: Club, app: Flask) -> None:
    assert club.member.bid(club.lot, 1000).status_code == 201
    seq = club.member.get(f"/api/auctions/{club.lot}").json["seq"]
    with locked(app, club.lot):
        began = time.monotonic()
        assert code(club.other.bid(club.lot, 5000)) == (404, "not_found")
        for action in ("buy-now", "publish", "cancel", "end"):
            assert code(club.other.post(f"/api/auctions/{club.lot}/{action}")) == (404, "not_found")
        retracted = club.other.request("DELETE", f"/api/bids/{club.lot}-{seq}", json={})
        assert code(retracted) == (404, "not_found")
        assert time.monotonic() - began < 3, "the lock is waited for up to five seconds"


@contextmanager
def locked(app: Flask, lot: int) -> Iterator[None]:
    with app.app_context():
        connection = db.engine.connect()
    try:
        connection.execute(text("SELECT 1 FROM auctions WHERE id = :id FOR UPDATE"), {"id": lot})
        yield
    finally:
        connection.close()


# --- at the desk ------------------------------------------------------------------------------------------


def ask_desk(app: Flask, bidder: Person, lot: int, key: str | None = None) -> Any:
    with app.app_context():
        return runtime().desk.place(BidRequest(lot, bidder.id, bidder.name, 5000, idempotency_key=key))


def test_the_desk_itself_answers_a_stranger_without_touching_anything(club: Club, app: Flask) -> None:
    with app.app_context():
        # Overdue: whoever may see it would close it.
        db.session.execute(
            text("UPDATE auctions SET ends_at = now() - interval '1 s', due_at = now() WHERE id = :id"),
            {"id": club.lot},
        )
        db.session.commit()
    for key in (None, "k", "k"):
        with pytest.raises(NotFound):
            ask_desk(app, club.other, club.lot, key)
    with app.app_context():
        rows = db.session.execute(text("SELECT status FROM auctions WHERE id = :id"), {"id": club.lot})
        assert rows.scalar_one() == "RUNNING"
        assert db.session.execute(text("SELECT count(*) FROM bid_answers")).scalar_one() == 0


def test_strangers_and_members_in_one_group_get_their_own_answers(club: Club, app: Flask) -> None:
    people = [club.other, club.member, club.other, club.rival]
    with ThreadPoolExecutor(len(people)) as pool:
        with locked(app, club.lot):
            # The first waits for the lock, the others for the first: they are decided together.
            answers = [pool.submit(ask_desk, app, somebody, club.lot, "k") for somebody in people]
            time.sleep(0.5)
            assert not any(answer.done() for answer in answers)
        for somebody, answer in zip(people, answers, strict=True):
            if somebody is club.other:
                with pytest.raises(NotFound):
                    answer.result()
            else:
                assert not answer.result().replayed
    assert club.seller.get(f"/api/auctions/{club.lot}").json["bidCount"] == 1


def test_a_draft_is_hidden_the_same_way(club: Club, auction: MakeAuction, app: Flask) -> None:
    draft = auction(publish=False)
    for key in ("k", "k"):
        hidden, never = (told(club.other.bid(lot, 1000, key)) for lot in (draft, NEVER))
        assert hidden == never
        with pytest.raises(NotFound):
            ask_desk(app, club.other, draft, key)


# --- who was removed --------------------------------------------------------------------------------------


def test_whoever_is_removed_is_a_stranger_at_once(club: Club, app: Flask, client: FlaskClient) -> None:
    placed = club.member.bid(club.lot, 1000, "my-key")
    assert placed.status_code == 201
    assert club.member.bid(club.lot, 1000, "my-key").headers["Idempotent-Replayed"] == "true"
    bid_id, etag = placed.json["bidId"], club.member.get(f"/api/auctions/{club.lot}").headers["ETag"]
    club.remove(club.member)
    gone = [
        (club.member.bid(club.lot, 2000), club.member.bid(NEVER, 2000)),
        (club.member.bid(club.lot, 1000, "my-key"), club.member.bid(NEVER, 1000, "my-key")),
        (club.member.bid(club.lot, 3000, "my-key"), club.member.bid(NEVER, 3000, "my-key")),
        *(
            (club.member.get(path.format(club.lot)), club.member.get(path.format(NEVER)))
            for path in (
                "/api/auctions/{}",
                "/api/auctions/{}/bids",
                "/api/auctions/{}/events",
                "/api/auctions/{}/me",
                "/auctions/{}",
            )
        ),
        (
            club.member.get(f"/api/auctions/{club.lot}", headers={"If-None-Match": etag}),
            club.member.get(f"/api/auctions/{NEVER}", headers={"If-None-Match": etag}),
        ),
        (club.member.get(f"/api/bids/{bid_id}"), club.member.get(f"/api/bids/{NEVER}-2")),
        (
            club.member.request("DELETE", f"/api/bids/{bid_id}", json={}),
            club.member.request("DELETE", f"/api/bids/{NEVER}-2", json={}),
        ),
        (
            club.member.post(f"/api/auctions/{club.lot}/buy-now"),
            club.member.post(f"/api/auctions/{NEVER}/buy-now"),
        ),
    ]
    for hidden, never in gone:
        assert told(hidden) == told(never)
        assert hidden.status_code == 404
    for kind in ("private-auction", "presence-auction"):
        assert subscribe(club.member, f"{kind}-{club.lot}").status_code == 403
    assert club.member.get("/api/auctions").json["items"] == []
    # The bid stands: what was promised to the seller is not undone.
    assert club.rival.get(f"/api/auctions/{club.lot}").json["currentBid"] == 1000
    assert club.add(club.member).status_code == 201
    assert club.member.bid(club.lot, 1000, "my-key").headers["Idempotent-Replayed"] == "true"


def test_a_bid_that_waits_while_its_bidder_is_removed_is_not_placed(club: Club, app: Flask) -> None:
    with ThreadPoolExecutor(2) as pool:
        with locked(app, club.lot):
            bid = pool.submit(club.member.bid, club.lot, 1000)
            purchase = pool.submit(ask_to_buy, app, club.member, club.lot)
            time.sleep(0.5)
            assert not bid.done()
            assert not purchase.done()
            club.remove(club.member)
        assert code(bid.result()) == (404, "not_found")
        assert purchase.result() == "NotFound"
    assert club.seller.get(f"/api/auctions/{club.lot}").json["bidCount"] == 0


def ask_to_buy(app: Flask, buyer: Person, lot: int) -> str:
    with app.app_context():
        try:
            service.buy_now(lot, buyer_id=buyer.id, buyer_name=buyer.name)
        except Exception as error:
            return type(error).__name__
    return "bought"


def test_whoever_was_removed_hears_nothing_more_on_their_own_channel(
    club: Club, app: Flask, sent: list[Message]
) -> None:
    assert club.member.bid(club.lot, 1000).status_code == 201
    deliver(app)
    assert f"private-user-{club.member.id}" in {message.channel for message in sent}
    sent.clear()
    club.remove(club.member)
    assert club.rival.bid(club.lot, 1100).status_code == 201
    deliver(app)
    channels = {message.channel for message in sent}
    assert f"private-user-{club.rival.id}" in channels
    assert f"private-user-{club.member.id}" not in channels


def test_a_second_chance_is_for_those_who_still_belong(club: Club) -> None:
    for somebody, amount in ((club.member, 1000), (club.rival, 1100), (club.admin, 1200)):
        assert somebody.bid(club.lot, amount).status_code == 201
    club.remove(club.rival)
    assert club.admin.post(f"/api/auctions/{club.lot}/end").status_code == 200
    [order] = club.admin.get("/api/orders").json["items"]
    assert club.seller.post(f"/api/orders/{order['id']}/cancel", json={"reason": "No."}).status_code == 200
    path = f"/api/auctions/{club.lot}/second-chance"
    assert club.seller.post(path, json={"hours": 1}).json["price"] == 1000
    assert club.rival.get("/api/second-chance").json["items"] == []
    [offer] = club.member.get("/api/second-chance").json["items"]
    club.remove(club.member)
    assert club.member.get("/api/second-chance").json["items"] == []
    for answer in ("accept", "decline"):
        refused = club.member.post(f"/api/second-chance/{offer['id']}/{answer}")
        assert told(refused) == told(club.member.post(f"/api/second-chance/{NEVER}/{answer}"))


def test_who_has_bought_and_is_removed_still_owes_and_still_sees_the_order(
    club: Club, app: Flask, sent: list[Message]
) -> None:
    """The bid stood and won; the auction is gone for them, what they have to pay is not."""
    assert club.member.bid(club.lot, 1000).status_code == 201
    club.remove(club.member)
    deliver(app)
    sent.clear()
    assert club.admin.post(f"/api/auctions/{club.lot}/end").json["outcome"] == "SOLD"
    deliver(app)
    mine = [each.event for each in sent if each.channel == f"private-user-{club.member.id}"]
    assert mine == ["order:updated"]
    [order] = club.member.get("/api/orders").json["items"]
    assert club.member.get(f"/api/orders/{order['id']}").json["state"] == "AWAITING_PAYMENT"
    assert club.member.get(f"/api/auctions/{club.lot}").status_code == 404
    for other in (club.rival, club.other):
        hidden = other.get(f"/api/orders/{order['id']}")
        assert told(hidden) == told(other.get(f"/api/orders/{NEVER}"))
        assert hidden.status_code == 404


# --- sales ------------------------------------------------------------------------------------------------


def test_a_sale_for_members_hides_with_its_lots(club: Club) -> None:
    terms = {"title": "Ours", "closing": "TOGETHER", "endsAt": soon(hours=1)}
    hidden, never = (
        told(club.other.post("/api/sales", json=terms | {"tenantId": tenant})) for tenant in (club.id, NEVER)
    )
    assert hidden == never
    sale = club.seller.post("/api/sales", json=terms | {"tenantId": club.id}).json["id"]
    lot = {"title": "A watch", "currency": "USD", "startingPrice": 1000, "minIncrement": 100}
    made = club.seller.post(f"/api/sales/{sale}/lots", json=lot)
    assert (made.status_code, made.json["tenantId"]) == (201, club.id)
    opened = club.seller.request("PATCH", f"/api/auctions/{made.json['id']}", json={"tenantId": None})
    assert (opened.status_code, opened.json["errors"][0]["field"]) == (422, "tenantId")
    assert club.seller.post(f"/api/sales/{sale}/publish").status_code == 200
    for somebody in (club.member, club.admin):
        assert len(somebody.get(f"/api/sales/{sale}").json["lots"]) == 1
    for method, path, options in (
        ("GET", "/api/sales/{}", {}),
        ("POST", "/api/sales/{}/lots", {"json": lot}),
        ("POST", "/api/sales/{}/publish", {}),
    ):
        hidden, never = (
            told(club.other.request(method, path.format(each), **options)) for each in (sale, NEVER)
        )
        assert hidden == never
        assert hidden[0] == 404


# --- channels ---------------------------------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """What goes to Channels, by the courier or the relay."""
    messages: list[Message] = []
    monkeypatch.setattr(Publisher, "send", lambda _, some: messages.extend(some))
    return messages


def deliver(app: Flask) -> None:
    """Let everything that waits in the outbox go out."""
    with app.app_context():
        for _ in range(100):
            runtime().relay().run_once()
            waiting = db.session.execute(
                text(
                    "SELECT count(*) FROM events WHERE published_at IS NULL"
                    " OR (delivered_at IS NULL AND direct IS NOT NULL)"
                )
            ).scalar_one()
            db.session.rollback()
            if not waiting:
                return
            time.sleep(0.1)
    raise AssertionError("events are left in the outbox")


def subscribe(person: Person, channel: str) -> TestResponse:
    return person.post("/pusher/auth", data={"socket_id": "123.456", "channel_name": channel})


def test_its_events_go_to_its_private_channel_and_to_no_other(
    club: Club, app: Flask, auction: MakeAuction, sent: list[Message]
) -> None:
    open_lot = auction()
    for lot in (club.lot, open_lot):
        for n, somebody in enumerate((club.member, club.rival, club.member, club.rival)):
            assert somebody.bid(lot, 1000 + 100 * n).status_code == 201
        assert club.admin.post(f"/api/auctions/{lot}/end").status_code == 200
    deliver(app)
    public = [message for message in sent if not message.channel.startswith("private-user-")]
    about = {message.channel: json.loads(message.data)["auctionId"] for message in public}
    assert about == {f"private-auction-{club.lot}": club.lot, f"auction-{open_lot}": open_lot}
    for channel in about:
        names = {message.event for message in public if message.channel == channel}
        assert {"auction:status", "auction:end"} < names
        assert names & {"bid:new", "bids:batch"}


def test_so_do_those_of_the_courier(club: Club, app: Flask, sent: list[Message]) -> None:
    deliver(app)
    sent.clear()
    time.sleep(0.6)  # a quiet auction: nothing for half a second
    assert club.member.bid(club.lot, 1000).status_code == 201
    for _ in range(50):
        if sent:
            break
        time.sleep(0.1)
    assert {message.channel for message in sent} == {
        f"private-auction-{club.lot}",
        f"private-user-{club.member.id}",
    }


def test_its_private_channel_is_for_those_who_see_it(club: Club, auction: MakeAuction) -> None:
    open_lot = auction(seller=club.seller)
    for kind in ("private-auction", "presence-auction"):
        for somebody in (club.seller, club.member, club.admin):
            assert subscribe(somebody, f"{kind}-{club.lot}").status_code == 200
        hidden, never = (told(subscribe(club.other, f"{kind}-{lot}")) for lot in (club.lot, NEVER))
        assert hidden == never
        assert hidden[0] == 403
    # An open auction has no private channel, not even for its seller.
    for somebody in (club.seller, club.admin, club.other):
        assert subscribe(somebody, f"private-auction-{open_lot}").status_code == 403
        assert subscribe(somebody, f"auction-{club.lot}").status_code == 403


def test_viewers_are_counted_and_told_on_its_own_channel_only(
    club: Club, app: Flask, client: FlaskClient, config: Config, auction: MakeAuction
) -> None:
    open_lot = auction()
    counts = {
        f"private-auction-{club.lot}": 7,
        f"auction-{club.lot}": 100,
        f"auction-{open_lot}": 9,
        f"private-auction-{open_lot}": 100,
    }
    events = [
        {"name": "subscription_count", "channel": channel, "subscription_count": count}
        for channel, count in counts.items()
    ]
    body = json.dumps({"time_ms": int(time.time() * 1000), "events": events})
    signature = hmac.new(config.pusher_secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    headers = {"X-Pusher-Key": config.pusher_key, "X-Pusher-Signature": signature}
    taken = client.post("/pusher/webhooks", data=body, content_type="application/json", headers=headers)
    assert taken.status_code == 200
    assert club.member.get(f"/api/auctions/{club.lot}").json["activeViewers"] == 7
    assert club.member.get(f"/api/auctions/{open_lot}").json["activeViewers"] == 9
    with app.app_context():
        news = announcements(db.session.connection())
    assert {(each.message.channel, each.viewers) for each in news} == {
        (f"private-auction-{club.lot}", 7),
        (f"auction-{open_lot}", 9),
    }


# --- polls and pages --------------------------------------------------------------------------------------


def test_polls_of_it_are_never_answered_from_memory(club: Club) -> None:
    path = f"/api/auctions/{club.lot}"
    first = club.member.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    polls = [club.member.get(path, headers={"If-None-Match": first.headers["ETag"]}) for _ in range(2)]
    assert [poll.status_code for poll in polls] == [304, 304]
    stranger = club.other.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert told(stranger) == told(club.other.get(f"/api/auctions/{NEVER}"))
    unknown = club.other.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert unknown.status_code == 404


def test_its_page_listens_to_its_private_channel(club: Club, auction: MakeAuction) -> None:
    open_lot = auction()
    assert f'data-channel="private-auction-{club.lot}"' in club.member.get(f"/auctions/{club.lot}").text
    assert f'data-channel="auction-{open_lot}"' in club.member.get(f"/auctions/{open_lot}").text
    home = club.member.get("/").text
    assert f'data-channel="private-auction-{club.lot}"' in home
    assert f'data-channel="auction-{open_lot}"' in home
    home = club.other.get("/").text
    assert f"auction-{club.lot}" not in home
    assert f"/auctions/{club.lot}" not in home


def test_the_form_offers_one_s_own_tenants_and_keeps_a_draft_where_it_is(
    club: Club, auction: MakeAuction
) -> None:
    assert "Members of The club" in club.member.get("/sell").text
    assert "The club" not in club.other.get("/sell").text
    draft = auction(seller=club.member, tenantId=club.id, publish=False)
    assert f'<option value="{club.id}" selected>' in club.member.get(f"/auctions/{draft}/edit").text
    club.remove(club.member)
    assert f'<option value="{club.id}" selected>' in club.member.get(f"/auctions/{draft}/edit").text
