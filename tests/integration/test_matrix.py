"""Who may do what: every route with an id in its address, tried by everybody.

Each cell is tried on a scene of its own, so that no attempt spoils the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace import accounts, create_app, listings, tenants
from marketplace.bidding import service
from marketplace.config import Config
from marketplace.dev.stack import Stack
from marketplace.extensions import db, limiter
from marketplace.models import Role
from marketplace.pictures.rendering import Rendering
from marketplace.runtime import runtime
from tests.people import MakeAuction, Person
from tests.samples import photo

ROLES = ("nobody", "stranger", "other", "bidder", "rival", "seller", "admin")
OUTSIDERS = ("nobody", "stranger", "other")
INSIDERS = ("bidder", "rival", "seller", "admin")

#: nobody: not logged in. stranger: logged in. other: a manager of another tenant. bidder: leads. rival: was
#: outbid. The seller manages the tenant that bidder and rival belong to; the administrator is in none.
#: A lot is "running", a "draft", "over": unsold, and offered to the bidder; or "sold" to the bidder.
#: "held" is a Dutch one, of which the bidder has an item.
TABLE = """
scene    method route                                         nobody stranger other bidder rival seller admin

running  GET    /api/auctions/<id:auction_id>                    200   200   200   200   200   200   200
draft    GET    /api/auctions/<id:auction_id>                    404   404   404   404   404   200   404
draft    PATCH  /api/auctions/<id:auction_id>                    401   404   404   404   404   200   404
running  PATCH  /api/auctions/<id:auction_id>                    401   404   404   404   404   409   404
draft    POST   /api/auctions/<id:auction_id>/publish            401   404   404   404   404   200   404
running  POST   /api/auctions/<id:auction_id>/publish            401   403   403   403   403   409   403
running  POST   /api/auctions/<id:auction_id>/cancel             401   403   403   403   403   409   409
draft    POST   /api/auctions/<id:auction_id>/cancel             401   404   404   404   404   409   409
draft    DELETE /api/auctions/<id:auction_id>                    401   404   404   404   404   204   204
running  DELETE /api/auctions/<id:auction_id>                    401   404   404   404   404   409   409
running  POST   /api/auctions/<id:auction_id>/end                401   403   403   403   403   403   200
draft    POST   /api/auctions/<id:auction_id>/end                401   404   404   404   404   403   404
running  POST   /api/auctions/<id:auction_id>/status             401   403   403   403   403   403   200
draft    POST   /api/auctions/<id:auction_id>/status             401   404   404   404   404   403   404
over     POST   /api/auctions/<id:auction_id>/relist             401   404   404   404   404   409   404
running  POST   /api/auctions/<id:auction_id>/relist             401   404   404   404   404   409   404
running  POST   /api/auctions/<id:auction_id>/blocked            401   403   403   403   403   200   403
running  GET    /api/auctions/<id:auction_id>/me                 401   200   200   200   200   200   200
draft    GET    /api/auctions/<id:auction_id>/me                 401   404   404   404   404   200   404
running  PUT    /api/auctions/<id:auction_id>/watch              401   204   204   204   204   204   204
held     PUT    /api/auctions/<id:auction_id>/watch              401   204   204   204   204   204   204
draft    PUT    /api/auctions/<id:auction_id>/watch              401   404   404   404   404   204   404
running  DELETE /api/auctions/<id:auction_id>/watch              401   204   204   204   204   204   204
draft    DELETE /api/auctions/<id:auction_id>/watch              401   404   404   404   404   204   404
running  GET    /api/auctions/<id:auction_id>/events             200   200   200   200   200   200   200
draft    GET    /api/auctions/<id:auction_id>/events             404   404   404   404   404   200   404
running  GET    /api/auctions/<id:auction_id>/bids               200   200   200   200   200   200   200
draft    GET    /api/auctions/<id:auction_id>/bids               404   404   404   404   404   200   404
running  GET    /api/auctions/<id:auction_id>/prices             200   200   200   200   200   200   200
draft    GET    /api/auctions/<id:auction_id>/prices             404   404   404   404   404   200   404
running  POST   /api/auctions/<id:auction_id>/bids               401   201   201   409   201   403   201
draft    POST   /api/auctions/<id:auction_id>/bids               401   404   404   404   404   403   404
running  POST   /api/auctions/<id:auction_id>/buy-now            401   201   201   201   201   403   201
draft    POST   /api/auctions/<id:auction_id>/buy-now            401   404   404   404   404   403   404

running  GET    /api/bids/<bid_id>                               200   200   200   200   200   200   200
running  DELETE /api/bids/<bid_id>                               401   404   404   200   404   404   404
over     DELETE /api/bids/<bid_id>                               401   404   404   409   404   404   404
running  POST   /api/bids/<bid_id>/cancel                        401   403   403   403   403   200   403
draft    DELETE /api/bids/<bid_id>                               401   404   404   404   404   404   404
draft    POST   /api/bids/<bid_id>/cancel                        401   404   404   404   404   409   409

held     GET    /api/reservations/<reservation_id>               401   404   404   200   404   404   404
held     DELETE /api/reservations/<reservation_id>               401   404   404   200   404   404   404
held     POST   /api/reservations/<reservation_id>/checkout      401   404   404   200   404   404   404

draft    POST   /api/auctions/<id:auction_id>/pictures           401   404   404   404   404   201   404
running  POST   /api/auctions/<id:auction_id>/pictures           401   404   404   404   404   409   404
draft    PUT    /api/auctions/<id:auction_id>/pictures           401   404   404   404   404   200   404
running  PUT    /api/auctions/<id:auction_id>/pictures           401   404   404   404   404   409   404
draft    DELETE /api/auctions/<id:auction_id>/pictures/<id:picture_id> 401 404 404 404 404 204 404
running  DELETE /api/auctions/<id:auction_id>/pictures/<id:picture_id> 401 404 404 404 404 409 404
draft    GET    /media/<name>                                    404   404   404   404   404   200   404
running  GET    /media/<name>                                    200   200   200   200   200   200   200
held     GET    /media/<name>                                    200   200   200   200   200   200   200

over     POST   /api/auctions/<id:auction_id>/second-chance      401   404   404   404   404   409   404
over     POST   /api/second-chance/<id:offer_id>/accept          401   404   404   200   404   404   404
over     POST   /api/second-chance/<id:offer_id>/decline         401   404   404   200   404   404   404

sold     GET    /api/orders/<id:order_id>                        401   404   404   200   404   200   200
sold     POST   /api/orders/<id:order_id>/checkout               401   404   404   200   404   403   403
sold     POST   /api/orders/<id:order_id>/confirm-payment        401   404   404   403   404   200   403
sold     POST   /api/orders/<id:order_id>/ship                   401   404   404   403   404   409   403
sold     POST   /api/orders/<id:order_id>/received               401   404   404   409   404   403   403
sold     POST   /api/orders/<id:order_id>/cancel                 401   404   404   403   404   200   403
sold     POST   /api/orders/<id:order_id>/lift-strike            401   404   404   403   404   409   403
sold     GET    /api/orders/<id:order_id>/payments               401   404   404   200   404   200   200
sold     POST   /api/auctions/<id:auction_id>/second-chance      401   404   404   404   404   409   404
sold     POST   /api/auctions/<id:auction_id>/relist             401   404   404   404   404   409   404

draft    GET    /api/sales/<id:sale_id>                          404   404   404   404   404   200   404
draft    POST   /api/sales/<id:sale_id>/lots                     401   404   404   404   404   201   404
draft    PUT    /api/sales/<id:sale_id>/lots                     401   404   404   404   404   200   404
draft    POST   /api/sales/<id:sale_id>/publish                  401   404   404   404   404   200   404

running  GET    /api/tenants/<id:tenant_id>                      401   404   404   200   200   200   404
running  GET    /api/tenants/<id:tenant_id>/members              401   404   404   200   200   200   404
running  POST   /api/tenants/<id:tenant_id>/members              401   404   404   403   403   201   404
running  DELETE /api/tenants/<id:tenant_id>/members/<id:user_id> 401   404   404   403   204   204   404

running  GET    /auctions/<id:auction_id>                        200   200   200   200   200   200   200
draft    GET    /auctions/<id:auction_id>                        404   404   404   404   404   200   404
running  GET    /auctions/<id:auction_id>/bids                   200   200   200   200   200   200   200
draft    GET    /auctions/<id:auction_id>/bids                   404   404   404   404   404   200   404
running  POST   /auctions/<id:auction_id>/bids                   303   303   303   409   303   403   303
draft    POST   /auctions/<id:auction_id>/bids                   303   404   404   404   404   403   404
running  POST   /auctions/<id:auction_id>/buy-now                303   303   303   303   303   403   303
running  POST   /auctions/<id:auction_id>/watch                  303   303   303   303   303   303   303
draft    POST   /auctions/<id:auction_id>/watch                  303   404   404   404   404   303   404
running  POST   /auctions/<id:auction_id>/retract                303   404   404   303   404   404   404
running  POST   /auctions/<id:auction_id>/cancel-bid             303   403   403   403   403   303   403
running  POST   /auctions/<id:auction_id>/<any(publish,cancel,end):change> 303 403 403 403 403 409 409
draft    POST   /auctions/<id:auction_id>/<any(publish,cancel,end):change> 303 404 404 404 404 409 404
draft    GET    /sell/sales/<id:sale_id>                         303   404   404   404   404   200   404
draft    POST   /sell/sales/<id:sale_id>/<sale_action>           303   404   404   404   404   303   404
draft    GET    /auctions/<id:auction_id>/edit                   303   404   404   404   404   200   404
draft    POST   /auctions/<id:auction_id>/edit                   303   404   404   404   404   303   404
draft    POST   /auctions/<id:auction_id>/pictures               303   404   404   404   404   303   404
running  POST   /auctions/<id:auction_id>/pictures               303   404   404   404   404   409   404
draft    POST   /auctions/<id:auction_id>/remove-picture         303   404   404   404   404   303   404
draft    POST   /auctions/<id:auction_id>/arrange-pictures       303   404   404   404   404   303   404
running  POST   /auctions/<id:auction_id>/remove-picture         303   404   404   404   404   409   404
running  POST   /auctions/<id:auction_id>/arrange-pictures       303   404   404   404   404   409   404
running  GET    /auctions/<id:auction_id>/manage                 303   404   404   404   404   200   404
draft    GET    /auctions/<id:auction_id>/manage                 303   404   404   404   404   200   404
running  POST   /auctions/<id:auction_id>/manage/<action>          303   404   404   404   404   303   404
draft    POST   /auctions/<id:auction_id>/manage/<action>          303   404   404   404   404   404   404
running  GET    /auctions/<id:auction_id>/log.txt                409   409   409   409   409   409   409
over     GET    /auctions/<id:auction_id>/log.txt                200   200   200   200   200   200   200
sold     GET    /orders/<id:order_id>                            303   404   404   200   404   200   200
sold     GET    /orders/<id:order_id>/invoice                    303   404   404   200   404   200   200
sold     GET    /orders/<id:order_id>/invoice.pdf                303   404   404   200   404   200   200
sold     POST   /orders/<id:order_id>/checkout                   303   404   404   303   404   403   403
sold     POST   /orders/<id:order_id>/<step>                     303   404   404   403   404   303   403
over     POST   /auctions/<id:auction_id>/accept-offer           303   404   404   303   404   404   404
over     POST   /auctions/<id:auction_id>/decline-offer          303   404   404   303   404   404   404
held     POST   /auctions/<id:auction_id>/release                303   404   404   303   404   404   404
held     GET    /reservations/<reservation_id>                   303   303   303   303   303   303   303
held     GET    /reservations/<reservation_id>/checkout          303   404   404   200   404   404   404
held     POST   /reservations/<reservation_id>/checkout          303   404   404   303   404   404   404
running  POST   /me/tokens/<id:token_id>/revoke                  303   404   404   303   404   404   404
running  GET    /me/<any(bidding,won,lost,watching,selling):which> 303 200  200   200   200   200   200
running  GET    /static/<path:filename>                          200   200   200   200   200   200   200
running  GET    /static/dist/pages/<file>                        200   200   200   200   200   200   200
"""

BUILT = Path(__file__).parents[2] / "marketplace/web/static/dist/pages"
IN_A_DAY = datetime.now(UTC) + timedelta(days=1)
TERMS = {"title": "A watch", "currency": "USD", "startingPrice": 1000, "minIncrement": 100}
ENGLISH = {"reservePrice": 8000, "buyNowPrice": 9000, "buyNowShare": 90}
DUTCH = {"format": "DUTCH", "minIncrement": None, "floorPrice": 500, "dropAmount": 100, "dropEvery": 3600}
CHECKOUT = {"shipTo": "1 Long Lane", "method": "invoice"}
FORM = {
    **TERMS,
    "startingPrice": "10.00",
    "minIncrement": "1.00",
    "endsAt": f"{IN_A_DAY:%Y-%m-%dT%H:%M}",
    "extensionWindow": "0",
    "extension": "0",
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    scene: str
    method: str
    rule: str
    expected: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.scene} {self.method} {self.rule}"


def rows() -> list[Row]:
    lines = [line.split() for line in TABLE.strip().splitlines() if line]
    assert tuple(lines[0][3:]) == ROLES
    return [Row(*line[:3], expected=tuple(int(status) for status in line[3:])) for line in lines[1:]]


@dataclass(frozen=True)
class Scene:
    """Something of everything, and the ids of it."""

    ids: dict[str, object]
    bid_id: str
    new_member: str

    def request(self, row: Row) -> tuple[str, dict[str, Any]]:
        """Where to, and with what."""
        path = re.sub(r"<(?:[^>]*:)?(\w+)>", lambda match: str(self.ids[match[1]]), row.rule)
        content = self.contents().get(f"{row.method} {row.rule}")
        if row.method == "GET":
            return path, {}
        if row.method == "POST" and row.rule.endswith("/pictures"):
            return path, {"data": {"file": (BytesIO(photo()), "photo.jpg")}}
        return path, {"json": content or {}} if path.startswith("/api/") else {"data": content or {}}

    def contents(self) -> dict[str, dict[str, Any]]:
        reason = {"reason": "I do not know you."}
        lot = "/api/auctions/<id:auction_id>"
        return {
            f"PATCH {lot}": {"title": "A clock"},
            f"POST {lot}/status": {"status": "ENDED"},
            f"POST {lot}/relist": {"endsAt": IN_A_DAY.isoformat()},
            f"POST {lot}/blocked": {"bidId": self.bid_id, **reason},
            f"POST {lot}/bids": {"amount": 9000},
            f"POST {lot}/second-chance": {"hours": 24},
            "POST /api/orders/<id:order_id>/checkout": CHECKOUT,
            "POST /api/orders/<id:order_id>/ship": {"carrier": "Post"},
            "POST /api/orders/<id:order_id>/cancel": reason,
            "POST /orders/<id:order_id>/checkout": CHECKOUT,
            "POST /api/reservations/<reservation_id>/checkout": CHECKOUT,
            "POST /reservations/<reservation_id>/checkout": CHECKOUT,
            "POST /auctions/<id:auction_id>/release": {"reservation": self.bid_id},
            f"PUT {lot}/pictures": {"items": [{"id": self.ids["picture_id"]}]},
            "POST /api/bids/<bid_id>/cancel": reason,
            "POST /api/sales/<id:sale_id>/lots": TERMS,
            "PUT /api/sales/<id:sale_id>/lots": {"auctionIds": []},
            "POST /api/tenants/<id:tenant_id>/members": {"email": self.new_member, "role": "MEMBER"},
            "POST /auctions/<id:auction_id>/bids": {"amount": "90.00", "how": "exact"},
            "POST /auctions/<id:auction_id>/retract": {"bid": self.bid_id},
            "POST /auctions/<id:auction_id>/cancel-bid": {"bid": self.bid_id, **reason},
            "POST /auctions/<id:auction_id>/edit": FORM,
            "POST /auctions/<id:auction_id>/arrange-pictures": {"order": self.ids["picture_id"], "alt": "A"},
            "POST /auctions/<id:auction_id>/manage/<action>": {"bid": self.bid_id, **reason},
            "POST /auctions/<id:auction_id>/remove-picture": {"picture": self.ids["picture_id"]},
        }


@pytest.fixture(scope="module")
def config(
    services: Stack, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Config:
    """Here people bid as often as they like."""
    services.start("redis")
    settings = {
        "DATABASE_URL": new_database(),
        "BID_RATE_LIMIT": "100000 per second",
        "MEDIA_DIR": str(tmp_path_factory.mktemp("media")),
    }
    return Config.from_env({**services.env, **settings})


@pytest.fixture(scope="module")
def app(config: Config) -> Iterator[Flask]:
    app = create_app(config)
    limiter.enabled = False
    with pytest.MonkeyPatch.context() as patch:
        # And one seller makes more drafts than anybody does.
        patch.setattr(listings, "MAX_DRAFTS", 1_000_000)
        yield app
    limiter.enabled = True
    with app.app_context():
        db.engine.dispose()
        runtime().engine.dispose()
        runtime().desk.engine.dispose()


@pytest.fixture(scope="module")
def people(app: Flask) -> dict[str, Person]:
    def make(role: str) -> Person:
        email = f"{role}@example.com"
        with app.app_context():
            viewer = accounts.register(
                email=email, password="correct horse", display_name=role.title(), is_admin=role == "admin"
            )
            _, token = accounts.issue_token(viewer.id, name="tests")
        return Person(viewer.id, role, email, token, app.test_client())

    nobody = Person(0, "nobody", "", "", app.test_client())
    return {"nobody": nobody} | {role: make(role) for role in (*ROLES[1:], "newcomer")}


def sold_to(bidder: Person, lot: int) -> int:
    """End an auction, and find the order of the one who led."""
    with bidder.client.application.app_context():
        service.end(lot)
    order_id: int = bidder.get("/api/orders").json["items"][0]["id"]
    return order_id


@pytest.fixture
def scene(app: Flask, people: dict[str, Person], auction: MakeAuction) -> Callable[..., Scene]:
    """Make a scene: ``scene("running", members_only=True)``."""

    def make(kind: str, *, members_only: bool = False) -> Scene:
        seller, bidder, rival = (people[role] for role in ("seller", "bidder", "rival"))
        with app.app_context():
            db.session.execute(text("DELETE FROM blocked_bidders"))
            db.session.execute(text("DELETE FROM api_tokens WHERE name = 'spare'"))
            db.session.commit()
            viewer = accounts.viewer_for_token(seller.token)
            assert viewer
            other = accounts.viewer_for_token(people["other"].token)
            assert other
            tenants.create(other, name="Another circle")
            tenant_id = tenants.create(viewer, name="A circle").tenant.id
            for member in (bidder, rival):
                tenants.add_member(tenant_id, by=viewer, email=member.email, role=Role.MEMBER)
            spare_token_id = accounts.issue_token(bidder.id, name="spare")[0].id
        belongs = {"tenantId": tenant_id} if members_only else {}
        terms = DUTCH if kind == "held" else ENGLISH | {"reservePrice": 1500 if kind == "sold" else 8000}
        lot = auction(seller=seller, publish=False, **terms, **belongs)
        image = str(lot).encode()  # another one for each lot: none is shown elsewhere
        with app.app_context():
            rendering = Rendering(320, 240, "#808080", {320: image})
            picture_id = runtime().gallery.add(lot, by=seller.id, rendering=rendering, alt="")
            db.session.remove()
        name = seller.get(f"/api/auctions/{lot}").json["pictures"][0]["sizes"][0]["url"].rpartition("/")[2]
        if kind != "draft":
            assert seller.post(f"/api/auctions/{lot}/publish").status_code == 200
        bid_id, offer_id, order_id = f"{lot}-2", 0, 0
        if kind == "held":
            bid_id = bidder.bid(lot, 1000).json["reservationId"]
        elif kind != "draft":
            assert rival.bid(lot, 1000).status_code == 201
            bid_id = bidder.bid(lot, 2000).json["bidId"]
        if kind == "over":
            with app.app_context():
                service.end(lot)
            offer_id = seller.post(f"/api/auctions/{lot}/second-chance", json={}).json["id"]
        if kind == "sold":
            order_id = sold_to(bidder, lot)
        sale = {"title": "Estate", "closing": "CASCADE", "endsAt": IN_A_DAY.isoformat(), **belongs}
        sale_id = seller.post("/api/sales", json=sale).json["id"]
        assert seller.post(f"/api/sales/{sale_id}/lots", json=TERMS).status_code == 201
        ids = {
            "auction_id": lot,
            "bid_id": bid_id,
            "reservation_id": bid_id,
            "offer_id": offer_id,
            "order_id": order_id,
            "sale_id": sale_id,
            "tenant_id": tenant_id,
            "user_id": rival.id,
            "token_id": spare_token_id,
            "picture_id": picture_id,
            "name": name,
            "which": "won",
            "change": "cancel",
            "step": "confirm-payment",
            "action": "block",
            "sale_action": "publish",
            "filename": "icon.svg",
            "file": next(BUILT.glob("site-*.css")).name,
        }
        return Scene(ids, bid_id, people["newcomer"].email)

    return make


def statuses(
    row: Row, roles: tuple[str, ...], people: dict[str, Person], scene: Callable[[], Scene]
) -> dict[str, int]:
    """What each is answered, in one scene until it is changed: who reads or is refused changes nothing."""
    found = {}
    now = scene()
    for role in roles:
        path, options = now.request(row)
        found[role] = people[role].request(row.method, path, **options).status_code
        if row.method != "GET" and found[role] < 400:
            now = scene()
    return found


def test_every_route_with_an_id_is_in_the_table(app: Flask) -> None:
    routes = {
        f"{method} {rule.rule.replace(' ', '')}"
        for rule in app.url_map.iter_rules()
        if rule.arguments
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routes == {f"{row.method} {row.rule}" for row in rows()}


@pytest.mark.parametrize("row", rows(), ids=str)
def test_everybody_may_do_what_the_table_says(
    row: Row, people: dict[str, Person], scene: Callable[..., Scene]
) -> None:
    expected = dict(zip(ROLES, row.expected, strict=True))
    assert statuses(row, ROLES, people, lambda: scene(row.scene)) == expected


# --- what is for members, and what is a draft ---

HIDEABLE = [
    row
    for row in rows()
    if re.search("auction_id|bid_id|reservation_id|sale_id|offer_id|order_id|<name>", row.rule)
]


@pytest.mark.parametrize("row", HIDEABLE, ids=str)
def test_for_members_an_auction_of_theirs_is_like_any_other(
    row: Row, people: dict[str, Person], scene: Callable[..., Scene]
) -> None:
    expected = dict(zip(ROLES, row.expected, strict=True))
    found = statuses(row, INSIDERS[:3], people, lambda: scene(row.scene, members_only=True))
    assert found == {role: expected[role] for role in INSIDERS[:3]}


@pytest.mark.parametrize("row", HIDEABLE, ids=str)
def test_for_others_it_is_as_if_there_were_none(
    row: Row, people: dict[str, Person], scene: Callable[..., Scene]
) -> None:
    """Not even that it exists: the answer is, word for word, what an id that nobody has is answered."""
    hidden = scene(row.scene, members_only=True)
    for role in OUTSIDERS:
        assert answer(people[role], row, hidden) == answer(people[role], row, nowhere(hidden)), role


# A sale is there for everybody even while its lots are drafts.
DRAFTS = [row for row in HIDEABLE if row.scene == "draft" and row.rule != "/api/sales/<id:sale_id>"]


@pytest.mark.parametrize("row", DRAFTS, ids=str)
def test_for_others_a_draft_is_as_if_there_were_none(
    row: Row, people: dict[str, Person], scene: Callable[..., Scene]
) -> None:
    draft = scene("draft")
    for role in (*OUTSIDERS, "bidder", "rival"):
        assert answer(people[role], row, draft) == answer(people[role], row, nowhere(draft)), role


def nowhere(scene: Scene) -> Scene:
    """The same with ids that nobody has."""
    missing = 10**9
    ids = dict.fromkeys(("auction_id", "sale_id", "offer_id", "order_id", "picture_id"), missing)
    ids |= dict.fromkeys(("bid_id", "reservation_id"), f"{missing}-3") | {"name": f"{'0' * 32}-320.webp"}
    return Scene({**scene.ids, **ids}, f"{missing}-3", scene.new_member)


def answer(who: Person, row: Row, scene: Scene) -> tuple[int, str, dict[str, str]]:
    """An answer without what differs in any two: the ids asked for, and what the page makes up anew."""
    path, options = scene.request(row)
    found = who.request(row.method, path, **options)
    body = re.sub(r'"requestId":\s*"[^"]*"', "", found.text)
    body = re.sub(r"/(auctions|orders|reservations|sales)/[\d-]+", r"/\1/ID", body)
    headers = {name: found.headers.get(name, "") for name in ("Cache-Control", "ETag", "Content-Type")}
    return found.status_code, body, headers
