/** The falling price of a Dutch auction; the same function as `marketplace/bidding/dutch.py`. */

/** What fixes the price at each moment. Amounts are in the currency's minor unit. */
export interface DutchTerms {
  startingPrice: number;
  /** The price never falls under it. */
  floorPrice: number;
  dropAmount: number;
  /** Seconds from one drop to the next. */
  dropEvery: number;
  startsAt: string | null;
  endsAt: string;
}

/** The price at a moment. */
export interface DutchPrice {
  currentPrice: number;
  /** Drops until the floor. */
  dropsRemaining: number;
  /** When it drops next, in milliseconds since 1970; null at the floor, and when no drop comes before the end. */
  nextDropAt: number | null;
}

/**
 * The price by the terms.
 *
 * @param at - milliseconds since 1970, by the server; after the end the price stays what it was then
 */
export function dutchPrice(terms: DutchTerms, at: number): DutchPrice {
  const starts = terms.startsAt === null ? Number.POSITIVE_INFINITY : Date.parse(terms.startsAt);
  const ends = Date.parse(terms.endsAt);
  const every = terms.dropEvery * 1_000;
  const drops = Math.ceil((terms.startingPrice - terms.floorPrice) / terms.dropAmount);
  const due = Math.max(Math.floor((Math.min(at, ends) - starts) / every), 0);
  const done = Math.min(due, drops);
  const next = starts + (done + 1) * every;
  return {
    currentPrice: Math.max(terms.startingPrice - done * terms.dropAmount, terms.floorPrice),
    dropsRemaining: drops - done,
    nextDropAt: done < drops && next <= ends ? next : null,
  };
}
