/** Bids that are not settled: what waits for the network can be taken back, and what needs an answer is asked. */
import type { Bid, Question } from "../src/index.js";
import { make } from "./dom.js";
import { effect, type ReadonlySignal } from "./live.js";
import { t } from "./text.js";

/** A button that binds is not believed to have been read before, in milliseconds. */
const READING_MS = 400;

/** What the list of them works with. */
export interface OpenBidsOptions {
  /** The bids that are not settled; another list after each change. */
  bids: ReadonlySignal<readonly Bid[]>;
  /** What was asked about them, by their keys. */
  questions: ReadonlySignal<ReadonlyMap<string, Question>>;
  money(amount: number): string;
  /** What has the focus once an answer was given. */
  afterwards: HTMLElement;
}

/** Keeps the list true. Only what needs somebody's attention is in it; what is on its way the form's button tells. */
export function showOpenBids(list: HTMLElement, { bids, questions, money, afterwards }: OpenBidsOptions): void {
  const rows = new Map<string, { made: string; element: HTMLElement }>();
  const show = (all: readonly Bid[]) => {
    for (const bid of all) showRow(bid);
    for (const key of rows.keys()) if (!all.some((bid) => bid.key === key)) remove(key);
  };
  const remove = (key: string) => {
    const element = rows.get(key)?.element;
    rows.delete(key);
    const focused = element?.contains(document.activeElement);
    element?.remove();
    if (focused) afterwards.focus();
  };
  const showRow = (bid: Bid) => {
    const question = questions.value.get(bid.key);
    const made = `${bid.state} ${question?.priceNow}`;
    const before = rows.get(bid.key);
    if (before?.made === made) return;
    const parts = rowOf(bid, question, money);
    if (!parts) return remove(bid.key);
    const element = before?.element ?? make("div", { role: "group", class: "open-bid" });
    // It takes the place of the form, so the focus goes on here, and back afterwards.
    const focused = list.parentElement?.contains(document.activeElement);
    element.replaceChildren(...parts);
    if (!before) list.append(element);
    if (focused) element.querySelector("button")?.focus();
    rows.set(bid.key, { made, element });
  };
  effect(() => show(bids.value));
}

/**
 * What a row says, and its buttons; null when it says nothing. First, where the focus goes, comes what does not bind: a
 * press that was meant for the row before does no harm.
 */
function rowOf(bid: Bid, question: Question | undefined, money: (amount: number) => string): Node[] | null {
  const price = money(bid.terms.maxAmount ?? bid.terms.amount ?? 0);
  switch (bid.state) {
    case "waiting":
      return [
        words(t("You are offline. Your bid of %(price)s waits, and is sent when you are back.", { price })),
        button(t("Take it back"), () => bid.drop()),
      ];
    case "unknown":
      return [
        words(t("The server does not answer, so it is not known whether your bid of %(price)s was placed.", { price })),
        button(t("Leave it"), () => bid.drop()),
        binding(t("Send it again"), () => bid.confirm()),
      ];
    case "asking":
      return question
        ? [
            words(questionWords(question, price, money)),
            button(t("No"), () => bid.drop()),
            binding(t("Yes"), () => bid.confirm()),
          ]
        : null;
    default:
      return null;
  }
}

function questionWords({ reason, priceThen, priceNow }: Question, price: string, money: (amount: number) => string): string {
  const now = money(priceNow);
  if (reason === "unsure") {
    return t(
      "It is not known whether your bid of %(price)s was placed; the price is %(now)s now. Send it again? It will be placed once at most.",
      { price, now },
    );
  }
  if (priceThen === null || priceThen === priceNow) {
    return t("You wanted to bid %(price)s; the price is %(now)s now. Bid %(price)s all the same?", { price, now });
  }
  return t("You wanted to bid %(price)s when the price was %(before)s; it is %(now)s now. Bid %(price)s all the same?", {
    price,
    now,
    before: money(priceThen),
  });
}

/** Told to a screen reader as it comes. */
function words(text: string): HTMLElement {
  return make("p", { text, role: "alert" });
}

function button(text: string, press: () => void): HTMLElement {
  const made = make("button", { type: "button", class: "quiet small", text });
  made.addEventListener("click", press);
  return made;
}

/** Dead until it can have been read. */
function binding(text: string, press: () => void): HTMLElement {
  const made = button(text, () => made.ariaDisabled || press());
  made.ariaDisabled = "true";
  setTimeout(() => {
    made.ariaDisabled = null;
  }, READING_MS);
  return made;
}
