"""What one account may make, and how fast."""

from __future__ import annotations

import threading

from flask import Flask
from flask.testing import FlaskClient

from marketplace import accounts
from marketplace.api import security
from marketplace.errors import TooManyTokens
from tests.people import MakeAuction, MakePerson, Person

OURS = {"Origin": "http://localhost"}


def fill(app: Flask, person: Person, count: int) -> None:
    with app.app_context():
        for n in range(count):
            accounts.issue_token(person.id, name=f"robot {n}")


def test_an_account_has_fifty_tokens_and_no_more(app: Flask, person: MakePerson) -> None:
    ann = person("Ann")
    fill(app, ann, accounts.MAX_TOKENS - 1)
    refused = ann.post("/api/tokens", json={"name": "one more"})
    assert (refused.status_code, refused.json["code"]) == (409, "too_many_tokens")
    assert refused.json["maximum"] == 50
    tokens = ann.get("/api/tokens").json["items"]
    assert len(tokens) == 50
    assert ann.request("DELETE", "/api/tokens", json={"id": tokens[0]["id"]}).status_code == 204
    assert ann.post("/api/tokens", json={"name": "one more"}).status_code == 201


def test_the_page_says_so_too(app: Flask, client: FlaskClient, person: MakePerson) -> None:
    ann = person("Ann")
    client.post("/login", data={"email": ann.email, "password": "correct horse"})
    fill(app, ann, accounts.MAX_TOKENS - 1)
    page = client.post("/me/tokens", data={"name": "one more"}, headers=OURS)
    assert "revoke one that you do not need" in page.text


def test_two_at_once_are_not_both_the_last(app: Flask, person: MakePerson) -> None:
    ann = person("Ann")
    fill(app, ann, accounts.MAX_TOKENS - 2)
    together, outcomes = threading.Barrier(6), []

    def one_more() -> None:
        with app.app_context():
            together.wait()
            try:
                accounts.issue_token(ann.id, name="the last")
                outcomes.append("issued")
            except TooManyTokens:
                outcomes.append("refused")

    threads = [threading.Thread(target=one_more) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["issued"] + ["refused"] * 5


def test_drafts_and_tokens_are_limited_by_account(
    app: Flask, client: FlaskClient, person: MakePerson, auction: MakeAuction
) -> None:
    ann, bob = person("Ann"), person("Bob")
    assert security.CREATIONS_PER_ACCOUNT == "60 per minute"
    for _ in range(58):
        auction(seller=ann, publish=False)
    client.post("/login", data={"email": ann.email, "password": "correct horse"})
    assert client.post("/me/tokens", data={"name": "robot"}, headers=OURS).status_code == 200
    assert ann.post("/api/tokens", json={"name": "robot"}).status_code == 201
    refused = ann.post("/api/tokens", json={"name": "robot"})
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    assert client.post("/me/tokens", data={"name": "robot"}, headers=OURS).status_code == 429
    assert bob.post("/api/tokens", json={"name": "robot"}).status_code == 201
