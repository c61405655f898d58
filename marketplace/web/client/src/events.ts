/**
 * The events of the catalogue (docs/events.md): their types, and the check that something is one. What comes over a
 * network is believed only as far as it has been looked at.
 */

/** What every stored event carries. */
export interface Envelope {
  auctionId: number;
  /** Its place in the auction's history: 1, 2, 3, without gaps. */
  seq: number;
  /** When it happened, by the database's clock: ISO 8601. */
  timestamp: string;
}

/** A bid was accepted. */
export interface BidNew extends Envelope {
  kind: string;
  currentBid: number;
  currency: string;
  bidderName: string;
  bidCount: number;
  minimumNextBid: number;
  reserveMet: boolean | null;
  extendedEndTime: string | null;
}

/** Bids were withdrawn; the price may have fallen. */
export interface BidRetracted extends Envelope {
  currentBid: number | null;
  currency: string;
  bidderName: string | null;
  bidCount: number;
  minimumNextBid: number;
  reserveMet: boolean | null;
}

/** The auction was scheduled, opened, is ending soon, or was cancelled. */
export interface StatusChanged extends Envelope {
  status: "SCHEDULED" | "RUNNING" | "ENDING_SOON" | "CANCELLED";
  startsAt: string;
  endsAt: string;
}

/** A late bid moved the end. */
export interface Extended extends Envelope {
  endsAt: string;
  extensionCount: number;
}

/** The auction has ended. */
export interface Ended extends Envelope {
  outcome: Outcome;
  reason: string;
  winnerName: string | null;
  winningBid: number | null;
  currency: string;
}

/** After the end: the lot is offered to another bidder, or they have answered. */
export interface SecondChance extends Envelope {
  status: "OFFERED" | "ACCEPTED" | "DECLINED";
}

/** An item of a Dutch auction was taken. */
export interface ItemSold extends Envelope {
  remainingItems: number;
  price: number;
  currency: string;
}

/** An item of a Dutch auction is free again. */
export interface ItemReturned extends Envelope {
  remainingItems: number;
  outcome: "SOLD" | "UNSOLD" | null;
}

/** How an auction has ended. */
export type Outcome = "SOLD" | "UNSOLD" | "RESERVE_NOT_MET";

/** A step in an auction's history. */
export type AuctionEvent =
  | { name: "bid:new"; data: BidNew }
  | { name: "bid:retracted"; data: BidRetracted }
  | { name: "auction:status"; data: StatusChanged }
  | { name: "auction:extend"; data: Extended }
  | { name: "auction:end"; data: Ended }
  | { name: "auction:second-chance"; data: SecondChance }
  | { name: "item:sold"; data: ItemSold }
  | { name: "item:returned"; data: ItemReturned };

/** The number of viewers; no step of the auction, so it has no `seq`. */
export interface ViewersCount {
  auctionId: number;
  timestamp: string;
  activeViewers: number;
}

/** A Dutch auction's price has dropped; no step either, since it follows from the terms. */
export interface PriceDrop {
  auctionId: number;
  timestamp: string;
  currentPrice: number;
  currency: string;
  dropsRemaining: number;
  nextDropAt: string | null;
}

type Check = (value: unknown) => boolean;
type Fields<T> = { [Key in keyof T]-?: Check };

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/;

const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const number: Check = (value) => count(value) && (value as number) > 0;
const text: Check = (value) => typeof value === "string";
const currency: Check = (value) => typeof value === "string" && /^[A-Z]{3}$/.test(value);
const moment: Check = (value) => typeof value === "string" && MOMENT.test(value) && !Number.isNaN(Date.parse(value));
const yesOrNo: Check = (value) => typeof value === "boolean";
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const oneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value as string);

const ENVELOPE: Fields<Envelope> = { auctionId: number, seq: number, timestamp: moment };
const STANDING = { currency, bidCount: count, minimumNextBid: count, reserveMet: orNull(yesOrNo) };

const EVENTS: { [Event in AuctionEvent as Event["name"]]: Fields<Event["data"]> } = {
  "bid:new": {
    ...ENVELOPE,
    ...STANDING,
    kind: text,
    currentBid: count,
    bidderName: text,
    bidCount: number,
    extendedEndTime: orNull(moment),
  },
  "bid:retracted": { ...ENVELOPE, ...STANDING, currentBid: orNull(count), bidderName: orNull(text) },
  "auction:status": {
    ...ENVELOPE,
    status: oneOf("SCHEDULED", "RUNNING", "ENDING_SOON", "CANCELLED"),
    startsAt: moment,
    endsAt: moment,
  },
  "auction:extend": { ...ENVELOPE, endsAt: moment, extensionCount: count },
  "auction:end": {
    ...ENVELOPE,
    outcome: oneOf("SOLD", "UNSOLD", "RESERVE_NOT_MET"),
    reason: text,
    winnerName: orNull(text),
    winningBid: orNull(count),
    currency,
  },
  "auction:second-chance": { ...ENVELOPE, status: oneOf("OFFERED", "ACCEPTED", "DECLINED") },
  "item:sold": { ...ENVELOPE, remainingItems: count, price: count, currency },
  "item:returned": { ...ENVELOPE, remainingItems: count, outcome: orNull(oneOf("SOLD", "UNSOLD")) },
};

const VIEWERS: Fields<ViewersCount> = { auctionId: number, timestamp: moment, activeViewers: count };
const DROP: Fields<PriceDrop> = {
  auctionId: number,
  timestamp: moment,
  currentPrice: count,
  currency,
  dropsRemaining: count,
  nextDropAt: orNull(moment),
};

/** Whether the catalogue, as it was when this was built, has such an event. */
export function isKnown(name: string): boolean {
  return Object.hasOwn(EVENTS, name) || name === "bids:batch";
}

/**
 * The steps that a message stands for: one, or those of a batch. Null when it is malformed.
 *
 * A batch with one bad bid is refused whole: the feed has them all.
 */
export function parseEvents(name: string, data: unknown, auctionId: number): AuctionEvent[] | null {
  const messages = name === "bids:batch" ? unfolded(data) : [{ name, data }];
  return messages?.every((message) => isEvent(message.name, message.data, auctionId)) ? (messages as AuctionEvent[]) : null;
}

/** A count of viewers; null when it is malformed. */
export function parseViewers(data: unknown, auctionId: number): ViewersCount | null {
  return fits(data, VIEWERS) && data.auctionId === auctionId ? data : null;
}

/** A drop of the price; null when it is malformed. */
export function parseDrop(data: unknown, auctionId: number): PriceDrop | null {
  return fits(data, DROP) && data.auctionId === auctionId ? data : null;
}

/** Whether something is an object with these fields. */
export function fits<T>(data: unknown, fields: Fields<T>): data is T {
  if (typeof data !== "object" || data === null) return false;
  return Object.entries<Check>(fields).every(([name, check]) => check((data as Record<string, unknown>)[name]));
}

/** Checks for the fields of objects. */
export const checks = { count, number, text, currency, moment, yesOrNo, orNull, oneOf };

function isEvent(name: string, data: unknown, auctionId: number): boolean {
  const fields = Object.hasOwn(EVENTS, name) ? EVENTS[name as AuctionEvent["name"]] : undefined;
  return fields !== undefined && fits<Envelope>(data, fields) && data.auctionId === auctionId;
}

function unfolded(data: unknown): { name: string; data: unknown }[] | null {
  const { fromSeq, seq, bids } = (data ?? {}) as { fromSeq?: unknown; seq?: unknown; bids?: unknown };
  if (!number(fromSeq) || !number(seq) || !Array.isArray(bids)) return null;
  const first = fromSeq as number;
  const whole = bids.length > 0 && bids.length === (seq as number) - first + 1;
  const inOrder = bids.every((bid: unknown, index) => (bid as Envelope | null)?.seq === first + index);
  return whole && inOrder ? bids.map((bid: unknown) => ({ name: "bid:new", data: bid })) : null;
}
