/** The bids so far: rendered by the server, continued by what comes live. */
import * as clock from "./clock.js";
import { localize, money } from "./format.js";
import { takesBids } from "./standing.js";

const KINDS = { AUTO: "automatic", BUY_NOW: "bought at once" };

export class History {
  #root;
  #digits;
  #shown;
  #grace;
  /** The numbers of bids that are mine, though the server may not have rendered them. */
  #mine = new Set();

  constructor(root, { digits }) {
    this.#root = root;
    this.#digits = digits;
    this.#shown = Number(root.dataset.bidsShown);
    this.#grace = Number(root.dataset.grace) * 1000;
  }

  get #list() {
    return this.#root.querySelector("#bids");
  }

  /** A bid that came live. */
  add({ auctionId, seq, kind, bidderName, currentBid, currency, timestamp }) {
    if (this.#list.querySelector(`[data-seq="${seq}"]`)) return;
    const row = this.#root.querySelector("#bid-row").content.firstElementChild.cloneNode(true);
    row.dataset.seq = seq;
    row.dataset.kind = kind;
    row.className = "changed";
    row.querySelector("[data-who]").textContent = bidderName;
    if (KINDS[kind]) {
      const words = document.createElement("span");
      words.className = "kind";
      words.textContent = KINDS[kind];
      row.querySelector(".who").append(" ", words);
    }
    const when = row.querySelector("time");
    when.dateTime = timestamp;
    localize(when);
    row.querySelector("[data-amount]").textContent = money(currentBid, currency, this.#digits);
    const withdraw = row.querySelector(".withdraw");
    if (withdraw && kind !== "BID") withdraw.remove();
    else if (withdraw) this.#prepare(withdraw, `${auctionId}-${seq}`, Date.parse(timestamp));
    this.#insert(row);
    if (this.#mine.has(seq)) this.isMine(seq);
  }

  /** That a bid is mine: known from its answer, perhaps before or after it comes as an event. */
  isMine(seq) {
    this.#mine.add(seq);
    const row = this.#list.querySelector(`[data-seq="${seq}"]`);
    row?.toggleAttribute("data-mine", true);
    row?.querySelector(".withdraw")?.removeAttribute("hidden");
  }

  /** Take over the history as the server renders it, up to `seq`; what came live since then stays. */
  replace(fresh, seq) {
    const part = this.#root.querySelector("[data-part=bids]");
    // Not under the hands of whoever gives a reason just now.
    if (part.contains(document.activeElement)) return;
    const later = [...this.#list.children].filter((row) => Number(row.dataset.seq) > seq);
    part.replaceChildren(...fresh.querySelector("[data-part=bids]").childNodes);
    part.querySelectorAll("time[datetime]").forEach(localize);
    later.reverse().forEach((row) => this.#insert(row));
  }

  /** Bids can be taken back for a while only; to be called every second. */
  showWithdrawals(auction) {
    for (const withdraw of this.#list.querySelectorAll(".withdraw")) {
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

  #insert(row) {
    const bids = this.#list;
    bids.insertBefore(row, [...bids.children].find((other) => Number(other.dataset.seq) < Number(row.dataset.seq)) ?? null);
    while (bids.children.length > this.#shown) bids.lastElementChild.remove();
    this.#root.querySelector("[data-no-bids]").hidden = true;
  }
}
