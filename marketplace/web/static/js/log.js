/** The list of what has happened: rendered by the server, continued by what comes live. The latest is on top. */
import { localize } from "./format.js";

export class Log {
  #root;
  #shown;

  constructor(root) {
    this.#root = root;
    this.#shown = Number(root.dataset.bidsShown);
  }

  get list() {
    return this.#root.querySelector("#bids");
  }

  row(seq) {
    return this.list.querySelector(`[data-seq="${seq}"]`);
  }

  /** An empty row, as the server would render it, for what happened at `timestamp` under the number `seq`. */
  newRow(seq, timestamp) {
    const row = this.#root.querySelector("#bid-row").content.firstElementChild.cloneNode(true);
    row.dataset.seq = seq;
    row.className = "changed";
    const when = row.querySelector("time");
    when.dateTime = timestamp;
    localize(when);
    return row;
  }

  insert(row) {
    const rows = [...this.list.children];
    this.list.insertBefore(row, rows.find((other) => Number(other.dataset.seq) < Number(row.dataset.seq)) ?? null);
    while (this.list.children.length > this.#shown) this.list.lastElementChild.remove();
    this.#root.querySelector("[data-no-bids]").hidden = true;
  }

  /** Take over the list as the server renders it, up to `seq`; what came live since then stays. */
  replace(fresh, seq) {
    const part = this.#root.querySelector("[data-part=bids]");
    // Not under the hands of whoever gives a reason just now.
    if (part.contains(document.activeElement)) return;
    const later = [...this.list.children].filter((row) => Number(row.dataset.seq) > seq);
    part.replaceChildren(...fresh.querySelector("[data-part=bids]").childNodes);
    part.querySelectorAll("time[datetime]").forEach(localize);
    later.reverse().forEach((row) => this.insert(row));
  }
}
