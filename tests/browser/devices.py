"""Devices as people have them: with a wrong clock, or put to sleep."""

from __future__ import annotations

import os
import signal

from playwright.sync_api import Browser, WebSocketRoute

#: A device whose clock is wrong by so many milliseconds; what it measures is right.
WRONG_CLOCK = """
    const Right = Date;
    globalThis.Date = class extends Right {
      constructor(...given) { given.length ? super(...given) : super(Right.now() + %d); }
      static now() { return Right.now() + %d; }
    };
"""

#: Clocks that can be put forward: all the time that passes while a device sleeps is seen afterwards, at once.
_CLOCKS = """
    const Right = Date;
    let slept = 0;
    let counted = 0;
    globalThis.Date = class extends Right {
      constructor(...given) { given.length ? super(...given) : super(Right.now() + slept); }
      static now() { return Right.now() + slept; }
    };
    const passed = performance.now.bind(performance);
    performance.now = () => passed() + counted;
    globalThis.putForward = (wall, monotonic) => { slept += wall; counted += monotonic; };
"""


class Laptop:
    """A Chromium of its own that can be put to sleep.

    While it sleeps its pages' processes are stopped: no timer runs, and nothing is drawn. Whoever is at the
    other end of their connections never hears of them again, nor they of those. The pages are told nothing
    about all this: closing a lid fires no event.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.context = self._browser.new_context()
        self.context.add_init_script(_CLOCKS)
        self.context.route_web_socket("**", self._connect)
        self._cut = 0
        self._connections = 0

    def sleep(self) -> None:
        """Close the lid."""
        self._cut = self._connections
        self._send(signal.SIGSTOP)

    def wake(self, *, after_minutes: float, counting: bool) -> None:
        """Open it again. Systems differ in whether ``performance.now()`` goes on meanwhile: ``counting``."""
        self._send(signal.SIGCONT)
        slept = after_minutes * 60_000
        for page in self.context.pages:
            page.evaluate("(all) => putForward(...all)", [slept, slept if counting else 0])

    def close(self) -> None:
        """For good, also if it sleeps."""
        self._send(signal.SIGCONT)
        self._browser.close()

    def _connect(self, page: WebSocketRoute) -> None:
        self._connections += 1
        number = self._connections
        server = page.connect_to_server()
        # Nothing is closed: a connection that was cut is silent.
        page.on_message(lambda message: server.send(message) if number > self._cut else None)
        server.on_message(lambda message: page.send(message) if number > self._cut else None)

    def _send(self, wanted: signal.Signals) -> None:
        session = self._browser.new_browser_cdp_session()
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        session.detach()
        for process in processes:
            if process["type"] == "renderer":
                os.kill(process["id"], wanted)
