/**
 * The bid form: an exact bid, an automatic one, or a raise by the leader. Its button says what it does, and every bid
 * has its outcome told, also one that waited for the network or was left by the page before.
 */
import type { Bid, Client, EnglishStanding, HttpProblem, Question } from "../src/index.js";
import type { Placed } from "./bid-outcome.js";
import { find, make, put } from "./dom.js";
import { batch, computed, effect, type Live, type ReadonlySignal, signal, stateOf } from "./live.js";
import type { Mine } from "./mine.js";
import { major, minor, money, stepAfter } from "./numbers.js";
import { quickAmounts } from "./quick-bids.js";
import { t } from "./text.js";
import { here } from "./viewer.js";

/** A button whose amount another's bid has changed is not believed to have been read before, in milliseconds. */
const READING_MS = 400;

/** What the form works with. */
export interface BidFormOptions {
  client: Client;
  live: Live<EnglishStanding>;
  mine: Mine;
  /** Whether the auction takes bids at this moment. */
  open: ReadonlySignal<boolean>;
  digits: number;
  /** A bid of mine was accepted; it goes up to `strength`. */
  onPlaced(answer: Placed, strength: number): void;
  /** A refusal shows that I lead, which the page did not know. */
  onStale(): void;
}

/** Makes the form that the server rendered a live one. */
export function showBidForm(form: HTMLFormElement, options: BidFormOptions): void {
  const { client, live, mine, open, digits } = options;
  const { standing } = live;
  const input = find<HTMLInputElement>(form, "[name=amount]");
  const button = find<HTMLButtonElement>(form, "[data-button]");
  const message = find(form, "[data-message]");
  const ways = form.querySelectorAll<HTMLInputElement>("[name=how]");
  const chips = form.querySelectorAll<HTMLButtonElement>("[data-quick] button");
  const amountWords = (amount: number) => money(amount, standing.peek().currency, digits);

  /** What is in the fields. */
  const text = signal(input.value);
  const chosenAutomatic = signal(isAutomatic(ways));
  /** The amount that the form suggested last: it is followed by the next, what somebody chose stays. */
  let suggested = message.textContent?.trim() ? null : input.value;
  /** When what the button does was changed by something else than the person. */
  let movedAt = Number.NEGATIVE_INFINITY;
  /** That was the answer to a bid, which says so itself. */
  let answered = false;
  /** Bids by which the leader raises their maximum. */
  const raises = new WeakSet<Bid>();

  const amount = computed(() => minor(text.value, digits));
  const leads = computed(() => mine.max.value !== null);
  const automatic = computed(() => leads.value || chosenAutomatic.value);
  /** The least that is worth sending, and what is suggested. */
  const least = computed(() => (mine.max.value === null ? standing.value.minimumNextBid : mine.max.value + 1));
  const next = computed(() => {
    const max = mine.max.value;
    return max === null ? standing.value.minimumNextBid : max + stepAfter(standing.value, max);
  });
  const connection = stateOf(client);
  const bids = bidsOf(client, live.auction.id);
  /** The bid that is on its way, or waits; one at a time. */
  const underWay = computed(() => bids.value[0]?.state ?? null);
  const busy = computed(() => underWay.value !== null || !open.value);

  function fill(amount: number): void {
    input.value = major(amount, digits);
    text.value = input.value;
  }

  function suggest(amount: number): void {
    fill(amount);
    suggested = input.value;
    moved();
  }

  function moved(): void {
    movedAt = performance.now();
    answered = false;
  }

  function say(text: string, bad = false): void {
    message.replaceChildren(...(text ? [make(bad ? "strong" : "span", { text, ...(bad && { class: "error" }) })] : []));
  }

  function submit(): void {
    if (busy.value) return;
    if (amount.value === null) {
      say(t("That is not an amount, such as %(amount)s.", { amount: major(next.value, digits) }), true);
      input.focus();
      return;
    }
    if (performance.now() - movedAt < READING_MS) {
      if (!answered)
        say(t("The price has just moved: the button says %(price)s now.", { price: amountWords(amount.value) }), true);
      return;
    }
    say("");
    const terms = automatic.value ? { maxAmount: amount.value } : { amount: amount.value };
    const raising = leads.value;
    const bid = client.placeBid(live.auction.id, terms);
    if (raising) raises.add(bid);
  }

  function tell(bid: Bid): void {
    switch (bid.state) {
      case "sending":
        return say("");
      case "repeating":
        return say(t("No answer yet; sending it again. It will be placed once at most."));
      case "accepted":
        return accepted(bid, bid.answer as Placed);
      case "refused":
      case "dropped":
        if (bid.problem) return refused(bid, bid.problem);
        return say(bid.attempts ? t("It is not sent again, but it may have been placed already.") : t("The bid was taken back."));
      case "unknown":
        if (bid.problem?.status === 401) logIn();
    }
  }

  function accepted(bid: Bid, answer: Placed): void {
    options.onPlaced(answer, bid.terms.maxAmount ?? bid.terms.amount ?? answer.amount);
    suggest(next.value);
    answered = true;
    void loaded.then(({ acceptance }) => say(...acceptance(answer, raises.has(bid), amountWords)));
  }

  function refused(bid: Bid, problem: HttpProblem): void {
    if (problem.status === 401) return logIn();
    if (problem.code === "bid_too_low") suggest(Number(problem.facts.minimumNextBid));
    answered = true;
    if (problem.code === "maximum_not_raised" || problem.code === "already_leading") options.onStale();
    void loaded.then(({ refusal }) => say(refusal(bid, problem, amountWords), true));
  }

  form.noValidate = true;
  form.addEventListener("keydown", (event) => {
    // Held, it says yes to what comes next, too.
    if (event.repeat && event.key === "Enter") event.preventDefault();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  const read = () =>
    batch(() => {
      movedAt = Number.NEGATIVE_INFINITY;
      text.value = input.value;
      chosenAutomatic.value = isAutomatic(ways);
    });
  form.addEventListener("input", read);
  for (const [index, chip] of chips.entries()) {
    chip.addEventListener("click", () => {
      if (chip.ariaDisabled === "true") return;
      fill(quick.value[index] ?? next.value);
      movedAt = Number.NEGATIVE_INFINITY;
      say("");
    });
  }
  client.on("bid", (bid) => {
    if (bid.auctionId === live.auction.id) tell(bid);
  });

  const questions = questionsOf(client);
  // After the page itself, and before it is needed: offline it could not be loaded any more.
  const loaded = Promise.all([import("./open-bids.js"), import("./bid-outcome.js")]).then(([{ showOpenBids }, outcome]) => {
    showOpenBids(find(form, "[data-open-bids]"), { bids, questions, money: amountWords, afterwards: button });
    return outcome;
  });

  // The amount follows the price: what was suggested always, what somebody chose once it has been overtaken.
  const typing = focusOf(input);
  let judgedBy = least.peek();
  effect(() => {
    const suggestion = next.value;
    if (underWay.value !== null || typing.value) return;
    const overtaken = judgedBy !== least.value && (amount.peek() ?? Number.POSITIVE_INFINITY) < least.value;
    judgedBy = least.value;
    if ((input.value !== suggested && !overtaken) || input.value === major(suggestion, digits)) return;
    suggest(suggestion);
  });
  let led = leads.peek();
  effect(() => {
    if (led === leads.value) return;
    led = leads.value;
    moved();
    if (led) return;
    // What was said to somebody who led is out of date.
    say("");
    if (input.value === suggested) return;
    // To raise their maximum, they have named another: no exact bid comes of that.
    for (const way of ways) way.checked = way.value === "automatic";
    chosenAutomatic.value = true;
  });

  const quick = computed(() => quickAmounts(standing.value, next.value));
  effect(() => {
    const disabled = busy.value || connection.value !== "live";
    for (const [index, chip] of chips.entries()) {
      const each = quick.value[index] ?? next.value;
      put(chip, "span", amountWords(each));
      chip.ariaDisabled = String(disabled);
      chip.ariaPressed = String(each === amount.value);
    }
  });
  effect(() => {
    const { status } = standing.value;
    // What became of a bid is told all the same.
    form.toggleAttribute("data-over", status === "ENDED" || status === "CANCELLED");
    find(form, "[data-how]").classList.toggle("away", leads.value);
    showOwnMax(find(form, "[data-own-max]"), mine.max.value, amountWords);
    put(form, "[data-amount-label]", amountLabel(leads.value, automatic.value));
    put(form, "[data-hint]", hint(standing.value, leads.value, amountWords));
    // Not `disabled`: that would take the focus away from whoever has just pressed it.
    button.ariaDisabled = String(busy.value);
    const closed = status === "SCHEDULED" ? t("Not open yet") : open.value ? "" : t("Closed");
    const waiting = underWay.value ? underWayWords(underWay.value) : closed;
    put(form, "[data-button]", waiting || buttonWords(amount.value, leads.value, automatic.value, amountWords));
  });
}

function isAutomatic(ways: Iterable<HTMLInputElement>): boolean {
  return [...ways].some(({ checked, value }) => checked && value === "automatic");
}

function logIn(): void {
  location.assign(`/login?next=${encodeURIComponent(here)}`);
}

/** The bids of this auction that are not settled; another list after each change. */
function bidsOf(client: Client, auctionId: number): ReadonlySignal<readonly Bid[]> {
  const ours = () => client.openBids.filter((bid) => bid.auctionId === auctionId);
  const bids = signal<readonly Bid[]>(ours());
  client.on("bid", () => {
    bids.value = ours();
  });
  return bids;
}

/** What was asked about bids that have waited, by their keys; another map after each question. */
function questionsOf(client: Client): ReadonlySignal<ReadonlyMap<string, Question>> {
  const questions = signal<ReadonlyMap<string, Question>>(new Map());
  client.on("question", (question) => {
    questions.value = new Map(questions.value).set(question.bid.key, question);
  });
  return questions;
}

function focusOf(element: HTMLElement): ReadonlySignal<boolean> {
  const focused = signal(document.activeElement === element);
  for (const event of ["focus", "blur"]) {
    element.addEventListener(event, () => {
      focused.value = event === "focus";
    });
  }
  return focused;
}

function amountLabel(leads: boolean, automatic: boolean): string {
  if (leads) return t("Raise your maximum to");
  return automatic ? t("Your maximum") : t("Your bid");
}

function showOwnMax(element: HTMLElement, max: number | null, amountWords: (amount: number) => string): void {
  element.classList.toggle("away", max === null);
  element.textContent = max === null ? "" : t("You go up to %(price)s, which only you see.", { price: amountWords(max) });
}

function hint({ minimumNextBid, reserveMet }: EnglishStanding, leads: boolean, amountWords: (amount: number) => string): string {
  if (!leads) return t("At least %(price)s, and each bid is binding.", { price: amountWords(minimumNextBid) });
  if (reserveMet === false) return t("Raising it moves the price only towards the reserve.");
  return t("Raising it leaves the price where it is.");
}

function underWayWords(state: Bid["state"]): string {
  switch (state) {
    case "sending":
      return t("Sending…");
    case "repeating":
      return t("Sending again…");
    case "waiting":
      return t("Waiting…");
    default:
      return t("Not settled");
  }
}

function buttonWords(amount: number | null, leads: boolean, automatic: boolean, amountWords: (amount: number) => string): string {
  if (amount === null) return leads ? t("Raise") : t("Place bid");
  const values = { price: amountWords(amount) };
  if (leads) return t("Raise to %(price)s", values);
  return automatic ? t("Bid up to %(price)s", values) : t("Bid %(price)s", values);
}
