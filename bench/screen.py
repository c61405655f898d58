"""How long a bid takes to the other person's screen: from the click in one browser to the drawn price.

    python bench/screen.py [--bids 100] [--connects 30] [--outages 5] [--rounds 3]

Ann and Bob each have the auction's page in a Chromium on this machine, whose clock they share, and bid in
turns, so that the auction is quiet in between. It counts until the frame with the new price is drawn. In
turns with it, two baselines: the same requests until they are answered, and a bare ``pusher.trigger`` to a
bare WebSocket in the same page, also until it is drawn.

Then: how long a fresh page takes from the start of its script until Channels has answered, and until it is
live; and how long after Channels is back, and after pusher-js has tried again, a page is live again.
"""

from __future__ import annotations

import argparse
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `python bench/screen.py`

import pusher
from playwright.sync_api import Browser, Page, sync_playwright

from bench._harness import STARTING_PRICE, USER_AGENT, House, Person, Report, percentile, say
from marketplace.dev import chromium
from marketplace.dev.stack import Stack

#: An auction is quiet after half a second: its events are sent at once, while a busy one's are gathered.
QUIET_MS = 700
SCREEN_AIM_MS = 100.0
CONNECT_AIM_MS = 100.0
BACK_AIM_MS = 500.0

#: Watches a page from before its own script: when its badge changed, when its sockets were opened and when
#: they were answered, and when its screen showed what.
_WATCH = """
  const host = () => performance.timeOrigin + performance.now();
  const drawn = (callback) => requestAnimationFrame(() => setTimeout(() => callback(host())));
  const [prices, echoes] = [new Map(), new Map()];
  globalThis.watch = { host, drawn, states: [], opened: [], connected: [], prices, echoes };
  const Bare = globalThis.BareSocket = WebSocket;
  globalThis.WebSocket = class extends Bare {
    constructor(...given) {
      super(...given);
      watch.opened.push(host());
      this.addEventListener("message", ({ data }) => {
        if (data.includes("pusher:connection_established")) watch.connected.push(host());
      });
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    const badge = document.getElementById("connection");
    const noteState = () => watch.states.push([badge.dataset.state, host()]);
    new MutationObserver(noteState).observe(badge, { attributeFilter: ["data-state"] });
    const price = document.querySelector("[data-price]");
    const notePrice = () => {
      const amount = Number(price.textContent.replace(/[^0-9]/g, ""));
      drawn((at) => watch.prices.has(amount) || watch.prices.set(amount, at));
    };
    new MutationObserver(notePrice).observe(price, { childList: true, characterData: true, subtree: true });
  });
"""
_BID = """async ([auctionId, amount]) => {
  const sent = watch.host();
  const answer = await fetch(`/api/auctions/${auctionId}/bids`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
    body: JSON.stringify({ amount }),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return [sent, watch.host()];
}"""
_SHOWN = """async ([what, amount]) => {
  const until = Date.now() + 10_000;
  while (!watch[what].has(amount)) {
    if (Date.now() > until) throw new Error(`${amount} was not shown`);
    await new Promise((later) => setTimeout(later, 5));
  }
  return watch[what].get(amount);
}"""
#: A connection without any library, which writes what it hears on the page.
_LISTEN = """async ([address, channel]) => {
  const screen = document.querySelector("h1");
  const socket = new BareSocket(address);
  await new Promise((subscribed) => {
    socket.onmessage = ({ data }) => {
      const { event, data: content } = JSON.parse(data);
      if (event === "pusher:connection_established") {
        socket.send(JSON.stringify({ event: "pusher:subscribe", data: { channel } }));
      }
      if (event === "pusher_internal:subscription_succeeded") subscribed();
      if (event === "pusher:ping") socket.send(JSON.stringify({ event: "pusher:pong", data: {} }));
      if (event !== "echo") return;
      screen.textContent = content;
      watch.drawn((at) => watch.echoes.set(Number(content), at));
    };
  });
}"""
#: A script of the page runs when the page is read and all that it imports is there. What was asked for later,
#: the script itself has asked for.
_STARTED = """() => {
  const { domInteractive } = performance.getEntriesByType("navigation")[0];
  const scripts = performance.getEntriesByType("resource")
    .filter(({ name, startTime }) => name.endsWith(".js") && startTime < domInteractive);
  return performance.timeOrigin + Math.max(domInteractive, ...scripts.map(({ responseEnd }) => responseEnd));
}"""


def main() -> int:
    options = _options()
    path = chromium.find_or_install()
    report = Report("From the bid to the other person's screen")
    with Stack.temporary(BID_RATE_LIMIT="100000 per second") as stack, sync_playwright() as playwright:
        say("starting a stack and two browsers")
        stack.start()
        house = House(stack)
        lot = house.auction()
        browser = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        with _at(browser, stack, lot, house.person()) as ann, _at(browser, stack, lot, house.person()) as bob:
            _measure_bids(report, Bids(lot, ann, bob), Echoes(stack, ann), options)
            _measure_outages(report, stack, bob, options.outages)
        _measure_connects(report, browser, stack, lot, house.person(), options.connects)
        browser.close()
    report.aim(
        "p99 from the bid to the other screen, ms",
        report.median("bid to the other screen", "p99 ms"),
        at_most=SCREEN_AIM_MS,
    )
    report.aim(
        "p99 from the start of the script to a connection, ms",
        report.median("script to connection", "p99 ms"),
        at_most=CONNECT_AIM_MS,
    )
    report.aim(
        "worst from pusher-js's attempt to live, ms",
        report.median("retry to live", "worst ms"),
        at_most=BACK_AIM_MS,
    )
    for baseline in ("bid to its answer", "bare trigger to the screen"):
        say(f"p50, times {baseline}: {report.ratio('p50 ms', 'bid to the other screen', baseline):.1f}")
    return report.finish()


# -- a bid, on the screen ------------------------------------------------------------------------------------


class Bids:
    """Two people who bid in turns, each on the page of the auction."""

    def __init__(self, lot: int, ann: Page, bob: Page) -> None:
        self._lot = lot
        self._pages = ann, bob
        self._amount = STARTING_PRICE

    def place(self) -> tuple[float, float]:
        """Milliseconds to the answer, and to the other person's screen."""
        bidder, other = self._pages
        self._pages = other, bidder
        self._amount += 1
        sent, answered = bidder.evaluate(_BID, [self._lot, self._amount])
        shown = other.evaluate(_SHOWN, ["prices", self._amount])
        bidder.wait_for_timeout(QUIET_MS)
        return answered - sent, shown - sent


class Echoes:
    """A bare message to a bare connection in a page."""

    def __init__(self, stack: Stack, page: Page) -> None:
        env = stack.env
        account = (env["PUSHER_APP_ID"], env["PUSHER_KEY"], env["PUSHER_SECRET"])
        self._client = pusher.Pusher(
            *account, host=env["PUSHER_HOST"], port=int(env["PUSHER_PORT"]), ssl=False
        )
        self._page = page
        self._sent = 0
        address = f"ws://{env['PUSHER_HOST']}:{env['PUSHER_PORT']}/app/{env['PUSHER_KEY']}?protocol=7"
        page.evaluate(_LISTEN, [address, "bench"])

    def send(self) -> float:
        """Milliseconds to the screen."""
        self._sent += 1
        # The same clock as that of the pages, which are on this machine.
        sent = time.time() * 1000
        self._client.trigger("bench", "echo", str(self._sent))
        shown: float = self._page.evaluate(_SHOWN, ["echoes", self._sent])
        self._page.wait_for_timeout(QUIET_MS)
        return shown - sent


def _measure_bids(report: Report, bids: Bids, echoes: Echoes, options: argparse.Namespace) -> None:
    for number in range(1, options.rounds + 1):
        say(f"round {number} of {options.rounds}")
        placed = [bids.place() for _ in range(options.bids)]
        _add(report, "bid to its answer", [answered for answered, _ in placed])
        _add(report, "bid to the other screen", [shown for _, shown in placed])
        _add(report, "bare trigger to the screen", [echoes.send() for _ in range(options.bids)])


# -- connecting ----------------------------------------------------------------------------------------------


def _measure_connects(
    report: Report, browser: Browser, stack: Stack, lot: int, person: Person, count: int
) -> None:
    say("connecting")
    connected, live = [], []
    for _ in range(count):
        with _at(browser, stack, lot, person) as page:
            started = page.evaluate(_STARTED)
            connected.append(page.evaluate("watch.connected[0]") - started)
            live.append(_became_live(page) - started)
    _add(report, "script to connection", connected)
    _add(report, "script to live", live)


def _measure_outages(report: Report, stack: Stack, page: Page, count: int) -> None:
    from_server, from_retry = [], []
    for number in range(1, count + 1):
        say(f"outage {number} of {count}")
        stack.stop("channels")
        page.wait_for_selector("#connection[data-state=polling]")
        page.evaluate("watch.states.length = watch.opened.length = 0")
        stack.start("channels", wait=False)
        back = _listening(stack)
        page.wait_for_selector("#connection[data-state=live]", timeout=60_000)
        live = _became_live(page)
        from_server.append(live - back)
        from_retry.append(live - max(at for at in page.evaluate("watch.opened") if at < live))
        stack.wait_ready("channels")
    _add(report, "server back to live", from_server)
    _add(report, "retry to live", from_retry)


def _listening(stack: Stack) -> float:
    """Wait until Channels takes connections; when that was."""
    while True:
        try:
            socket.create_connection(
                (stack.env["PUSHER_HOST"], int(stack.env["PUSHER_PORT"])), timeout=1
            ).close()
        except OSError:
            time.sleep(0.002)
        else:
            return time.time() * 1000


def _became_live(page: Page) -> float:
    at: float = page.evaluate("watch.states.findLast(([state]) => state === 'live')[1]")
    return at


# -- what both need ------------------------------------------------------------------------------------------


@contextmanager
def _at(browser: Browser, stack: Stack, lot: int, person: Person) -> Iterator[Page]:
    """Somebody at the auction, in a window of their own; with an empty cache."""
    name, _, value = person.cookie.partition("=")
    context = browser.new_context(user_agent=USER_AGENT)
    context.add_cookies([{"name": name, "value": value, "url": stack.url}])
    context.add_init_script(_WATCH)
    page = context.new_page()
    page.goto(f"{stack.url}/auctions/{lot}")
    page.wait_for_selector("#connection[data-state=live]")
    yield page
    context.close()


def _add(report: Report, subject: str, milliseconds: list[Any]) -> None:
    report.add(
        subject,
        p50_ms=percentile(milliseconds, 50),
        p95_ms=percentile(milliseconds, 95),
        p99_ms=percentile(milliseconds, 99),
        worst_ms=max(milliseconds),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bids", type=int, default=100, help="in each round, and as many bare triggers")
    parser.add_argument("--connects", type=int, default=30, help="pages that are opened")
    parser.add_argument("--outages", type=int, default=5, help="how often Channels goes and comes back")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
