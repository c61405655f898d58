/** The bids of an English auction so far, and taking them back. */
import type { BidNew, Client, EnglishStanding } from "../src/index.js";
import { find, make } from "./dom.js";
import { freshPage } from "./fresh-page.js";
import { effect, type Live, type Ticking } from "./live.js";
import { localize, localizeAll, money } from "./numbers.js";
import { takesBids } from "./standing.js";
import { t } from "./text.js";

/** The list of bids. */
export interface HistoryPage {
  /** A bid that came live. */
  add(bid: BidNew): void;
  /** That a bid is mine: known from its answer, perhaps before or after it comes as an event. */
  isMine(seq: number): void;
  /** Takes the list over as the server renders it now; after events that everybody gets, not all at once. */
  refresh(spreadMs?: number): void;
}

/** Makes the list that the server rendered a live one. */
export function showHistory(
  root: HTMLElement,
  { auction, standing }: Live<EnglishStanding>,
  { time, digits }: { client: Client; time: Ticking; digits: number },
): HistoryPage {
  const mine = new Set<number>();
  const most = Number(root.dataset.bidsShown);
  const grace = Number(root.dataset.grace) * 1000;
  const list = () => find(root, "#bids");
  const row = (seq: number) => list().querySelector<HTMLElement>(`[data-seq="${seq}"]`);

  function insert(made: HTMLElement): void {
    const rows = [...list().children] as HTMLElement[];
    list().insertBefore(made, rows.find(({ dataset }) => Number(dataset.seq) < Number(made.dataset.seq)) ?? null);
    while (list().children.length > most) list().lastElementChild?.remove();
    find(root, "[data-no-bids]").hidden = true;
  }

  function newRow({ auctionId, seq, kind, bidderName, currentBid, currency, timestamp }: BidNew): HTMLElement {
    const template = find<HTMLTemplateElement>(root, "#bid-row");
    const made = template.content.firstElementChild?.cloneNode(true) as HTMLElement;
    made.className = "changed";
    Object.assign(made.dataset, { seq, kind });
    const when = find<HTMLTimeElement>(made, "time");
    when.dateTime = timestamp;
    localize(when);
    find(made, "[data-who]").textContent = bidderName;
    const words = kindWords(kind);
    if (words) find(made, ".who").append(" ", make("span", { class: "kind", text: words }));
    find(made, "[data-amount]").textContent = money(currentBid, currency, digits);
    const withdraw = made.querySelector<HTMLElement>(".withdraw");
    if (withdraw && kind !== "BID") withdraw.remove();
    else if (withdraw) {
      find<HTMLInputElement>(withdraw, "[name=bid]").value = `${auctionId}-${seq}`;
      const freeUntil = Date.parse(timestamp) + grace;
      if ("freeUntil" in withdraw.dataset) withdraw.dataset.freeUntil = new Date(freeUntil).toISOString();
    }
    return made;
  }

  function isMine(seq: number): void {
    mine.add(seq);
    const found = row(seq);
    found?.toggleAttribute("data-mine", true);
    found?.querySelector(".withdraw")?.removeAttribute("hidden");
  }

  function takeOver(fresh: HTMLElement): void {
    const part = find(root, "[data-part=bids]");
    // Not under the hands of whoever gives a reason just now.
    if (part.contains(document.activeElement)) return;
    const { seq } = JSON.parse(fresh.dataset.auction ?? "{}") as { seq: number };
    const later = ([...list().children] as HTMLElement[]).filter(({ dataset }) => Number(dataset.seq) > seq);
    part.replaceChildren(...find(fresh, "[data-part=bids]").childNodes);
    localizeAll(part);
    for (const each of later.reverse()) insert(each);
  }

  function showWithdrawals(now: number | null): void {
    for (const withdraw of list().querySelectorAll<HTMLElement>(".withdraw")) {
      const { until, freeUntil } = withdraw.dataset;
      if (!takesBids(standing.value, now) || (until && now !== null && Date.parse(until) < now)) withdraw.remove();
      else if (freeUntil && now !== null) askForReason(withdraw, Date.parse(freeUntil) < now);
    }
  }

  const page = freshPage(`/auctions/${auction.id}`, takeOver);
  effect(() => showWithdrawals(time.now.value));
  return {
    isMine,
    add(bid) {
      if (row(bid.seq)) return;
      insert(newRow(bid));
      if (mine.has(bid.seq)) isMine(bid.seq);
    },
    refresh: (spreadMs) => page.fetch(spreadMs),
  };
}

function askForReason(withdraw: HTMLElement, needed: boolean): void {
  const reason = find(withdraw, "[data-reason]");
  const choice = find<HTMLSelectElement>(reason, "select");
  reason.hidden = !needed;
  choice.required = needed;
  if (choice.options[0]) choice.options[0].textContent = t("Choose one");
}

function kindWords(kind: string): string {
  if (kind === "AUTO") return t("automatic");
  return kind === "BUY_NOW" ? t("bought at once") : "";
}
