/** What is held for me, with the time left to check out: on an auction's page, and on my own. */
import * as clock from "./clock.js";
import { duration, money } from "./format.js";
import { put } from "./standing.js";

const URGENT_MS = 60_000;

export class Held {
  #list;
  #template;

  constructor(list, template = null) {
    this.#list = list;
    this.#template = template;
  }

  /** An item that was taken just now; told twice, it is there once. */
  add({ reservationId, price, currency, expiresAt }, digits) {
    if (this.#row(reservationId)) return;
    const row = this.#template.content.firstElementChild.cloneNode(true);
    row.dataset.reservation = reservationId;
    row.dataset.expires = expiresAt;
    row.className = "changed";
    put(row, "[data-held-price]", money(price, currency, digits));
    row.querySelector("[name=reservation]").value = reservationId;
    row.querySelector("[data-check-out]").setAttribute("href", `/reservations/${reservationId}/checkout`);
    this.#list.append(row);
    this.showTimes();
  }

  /** An item whose time was over went back. */
  expired(reservationId) {
    const row = this.#row(reservationId);
    if (!row) return;
    row.querySelector(".actions")?.remove();
    row.dataset.over = "";
    put(row, "[data-held-left]", "Not checked out in time, so it went back.");
  }

  /** The list as the server renders it, up to `seq`: what is not in it was checked out, given back, or is over. */
  takeOver(fresh, seq) {
    for (const row of this.#list.querySelectorAll("[data-reservation]:not([data-over])")) {
      // Taken since then.
      if (Number(row.dataset.reservation.split("-")[1]) > seq) continue;
      if (fresh.querySelector(`[data-reservation="${row.dataset.reservation}"]`)) continue;
      if (Date.parse(row.dataset.expires) <= clock.now()) this.expired(row.dataset.reservation);
      else row.remove();
    }
    for (const row of [...fresh.children]) if (!this.#row(row.dataset.reservation)) this.#list.append(row);
    this.showTimes();
  }

  /** To be called every second; returns when the next hold is over, or null. */
  showTimes() {
    let next = null;
    if (!clock.isKnown()) return next;
    for (const row of this.#list.querySelectorAll("[data-expires]:not([data-over])")) {
      const until = Date.parse(row.dataset.expires);
      const left = until - clock.now();
      put(row, "[data-held-left]", left > 0 ? `${duration(left)} to check out` : "The time to check out is over.");
      row.toggleAttribute("data-urgent", left < URGENT_MS);
      row.querySelector(".actions")?.toggleAttribute("hidden", left <= 0);
      next = Math.min(next ?? Infinity, until);
    }
    return next;
  }

  #row(reservationId) {
    return this.#list.querySelector(`[data-reservation="${reservationId}"]`);
  }
}
