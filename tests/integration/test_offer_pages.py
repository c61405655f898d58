"""A second chance on the pages of whoever is offered it, and their answer by plain forms."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from marketplace.bidding import service
from marketplace.extensions import db
from tests.pages import MakeBrowser, send
from tests.people import MakeAuction, MakePerson, Person

PANEL = "A second chance for you"


@dataclass(frozen=True)
class Offered:
    """A lot that was not sold, offered to Ann at 20.00, with 12.5 % premium and 20 % tax: 27.00."""

    app: Flask
    sue: Person
    ann: FlaskClient
    lot: int

    @property
    def page(self) -> str:
        return f"/auctions/{self.lot}"

    def end(self) -> None:
        """The time of the offer is over."""
        with self.app.app_context():
            db.session.execute(text("UPDATE second_chance_offers SET expires_at = clock_timestamp()"))
            db.session.commit()


@pytest.fixture
def offered(app: Flask, browser: MakeBrowser, person: MakePerson, auction: MakeAuction) -> Offered:
    sue, ann = person("Sue"), browser("Ann")
    terms = {"reservePrice": 9000, "premiumRate": 1250, "taxRate": 2000, "paymentDays": 3}
    lot = auction(seller=sue, startingPrice=1000, minIncrement=100, title="A <b>watch</b>", **terms)
    assert send(ann, f"/auctions/{lot}/bids", amount="20").status_code == 303
    with app.app_context():
        service.end(lot)
    assert sue.post(f"/api/auctions/{lot}/second-chance", json={"hours": 24}).status_code == 201
    return Offered(app, sue, ann, lot)


def test_the_offer_is_on_the_page_of_its_lot_and_among_ones_own(offered: Offered) -> None:
    for page in (offered.page, "/me", "/me/lost"):
        seen = offered.ann.get(page).text
        assert "A &lt;b&gt;watch&lt;/b&gt;" in seen
        assert re.search(r"<b>\$20\.00</b>|<strong class=\"price\">\$20\.00", seen), page
        assert "On top of the price come a premium of 12.5%, and tax of 20% on both." in seen
        assert "In all you pay <b>$27.00</b>." in seen
        assert "The offer is open until <time" in seen
        assert "This is binding. You then have 3 days to pay." in seen
        assert f'action="{offered.page}/accept-offer"' in seen
        assert f'action="{offered.page}/decline-offer"' in seen
    assert PANEL in offered.ann.get(offered.page).text
    assert "Offered to you" not in offered.ann.get("/me/won").text


def test_accepting_leads_to_the_order_however_often_it_is_sent(offered: Offered) -> None:
    taken = send(offered.ann, f"{offered.page}/accept-offer")
    assert taken.status_code == 303
    order = offered.ann.get(f"/api{taken.location}").json
    assert (order["state"], order["total"]) == ("AWAITING_PAYMENT", 2700)
    again = send(offered.ann, f"{offered.page}/accept-offer")
    assert (again.status_code, again.location) == (303, taken.location)
    assert len(offered.ann.get("/api/orders").json["items"]) == 1
    seen = offered.ann.get(offered.page).text
    assert PANEL not in seen
    assert f'href="{taken.location}">Check out' in seen
    assert "Offered to you" not in offered.ann.get("/me").text


def test_what_was_declined_is_not_accepted_afterwards(offered: Offered) -> None:
    for _once_more in range(2):
        left = send(offered.ann, f"{offered.page}/decline-offer")
        assert (left.status_code, left.location) == (303, offered.page)
    late = send(offered.ann, f"{offered.page}/accept-offer")
    assert (late.status_code, "The offer has been answered." in late.text) == (409, True)
    assert PANEL not in late.text
    assert offered.ann.get("/api/orders").json["items"] == []


def test_what_was_accepted_is_not_declined_afterwards(offered: Offered) -> None:
    send(offered.ann, f"{offered.page}/accept-offer")
    late = send(offered.ann, f"{offered.page}/decline-offer")
    assert (late.status_code, "The offer has been answered." in late.text) == (409, True)
    [order] = offered.ann.get("/api/orders").json["items"]
    assert order["state"] == "AWAITING_PAYMENT"


def test_an_offer_whose_time_is_over_is_not_shown_and_not_accepted(offered: Offered) -> None:
    offered.end()
    for page in (offered.page, "/me", "/me/lost"):
        assert "accept-offer" not in offered.ann.get(page).text
    late = send(offered.ann, f"{offered.page}/accept-offer")
    assert (late.status_code, "The offer is over." in late.text) == (409, True)
    assert offered.ann.get("/api/orders").json["items"] == []


def test_to_a_stranger_there_is_no_offer(offered: Offered, browser: MakeBrowser) -> None:
    bob = browser("Bob")
    for reader in (bob, browser()):
        assert PANEL not in reader.get(offered.page).text
    assert "Offered to you" not in bob.get("/me").text
    for answer in ("accept-offer", "decline-offer"):
        assert send(bob, f"{offered.page}/{answer}").status_code == 404
        assert send(browser(), f"{offered.page}/{answer}").status_code == 303, "to log in"
    assert PANEL in offered.ann.get(offered.page).text


def test_whom_the_seller_blocked_since_is_not_asked_and_does_not_accept(offered: Offered) -> None:
    bids = offered.sue.get(f"/api/auctions/{offered.lot}/bids").json["items"]
    body = {"bidId": bids[0]["bidId"], "reason": "never pays"}
    assert offered.sue.post(f"/api/auctions/{offered.lot}/blocked", json=body).status_code == 200
    for page in (offered.page, "/me", "/me/lost"):
        assert "accept-offer" not in offered.ann.get(page).text
    assert send(offered.ann, f"{offered.page}/accept-offer").status_code == 403
    assert offered.ann.get("/api/orders").json["items"] == []
