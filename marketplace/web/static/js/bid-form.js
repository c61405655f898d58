/**
 * The bid form: an exact bid, an automatic one, or a raise by the leader. Its button is never stuck: it says what it
 * is doing, every wait ends, and a bid whose answer got lost is sent again under the same key, so that it is placed
 * once at most.
 */
import { NoAnswer, sendBid } from "./bid-sending.js";
import { major, minor, money, stepAfter } from "./format.js";
import { put } from "./standing.js";

export class BidForm {
  #form;
  #input;
  #button;
  #message;
  #digits;
  #onPlaced;
  #onStale;
  #sending = false;
  /** The key of the bid whose outcome is not known, and what it asks for. */
  #unsettled = null;
  #auction;
  /** How far I go, while I lead; null when I do not. */
  #max = null;
  #open = false;
  /** The amount that the form suggested last: it is followed by the next, what somebody typed stays. */
  #suggested;

  /** `onPlaced` gets the answer to an accepted bid; `onStale` is called when a refusal shows that I lead. */
  constructor(form, { digits, onPlaced, onStale }) {
    this.#form = form;
    this.#input = form.querySelector("[name=amount]");
    this.#button = form.querySelector("[data-button]");
    this.#message = form.querySelector("[data-message]");
    this.#digits = digits;
    this.#onPlaced = onPlaced;
    this.#onStale = onStale;
    this.#suggested = this.#message.textContent ? null : this.#input.value;
    form.noValidate = true;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#busy) this.#submit();
    });
    form.addEventListener("input", () => this.#showWords());
  }

  /** Show the form for a standing; `max` is how far I go, if I lead. The amount follows the price. */
  show(auction, { max, open }) {
    this.#auction = auction;
    if (this.#leads && max === null) this.#say("");
    this.#max = max;
    this.#open = open;
    const amount = this.#amount;
    const typing = document.activeElement === this.#input;
    const untouched = this.#input.value === this.#suggested;
    if (!this.#sending && !typing && (untouched || amount === null || amount < this.#least)) this.#suggest(this.#next);
    this.#form.hidden = auction.status === "ENDED" || auction.status === "CANCELLED";
    this.#showWords();
  }

  get #leads() {
    return this.#max !== null;
  }

  get #automatic() {
    return this.#leads || this.#form.elements.how.value === "automatic";
  }

  get #amount() {
    return minor(this.#input.value, this.#digits);
  }

  /** The least that is worth sending, and what is suggested. */
  get #least() {
    return this.#leads ? this.#max + 1 : this.#auction.minimumNextBid;
  }

  get #next() {
    return this.#leads ? this.#max + stepAfter(this.#auction, this.#max) : this.#auction.minimumNextBid;
  }

  get #busy() {
    return this.#sending || !this.#open;
  }

  #suggest(amount) {
    this.#suggested = major(amount, this.#digits);
    if (this.#input.value !== this.#suggested) this.#input.value = this.#suggested;
  }

  #showWords() {
    this.#form.querySelector("[data-how]").hidden = this.#leads;
    put(this.#form, "[data-amount-label]", this.#leads ? "Raise your maximum to" : this.#automatic ? "Your maximum" : "Your bid");
    put(this.#form, "[data-hint]", this.#hint);
    // Not `disabled`: that would take the focus away from whoever has just pressed it.
    this.#button.setAttribute("aria-disabled", this.#busy);
    this.#button.textContent = this.#buttonText;
  }

  get #hint() {
    if (!this.#leads) return `At least ${this.#money(this.#auction.minimumNextBid)}, and each bid is binding.`;
    const effect = this.#auction.reserveMet === false ? "moves the price only towards the reserve" : "leaves the price where it is";
    return `You go up to ${this.#money(this.#max)}, which only you see. Raising it ${effect}.`;
  }

  get #buttonText() {
    const amount = this.#amount;
    if (this.#sending) return "Sending…";
    if (this.#auction.status === "SCHEDULED") return "Not open yet";
    if (!this.#open) return "Closed";
    if (amount === null) return this.#leads ? "Raise" : "Place bid";
    return `${this.#leads ? "Raise to" : this.#automatic ? "Bid up to" : "Bid"} ${this.#money(amount)}`;
  }

  async #submit() {
    const amount = this.#amount;
    if (amount === null) {
      this.#say("That is not an amount, such as " + major(this.#next, this.#digits) + ".", true);
      this.#input.focus();
      return;
    }
    const raising = this.#leads;
    const body = this.#automatic ? { maxAmount: amount } : { amount };
    this.#sending = true;
    this.#say("");
    this.#showWords();
    try {
      await this.#place(body, raising);
    } finally {
      this.#sending = false;
      this.show(this.#auction, { max: this.#max, open: this.#open });
    }
  }

  async #place(body, raising) {
    const asked = JSON.stringify(body);
    const key = this.#unsettled?.asked === asked ? this.#unsettled.key : crypto.randomUUID();
    this.#unsettled = { key, asked };
    try {
      const { status, body: answer } = await sendBid(this.#auction.id, asked, {
        key,
        onRetry: () => this.#say("No answer yet; sending it again. It will be placed once at most."),
      });
      this.#unsettled = null;
      if (status === 201) {
        this.#onPlaced(answer, body.maxAmount ?? body.amount);
        this.#suggest(this.#next);
        this.#accepted(answer, raising);
      } else {
        this.#refused(status, answer);
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.#say("The server does not answer, so it is not known whether the bid was placed. Send it again: it will be placed once at most.", true);
    }
  }

  #accepted({ amount, maxAmount, currentBid, youLead }, raising) {
    if (!youLead) {
      this.#say(`Your bid of ${this.#money(maxAmount ?? amount)} was accepted and outbid at once: somebody goes further automatically.`, true);
    } else if (raising) {
      this.#say(`You now go up to ${this.#money(maxAmount)}.`);
    } else if (maxAmount !== null) {
      this.#say(`Accepted: you lead at ${this.#money(currentBid)} and go up to ${this.#money(maxAmount)}.`);
    } else {
      this.#say(`Your bid of ${this.#money(amount)} was accepted.`);
    }
  }

  #refused(status, problem) {
    if (status === 401) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
    } else if (problem.code === "bid_too_low") {
      this.#suggest(problem.minimumNextBid);
      this.#say(`That is too low by now: bid at least ${this.#money(problem.minimumNextBid)}.`, true);
    } else if (problem.code === "maximum_not_raised") {
      this.#say("You lead, and your maximum is not below this already. To go further, enter more.", true);
      this.#onStale();
    } else if (problem.code === "already_leading") {
      this.#say("You have the highest bid already. To go further, raise your maximum.", true);
      this.#onStale();
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
