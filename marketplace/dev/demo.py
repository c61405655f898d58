"""Demo data, and bidders who keep it alive: ``flask demo load`` and ``flask demo simulate``.

Everything goes the way it goes for people: through the services, and when simulating through the HTTP API.
"""

from __future__ import annotations

import random
import signal
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from PIL import Image
from sqlalchemy import func, make_url, or_, select

from marketplace import accounts, listings
from marketplace.accounts import Viewer
from marketplace.bidding import service
from marketplace.bidding.answers import BidRequest
from marketplace.bidding.desk import Desk
from marketplace.config import Config
from marketplace.dev import drawings
from marketplace.extensions import db
from marketplace.models import Auction, AuctionFormat, AuctionStatus, User
from marketplace.money import format_money, minor_digits
from marketplace.pictures.rendering import sizes_of
from marketplace.realtime.events import camel
from marketplace.runtime import runtime

PASSWORD = "demo-auction"

SELLER = ("seller@example.com", "Sofia Lindqvist")
ANN = ("ann@example.com", "Ann Okafor")
BOB = ("bob@example.com", "Bob Tanaka")
ADMIN = ("admin@example.com", "Ada Admin")
#: They bid in the simulation, so that Ann's and Bob's own bids are never slowed down by it.
REGULARS = (
    ("cleo@example.com", "Cleo Martin"),
    ("dev@example.com", "Dev Sharma"),
    ("edda@example.com", "Edda Novak"),
    ("femi@example.com", "Femi Adeyemi"),
    ("gus@example.com", "Gus Hall"),
    ("hana@example.com", "Hana Sato"),
)
PEOPLE = (SELLER, ANN, BOB, ADMIN, *REGULARS)

#: How the seller is paid; the account is the IBAN Registry's example for Sweden.
SELLER_DETAILS = "Sofia Lindqvist\nStorgatan 1, 111 22 Stockholm\nIBAN SE45 5000 0000 0583 9825 7466"

#: Whom a developer can log in as: e-mail address, password, what they are there for.
LOGINS = [
    (SELLER[0], PASSWORD, "sells most of what is here"),
    (ANN[0], PASSWORD, "bids"),
    (BOB[0], PASSWORD, "bids too: use a second browser or a private window"),
    (ADMIN[0], PASSWORD, "administrator"),
]


class NotForDevelopment(RuntimeError):
    """The settings do not look like a developer's own machine, so no demo people go in."""


def check_development(config: Config) -> None:
    """Demo people have passwords that everybody knows: they belong on a developer's own machine only.

    Raises:
        NotForDevelopment: the database is on another machine, or cookies are for HTTPS as in production.
    """
    url = make_url(config.database_url)
    named = url.query.get("host", ())
    hosts = [named] if isinstance(named, str) else list(named)
    hosts += [url.host] if url.host else []
    elsewhere = [host for host in hosts if not host.startswith("/") and host not in _LOOPBACK]
    if elsewhere:
        raise NotForDevelopment(
            f"Demo data is for development only, and the database is on {elsewhere[0]}, not on this machine."
        )
    if config.secure_cookies:
        raise NotForDevelopment(
            "Demo data is for development only, and SECURE_COOKIES is on, as in production. "
            "script/server turns it off; to use its settings: script/run flask demo load"
        )


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


# --- what is for sale -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """How the price of a Dutch lot falls, and what there is of it."""

    floor: int
    drop: int
    #: Seconds from one drop to the next.
    every: int
    items: int
    for_each: int | None = None
    #: Seconds to check out.
    hold: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Something for sale. Amounts are in whole units of the currency, for people to read."""

    title: str
    description: str
    category: str = "other"
    currency: str = "USD"
    start: int
    #: The increment of bids; or the price falls.
    step: int = 0
    falls: Fall | None = None
    #: Who has bid how much.
    bids: Sequence[tuple[str, int]] = ()
    opens_in: timedelta | None = None
    lasts: timedelta = timedelta(days=7)
    #: Seconds: the window in which a bid extends the auction, and by how much.
    extension: int = 30
    published: bool = True

    def terms(self) -> dict[str, Any]:
        """As ``listings.create`` takes them."""
        return {
            "title": self.title,
            "description": self.description,
            "category": self.category,
            "currency": self.currency,
            "starting_price": self.minor(self.start),
            **(self._rising() if self.falls is None else self._falling(self.falls)),
        }

    def _rising(self) -> dict[str, Any]:
        return {
            "min_increment": self.minor(self.step),
            "extension_window": self.extension,
            "extension": self.extension,
        }

    def _falling(self, fall: Fall) -> dict[str, Any]:
        return {
            "format": AuctionFormat.DUTCH,
            "floor_price": self.minor(fall.floor),
            "drop_amount": self.minor(fall.drop),
            "drop_every": fall.every,
            "quantity": fall.items,
            "per_buyer": fall.for_each,
            "hold_seconds": fall.hold,
        }

    def minor(self, amount: int) -> int:
        """Whole units in the minor unit."""
        return int(amount * 10 ** minor_digits(self.currency))


CLEO, DEV, EDDA, FEMI, GUS, HANA = (email for email, _ in REGULARS)

LOTS = (
    Lot(
        title="Leica M3 rangefinder, 1957",
        category="cameras",
        description="Double-stroke body with the 50 mm Summicron. Serviced last year: the slow speeds are"
        " true and the rangefinder patch is bright. Light brassing at the strap lugs. Comes with the leather"
        " case and the service invoice.",
        start=900,
        step=20,
        bids=((CLEO, 900), (GUS, 940), (BOB[0], 1000)),
        lasts=timedelta(minutes=8),
    ),
    Lot(
        title="Teak sideboard, Denmark, 1960s",
        category="furniture",
        description="Tambour doors that still run smoothly, four drawers, dovetailed throughout."
        " 198 x 46 x 79 cm. One ring mark on the top, shown to everyone who asks. Collection in Leeds, or"
        " delivery at cost.",
        currency="GBP",
        start=350,
        step=10,
        bids=((HANA, 350), (ANN[0], 380)),
        lasts=timedelta(minutes=20),
    ),
    Lot(
        title="Sony Walkman Professional WM-D6C",
        category="audio",
        description="Records and plays, quartz-locked, new belt. Both meters work. The battery compartment"
        " is clean. With the original case and a metal tape I recorded to check it.",
        currency="EUR",
        start=180,
        step=5,
        bids=((DEV, 180), (EDDA, 190), (DEV, 205), (FEMI, 215)),
        lasts=timedelta(minutes=45),
    ),
    Lot(
        title="Under the Wave off Kanagawa, Adachi woodblock",
        category="prints",
        description="Printed by hand from cherry blocks on Echizen washi, after Hokusai. Fresh colours, full"
        " margins, in its folder with the printer's note.",
        currency="JPY",
        start=12_000,
        step=500,
        bids=((HANA, 12_000), (GUS, 13_500)),
        lasts=timedelta(hours=3),
    ),
    Lot(
        title="The Left Hand of Darkness, first edition, 1969",
        category="books",
        description="Ace paperback original, spine uncreased, pages evenly toned. A bookseller's pencil price"
        " on the first leaf. Kept in a sleeve since I bought it in 1988.",
        start=120,
        step=5,
        bids=((FEMI, 120), (CLEO, 135)),
        lasts=timedelta(hours=8),
    ),
    Lot(
        title="Omega Seamaster 166.010, 1968",
        category="watches",
        description="Calibre 565, running within six seconds a day. Unpolished lugs, silver dial, the date"
        " changes at midnight. Papers from the 2023 overhaul.",
        currency="CHF",
        start=650,
        step=25,
        bids=((EDDA, 650),),
        lasts=timedelta(days=1, hours=2),
    ),
    Lot(
        title="Raleigh Competition road bicycle, 1974",
        category="bicycles",
        description="Reynolds 531 frame, 58 cm, original Huret gears and new tyres. A bicycle to ride, with"
        " honest scratches.",
        currency="GBP",
        start=220,
        step=10,
        lasts=timedelta(days=2, hours=5),
    ),
    Lot(
        title="Moog Grandmother synthesizer, boxed",
        category="instruments",
        description="Bought new in 2021 and played at home. Every key, knob and jack works. Box, cables and"
        " the poster included.",
        currency="EUR",
        start=480,
        step=20,
        bids=((GUS, 480), (DEV, 520)),
        lasts=timedelta(days=3),
    ),
    Lot(
        title="Qashqai rug, hand-knotted, 205 x 140 cm",
        category="rugs",
        description="Wool on wool, vegetable dyes, about 1950. Even pile, ends secured, washed before"
        " photography.",
        currency="KWD",
        start=140,
        step=5,
        bids=((FEMI, 140),),
        lasts=timedelta(days=5),
    ),
    Lot(
        title="Six bottles of Barolo, 2013",
        category="wine",
        description="One grower, one cru, bought on release and kept at 13 °C. Levels into the neck."
        " The bidding opens tomorrow.",
        currency="EUR",
        start=210,
        step=10,
        opens_in=timedelta(days=1),
        lasts=timedelta(days=4),
    ),
    Lot(
        title="Stoneware bowls, the potter's seconds",
        category="ceramics",
        description="Twelve bowls with a drip or a pinhole, all watertight, 16 to 18 cm. Every ten seconds"
        " they cost a little less.",
        start=120,
        falls=Fall(floor=30, drop=1, every=10, items=12, for_each=3, hold=120),
        bids=((CLEO, 120), (GUS, 120)),
        lasts=timedelta(minutes=30),
    ),
    Lot(
        title="Aeron chairs from an office that moved",
        category="furniture",
        description="Size B, graphite, made between 2016 and 2018; all gas lifts hold. Collection in"
        " Hamburg, or on a pallet at cost.",
        currency="EUR",
        start=620,
        falls=Fall(floor=200, drop=5, every=300, items=8),
        bids=((EDDA, 620),),
        lasts=timedelta(hours=10),
    ),
    Lot(
        title="Tulip bulbs, the season's last crates",
        category="flowers",
        description="Fifty bulbs a crate, mixed parrot tulips, lifted this summer. The clock starts in two"
        " hours.",
        currency="EUR",
        start=32,
        falls=Fall(floor=8, drop=1, every=60, items=40),
        opens_in=timedelta(hours=2),
        lasts=timedelta(hours=1),
    ),
    # These two end while the stack is still starting.
    Lot(
        title="Polaroid SX-70, tan leather",
        category="cameras",
        description="Film-tested last week. The leather is new, the bellows are light-tight.",
        start=150,
        step=10,
        bids=((ANN[0], 150), (CLEO, 170), (BOB[0], 190), (ANN[0], 220)),
        lasts=timedelta(seconds=5),
        extension=0,
    ),
    Lot(
        title="Brass ship's telegraph, Glasgow",
        category="scientific",
        description="Complete with chain. Heavy: 43 kg. Collection only.",
        currency="GBP",
        start=900,
        step=50,
        lasts=timedelta(seconds=5),
        extension=0,
    ),
    Lot(
        title="Box of jazz records, unsorted",
        category="records",
        description="About forty, mostly Blue Note and Prestige reissues. Still to be listed one by one.",
        start=60,
        step=5,
        published=False,
    ),
)


# --- flask demo load --------------------------------------------------------------------------------------


def load() -> list[str]:
    """Put in what is not there yet; returns the titles that were new.

    Dutch lots that are over are put up again: a price is soon at its floor, and there shall be one to watch.
    """
    people = {email: _person(email, name) for email, name in PEOPLE}
    seller = people[SELLER[0]]
    if accounts.payment_details(seller.id) is None:
        accounts.set_payment_details(seller.id, SELLER_DETAILS)
    lasting = or_(Auction.format != AuctionFormat.DUTCH, Auction.status != AuctionStatus.ENDED)
    has = set(db.session.scalars(select(Auction.title).where(Auction.seller_id == seller.id, lasting)))
    new = [lot for lot in LOTS if lot.title not in has]
    # A desk without a courier: Channels may not be up yet, and the relay will tell everyone in time.
    desk = Desk(runtime().desk.engine)
    for lot in new:
        _put_up(lot, seller, people, desk)
    return [lot.title for lot in new]


def _person(email: str, name: str) -> Viewer:
    user = db.session.scalar(select(User).where(func.lower(User.email) == email))
    if user is not None:
        return Viewer(user.id, user.display_name, user.email, user.is_admin, user.session_epoch)
    return accounts.register(email=email, password=PASSWORD, display_name=name, is_admin=email == ADMIN[0])


def _put_up(lot: Lot, seller: Viewer, people: dict[str, Viewer], desk: Desk) -> None:
    now = datetime.now(UTC)
    starts_at = now + lot.opens_in if lot.opens_in else None
    auction = listings.create(
        seller.id, **lot.terms(), starts_at=starts_at, ends_at=(starts_at or now) + lot.lasts
    )
    auction_id = auction.id
    _show(lot, auction_id, seller)
    if not lot.published:
        return
    service.publish(auction_id, by=seller.id)
    for email, amount in lot.bids:
        bidder = people[email]
        bid = BidRequest(auction_id, bidder.id, bidder.display_name, lot.minor(amount))
        refusal = desk.place(bid).refusal
        if refusal:
            raise refusal


def _show(lot: Lot, auction_id: int, seller: Viewer) -> None:
    # Rendered here: what we drew ourselves needs no process of its own.
    for alt, image in _views_of(lot):
        runtime().gallery.add(auction_id, by=seller.id, rendering=sizes_of(image), alt=alt)


def _views_of(lot: Lot) -> list[tuple[str, Image.Image]]:
    """Pictures of a lot, with what they show."""
    whole = drawings.drawing(lot.title)
    if whole is None:
        return []
    return [(f"{lot.title}, drawn", whole), ("A closer look", drawings.close_up(whole))]


# --- flask demo simulate ----------------------------------------------------------------------------------

#: Seconds between two bids. Six bidders share them, so that each stays under five a minute.
PAUSE = (2.0, 4.0)
#: There are always this many auctions that end within half an hour, but not right now...
LIVELY = 4
NOW, SOON = timedelta(seconds=10), timedelta(minutes=30)
#: ...and a fresh one lasts between these.
FRESH_LASTS = (timedelta(minutes=3), timedelta(minutes=7))
#: Nobody bids beyond this multiple of the starting price.
TOO_DEAR = 5
#: How often somebody takes an item of a Dutch auction instead of bidding.
TAKING = 0.15

FRESH = tuple(
    Lot(title=title, category=category, description=description, currency=currency, start=start, step=step)
    for title, category, description, currency, start, step in (
        ("Anglepoise 1227, cream", "lighting", "Original springs, rewired and tested.", "GBP", 60, 2),
        ("Hermes Baby typewriter, 1963", "pens", "Types evenly; a new ribbon is in.", "EUR", 80, 4),
        ("Fountain pen, Pelikan 400", "pens", "Piston smooth, gold nib with some flex.", "EUR", 90, 3),
        (
            "Map of the Hebrides, 1832",
            "maps",
            "Engraved and hand-coloured, two small wormholes.",
            "GBP",
            75,
            5,
        ),
        ("Nikon F2 with 50 mm lens", "cameras", "Meter works, foam seals replaced.", "USD", 210, 5),
        (
            "Enamel advertising sign, 1950s",
            "memorabilia",
            "Bright colours, chips at two of the holes.",
            "USD",
            140,
            5,
        ),
        ("Braun T3 pocket radio", "audio", "Plays; a hairline crack on the back.", "EUR", 160, 8),
        ("Kokeshi doll, signed", "toys", "Naruko, about 1960, 24 cm.", "JPY", 4_000, 200),
        ("Chess set in boxwood and ebony", "toys", "Weighted, king 95 mm, complete.", "USD", 120, 5),
        ("Swiss railway clock", "clocks", "A station's own, serviced, with its key.", "CHF", 240, 10),
    )
)


FRESH_DUTCH = (
    Lot(
        title="Linen tea towels, a mill's last bale",
        category="kitchen",
        description="Undyed, hemmed, 50 x 70 cm. The price falls until they are gone.",
        currency="EUR",
        start=30,
        falls=Fall(floor=6, drop=1, every=10, items=10, for_each=2, hold=60),
    ),
    Lot(
        title="Enamel mugs from a mountain hut",
        category="kitchen",
        description="White with a blue rim, some chips. They fall in price like snow.",
        currency="CHF",
        start=40,
        falls=Fall(floor=10, drop=1, every=10, items=8, for_each=2, hold=60),
    ),
)


class Simulation:
    """Bidders who act through the HTTP API, one step at a time."""

    def __init__(self, url: str, *, chance: random.Random | None = None) -> None:
        self._url = url
        self._chance = chance or random.Random()
        self._seller = Caller(url, *SELLER)
        #: Who has waited longest comes first.
        self._bidders = deque(Caller(url, email, name) for email, name in REGULARS)

    def step(self) -> str:
        """Put something up, or place a bid; says what happened.

        Raises:
            requests.RequestException: the web server does not answer, or not as it should.
        """
        falling = self._running("DUTCH")
        if not falling:
            return self._put_up(self._chance.choice(FRESH_DUTCH))
        free = [auction for auction in falling if auction["remainingItems"]]
        if free and self._chance.random() < TAKING:
            return self._take(self._chance.choice(free))
        soon = [auction for auction in self._running("ENGLISH") if NOW < _time_left(auction) < SOON]
        if len(soon) < LIVELY:
            taken = {auction["title"] for auction in soon}
            return self._put_up(self._chance.choice([lot for lot in FRESH if lot.title not in taken]))
        worth = [a for a in soon if a["minimumNextBid"] <= TOO_DEAR * a["startingPrice"]]
        return self._bid(self._chance.choice(worth)) if worth else "nothing here is worth another bid"

    def _running(self, format_: str) -> list[dict[str, Any]]:
        answer = self._seller.get("/api/auctions", status="RUNNING,ENDING_SOON", format=format_, limit=50)
        auctions: list[dict[str, Any]] = answer.json()["items"]
        return auctions

    def _put_up(self, lot: Lot) -> str:
        ends_at = (
            datetime.now(UTC) + FRESH_LASTS[0] + self._chance.random() * (FRESH_LASTS[1] - FRESH_LASTS[0])
        )
        terms = {camel(name): value for name, value in lot.terms().items()}
        created = self._seller.post("/api/auctions", {**terms, "endsAt": ends_at.isoformat()})
        created.raise_for_status()
        address = f"/api/auctions/{created.json()['id']}"
        for alt, image in _views_of(lot):
            self._seller.send(f"{address}/pictures", drawings.as_file(image), alt=alt).raise_for_status()
        self._seller.post(f"{address}/publish").raise_for_status()
        return f"{SELLER[1]} puts up {lot.title} until {ends_at:%H:%M:%S} UTC"

    def _bid(self, auction: dict[str, Any]) -> str:
        bidder = self._next_bidder(leader=auction["bidderName"])
        more = self._chance.choice((0, 0, 0, 1, 2)) * auction["minIncrement"]
        amount = auction["minimumNextBid"] + more
        what = f"{bidder.name} bids {format_money(amount, auction['currency'])} on {auction['title']}"
        return self._offer(auction, bidder, amount, what)

    def _take(self, auction: dict[str, Any]) -> str:
        """Nobody here checks out, so that what was taken comes back when its time is over."""
        buyer, price = self._next_bidder(leader=None), auction["currentPrice"]
        what = f"{buyer.name} takes one at {format_money(price, auction['currency'])} of {auction['title']}"
        return self._offer(auction, buyer, price, what)

    def _offer(self, auction: dict[str, Any], bidder: Caller, amount: int, what: str) -> str:
        answer = bidder.post(f"/api/auctions/{auction['id']}/bids", {"amount": amount})
        if answer.status_code == 201:
            return what
        if answer.status_code >= 500:
            answer.raise_for_status()
        # Somebody was faster, or the hammer fell: that happens to people too.
        return f"{what}: {answer.json()['detail']}"

    def _next_bidder(self, leader: str | None) -> Caller:
        bidder = next(bidder for bidder in self._bidders if bidder.name != leader)
        self._bidders.remove(bidder)
        self._bidders.append(bidder)
        return bidder


class Caller:
    """Somebody who calls the API with a session, as a browser does."""

    TIMEOUT_SECONDS = 15

    def __init__(self, url: str, email: str, name: str) -> None:
        self.name = name
        self._url = url
        self._email = email
        self._session = requests.Session()
        # The settings of a developer's shell, such as a proxy, have no business on loopback.
        self._session.trust_env = False
        self._session.headers["Origin"] = url

    def get(self, path: str, **query: Any) -> requests.Response:
        """Read something; anything but success is an error."""
        answer = self._session.get(self._url + path, params=query, timeout=self.TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer

    def post(self, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        """Change something; logs in when need be."""
        answer = self._post(path, body)
        if answer.status_code == 401:
            credentials = {"email": self._email, "password": PASSWORD}
            self._post("/api/auth/login", credentials).raise_for_status()
            answer = self._post(path, body)
        return answer

    def send(self, path: str, picture: bytes, *, alt: str) -> requests.Response:
        """Send a picture; whoever calls has logged in before."""
        files = {"file": ("picture.jpg", picture)}
        return self._session.post(
            self._url + path, files=files, data={"alt": alt}, timeout=self.TIMEOUT_SECONDS
        )

    def _post(self, path: str, body: dict[str, Any] | None) -> requests.Response:
        return self._session.post(self._url + path, json=body, timeout=self.TIMEOUT_SECONDS)


def simulate(url: str) -> None:
    """Bid every few seconds until SIGTERM or Ctrl-C; a web server that is away is waited for."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    simulation = Simulation(url)
    pause = random.Random()
    away = False
    while not stop.wait(pause.uniform(*PAUSE)):
        try:
            print(simulation.step(), flush=True)
            away = False
        except requests.RequestException as error:
            if not away:
                print(f"waiting for {url} ({type(error).__name__})", flush=True)
            away = True


def _time_left(auction: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(auction["endsAt"]) - datetime.now(UTC)
