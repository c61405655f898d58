/**
 * Whether I lead, and how far I go. Nobody else is told a maximum, and names are not unique, so this follows from what
 * only I am told: the answers to my bids, `bid:winning`, and `GET /api/auctions/{id}/me`.
 */

export class Mine {
  hasBid;
  #name;
  /** That I led after the event `seq`, going up to `max`; null when I did not. */
  #lead;
  /** The latest event that could have changed who leads. */
  #changed;

  constructor({ name = null, leads = false, max = null, hasBid = false }, seq) {
    this.#name = name;
    this.hasBid = hasBid;
    this.#lead = leads ? { seq, max } : null;
    this.#changed = seq;
  }

  /** How far I go, if I lead; else null. A price up to my maximum cannot be a rival's lead: the earlier bid wins a tie. */
  maxIfLeading(currentBid) {
    const stands = this.#lead && (this.#lead.seq >= this.#changed || (currentBid !== null && currentBid <= this.#lead.max));
    return stands ? this.#lead.max : null;
  }

  /** A bid of mine was accepted, or answered a rival's. */
  leads(seq, max) {
    this.hasBid = true;
    if (seq < (this.#lead?.seq ?? 0)) return;
    this.#lead = { seq, max: Math.max(max, this.#lead?.max ?? 0) };
  }

  /** A bid came from somebody, perhaps me. */
  bidPlaced({ seq, kind }) {
    this.#changed = seq;
    // The buyer pays a price of its own, which may be under my maximum.
    if (kind === "BUY_NOW") this.#lead = null;
  }

  /** Bids were withdrawn, perhaps mine; the server has to be asked. */
  bidsWithdrawn({ seq, bidderName }) {
    this.#changed = seq;
    if (bidderName !== this.#name) this.#lead = null;
  }

  /** What the server said, asked when `seq` was the latest event known here. */
  told({ leads, max, hasBid = this.hasBid }, seq) {
    this.hasBid = hasBid || leads;
    if (leads) this.#lead = { seq, max };
    else if ((this.#lead?.seq ?? 0) <= seq) this.#lead = null;
  }
}
