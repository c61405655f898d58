/**
 * Taking an item of a Dutch auction. What is sent is the price that the button shows at the moment of the click: the
 * most the buyer pays. The button is never stuck: it says what it is doing, every wait ends, and while it is not known
 * whether an item was taken, it asks for that same one again and for no other, even after a reload.
 */
import type { Bid, BidAccepted, BidState, Client, HttpProblem } from "../src/index.js";
import { find, make } from "./dom.js";
import type { Phase } from "./dutch-standing.js";
import { refusalWords } from "./dutch-words.js";
import { computed, effect, type ReadonlySignal, signal } from "./live.js";
import { t } from "./text.js";
import { here } from "./viewer.js";

/** What the form is about. */
export interface TakeOptions {
  client: Client;
  auctionId: number;
  phase: ReadonlySignal<Phase>;
  /** What one item costs now. */
  price: ReadonlySignal<number>;
  money: (amount: number) => string;
  onTaken: (answer: BidAccepted) => void;
  onRefused: () => void;
}

/** Makes the form talk to the API, and keeps its button true. */
export function takeForm(
  form: HTMLFormElement,
  { client, auctionId, phase, price, money, onTaken, onRefused }: TakeOptions,
): void {
  const button = find(form, "[data-button]");
  const message = find(form, "[data-message]");
  /** What was asked for last, and how far that is; null when nothing is open. */
  const bid = signal<Bid | null>(null);
  const state = signal<BidState | null>(null);
  const online = signal(navigator.onLine);

  const unsettled = computed(() => state.value === "unknown" || state.value === "asking");
  const sending = computed(() => bid.value !== null && !unsettled.value);
  const ready = computed(() => online.value && !sending.value && (unsettled.value || phase.value === "selling"));
  const words = computed(() => {
    if (sending.value) return t("Taking it…");
    if (bid.value) return t("Ask again for the one at %(price)s", { price: money(agreed(bid.value)) });
    if (phase.value === "scheduled") return t("Not open yet");
    if (phase.value === "sold-out") return t("Sold out");
    if (phase.value !== "selling") return t("The sale is over");
    // What is taken is taken at once or not at all: an offer to a price that has gone on falling is nobody's wish.
    if (!online.value) return t("Not while offline");
    return t("Take one at %(price)s", { price: money(price.value) });
  });

  effect(() => {
    // Not `disabled`: that would take the focus away from whoever has just pressed it.
    button.setAttribute("aria-disabled", String(!ready.value));
    if (button.textContent !== words.value) button.textContent = words.value;
  });

  for (const name of ["online", "offline"]) {
    window.addEventListener(name, () => {
      online.value = navigator.onLine;
    });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!ready.value) return;
    say("");
    if (bid.value) bid.value.confirm();
    else accompany(client.placeBid(auctionId, { amount: price.value }));
  });

  // What a page before this one has left.
  for (const left of client.openBids) if (left.auctionId === auctionId) accompany(left);

  function accompany(made: Bid): void {
    form.hidden = false;
    made.on("state", (now) => show(made, now));
    show(made, made.state);
  }

  function show(made: Bid, now: BidState): void {
    bid.value = made.over ? null : made;
    state.value = now;
    if (now === "repeating") say(t("No answer yet; asking again. You get one item at most."));
    if (unsettled.value) {
      say(
        t(
          "The server does not answer, so it is not known whether you got one. Ask again: it is the same item, not a second one.",
        ),
        true,
      );
    }
    // The network has just gone, or a page before this one left it: it does not wait, since nobody knows what it would cost by then.
    if (now === "waiting" && made.attempts === 0) {
      made.drop();
      if (!online.value) say(t("You are offline, so nothing was taken."), true);
    }
    if (made.answer) taken(made.answer, agreed(made));
    if (now === "refused" && made.problem) refused(made.problem, agreed(made));
  }

  function taken(answer: BidAccepted, most: number): void {
    const price = money(answer.amount);
    say(
      answer.amount < most
        ? t("One is yours at %(price)s, less than the %(agreed)s that you agreed to. Check out before the time is over.", {
            price,
            agreed: money(most),
          })
        : t("One is yours at %(price)s. Check out before the time is over.", { price }),
    );
    onTaken(answer);
  }

  function refused(problem: HttpProblem, most: number): void {
    if (problem.status === 401) {
      location.assign(`/login?next=${encodeURIComponent(here)}`);
      return;
    }
    say(refusalWords(problem, most, money), true);
    onRefused();
  }

  function say(text: string, bad = false): void {
    const words = bad ? make("strong", { text, class: "error" }) : make("span", { text });
    message.replaceChildren(...(text ? [words] : []));
  }
}

/** The most that the buyer pays. */
function agreed({ terms }: Bid): number {
  return terms.amount ?? 0;
}
