/**
 * Taking an item of a Dutch auction. What is sent is the price that the button shows at the moment of the click: the
 * most the buyer pays. The button is never stuck: it says what it is doing, every wait ends, and while it is not known
 * whether an item was taken, it asks for that same one again and for no other.
 */
import { NoAnswer, sendBid } from "./bid-sending.js";
import { count, money } from "./format.js";

export class TakeForm {
  #form;
  #button;
  #message;
  #digits;
  #socketId;
  #onTaken;
  #onRefused;
  #auction;
  #phase;
  #price;
  #sending = false;
  /** The price and the key of the attempt whose outcome is not known. */
  #unsettled = null;

  /**
   * `socketId` tells our connection to Channels; `onTaken` gets the answer to what was taken, `onRefused` the problem.
   */
  constructor(form, { digits, socketId, onTaken, onRefused }) {
    this.#form = form;
    this.#button = form.querySelector("[data-button]");
    this.#message = form.querySelector("[data-message]");
    this.#digits = digits;
    this.#socketId = socketId;
    this.#onTaken = onTaken;
    this.#onRefused = onRefused;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#busy) this.#take();
    });
  }

  show(auction, { phase, price }) {
    this.#auction = auction;
    this.#phase = phase;
    this.#price = price.amount;
    this.#form.hidden = ["over", "cancelled", "draft"].includes(phase) && !this.#unsettled;
    // Not `disabled`: that would take the focus away from whoever has just pressed it.
    this.#button.setAttribute("aria-disabled", this.#busy);
    const text = this.#buttonText;
    if (this.#button.textContent !== text) this.#button.textContent = text;
  }

  get #busy() {
    return this.#sending || (this.#phase !== "selling" && !this.#unsettled);
  }

  get #buttonText() {
    if (this.#sending) return "Taking it…";
    if (this.#unsettled) return `Ask again for the one at ${this.#money(this.#unsettled.price)}`;
    if (this.#phase === "scheduled") return "Not open yet";
    if (this.#phase === "sold-out") return "Sold out";
    return `Take one at ${this.#money(this.#price)}`;
  }

  async #take() {
    const { price, key } = (this.#unsettled ??= { price: this.#price, key: crypto.randomUUID() });
    this.#sending = true;
    this.#say("");
    this.#button.textContent = this.#buttonText;
    try {
      const { status, body } = await sendBid(this.#auction.id, JSON.stringify({ amount: price }), {
        key,
        socketId: this.#socketId(),
        onRetry: () => this.#say("No answer yet; asking again. You get one item at most."),
      });
      this.#unsettled = null;
      if (status === 201) this.#taken(body, price);
      else this.#refused(status, body, price);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.#say("The server does not answer, so it is not known whether you got one. Ask again: it is the same item, not a second one.", true);
    } finally {
      this.#sending = false;
      this.show(this.#auction, { phase: this.#phase, price: { amount: this.#price } });
    }
  }

  #taken(answer, agreed) {
    const less = answer.amount < agreed ? `, less than the ${this.#money(agreed)} that you agreed to` : "";
    this.#say(`One is yours at ${this.#money(answer.amount)}${less}. Check out before the time is over.`);
    this.#onTaken(answer);
  }

  #refused(status, problem, agreed) {
    if (status === 401) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
      return;
    }
    this.#say(this.#refusal(problem, agreed), true);
    this.#onRefused(problem);
  }

  #refusal({ code, detail, currentPrice, remainingItems, heldItems, limit, retryAfter }, agreed) {
    switch (code) {
      case "price_changed":
        return `Nothing was taken: the price is ${this.#money(currentPrice)}, more than the ${this.#money(agreed)} that you agreed to.`;
      case "sold_out":
        return `Somebody was faster: ${remainingItems} left. ${heldItems ? `${count(heldItems, "item is", "items are")} only held, and may come back.` : "All of them are sold."}`;
      case "buyer_limit_reached":
        return `You have ${count(limit, "item", "items")}, as many as one buyer may have.`;
      case "rate_limited":
        return `That was too often. Try again in ${retryAfter} s.`;
      default:
        return detail;
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
