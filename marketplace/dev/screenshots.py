"""``script/screenshots``: a picture of every page, on a phone and on a desk, in light and dark.

Written to ``docs/screenshots/``, with ``docs/screenshots.md`` to look at them side by side. Names and prices
are the demo's, so two runs differ in little more than the times.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from marketplace.dev import chromium, tour
from marketplace.dev.stack import ROOT, Stack

FOLDER = ROOT / "docs" / "screenshots"
SIZES = {"phone": ViewportSize(width=390, height=844), "desk": ViewportSize(width=1280, height=900)}
THEMES = ("light", "dark")
#: A page is shown down to here, in screens.
MOST_SCREENS = 1.5
#: Pictures are for looking at side by side, and are downloaded with the code.
QUALITY = 50


def main(arguments: list[str]) -> int:
    """Take the pictures that are asked for; the index lists all."""
    options = _options(arguments)
    path = chromium.find_or_install()
    with Stack.temporary(BID_RATE_LIMIT="100 per second") as stack, sync_playwright() as playwright:
        stack.start()
        stops = tour.prepare(stack)
        if unknown := set(options.pages) - {stop.name for stop in stops}:
            print(f"No such page: {', '.join(sorted(unknown))}", file=sys.stderr)
            return 2
        wanted = [stop for stop in stops if not options.pages or stop.name in options.pages]
        options.to.mkdir(parents=True, exist_ok=True)
        browser = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        for size, theme in ((size, theme) for size in SIZES for theme in THEMES):
            _photograph(browser, stack.url, wanted, options.to, size=size, theme=theme)
        browser.close()
    if options.to == FOLDER:
        FOLDER.with_suffix(".md").write_text(_index(stops))
    total = sum(file.stat().st_size for file in options.to.glob("*.webp"))
    print(f"{len(wanted)} pages in {options.to}, {total / 1e6:.1f} MB in all")
    return 0


def _photograph(
    browser: Browser, url: str, stops: Iterable[tour.Stop], to: Path, *, size: str, theme: str
) -> None:
    by_person = sorted(stops, key=lambda stop: stop.who or "")
    for who, theirs in groupby(by_person, key=lambda stop: stop.who):
        with tour.guest(
            browser, url, who, viewport=SIZES[size], color_scheme=theme, reduced_motion="reduce"
        ) as page:
            for stop in theirs:
                tour.visit(page, url, stop)
                print(f"{stop.name}, {size}, {theme}", flush=True)
                _save(page, to / _file(stop, size, theme), SIZES[size])


def _save(page: Page, file: Path, size: ViewportSize) -> None:
    """The page as far as it is shown, in a window as high as that: what is fixed to its foot stands there."""
    length: int = page.evaluate("document.documentElement.scrollHeight")
    shown = min(max(length, size["height"]), int(MOST_SCREENS * size["height"]))
    page.set_viewport_size(ViewportSize(width=size["width"], height=shown))
    shot = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide")))
    page.set_viewport_size(size)
    shot.convert("RGB").save(file, "WEBP", quality=QUALITY, method=6)


def _file(stop: tour.Stop, size: str, theme: str) -> str:
    return f"{stop.name}-{size}-{theme}.webp"


def _index(stops: Iterable[tour.Stop]) -> str:
    columns = [(size, theme) for size in SIZES for theme in THEMES]
    lines = [
        "# The pages",
        "",
        "What `script/screenshots` saw of the demo. `script/screenshots mine orders` takes some anew.",
        "",
        "| | " + " | ".join(f"{size}, {theme}" for size, theme in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for stop in stops:
        shots = (
            f"![{stop.title}: {size}, {theme}](screenshots/{_file(stop, size, theme)})"
            for size, theme in columns
        )
        lines.append(f"| {stop.title} | " + " | ".join(shots) + " |")
    return "\n".join(lines) + "\n"


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/screenshots", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", help="names of pages, such as auction-outbid; all by default")
    parser.add_argument("--to", type=Path, default=FOLDER, help="another folder, without an index")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
