/** The bar at the bottom of a phone's screen: the price, beside the clock, and the way to the form. */
import type { EnglishStanding } from "../src/index.js";
import { find, put } from "./dom.js";
import { effect, type ReadonlySignal } from "./live.js";
import { money } from "./numbers.js";
import { t } from "./text.js";

/** What it shows. */
export interface BidBarOptions {
  standing: ReadonlySignal<EnglishStanding>;
  /** Whether the auction takes bids at this moment. */
  open: ReadonlySignal<boolean>;
  leads: ReadonlySignal<boolean>;
  digits: number;
}

/** Keeps it true; out of the way while what it leads to is on the screen anyway. */
export function showBidBar(bar: HTMLElement, root: HTMLElement, { standing, open, leads, digits }: BidBarOptions): void {
  effect(() => {
    const { currentBid, startingPrice, currency, status } = standing.value;
    bar.hidden = !open.value && status !== "SCHEDULED";
    put(bar, "[data-bar-price]", money(currentBid ?? startingPrice, currency, digits));
    if (bar.dataset.bar === "bid") put(bar, "[data-bar-link]", leads.value ? t("Raise") : t("Bid"));
  });
  new IntersectionObserver(([entry]) => bar.classList.toggle("away", entry?.isIntersecting ?? false)).observe(
    find(root, "[data-bar-target]"),
  );
}
