"""Pictures of auctions: sent, arranged, seen by whoever may, and cleared up."""

from __future__ import annotations

import re
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from marketplace import accounts, tenants
from marketplace.api import security
from marketplace.bidding import service
from marketplace.config import Config
from marketplace.errors import NotAPicture, PictureSpaceUsedUp
from marketplace.extensions import db
from marketplace.models import Auction, Image, Picture, Role
from marketplace.pictures import gallery
from marketplace.pictures.rendering import Rendering, render
from marketplace.runtime import runtime
from tests.people import MakeAuction, MakePerson, Person
from tests.samples import decoded, encoded, halves, photo


def send(who: Person, lot: int, data: bytes | None = None, **fields: Any) -> TestResponse:
    file = (BytesIO(photo() if data is None else data), fields.pop("name", "photo.jpg"))
    return who.post(f"/api/auctions/{lot}/pictures", data={"file": file, **fields})


def pictures(who: Person, lot: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = who.get(f"/api/auctions/{lot}").json["pictures"]
    return found


def add(app: Flask, who: Person, lot: int, number: int = 1) -> str:
    """Add a picture without rendering it, in no time; returns the address of its file."""
    made = Rendering(320, 240, "#808080", {320: b"picture %d" % number})
    with app.app_context():
        runtime().gallery.add(lot, by=who.id, rendering=made, alt=f"number {number}")
        db.session.remove()
    address: str = pictures(who, lot)[-1]["sizes"][0]["url"]
    return address


def files(config: Config) -> list[Path]:
    return sorted(path for path in config.media_dir.rglob("*") if path.is_file())


@pytest.fixture
def seller(person: MakePerson) -> Person:
    return person("Sue")


@pytest.fixture
def draft(seller: Person, auction: MakeAuction) -> int:
    return auction(seller=seller, publish=False)


def test_a_picture_is_added_shown_and_served(seller: Person, draft: int, client: FlaskClient) -> None:
    answer = send(seller, draft, photo(1000, 750), alt="  The front ")
    assert answer.status_code == 201, answer.json
    picture = answer.json
    assert (picture["alt"], picture["width"], picture["height"]) == ("The front", 1000, 750)
    assert re.fullmatch("#[0-9a-f]{6}", picture["placeholder"])
    assert [size["width"] for size in picture["sizes"]] == [320, 640, 1000]
    assert pictures(seller, draft) == [picture]
    seller.post(f"/api/auctions/{draft}/publish")
    assert client.get(f"/api/auctions/{draft}").json["pictures"] == [picture]
    for size in picture["sizes"]:
        served = client.get(size["url"])
        assert (served.status_code, served.content_type) == (200, "image/webp")
        assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert served.headers["X-Content-Type-Options"] == "nosniff"
        # Or no shared cache would keep it.
        assert "Vary" not in served.headers
        assert decoded(served.data).width == size["width"]
        again = client.get(size["url"], headers={"If-None-Match": served.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["Cache-Control"] == served.headers["Cache-Control"]


def test_lists_carry_the_first_picture_only(
    app: Flask, seller: Person, draft: int, client: FlaskClient, auction: MakeAuction
) -> None:
    for number in (1, 2, 3):
        add(app, seller, draft, number)
    first = pictures(seller, draft)[0]
    auction()
    seller.post(f"/api/auctions/{draft}/publish")
    shown = {item["id"]: item["pictures"] for item in client.get("/api/auctions").json["items"]}
    assert shown.pop(draft) == [first]
    assert list(shown.values()) == [[]]
    assert len(pictures(seller, draft)) == 3


def test_the_etag_of_a_snapshot_follows_its_pictures(app: Flask, seller: Person, draft: int) -> None:
    def etag() -> str:
        return seller.get(f"/api/auctions/{draft}").headers["ETag"]

    seen = [etag()]
    for change in (
        lambda: add(app, seller, draft, 1),
        lambda: add(app, seller, draft, 2),
        lambda: arrange(seller, draft, [each["id"] for each in pictures(seller, draft)][::-1]),
    ):
        change()
        assert etag() == etag()
        seen.append(etag())
    assert len(set(seen)) == len(seen)


def arrange(who: Person, lot: int, order: list[int], **texts: str) -> TestResponse:
    items = [
        {"id": number, **({"alt": texts[str(number)]} if str(number) in texts else {})} for number in order
    ]
    return who.request("PUT", f"/api/auctions/{lot}/pictures", json={"items": items})


def test_they_are_put_in_order_and_described(app: Flask, seller: Person, draft: int) -> None:
    for number in (1, 2, 3):
        add(app, seller, draft, number)
    one, two, three = (picture["id"] for picture in pictures(seller, draft))
    answer = arrange(seller, draft, [three, one, two], **{str(one): "The back"})
    assert answer.status_code == 200
    assert answer.json["items"] == pictures(seller, draft)
    shown = [(each["id"], each["alt"]) for each in pictures(seller, draft)]
    assert shown == [(three, "number 3"), (one, "The back"), (two, "number 2")]
    for wrong in ([], [one, two], [one, two, three, three], [one, two, 10**9], [one, one, two]):
        refused = arrange(seller, draft, wrong)
        assert (refused.status_code, refused.json["code"]) == (422, "invalid_request")
        assert refused.json["errors"][0]["field"] == "items"
    add(app, seller, draft, 4)
    assert [each["id"] for each in pictures(seller, draft)][:3] == [three, one, two]


def test_one_is_taken_out(app: Flask, seller: Person, draft: int, auction: MakeAuction) -> None:
    for number in (1, 2):
        add(app, seller, draft, number)
    one, two = (picture["id"] for picture in pictures(seller, draft))
    other = auction(seller=seller, publish=False)
    address = f"/api/auctions/{draft}/pictures"
    assert seller.request("DELETE", f"/api/auctions/{other}/pictures/{one}").status_code == 404
    assert seller.request("DELETE", f"{address}/{one}").status_code == 204
    assert seller.request("DELETE", f"{address}/{one}").status_code == 404
    assert [each["id"] for each in pictures(seller, draft)] == [two]


def test_after_publishing_they_stay_as_they_are(app: Flask, seller: Person, draft: int) -> None:
    add(app, seller, draft)
    shown = pictures(seller, draft)
    seller.post(f"/api/auctions/{draft}/publish")
    picture_id = shown[0]["id"]
    for answer in (
        send(seller, draft),
        arrange(seller, draft, [picture_id]),
        seller.request("DELETE", f"/api/auctions/{draft}/pictures/{picture_id}"),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "not_a_draft")
    assert pictures(seller, draft) == shown


def test_the_same_picture_sent_twice_is_there_once(seller: Person, draft: int) -> None:
    first, second = send(seller, draft, alt="The front"), send(seller, draft, alt="Something else")
    assert first.json == second.json
    assert len(pictures(seller, draft)) == 1


def test_an_auction_has_twelve_and_no_more(app: Flask, seller: Person, draft: int) -> None:
    for number in range(1, 12):
        add(app, seller, draft, number)
    together, outcomes = threading.Barrier(4), []

    def one_more(number: int) -> None:
        together.wait()
        answer = send(seller, draft, photo(200 + number, 200))
        outcomes.append(answer.json.get("code", "added"))

    threads = [threading.Thread(target=one_more, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["added", *["too_many_pictures"] * 3]
    assert len(pictures(seller, draft)) == 12
    assert send(seller, draft).json["maximum"] == 12


def test_an_account_has_so_much_space_and_no_more(
    app: Flask, config: Config, seller: Person, draft: int, auction: MakeAuction
) -> None:
    with app.app_context():
        # Three of the twelve are too much.
        runtime().gallery._account_bytes = 2 * len(b"picture 1")
    add(app, seller, draft, 1)
    other = auction(seller=seller, publish=False)
    # The same image takes its space once.
    add(app, seller, other, 1)
    add(app, seller, other, 2)
    refused = send(seller, draft)
    assert (refused.status_code, refused.json["code"]) == (409, "picture_space_used_up")
    assert len(pictures(seller, draft)) == 1
    assert len(files(config)) == 2, "what there is no room for is not stored"
    picture_id = pictures(seller, other)[1]["id"]
    seller.request("DELETE", f"/api/auctions/{other}/pictures/{picture_id}")
    add(app, seller, draft, 2)


def test_what_is_over_takes_none_of_the_space(
    app: Flask, seller: Person, draft: int, auction: MakeAuction
) -> None:
    with app.app_context():
        runtime().gallery._account_bytes = len(b"picture 1")
    add(app, seller, draft, 1)
    other = auction(seller=seller, publish=False)
    seller.post(f"/api/auctions/{draft}/publish")
    with pytest.raises(PictureSpaceUsedUp):
        add(app, seller, other, 2)
    seller.post(f"/api/auctions/{draft}/cancel")
    add(app, seller, other, 2)


# --- what is not taken ---


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"<svg onload='alert(1)'/>", "photo.jpg", "not_a_picture"),
        (b"", "photo.png", "not_a_picture"),
        (photo()[:-200], "photo.jpg", "picture_damaged"),
        (encoded(halves(50, 50)), "photo.jpg", "picture_size"),
        (encoded(halves(), "GIF"), "photo.jpg", "not_a_picture"),
    ],
)
def test_what_is_not_taken_says_why_and_changes_nothing(
    config: Config, seller: Person, draft: int, data: bytes, name: str, code: str
) -> None:
    answer = send(seller, draft, data, name=name)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.json["detail"]
    assert pictures(seller, draft) == []
    assert files(config) == []


def test_neither_name_nor_declared_type_matter(seller: Person, draft: int) -> None:
    file = (BytesIO(encoded(halves(), "PNG")), "../../evil.php\x00.html", "text/html")
    answer = seller.post(f"/api/auctions/{draft}/pictures", data={"file": file})
    assert answer.status_code == 201
    assert re.fullmatch(r"/media/[0-9a-f]{32}-320\.webp", answer.json["sizes"][0]["url"])


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"json": {"file": "data"}}, 415),
        ({"data": b"\xff\xd8\xff", "content_type": "image/jpeg"}, 415),
        ({"data": {"file": "text, not a file"}, "content_type": "multipart/form-data"}, 422),
        ({"data": {"alt": "no file"}, "content_type": "multipart/form-data"}, 422),
        ({"data": b"nonsense", "content_type": "multipart/form-data; boundary=x"}, 422),
        ({}, 422),
    ],
)
def test_what_is_not_sent_as_a_file_is_refused(
    seller: Person, draft: int, options: dict[str, Any], status: int
) -> None:
    answer = seller.post(f"/api/auctions/{draft}/pictures", **options)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


def test_texts_are_one_line_and_short(seller: Person, draft: int) -> None:
    for alt in ("two\nlines", "x" * 301, "\x00"):
        answer = send(seller, draft, alt=alt)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "alt")
    assert send(seller, draft, other="field").status_code == 422


def test_only_this_route_takes_large_bodies(seller: Person, draft: int, client: FlaskClient) -> None:
    large = b"\xff" * (security.MAX_UPLOAD_BYTES - 1000)
    assert send(seller, draft, large).status_code == 422
    too_large = send(seller, draft, large + b"\xff" * 2000)
    assert (too_large.status_code, too_large.json["code"]) == (413, "too_large")
    body = {"title": "x" * 70_000}
    assert seller.request("PATCH", f"/api/auctions/{draft}", json=body).status_code == 413
    assert arrange(seller, draft, list(range(1, 9000))).status_code == 413
    # Of whoever is not known nothing is read.
    file = {"file": (BytesIO(large), "photo.jpg")}
    assert client.post(f"/api/auctions/{draft}/pictures", data=file).status_code == 401


def test_uploads_are_limited_by_account(
    app: Flask, seller: Person, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert security.UPLOADS_PER_ACCOUNT == "30 per minute; 600 per hour"

    def refuse(self: object, data: bytes) -> Rendering:
        raise NotAPicture

    monkeypatch.setattr("marketplace.pictures.renderer.Renderer.render", refuse)
    for _ in range(30):
        assert send(seller, draft, b"").status_code == 422
    refused = send(seller, draft, b"")
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")


def test_too_many_at_once_are_told_to_come_back(app: Flask, seller: Person, draft: int) -> None:
    with app.app_context():
        places = runtime().gallery._renderer._places
    taken = 0
    while places.acquire(blocking=False):
        taken += 1
    answer = send(seller, draft)
    assert (answer.status_code, answer.json["code"]) == (503, "rendering_busy")
    assert answer.headers["Retry-After"]
    for _ in range(taken):
        places.release()
    assert send(seller, draft).status_code == 201


# --- who sees them ---


def test_those_of_a_draft_are_the_sellers(
    app: Flask, seller: Person, draft: int, person: MakePerson, client: FlaskClient
) -> None:
    address = add(app, seller, draft)
    missing = re.sub("[0-9a-f]{32}", "0" * 32, address)
    for who in (client, person("Bob"), person("Ada", admin=True)):
        hidden, none = who.get(address), who.get(missing)
        assert hidden.status_code == none.status_code == 404
        assert {**hidden.json, "requestId": ""} == {**none.json, "requestId": ""}
        assert hidden.headers["Cache-Control"] == none.headers["Cache-Control"] == "no-store"
        assert "ETag" not in hidden.headers
    seen = seller.get(address)
    assert (seen.status_code, seen.headers["Cache-Control"]) == (200, "private, no-cache")
    etag = {"If-None-Match": seen.headers["ETag"]}
    assert seller.get(address, headers=etag).status_code == 304
    assert client.get(address, headers=etag).status_code == 404
    seller.post(f"/api/auctions/{draft}/publish")
    assert client.get(address).status_code == 200


def test_those_of_members_are_the_members(
    app: Flask, seller: Person, auction: MakeAuction, person: MakePerson, client: FlaskClient
) -> None:
    ann, bob, ada = person("Ann"), person("Bob"), person("Ada", admin=True)
    with app.app_context():
        owner = accounts.viewer_for_token(seller.token)
        assert owner
        tenant_id = tenants.create(owner, name="A circle").tenant.id
        tenants.add_member(tenant_id, by=owner, email=ann.email, role=Role.MEMBER)
    lot = auction(seller=seller, publish=False, tenantId=tenant_id)
    address = add(app, seller, lot)
    seller.post(f"/api/auctions/{lot}/publish")
    for who in (ann, seller, ada):
        seen = who.get(address)
        assert (seen.status_code, seen.headers["Cache-Control"]) == (200, "private, no-cache")
    for who in (bob, client):
        assert who.get(address).status_code == 404
    seller.request("DELETE", f"/api/tenants/{tenant_id}/members/{ann.id}")
    assert ann.get(address).status_code == 404
    # Somebody shows the same picture to everybody: then everybody may see it, there and here.
    open_lot = auction(seller=bob, publish=False)
    assert add(app, bob, open_lot) == address
    assert client.get(address).status_code == 404
    bob.post(f"/api/auctions/{open_lot}/publish")
    assert client.get(address).status_code == 200


def test_names_that_are_none_are_not_found(
    client: FlaskClient, app: Flask, seller: Person, draft: int
) -> None:
    address = add(app, seller, draft)
    seller.post(f"/api/auctions/{draft}/publish")
    assert client.get(address).status_code == 200
    for wrong in (
        address.replace("-320", "-640"),
        address.replace(".webp", ".jpg"),
        address.replace("-320", "-0320"),
        "/media/..%2f..%2fetc%2fpasswd",
        "/media/unfinished",
        "/media/" + "x" * 5000,
    ):
        assert client.get(wrong).status_code in {404, 422}, wrong
    assert client.post(address).status_code == 405


def test_a_lot_listed_again_shows_the_same_pictures(app: Flask, seller: Person, draft: int) -> None:
    address = add(app, seller, draft, 1)
    add(app, seller, draft, 2)
    seller.post(f"/api/auctions/{draft}/publish")
    seller.post(f"/api/auctions/{draft}/cancel")
    again = seller.post(f"/api/auctions/{draft}/relist", json={"endsAt": "2100-01-01T00:00:00Z"})
    assert again.status_code == 422
    with app.app_context():
        ends_at = db.session.scalar(select(Auction.ends_at).where(Auction.id == draft))
    relisted = seller.post(f"/api/auctions/{draft}/relist", json={"endsAt": ends_at.isoformat()}).json
    assert [each["alt"] for each in relisted["pictures"]] == ["number 1", "number 2"]
    assert relisted["pictures"][0]["sizes"][0]["url"] == address
    seller.request("DELETE", f"/api/auctions/{relisted['id']}/pictures/{relisted['pictures'][0]['id']}")
    assert [each["alt"] for each in pictures(seller, draft)] == ["number 1", "number 2"]


# --- clearing up, and being killed ---


def age(app: Flask) -> None:
    with app.app_context():
        past = func.clock_timestamp() - gallery.GRACE * 2
        db.session.execute(update(Image).values(stored_at=past))
        db.session.commit()


def purge(app: Flask) -> int:
    with app.app_context():
        return runtime().gallery.purge()


def test_what_nobody_shows_is_removed_after_a_while(
    app: Flask, config: Config, seller: Person, draft: int
) -> None:
    kept, gone = add(app, seller, draft, 1), add(app, seller, draft, 2)
    picture_id = pictures(seller, draft)[1]["id"]
    seller.request("DELETE", f"/api/auctions/{draft}/pictures/{picture_id}")
    assert purge(app) == 0
    assert len(files(config)) == 2
    age(app)
    assert purge(app) == 1
    assert purge(app) == 0
    assert [path.name for path in files(config)] == [kept.rpartition("/")[2]]
    assert seller.get(kept).status_code == 200
    assert seller.get(gone).status_code == 404
    # Sent again it is there again.
    assert add(app, seller, draft, 2) == gone
    assert seller.get(gone).status_code == 200


def test_many_are_removed_in_batches(
    app: Flask, config: Config, seller: Person, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "_BATCH", 2)
    for number in range(5):
        add(app, seller, draft, number)
    for picture in pictures(seller, draft):
        seller.request("DELETE", f"/api/auctions/{draft}/pictures/{picture['id']}")
    age(app)
    assert purge(app) == 5
    assert files(config) == []


def test_one_that_cannot_be_removed_keeps_none_of_the_others(
    app: Flask, config: Config, seller: Person, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "_BATCH", 2)
    stuck = add(app, seller, draft, 0).rpartition("/")[2]
    for number in range(1, 5):
        add(app, seller, draft, number)
    for picture in pictures(seller, draft):
        seller.request("DELETE", f"/api/auctions/{draft}/pictures/{picture['id']}")
    age(app)
    store = app.extensions["marketplace"].gallery._store

    def delete(name: str) -> None:
        if name == stuck:
            raise PermissionError(name)
        type(store).delete(store, name)

    with monkeypatch.context() as patched:
        patched.setattr(store, "delete", delete)
        assert purge(app) == 4
    assert [path.name for path in files(config)] == [stuck]
    assert purge(app) == 1
    assert files(config) == []


def test_the_pictures_of_a_discarded_draft_are_removed(
    app: Flask, config: Config, seller: Person, draft: int
) -> None:
    add(app, seller, draft)
    assert seller.request("DELETE", f"/api/auctions/{draft}").status_code == 204
    age(app)
    assert purge(app) == 1
    assert files(config) == []


def test_the_job_purges(app: Flask, config: Config, seller: Person, draft: int, monkeypatch: Any) -> None:
    monkeypatch.setenv("REDIS_URL", config.redis_url)
    from workers import jobs

    monkeypatch.setattr(jobs, "_app", lambda: app)
    add(app, seller, draft)
    seller.request("DELETE", f"/api/auctions/{draft}/pictures/{pictures(seller, draft)[0]['id']}")
    age(app)
    jobs.purge()
    assert files(config) == []


def test_whoever_sends_a_picture_while_it_is_removed_waits_and_has_it(
    app: Flask, config: Config, seller: Person, draft: int
) -> None:
    add(app, seller, draft)
    seller.request("DELETE", f"/api/auctions/{draft}/pictures/{pictures(seller, draft)[0]['id']}")
    age(app)
    deleting, go_on = threading.Event(), threading.Event()

    class SlowStore:
        """Stops a purge in the middle."""

        def __init__(self, store: Any) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        def delete(self, name: str) -> None:
            deleting.set()
            assert go_on.wait(5)
            self._store.delete(name)

    with app.app_context():
        shared = runtime().gallery
    slow = gallery.Gallery(SlowStore(shared._store), shared._renderer, account_bytes=10**9)  # type: ignore[arg-type]

    def purge_slowly() -> None:
        with app.app_context():
            slow.purge()

    added = threading.Event()

    def add_again() -> None:
        add(app, seller, draft)
        added.set()

    threads = [threading.Thread(target=purge_slowly), threading.Thread(target=add_again)]
    threads[0].start()
    assert deleting.wait(5)
    threads[1].start()
    assert not added.wait(0.5)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert added.is_set()
    assert seller.get(pictures(seller, draft)[0]["sizes"][0]["url"]).data == b"picture 1"


class Killed(BaseException):
    """As if the process ended here."""


def killed_at(store: Any, call: str, number: int) -> Any:
    """A store in front of which a process dies: at its so many-th call of a function, before or after it."""

    class Mortal:
        calls = 0

        def __getattr__(self, name: str) -> Any:
            real = getattr(store, name)
            if name != call:
                return real

            def dying(*arguments: Any) -> Any:
                type(self).calls += 1
                if self.calls * 2 - 1 == number:
                    raise Killed
                answer = real(*arguments)
                if self.calls * 2 == number:
                    raise Killed
                return answer

            return dying

    return Mortal()


def whole(app: Flask, config: Config) -> None:
    """Every picture has all its files, and every file has a row."""
    with app.app_context():
        shown = db.session.execute(
            select(Image.hash, Image.widths).join(Picture, Picture.image_hash == Image.hash)
        ).all()
        noted = db.session.execute(select(Image.hash, Image.widths)).all()
    there = {path.name for path in files(config)}
    assert {gallery.file_name(each, width) for each, widths in shown for width in widths} <= there
    assert there <= {gallery.file_name(each, width) for each, widths in noted for width in widths}


@pytest.mark.parametrize("moment", range(1, 7))
def test_whenever_an_upload_is_killed_there_is_no_picture_without_files(
    app: Flask, config: Config, seller: Person, draft: int, moment: int
) -> None:
    made = render(photo(1000, 750))
    assert len(made.files) == 3
    with app.app_context():
        shared = runtime().gallery
        dying = gallery.Gallery(
            killed_at(shared._store, "put", moment), shared._renderer, account_bytes=10**9
        )
        with pytest.raises(Killed):
            dying.add(draft, by=seller.id, rendering=made, alt="")
    assert pictures(seller, draft) == []
    whole(app, config)
    # Tried again, it is there; given up, it is cleared away.
    if moment % 2:
        assert send(seller, draft, photo(1000, 750)).status_code == 201
        whole(app, config)
        assert len(files(config)) == 3
    else:
        age(app)
        purge(app)
        assert files(config) == []


@pytest.mark.parametrize("moment", range(1, 7))
def test_whenever_a_purge_is_killed_the_next_one_goes_on(
    app: Flask, config: Config, seller: Person, draft: int, moment: int
) -> None:
    made = render(photo(1000, 750))
    with app.app_context():
        shared = runtime().gallery
        picture_id = shared.add(draft, by=seller.id, rendering=made, alt="")
        shared.remove(draft, picture_id, by=seller.id)
    add(app, seller, draft)
    age(app)
    with app.app_context():
        dying = gallery.Gallery(
            killed_at(shared._store, "delete", moment), shared._renderer, account_bytes=10**9
        )
        with pytest.raises(Killed):
            dying.purge()
        db.session.remove()
    whole(app, config)
    assert purge(app) == 1
    whole(app, config)
    assert len(files(config)) == 1


def test_without_the_folder_nothing_is_kept_and_the_rest_works(
    app: Flask, config: Config, seller: Person, draft: int
) -> None:
    address = add(app, seller, draft)
    config.media_dir.rename(config.media_dir.with_name("away"))
    config.media_dir.write_text("a file in its place")
    for answer in (send(seller, draft), seller.get(address)):
        assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
        assert str(config.media_dir) not in answer.text
    assert len(pictures(seller, draft)) == 1
    config.media_dir.unlink()
    config.media_dir.with_name("away").rename(config.media_dir)
    assert seller.get(address).status_code == 200


def test_publishing_while_a_picture_is_rendered_leaves_it_out(
    app: Flask, config: Config, seller: Person, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = render(photo())

    def render_and_publish(self: object, data: bytes) -> Rendering:
        service.publish(draft, by=seller.id)
        return made

    monkeypatch.setattr("marketplace.pictures.renderer.Renderer.render", render_and_publish)
    answer = send(seller, draft)
    assert (answer.status_code, answer.json["code"]) == (409, "not_a_draft")
    assert pictures(seller, draft) == []


def test_no_connection_is_held_while_a_picture_is_rendered(
    app: Flask, seller: Person, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, held = render(photo()), []

    def look(self: object, data: bytes) -> Rendering:
        held.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return made

    monkeypatch.setattr("marketplace.pictures.renderer.Renderer.render", look)
    assert send(seller, draft).status_code == 201
    assert held == [0]


# --- pages ---

OURS = {"Origin": "http://localhost"}
#: The message of a form.
REFUSAL = 'class="note bad" role="alert">'


@pytest.fixture
def browser(seller: Person, app: Flask) -> FlaskClient:
    """The seller's."""
    client = app.test_client()
    client.post("/login", data={"email": seller.email, "password": "correct horse"}, headers=OURS)
    return client


def submit(browser: FlaskClient, path: str, **fields: Any) -> TestResponse:
    return browser.post(path, data=fields, headers=OURS, content_type="multipart/form-data")


def test_a_seller_adds_and_arranges_pictures_without_script(
    browser: FlaskClient, client: FlaskClient, draft: int
) -> None:
    page = f"/auctions/{draft}"
    assert 'enctype="multipart/form-data"' in browser.get(page).text
    for width, alt in ((1000, 'A "front"'), (700, "")):
        sent = submit(browser, f"{page}/pictures", file=(BytesIO(photo(width, 500)), "p.jpg"), alt=alt)
        assert (sent.status_code, sent.location) == (303, page)
    seen = browser.get(page).text
    images = re.findall(
        r"<img src=\"(/media/[^\"]+)\" width=\"(\d+)\" height=\"(\d+)\" alt=\"([^\"]*)\"", seen
    )
    assert [image[1:] for image in images] == [
        ("1000", "500", "A &#34;front&#34;"),
        ("700", "500", "A watch"),
    ]
    assert all(browser.get(image[0]).status_code == 200 for image in images)
    assert re.search(r'srcset="/media/\w+-320.webp 320w, /media/\w+-640.webp 640w, ', seen)
    first, second = re.findall(r'name="order" value="(\d+)"', seen)
    moved = {"order": [first, second], "alt": ["The front", "The <back>"]}
    assert submit(browser, f"{page}/arrange-pictures", **moved, move=f"earlier-{second}").status_code == 303
    pictures = browser.get(f"/api{page}").json["pictures"]
    assert [(each["width"], each["alt"]) for each in pictures] == [(700, "The <back>"), (1000, "The front")]
    again = {"order": [second, first], "alt": ["The back", "The front"]}
    for move in ("", f"earlier-{second}", f"later-{first}"):
        assert submit(browser, f"{page}/arrange-pictures", **again, move=move).status_code == 303
        pictures = browser.get(f"/api{page}").json["pictures"]
        assert [(each["width"], each["alt"]) for each in pictures] == [(700, "The back"), (1000, "The front")]
    for wrong in (f"sideways-{first}", "later-999999", "later", "-"):
        assert submit(browser, f"{page}/arrange-pictures", **again, move=wrong).status_code == 404
    for order, alt in (([second], ["x"]), (["x", first], ["", ""]), ([second, first], ["x" * 301, ""])):
        refused = submit(browser, f"{page}/arrange-pictures", order=order, alt=alt)
        assert (refused.status_code, refused.text.count(REFUSAL)) == (422, 1)
    assert submit(browser, f"{page}/remove-picture", picture=second).status_code == 303
    for unknown in (second, "", "x", "-1", "9" * 30):
        assert submit(browser, f"{page}/remove-picture", picture=unknown).status_code == 404
    assert [each["width"] for each in browser.get(f"/api{page}").json["pictures"]] == [1000]
    submit(browser, f"{page}/publish")
    assert "remove-picture" not in browser.get(page).text
    assert 'type="file"' not in browser.get(page).text
    assert "1000w" in client.get(page).text
    assert "1000w" in client.get("/").text


def test_the_form_says_what_is_wrong(browser: FlaskClient, draft: int) -> None:
    page = f"/auctions/{draft}/pictures"
    for fields, said in (
        ({"file": (BytesIO(b"<html>"), "p.jpg")}, "not a picture of a kind that is taken"),
        ({}, "Choose a picture first."),
        ({"file": (BytesIO(b""), "")}, "Choose a picture first."),
        ({"file": (BytesIO(photo()), "p.jpg"), "alt": "x" * 301}, "at most 300 characters"),
    ):
        answer = submit(browser, page, **fields)
        assert answer.status_code == 422
        assert said in answer.text, re.findall("role=.alert.*|error.*", answer.text)
        assert answer.text.count(REFUSAL) == 1
    too_large = submit(browser, page, file=(BytesIO(b"\xff" * security.MAX_UPLOAD_BYTES), "p.jpg"))
    assert (too_large.status_code, too_large.mimetype) == (422, "text/html")
    assert "The file is too large: 20 MiB are taken." in too_large.text
    submit(browser, f"/auctions/{draft}/publish")
    late = submit(browser, page, file=(BytesIO(photo()), "p.jpg"))
    assert late.status_code == 409


def test_forms_of_other_sites_are_refused(browser: FlaskClient, draft: int) -> None:
    answer = browser.post(
        f"/auctions/{draft}/pictures",
        data={"file": (BytesIO(photo()), "p.jpg")},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 403
