/** How a Dutch auction stands: on its card in the list, and at the top of its own page. */
import { type DutchPrice, type DutchStanding, dutchPrice, isOpen } from "../src/index.js";
import { find, flash, put } from "./dom.js";
import { duration, money } from "./numbers.js";
import { showClock, statusWords } from "./standing.js";
import { n, t } from "./text.js";

/** Where it stands; sold out it is only until its end, before which it can open again. */
export type Phase = "draft" | "scheduled" | "selling" | "sold-out" | "over" | "cancelled";

/**
 * The phase at a moment; without the server's time, as far as the status tells. It is by its outcome that it is over: when an
 * item comes back to one that was sold out, the next event opens it again, and a frame may come between the two.
 */
export function phaseOf({ status, outcome, endsAt, remainingItems }: DutchStanding, now: number | null): Phase {
  if (status === "DRAFT" || status === "SCHEDULED" || status === "CANCELLED") return status.toLowerCase() as Phase;
  const over = now === null ? outcome !== null && remainingItems > 0 : Date.parse(endsAt) <= now;
  if (over) return "over";
  if (remainingItems === 0) return "sold-out";
  return outcome === null ? "selling" : "over";
}

/** Shows everything that moves. */
export function showDutchStanding(
  root: HTMLElement,
  standing: DutchStanding,
  price: DutchPrice,
  digits: number,
  now: number | null,
): void {
  const phase = phaseOf(standing, now);
  const amount = (number: number) => money(number, standing.currency, digits);
  put(root, "[data-price-label]", priceLabel(phase));
  if (put(root, "[data-price]", amount(price.currentPrice))) flash(find(root, "[data-price]"));
  const falls = phase === "selling" || phase === "sold-out";
  put(root, "[data-drop]", falls ? nextDrop(standing, price, amount, now) : "");
  put(root, "[data-drops]", falls ? dropsLeft(standing, price, amount) : "");
  showProgress(root.querySelector("[data-drop-progress]"), standing, phase, price, now);
  showStock(root, standing);
  find(root, "[data-status-text]").dataset.status = phase === "sold-out" ? "SOLD_OUT" : standing.status;
  put(root, "[data-status-text]", dutchStatusWords(standing));
  showClock(root, standing, now, falls || isOpen(standing));
}

function priceLabel(phase: Phase): string {
  if (phase === "selling") return t("Price now");
  if (phase === "sold-out") return t("Price now, should one come back");
  return phase === "over" ? t("Price at the end") : t("Starting price");
}

function dutchStatusWords(standing: DutchStanding): string {
  if (standing.status !== "ENDED") return statusWords(standing);
  if (standing.remainingItems === 0 || standing.outcome === null) return t("Sold out");
  return standing.outcome === "SOLD" ? t("Ended") : t("Not sold");
}

function nextDrop(standing: DutchStanding, price: DutchPrice, amount: (number: number) => string, now: number | null): string {
  if (price.nextDropAt === null) {
    return price.dropsRemaining ? t("It falls no further before the end.") : t("The lowest price: it falls no further.");
  }
  const next = amount(Math.max(price.currentPrice - standing.dropAmount, standing.floorPrice));
  if (now === null) return t("Falls to %(price)s", { price: next });
  return t("Falls to %(price)s in %(time)s", { price: next, time: duration(price.nextDropAt - now) });
}

/** The drops that are still to come: the end may come before the floor. */
function dropsLeft(standing: DutchStanding, { dropsRemaining }: DutchPrice, amount: (number: number) => string): string {
  const last = dutchPrice(standing, Number.POSITIVE_INFINITY);
  const left = dropsRemaining - last.dropsRemaining;
  if (left <= 0) return "";
  const price = amount(last.currentPrice);
  return n("%(num)s drop left, down to %(price)s", "%(num)s drops left, down to %(price)s", left, { price });
}

function showProgress(
  element: HTMLProgressElement | null,
  { dropEvery }: DutchStanding,
  phase: Phase,
  { nextDropAt }: DutchPrice,
  now: number | null,
): void {
  if (!element) return;
  // Not hidden: it keeps its room.
  element.toggleAttribute("data-idle", phase !== "selling" || nextDropAt === null || now === null);
  if (nextDropAt === null || now === null) return;
  element.max = dropEvery;
  element.value = dropEvery - Math.max(0, nextDropAt - now) / 1000;
}

function showStock(root: HTMLElement, { quantity, remainingItems, heldItems, soldItems }: DutchStanding): void {
  root.querySelector("[data-stock] .is-sold")?.setAttribute("width", String(soldItems));
  const held = root.querySelector("[data-stock] .is-held");
  held?.setAttribute("x", String(soldItems));
  held?.setAttribute("width", String(heldItems));
  put(root, "[data-free]", t("%(free)s of %(all)s left", { free: remainingItems, all: quantity }));
  const taken = heldItems || soldItems ? t("%(held)s held · %(sold)s sold", { held: heldItems, sold: soldItems }) : "";
  put(root, "[data-taken]", taken);
}
