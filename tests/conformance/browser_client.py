"""pusher-js in Chromium: commands on stdin, answers on stdout, one JSON line each. Every client has a tab.

    python browser_client.py CHROMIUM URL-OF-PAGE

A process of its own, because Playwright's synchronous API leaves an event loop running.
"""

from __future__ import annotations

import json
import sys

from playwright.sync_api import Page, sync_playwright


def main(chromium: str, url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context()
        tabs: dict[str, Page] = {}
        for line in sys.stdin:
            command = json.loads(line)
            try:
                answer = {"result": _handle(command, tabs, context, url)}
            except Exception as error:
                answer = {"failure": str(error)}
            print(json.dumps(answer), flush=True)
        browser.close()


def _handle(command: dict, tabs: dict[str, Page], context: object, url: str) -> object:
    if command["do"] == "close":
        return [tab.close() for tab in tabs.values()] and None
    name = command["client"]
    if name not in tabs:
        tabs[name] = context.new_page()  # type: ignore[attr-defined]
        tabs[name].goto(url)
    return tabs[name].evaluate("command => handle(command)", command)


if __name__ == "__main__":
    main(*sys.argv[1:])
