/** The bids of an English auction so far, and taking them back. */
import * as clock from "./clock.js";
import { money } from "./format.js";
import { Log } from "./log.js";
import { takesBids } from "./standing.js";

const KINDS = { AUTO: "automatic", BUY_NOW: "bought at once" };

export class History {
  #log;
  #digits;
  #grace;
  /** The numbers of bids that are mine, though the server may not have rendered them. */
  #mine = new Set();

  constructor(root, { digits }) {
    this.#log = new Log(root);
    this.#digits = digits;
    this.#grace = Number(root.dataset.grace) * 1000;
  }

  /** A bid that came live. */
  add({ auctionId, seq, kind, bidderName, currentBid, currency, timestamp }) {
    if (this.#log.row(seq)) return;
    const row = this.#log.newRow(seq, timestamp);
    row.dataset.kind = kind;
    row.querySelector("[data-who]").textContent = bidderName;
    if (KINDS[kind]) {
      const words = document.createElement("span");
      words.className = "kind";
      words.textContent = KINDS[kind];
      row.querySelector(".who").append(" ", words);
    }
    row.querySelector("[data-amount]").textContent = money(currentBid, currency, this.#digits);
    const withdraw = row.querySelector(".withdraw");
    if (withdraw && kind !== "BID") withdraw.remove();
    else if (withdraw) this.#prepare(withdraw, `${auctionId}-${seq}`, Date.parse(timestamp));
    this.#log.insert(row);
    if (this.#mine.has(seq)) this.isMine(seq);
  }

  /** That a bid is mine: known from its answer, perhaps before or after it comes as an event. */
  isMine(seq) {
    this.#mine.add(seq);
    const row = this.#log.row(seq);
    row?.toggleAttribute("data-mine", true);
    row?.querySelector(".withdraw")?.removeAttribute("hidden");
  }

  /** Take over the history as the server renders it, up to `seq`. */
  replace(fresh, seq) {
    this.#log.replace(fresh, seq);
  }

  /** Bids can be taken back for a while only; to be called every second. */
  showWithdrawals(auction) {
    for (const withdraw of this.#log.list.querySelectorAll(".withdraw")) {
      const { until, freeUntil } = withdraw.dataset;
      if (!takesBids(auction) || (until && Date.parse(until) < clock.now())) withdraw.remove();
      else if (freeUntil) this.#askForReason(withdraw, Date.parse(freeUntil) < clock.now());
    }
  }

  #askForReason(withdraw, needed) {
    const reason = withdraw.querySelector("[data-reason]");
    const choice = reason.querySelector("select");
    if (reason.hidden !== needed && choice.required === needed) return;
    reason.hidden = !needed;
    choice.required = needed;
    choice.options[0].textContent = "Choose one";
  }

  #prepare(withdraw, bidId, placedAt) {
    withdraw.querySelector("[name=bid]").value = bidId;
    // After that, the server says what the rules allow.
    if ("freeUntil" in withdraw.dataset) withdraw.dataset.freeUntil = new Date(placedAt + this.#grace).toISOString();
  }
}
