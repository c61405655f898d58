/** How the standing of an auction is shown: on its card in the list, and at the top of its own page. */
import * as clock from "./clock.js";
import { count, duration, localize, money } from "./format.js";

const STATUS = { DRAFT: "Draft", SCHEDULED: "Opening soon", RUNNING: "Running", ENDING_SOON: "Ending soon", CANCELLED: "Cancelled" };
const OUTCOME = { SOLD: "Sold", UNSOLD: "Not sold", RESERVE_NOT_MET: "Reserve not met" };
const URGENT_MS = 60_000;

export const isOpen = (auction) => auction.status === "RUNNING" || auction.status === "ENDING_SOON";

/** Whether the auction takes bids at this moment, by the server's clock. */
export const takesBids = (auction) =>
  isOpen(auction) && (!clock.isKnown() || Date.parse(auction.endsAt) > clock.now());

export function showStanding(root, auction, digits) {
  const price = auction.currentBid ?? auction.startingPrice;
  const sold = auction.outcome === "SOLD";
  put(root, "[data-price-label]", auction.currentBid === null ? "Starting price" : sold ? "Sold for" : auction.outcome ? "Highest bid" : "Current bid");
  if (put(root, "[data-price]", money(price, auction.currency, digits))) flash(root.querySelector("[data-price]"));
  put(root, "[data-bids]", count(auction.bidCount, "bid", "bids"));
  put(root, "[data-minimum]", money(auction.minimumNextBid, auction.currency, digits));
  showReserve(root.querySelector("[data-reserve]"), auction);
  const pill = root.querySelector("[data-status-text]");
  pill.dataset.status = auction.status;
  put(root, "[data-status-text]", STATUS[auction.status] ?? OUTCOME[auction.outcome]);
}

function showReserve(element, { reserveMet, outcome }) {
  if (!element) return;
  const [state, text] =
    reserveMet === null ? ["none", "No reserve"]
    : reserveMet ? ["met", "Reserve met"]
    : ["unmet", outcome ? "Reserve not met" : "Reserve not met yet"];
  element.dataset.state = state;
  if (element.textContent !== text) element.textContent = text;
}

/** The countdown; to be called every second. `open` says whether to count down to the end. */
export function showClock(root, auction, { open = isOpen(auction) } = {}) {
  const element = root.querySelector("[data-clock]");
  if (!clock.isKnown()) return;
  const opens = auction.status === "SCHEDULED";
  const left = Date.parse(opens ? auction.startsAt : auction.endsAt) - clock.now();
  element.toggleAttribute("data-urgent", open && left < URGENT_MS);
  if (opens) element.textContent = left > 0 ? `opens in ${duration(left)}` : "opening…";
  else if (open) element.textContent = left > 0 ? `${duration(left)} left` : "closing…";
  else showEnd(element, auction);
}

function showEnd(element, auction) {
  if (element.querySelector("time")?.dateTime === auction.endsAt) return;
  const time = document.createElement("time");
  time.dateTime = auction.endsAt;
  localize(time);
  element.replaceChildren(...(auction.status === "ENDED" ? [time] : []));
}

/** Sets a text if it is another one; says whether it was. */
export function put(root, selector, text) {
  const element = root.querySelector(selector);
  if (!element || element.textContent === text) return false;
  element.textContent = text;
  return true;
}

export function flash(element) {
  element.classList.remove("changed");
  void element.offsetWidth; // so that the animation starts anew
  element.classList.add("changed");
}

/**
 * Calls back now and every second, when the server's second begins. A callback that returns a moment (milliseconds
 * since 1970, by the server) is called at that moment too, should it come first.
 */
export function everySecond(callback) {
  const extra = callback() ?? Infinity;
  const now = clock.now();
  setTimeout(() => everySecond(callback), Math.max(0, Math.min(1000 - (now % 1000), extra - now)));
}
