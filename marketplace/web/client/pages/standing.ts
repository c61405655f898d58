/** How an English auction stands, and how long any auction still lasts: on its card, and on its own page. */
import { type EnglishStanding, isOpen, type Standing } from "../src/index.js";
import { find, flash, present, put } from "./dom.js";
import { duration, localize, money } from "./numbers.js";
import { n, t } from "./text.js";

const URGENT_MS = 60_000;

/** Whether an auction takes bids at this moment; without the server's time, as far as its status tells. */
export function takesBids(standing: Standing, now: number | null): boolean {
  return isOpen(standing) && (now === null || Date.parse(standing.endsAt) > now);
}

/** The price, the bids, the reserve, the status. */
export function showStanding(root: HTMLElement, standing: EnglishStanding, digits: number): void {
  const { currentBid, startingPrice, currency, minimumNextBid, bidCount } = standing;
  put(root, "[data-price-label]", priceLabel(standing));
  if (put(root, "[data-price]", money(currentBid ?? startingPrice, currency, digits))) flash(find(root, "[data-price]"));
  put(root, "[data-bids]", n("%(num)s bid", "%(num)s bids", bidCount));
  put(root, "[data-minimum]", money(minimumNextBid, currency, digits));
  showReserve(root, standing);
  find(root, "[data-status-text]").dataset.status = standing.status;
  put(root, "[data-status-text]", statusWords(standing));
}

/** What is there (`data-while`) only as long as it goes on, or only before the first bid, or after it. */
export function showWhile(root: HTMLElement, { bidCount }: Standing, goesOn: boolean): void {
  for (const part of root.querySelectorAll<HTMLElement>("[data-while]")) {
    present(part, goesOn && ["", bidCount ? "bids" : "no-bids"].includes(part.dataset.while ?? ""));
  }
}

function priceLabel({ currentBid, outcome }: EnglishStanding): string {
  if (currentBid === null) return t("Starting price");
  if (outcome === null) return t("Current bid");
  return outcome === "SOLD" ? t("Sold for") : t("Highest bid");
}

/** The status, and after the end what came of it. */
export function statusWords({ status, outcome }: Pick<Standing, "status" | "outcome">): string {
  switch (status) {
    case "DRAFT":
      return t("Draft");
    case "SCHEDULED":
      return t("Opening soon");
    case "RUNNING":
      return t("Running");
    case "ENDING_SOON":
      return t("Ending soon");
    case "CANCELLED":
      return t("Cancelled");
    case "ENDED":
      if (outcome === "RESERVE_NOT_MET") return t("Reserve not met");
      return outcome === "SOLD" ? t("Sold") : t("Not sold");
  }
}

function showReserve(root: HTMLElement, { reserveMet, outcome }: EnglishStanding): void {
  const element = root.querySelector<HTMLElement>("[data-reserve]");
  if (!element) return;
  element.dataset.state = reserveMet === null ? "none" : reserveMet ? "met" : "unmet";
  const unmet = outcome ? t("Reserve not met") : t("Reserve not met yet");
  put(root, "[data-reserve]", reserveMet === null ? t("No reserve") : reserveMet ? t("Reserve met") : unmet);
}

/** The countdown to the opening or the end; `counting` says whether there is an end to count down to. */
export function showClock(root: HTMLElement, standing: Standing, now: number | null, counting = isOpen(standing)): void {
  const element = find(root, "[data-clock]");
  if (now === null) return;
  const opens = standing.status === "SCHEDULED" && standing.startsAt !== null;
  const left = Date.parse(opens ? (standing.startsAt ?? "") : standing.endsAt) - now;
  element.toggleAttribute("data-urgent", counting && left < URGENT_MS);
  if (opens) put(root, "[data-clock]", left > 0 ? t("opens in %(time)s", { time: duration(left) }) : t("opening…"));
  else if (counting) put(root, "[data-clock]", left > 0 ? t("%(time)s left", { time: duration(left) }) : t("closing…"));
  else showEnd(element, standing);
}

function showEnd(element: HTMLElement, { status, endsAt }: Standing): void {
  if (element.querySelector("time")?.dateTime === endsAt) return;
  const time = document.createElement("time");
  time.dateTime = endsAt;
  localize(time);
  element.replaceChildren(...(status === "ENDED" ? [time] : []));
}
