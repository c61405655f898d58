/** How the standing of a Dutch auction is shown: on its card in the list, and at the top of its own page. */
import * as clock from "./clock.js";
import { priceAt } from "./dutch-price.js";
import { count, duration, money } from "./format.js";
import { flash, isOpen, put, showClock } from "./standing.js";

const STATUS = { DRAFT: "Draft", SCHEDULED: "Opening soon", RUNNING: "Running", ENDING_SOON: "Ending soon", CANCELLED: "Cancelled" };
const PRICE_LABEL = { selling: "Price now", "sold-out": "Price now, should one come back", over: "Price at the end" };

/** Where it stands: `draft`, `scheduled`, `selling`, `sold-out` (until its end it can open again), `over`, `cancelled`. */
export function phaseOf(auction) {
  if (["DRAFT", "SCHEDULED", "CANCELLED"].includes(auction.status)) return auction.status.toLowerCase();
  const over = clock.isKnown() ? Date.parse(auction.endsAt) <= clock.now() : !isOpen(auction) && auction.remainingItems > 0;
  if (over) return "over";
  if (auction.remainingItems === 0) return "sold-out";
  return isOpen(auction) ? "selling" : "over";
}

/** The price now: reckoned from the terms; while the server's clock is not known, as the server said last. */
export function priceNow(auction) {
  if (clock.isKnown() && auction.startsAt !== null) return priceAt(auction, clock.now());
  const { currentPrice, dropsRemaining, nextDropAt } = auction;
  return { amount: currentPrice, dropsRemaining, nextDropAt: nextDropAt && Date.parse(nextDropAt) };
}

/** Shows everything that moves; returns when the price drops next, if it does. */
export function showDutchStanding(root, auction, digits) {
  const phase = phaseOf(auction);
  const price = priceNow(auction);
  const amount = (number) => money(number, auction.currency, digits);
  put(root, "[data-price-label]", PRICE_LABEL[phase] ?? "Starting price");
  if (put(root, "[data-price]", amount(price.amount))) flash(root.querySelector("[data-price]"));
  const falls = phase === "selling" || phase === "sold-out";
  put(root, "[data-drop]", falls ? nextDrop(auction, price, amount) : "");
  put(root, "[data-drops]", falls ? dropsLeft(auction, price, amount) : "");
  showProgress(root.querySelector("[data-drop-progress]"), auction, phase, price);
  showStock(root, auction);
  const pill = root.querySelector("[data-status-text]");
  pill.dataset.status = phase === "sold-out" ? "SOLD_OUT" : auction.status;
  put(root, "[data-status-text]", statusWords(auction));
  showClock(root, auction, { open: falls });
  return falls && clock.isKnown() ? price.nextDropAt : null;
}

function statusWords({ status, outcome, remainingItems }) {
  if (status === "ENDED") return remainingItems === 0 ? "Sold out" : outcome === "SOLD" ? "Ended" : "Not sold";
  return STATUS[status];
}

function nextDrop(auction, price, amount) {
  if (price.nextDropAt === null) return price.dropsRemaining ? "It falls no further before the end." : "The lowest price: it falls no further.";
  const next = Math.max(price.amount - auction.dropAmount, auction.floorPrice);
  const left = clock.isKnown() ? ` in ${duration(price.nextDropAt - clock.now())}` : "";
  return `Falls to ${amount(next)}${left}`;
}

/** The drops that are still to come: the end may come before the floor. */
function dropsLeft(auction, { dropsRemaining }, amount) {
  const last = priceAt(auction, Infinity);
  const left = dropsRemaining - last.dropsRemaining;
  return left > 0 ? `${count(left, "drop", "drops")} left, down to ${amount(last.amount)}` : "";
}

function showProgress(element, auction, phase, price) {
  if (!element) return;
  element.hidden = phase !== "selling" || price.nextDropAt === null || !clock.isKnown();
  if (element.hidden) return;
  element.max = auction.dropEvery;
  element.value = auction.dropEvery - Math.max(0, price.nextDropAt - clock.now()) / 1000;
}

function showStock(root, { quantity, remainingItems, heldItems, soldItems }) {
  put(root, "[data-free]", `${remainingItems} of ${quantity} left`);
  put(root, "[data-taken]", heldItems || soldItems ? `${heldItems} held · ${soldItems} sold` : "");
}
