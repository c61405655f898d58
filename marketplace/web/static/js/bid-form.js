/**
 * The bid form. Its button is never stuck: it says what it is doing, every wait ends, and a bid whose answer got
 * lost is sent again under the same key, so that it is placed once at most.
 */
import { major, minor, money } from "./format.js";

const ATTEMPTS = 4;
const ATTEMPT_TIMEOUT_MS = 15_000;
const FIRST_PAUSE_MS = 400;

/** No answer, after all attempts. */
class NoAnswer extends Error {}

export class BidForm {
  #form;
  #input;
  #button;
  #message;
  #digits;
  #onPlaced;
  #sending = false;
  /** The key of the bid whose outcome is not known, and its amount. */
  #unsettled = null;
  #auction;
  #leads = false;
  #open = false;

  constructor(form, { digits, onPlaced }) {
    this.#form = form;
    this.#input = form.querySelector("[name=amount]");
    this.#button = form.querySelector("[data-button]");
    this.#message = form.querySelector("[data-message]");
    this.#digits = digits;
    this.#onPlaced = onPlaced;
    form.noValidate = true;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#busy) this.#submit();
    });
    this.#input.addEventListener("input", () => this.#showButton());
  }

  /** Show the form for a standing. The amount follows the price, unless a higher one was typed. */
  show(auction, { leads, open }) {
    this.#auction = auction;
    if (this.#leads && !leads) this.#say("");
    this.#leads = leads;
    this.#open = open;
    const typed = this.#amount();
    const typing = document.activeElement === this.#input;
    if (!this.#sending && !typing && (typed === null || typed < auction.minimumNextBid)) {
      this.#input.value = major(auction.minimumNextBid, this.#digits);
    }
    this.#form.hidden = auction.status === "ENDED" || auction.status === "CANCELLED";
    this.#showButton();
  }

  #amount() {
    return minor(this.#input.value, this.#digits);
  }

  get #busy() {
    return this.#sending || this.#leads || !this.#open;
  }

  #showButton() {
    const amount = this.#amount();
    // Not `disabled`: that would take the focus away from whoever has just pressed it.
    this.#button.setAttribute("aria-disabled", this.#busy);
    this.#button.textContent =
      this.#sending ? "Sending…"
      : this.#leads ? "You lead"
      : this.#auction.status === "SCHEDULED" ? "Not open yet"
      : !this.#open ? "Closed"
      : amount === null ? "Place bid"
      : `Bid ${this.#money(amount)}`;
  }

  async #submit() {
    const amount = this.#amount();
    if (amount === null) {
      this.#say("That is not an amount, such as " + major(this.#auction.minimumNextBid, this.#digits) + ".", true);
      this.#input.focus();
      return;
    }
    this.#sending = true;
    this.#say("");
    this.#showButton();
    try {
      await this.#place(amount);
    } finally {
      this.#sending = false;
      this.show(this.#auction, { leads: this.#leads, open: this.#open });
    }
  }

  async #place(amount) {
    const key = this.#unsettled?.amount === amount ? this.#unsettled.key : crypto.randomUUID();
    this.#unsettled = { key, amount };
    try {
      const { status, body } = await send(this.#auction.id, amount, key, () =>
        this.#say("No answer yet; sending it again. It will be placed once at most."),
      );
      this.#unsettled = null;
      if (status === 201) {
        this.#say(`Your bid of ${this.#money(amount)} was accepted.`);
        this.#onPlaced(body);
      } else {
        this.#refused(status, body);
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.#say("The server does not answer, so it is not known whether the bid was placed. Send it again: it will be placed once at most.", true);
    }
  }

  #refused(status, problem) {
    if (status === 401) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
    } else if (problem.code === "bid_too_low") {
      this.#input.value = major(problem.minimumNextBid, this.#digits);
      this.#say(`That is too low by now: bid at least ${this.#money(problem.minimumNextBid)}.`, true);
    } else if (problem.code === "rate_limited") {
      this.#say(`That was too often. Try again in ${problem.retryAfter} s.`, true);
    } else {
      this.#say(problem.detail, true);
    }
  }

  #money(amount) {
    return money(amount, this.#auction.currency, this.#digits);
  }

  #say(text, bad = false) {
    const words = document.createElement(bad ? "strong" : "span");
    words.className = bad ? "error" : "";
    words.textContent = text;
    this.#message.replaceChildren(...(text ? [words] : []));
  }
}

/** Send a bid until there is an answer; one that may come later (5xx) is none. */
async function send(auctionId, amount, key, onRetry) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt) {
      onRetry();
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** attempt));
    }
    try {
      const answer = await fetch(`/api/auctions/${auctionId}/bids`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: JSON.stringify({ amount }),
        signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS),
      });
      if (answer.status < 500) return { status: answer.status, body: await answer.json() };
    } catch {
      // No connection, or it took too long: the next attempt.
    }
  }
  throw new NoAnswer();
}
