/** What is held for me, with the time left to check out: on an auction's page, and on my own. */
import { find, keepFocus, put } from "./dom.js";
import { duration, money } from "./numbers.js";
import { t } from "./text.js";

const URGENT_MS = 60_000;

/** An item that is held. */
export interface Reservation {
  reservationId: string;
  price: number;
  currency: string;
  expiresAt: string;
}

/** The list of what is held, as the server rendered it. */
export interface HeldItems {
  /** An item that was taken just now; told twice, it is there once. */
  add(reservation: Reservation): void;
  /** An item whose time was over went back. */
  expired(reservationId: string): void;
  /** The list as the server renders it, up to `seq`: what is not in it was checked out, given back, or is over. */
  takeOver(fresh: HTMLElement, seq: number, now: number): void;
  /** To be called every second; returns when the next hold is over, or null. */
  showTimes(now: number): number | null;
}

/** Keeps the list of what is held. Rows are copies of the template, where any can be added. */
export function heldItems(list: HTMLElement, template: HTMLTemplateElement | null = null, digits = 0): HeldItems {
  const row = (id: string) => list.querySelector<HTMLElement>(`[data-reservation="${CSS.escape(id)}"]`);
  /** On the page to check out: what can be done with the one that is held. */
  const beside = () => list.parentElement?.querySelectorAll("[data-while-held]") ?? [];
  const rows = () => [...list.querySelectorAll<HTMLElement>("[data-reservation]:not([data-over])")];

  function expired(reservationId: string): void {
    const over = row(reservationId);
    if (!over) return;
    keepFocus(over, () => over.querySelector(".actions")?.remove());
    over.dataset.over = "";
    put(over, "[data-held-left]", t("Not checked out in time, so it went back."));
  }

  return {
    expired,

    add({ reservationId, price, currency, expiresAt }) {
      const made = template?.content.firstElementChild?.cloneNode(true) as HTMLElement | undefined;
      if (!made || row(reservationId)) return;
      made.dataset.reservation = reservationId;
      made.dataset.expires = expiresAt;
      made.className = "changed";
      put(made, "[data-held-price]", money(price, currency, digits));
      find<HTMLInputElement>(made, "[name=reservation]").value = reservationId;
      find(made, "[data-check-out]").setAttribute("href", `/reservations/${reservationId}/checkout`);
      list.append(made);
    },

    takeOver(fresh, seq, now) {
      for (const old of rows()) {
        const { reservation = "", expires = "" } = old.dataset;
        // Taken since then.
        if (Number(reservation.split("-")[1]) > seq) continue;
        if (fresh.querySelector(`[data-reservation="${CSS.escape(reservation)}"]`)) continue;
        if (Date.parse(expires) <= now) expired(reservation);
        else keepFocus(list, () => old.remove());
      }
      for (const made of [...fresh.children] as HTMLElement[]) if (!row(made.dataset.reservation ?? "")) list.append(made);
    },

    showTimes(now) {
      let next: number | null = null;
      for (const each of rows()) {
        const until = Date.parse(each.dataset.expires ?? "");
        const left = until - now;
        const words = left > 0 ? t("%(time)s to check out", { time: duration(left) }) : t("The time to check out is over.");
        put(each, "[data-held-left]", words);
        each.toggleAttribute("data-urgent", left < URGENT_MS);
        for (const part of [each.querySelector(".actions"), ...beside()]) part?.toggleAttribute("hidden", left <= 0);
        next = Math.min(next ?? Number.POSITIVE_INFINITY, until);
      }
      return next;
    },
  };
}
