/** The bids of an English auction: the latest on the page, all of them in a dialog, their prices, and taking them back. */
import type { BidNew, Client, EnglishStanding } from "../src/index.js";
import { kindWords } from "./bid-words.js";
import { drawWhenOpened } from "./chart-when-opened.js";
import { find, make, put } from "./dom.js";
import { inNextFrame } from "./frames.js";
import { freshPage } from "./fresh-page.js";
import { effect, type Live, type Ticking } from "./live.js";
import { localize, localizeAll, money } from "./numbers.js";
import { takesBids } from "./standing.js";
import { n, t } from "./text.js";
import type { WholeHistory } from "./whole-history.js";

/** The history on the page of an auction. */
export interface HistoryPage {
  /** A bid that came live. */
  add(bid: BidNew): void;
  /** That a bid is mine: known from its answer, perhaps before or after it comes as an event. */
  isMine(seq: number): void;
  /** Read it anew, as when bids were withdrawn; within `spreadMs`, so that not all who watch do so at once. */
  refresh(spreadMs?: number): void;
}

interface Options {
  client: Client;
  time: Ticking;
  digits: number;
}

export function showHistory(root: HTMLElement, live: Live<EnglishStanding>, { time, digits }: Options): HistoryPage {
  const { auction, standing } = live;
  const part = find(root, "[data-part=bids]");
  const list = find(part, "#bids");
  const template = find<HTMLTemplateElement>(root, "#bid-row");
  const dialog = find<HTMLDialogElement>(root, "[data-all-bids-dialog]");
  const most = Number(root.dataset.bidsShown);
  const grace = Number(root.dataset.grace) * 1000;
  const address = `/auctions/${auction.id}/bids`;
  /** The numbers of bids that are mine, though the server may not have rendered them. */
  const mine = new Set<number>();
  const isMine = (seq: number) => mine.has(seq);
  let waiting: BidNew[] = [];
  let whole: WholeHistory | null = null;

  const insertSoon = inNextFrame(insertWaiting);
  function insertWaiting(): void {
    for (const bid of waiting.splice(0)) if (!rowOf(bid.seq)) insert(newRow(bid));
  }

  function rowOf(seq: number): HTMLElement | null {
    return list.querySelector(`[data-seq="${seq}"]`);
  }

  function insert(row: HTMLElement): void {
    const before = [...list.querySelectorAll<HTMLElement>("li")].find(
      (other) => Number(other.dataset.seq) < Number(row.dataset.seq),
    );
    list.insertBefore(row, before ?? null);
    while (list.children.length > most) list.lastElementChild?.remove();
    find(part, "[data-no-bids]").hidden = true;
    if (mine.has(Number(row.dataset.seq))) markAsMine(row);
  }

  /** A row as the server would render it. */
  function newRow({ auctionId, seq, kind, bidderName, currentBid, currency, timestamp }: BidNew): HTMLElement {
    const row = (template.content.firstElementChild as HTMLElement).cloneNode(true) as HTMLElement;
    row.dataset.seq = String(seq);
    row.dataset.kind = kind;
    row.className = "changed";
    put(row, "[data-who]", bidderName);
    put(row, "[data-amount]", money(currentBid, currency, digits));
    const words = kindWords({ kind });
    if (words) find(row, ".who").append(" ", make("span", { class: "kind", text: words }));
    const when = find<HTMLTimeElement>(row, "time");
    when.dateTime = timestamp;
    localize(when);
    const withdraw = row.querySelector<HTMLElement>(".withdraw");
    if (kind !== "BID") withdraw?.remove();
    else if (withdraw) prepare(withdraw, `${auctionId}-${seq}`, Date.parse(timestamp));
    return row;
  }

  function prepare(withdraw: HTMLElement, bidId: string, placedAt: number): void {
    find<HTMLInputElement>(withdraw, "[name=bid]").value = bidId;
    // After that, the server says what the rules allow.
    if (withdraw.dataset.freeUntil !== undefined) withdraw.dataset.freeUntil = new Date(placedAt + grace).toISOString();
  }

  /** Bids can be taken back for a while only. */
  function showWithdrawals(open: boolean, now: number | null): void {
    for (const withdraw of list.querySelectorAll<HTMLElement>(".withdraw")) {
      const { until, freeUntil } = withdraw.dataset;
      if (!open || (until && now !== null && Date.parse(until) < now)) withdraw.remove();
      else if (freeUntil && now !== null) askForReason(withdraw, Date.parse(freeUntil) < now);
    }
  }

  function showLink(bidCount: number): void {
    find(part, "[data-all-bids]").hidden = bidCount <= most;
    put(part, "[data-all-bids]", n("Show all %(num)s bids", "Show all %(num)s bids", bidCount));
  }

  const fresh = freshPage(
    "#bids",
    (rows) => {
      whole?.reload();
      takeOver(rows);
    },
    address,
  );

  /** Take over the rows as the server renders them; what came live since then stays. */
  function takeOver(rows: HTMLElement): void {
    // Not under the hands of whoever gives a reason just now.
    if (list.contains(document.activeElement)) {
      list.addEventListener("focusout", () => fresh.fetch(), { once: true });
      return;
    }
    const later = [...list.querySelectorAll<HTMLElement>("li")].filter(
      (row) => Number(row.dataset.seq) > Number(rows.dataset.seq),
    );
    list.replaceChildren(...[...rows.children].slice(0, most));
    localizeAll(list);
    for (const seq of mine) markAsMine(rowOf(seq));
    for (const row of later.reverse()) insert(row);
    find(part, "[data-no-bids]").hidden = list.childElementCount > 0;
    showWithdrawals(takesBids(standing.value, time.now.value), time.now.value);
  }

  async function openAll(): Promise<void> {
    try {
      const { wholeHistory } = await import("./whole-history.js");
      const { bidCount } = standing.value;
      whole ??= wholeHistory(dialog, { auctionId: auction.id, bidCount, digits, isMine });
      whole.open();
    } catch {
      // As without script.
      location.assign(address);
    }
  }

  find(part, "[data-all-bids]").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void openAll();
  });
  drawWhenOpened(root, live, { time, digits });
  effect(() => showLink(standing.value.bidCount));
  effect(() => showWithdrawals(takesBids(standing.value, time.now.value), time.now.value));

  return {
    add(bid) {
      whole?.add(bid);
      waiting.push(bid);
      // In a tab that nobody sees there are no frames.
      if (waiting.length > most) waiting = waiting.slice(-most);
      insertSoon();
    },
    isMine(seq) {
      mine.add(seq);
      markAsMine(rowOf(seq));
    },
    refresh: (spreadMs) => fresh.fetch(spreadMs),
  };
}

function markAsMine(row: HTMLElement | null): void {
  row?.toggleAttribute("data-mine", true);
  row?.querySelector(".withdraw")?.removeAttribute("hidden");
}

function askForReason(withdraw: HTMLElement, needed: boolean): void {
  const reason = find(withdraw, "[data-reason]");
  const choice = find<HTMLSelectElement>(reason, "select");
  if (reason.hidden !== needed && choice.required === needed) return;
  reason.hidden = !needed;
  choice.required = needed;
  const first = choice.options[0];
  if (first) first.textContent = t("Choose one");
}
