/** All bids of an auction, however many: a dialog in which only what is in view is on the page. */
import type { BidNew } from "../src/index.js";
import { bidLog, type Entry } from "./bid-log.js";
import { isWithdrawal, kindWords, reasonWords, VOID_WORDS } from "./bid-words.js";
import { find, make } from "./dom.js";
import { inNextFrame } from "./frames.js";
import { localize, money } from "./numbers.js";
import { n, t } from "./text.js";
import { windowed } from "./window.js";

/** The dialog. */
export interface WholeHistory {
  open(): void;
  /** A bid that came live. */
  add(bid: BidNew): void;
  /** Bids were withdrawn, or more was missed than was told. */
  reload(): void;
}

interface Options {
  auctionId: number;
  bidCount: number;
  digits: number;
  /** Whether a bid that came live is the reader's. */
  isMine(seq: number): boolean;
}

/** Two lines of text and some air. */
const ROW_REM = 3.5;

export function wholeHistory(dialog: HTMLDialogElement, { auctionId, bidCount, digits, isMine }: Options): WholeHistory {
  const scroller = find(dialog, "[data-scroller]");
  const problem = find(dialog, "[data-problem]");
  const log = bidLog(auctionId, bidCount, (why) => {
    if (why) problem.hidden = false;
    showSoon();
  });
  let shown = 0;
  /** What each row was filled with. */
  const filled = new WeakMap<HTMLElement, Entry>();

  const list = windowed({
    scroller,
    list: find(dialog, "[data-rows]"),
    rowHeight: ROW_REM,
    key: positionOf,
    fill: (index, row) => {
      const entry = log.at(positionOf(index));
      const current = row && (!entry || filled.get(row) === entry) ? row : rowOf(entry);
      if (row && current !== row) row.replaceWith(current);
      if (entry) {
        filled.set(current, entry);
        current.toggleAttribute("data-mine", entry.mine || isMine(entry.seq));
      }
      current.ariaPosInSet = String(index + 1);
      current.ariaSetSize = String(log.total);
      return current;
    },
    onShow: (from, to) => log.look(positionOf(to), positionOf(from)),
  });

  /** The newest is on top. */
  function positionOf(index: number): number {
    return log.total - 1 - index;
  }

  const showSoon = inNextFrame(show);
  function show(): void {
    if (!dialog.open) return;
    const more = shown === 0 ? 0 : log.total - shown;
    shown = log.total;
    find(dialog, "[data-total]").textContent = n("%(num)s entry", "%(num)s entries", log.total);
    list.update(log.total, more);
  }

  function rowOf(entry: Entry | undefined): HTMLElement {
    const row = make("li", { class: entry ? "past" : "past skeleton" });
    if (!entry) return row;
    row.dataset.seq = String(entry.seq);
    row.dataset.kind = entry.kind;
    row.toggleAttribute("data-withdrawn", entry.withdrawn);
    row.toggleAttribute("data-void", entry.void);
    const who = make(
      "span",
      { class: "who" },
      make("span", { "data-who": "", text: entry.bidderName ?? "" }),
      " ",
      make("span", { class: "you", text: t("(you)") }),
    );
    const kind = kindWords(entry);
    if (kind) who.append(" ", make("span", { class: "kind", text: kind }));
    const time = make("time", { datetime: entry.placedAt, "data-style": "time" });
    localize(time);
    const amount = money(entry.amount, entry.currency, digits);
    const gone = entry.withdrawn || entry.void || isWithdrawal(entry);
    const why = entry.reason ? reasonWords(entry.reason) : entry.void ? VOID_WORDS : "";
    row.append(
      who,
      make("strong", { "data-amount": "" }, gone ? make("s", { text: amount }) : amount),
      make("span", { class: "note-line" }, time, why && " · ", make("span", { title: why, text: why })),
    );
    return row;
  }

  find(problem, "button").addEventListener("click", () => {
    problem.hidden = true;
    log.retry();
  });
  void log.reload();

  return {
    open() {
      dialog.showModal();
      show();
      scroller.focus();
    },
    add: (bid) => log.add(bid),
    reload: () => void log.reload(),
  };
}
