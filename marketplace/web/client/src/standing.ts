/** Where an auction stands: a snapshot, and what each event makes of it. Pure. */
import { type DutchPrice, type DutchTerms, dutchPrice } from "./dutch.js";
import { type AuctionEvent, checks, fits, type Outcome, type PriceDrop } from "./events.js";

/** What the snapshots of both formats have. Amounts are in the currency's minor unit, moments ISO 8601. */
export interface CommonStanding {
  id: number;
  /** The last event that is in it. */
  seq: number;
  status: Status;
  outcome: Outcome | null;
  currency: string;
  startsAt: string | null;
  endsAt: string;
  startingPrice: number;
  bidCount: number;
  activeViewers: number;
  /** Whose members alone see it; null for everybody. */
  tenantId?: number | null;
}

/** A status of an auction. */
export type Status = "DRAFT" | "SCHEDULED" | "RUNNING" | "ENDING_SOON" | "ENDED" | "CANCELLED";

/** The price rises, the highest bid leads. */
export interface EnglishStanding extends CommonStanding {
  format?: "ENGLISH";
  currentBid: number | null;
  minimumNextBid: number;
  bidderName: string | null;
  reserveMet: boolean | null;
  buyNowPrice: number | null;
  /** Percent of `buyNowPrice` up to which the lot can be bought at once. */
  buyNowShare: number;
  extensionCount?: number;
  /** The step of each bid, or a table of steps: from which price on which step. One of the two. */
  minIncrement?: number | null;
  incrementTable?: readonly (readonly [number, number])[] | null;
}

/** The price falls on a clock, and whoever takes an item first has it. */
export interface DutchStanding extends CommonStanding, DutchTerms {
  format: "DUTCH";
  startsAt: string | null;
  endsAt: string;
  startingPrice: number;
  quantity: number;
  /** Items that can be taken. */
  remainingItems: number;
  /** Items that are held for somebody who has not checked out yet, and those that are sold. */
  heldItems: number;
  soldItems: number;
  /** The price when the snapshot was made; the one now is {@link dutchPrice}. */
  currentPrice: number;
  dropsRemaining: number;
  nextDropAt: string | null;
}

/** A snapshot of an auction, as `GET /api/auctions/{id}` answers; what else it has is kept. */
export type Standing = EnglishStanding | DutchStanding;

const { count, number, text, currency, moment, orNull, yesOrNo, oneOf } = checks;

const COMMON = {
  id: number,
  seq: count,
  status: oneOf("DRAFT", "SCHEDULED", "RUNNING", "ENDING_SOON", "ENDED", "CANCELLED"),
  outcome: orNull(oneOf("SOLD", "UNSOLD", "RESERVE_NOT_MET")),
  currency,
  startsAt: orNull(moment),
  endsAt: moment,
  startingPrice: count,
  bidCount: count,
  activeViewers: count,
};
const ENGLISH = {
  ...COMMON,
  currentBid: orNull(count),
  minimumNextBid: count,
  bidderName: orNull(text),
  reserveMet: orNull(yesOrNo),
  buyNowPrice: orNull(count),
  buyNowShare: count,
};
const DUTCH = {
  ...COMMON,
  floorPrice: count,
  dropAmount: number,
  dropEvery: number,
  quantity: number,
  remainingItems: count,
  heldItems: count,
  soldItems: count,
  currentPrice: count,
  dropsRemaining: count,
  nextDropAt: orNull(moment),
};

/** A snapshot; null when it is malformed, or of another auction. */
export function parseStanding(data: unknown, id: number): Standing | null {
  const dutch = (data as { format?: unknown } | null)?.format === "DUTCH";
  if (!fits<{ id: number }>(data, dutch ? DUTCH : ENGLISH) || data.id !== id) return null;
  const standing = data as unknown as Standing;
  return isDutch(standing) && standing.remainingItems > standing.quantity ? null : standing;
}

/** Whether the price falls. */
export function isDutch(standing: Standing): standing is DutchStanding {
  return standing.format === "DUTCH";
}

/** Whether it is open by its status; whether it is over by the clock is another question. */
export function isOpen({ status }: Pick<Standing, "status">): boolean {
  return status === "RUNNING" || status === "ENDING_SOON";
}

/** When the next step of its life is due, in milliseconds since 1970: it opens, or it ends. */
export function dueAt(standing: Standing): number | null {
  if (isOpen(standing)) return Date.parse(standing.endsAt);
  return standing.status === "SCHEDULED" && standing.startsAt !== null ? Date.parse(standing.startsAt) : null;
}

/** The standing after the next event. */
export function after(standing: Standing, event: AuctionEvent): Standing {
  const { name, data } = event;
  const { seq } = data;
  switch (name) {
    case "bid:new": {
      const { currentBid, bidderName, bidCount, minimumNextBid, reserveMet } = data;
      const endsAt = data.extendedEndTime ?? standing.endsAt;
      const next = { ...standing, seq, currentBid, bidderName, bidCount, minimumNextBid, reserveMet, endsAt } as EnglishStanding;
      return canStillBeBought(next) ? next : { ...next, buyNowPrice: null };
    }
    case "bid:retracted": {
      const { currentBid, bidderName, bidCount, minimumNextBid, reserveMet } = data;
      return { ...standing, seq, currentBid, bidderName, bidCount, minimumNextBid, reserveMet } as EnglishStanding;
    }
    case "auction:status":
      // Only a Dutch auction that is sold out ever comes back from its end.
      return { ...standing, seq, status: data.status, startsAt: data.startsAt, endsAt: data.endsAt, outcome: null };
    case "auction:extend":
      return { ...standing, seq, endsAt: data.endsAt, extensionCount: data.extensionCount } as EnglishStanding;
    case "auction:end": {
      // What is sold out may open again, until the end that was set.
      const early = data.reason !== "sold_out" && Date.parse(data.timestamp) < Date.parse(standing.endsAt);
      return { ...standing, seq, status: "ENDED", outcome: data.outcome, endsAt: early ? data.timestamp : standing.endsAt };
    }
    case "auction:second-chance":
      return { ...standing, seq };
    case "item:sold": {
      const { remainingItems } = data;
      const heldItems = (standing as DutchStanding).heldItems + 1;
      return { ...standing, seq, remainingItems, heldItems, bidCount: standing.bidCount + 1 } as DutchStanding;
    }
    case "item:returned": {
      const { remainingItems, outcome } = data;
      return { ...standing, ...returned(standing as DutchStanding), seq, remainingItems, outcome } as DutchStanding;
    }
  }
}

/** Whether an item was held or checked out before it came back is not told: nearly always it was held. */
function returned({ heldItems, soldItems }: DutchStanding): Pick<DutchStanding, "heldItems" | "soldItems"> {
  return heldItems ? { heldItems: heldItems - 1, soldItems } : { heldItems, soldItems: Math.max(0, soldItems - 1) };
}

/**
 * Whether this can be the next event. What is refused here is asked of the server again, so a rule that is too strict
 * costs a request, and one that is missing a wrong price.
 */
export function isPossible(standing: Standing, event: AuctionEvent): boolean {
  if (event.data.seq !== standing.seq + 1) return false;
  if ("currency" in event.data && event.data.currency !== standing.currency) return false;
  return isDutch(standing) ? isPossibleInDutch(standing, event) : isPossibleInEnglish(standing, event);
}

function isPossibleInEnglish(standing: EnglishStanding, { name, data }: AuctionEvent): boolean {
  switch (name) {
    case "bid:new":
      // One bid more, and no lower price without a retraction.
      return (
        isOpen(standing) &&
        data.currentBid >= (standing.currentBid ?? standing.startingPrice) &&
        data.minimumNextBid > data.currentBid &&
        data.bidCount === standing.bidCount + 1 &&
        !earlier(data.extendedEndTime, standing.endsAt)
      );
    case "bid:retracted":
      return data.bidCount <= standing.bidCount;
    case "auction:extend":
      return !earlier(data.endsAt, standing.endsAt);
    case "auction:status":
      return follows(standing.status, data.status);
    case "auction:end":
      return isOpen(standing) && (data.outcome !== "SOLD" || data.winningBid === standing.currentBid);
    case "auction:second-chance":
      return standing.status === "ENDED";
    default:
      return false;
  }
}

function isPossibleInDutch(standing: DutchStanding, { name, data }: AuctionEvent): boolean {
  switch (name) {
    case "item:sold":
      return (
        isOpen(standing) &&
        data.remainingItems === standing.remainingItems - 1 &&
        priceIsRight(standing, data.price, data.timestamp)
      );
    case "item:returned":
      return data.remainingItems <= standing.quantity && data.remainingItems === standing.remainingItems + 1;
    case "auction:status": {
      const reopened = standing.status === "ENDED" && data.status === "RUNNING" && standing.remainingItems > 0;
      return reopened || follows(standing.status, data.status);
    }
    case "auction:end":
      return isOpen(standing);
    default:
      return false;
  }
}

/** Whether the terms give what a `price:drop` says. */
export function dropIsRight(standing: DutchStanding, drop: PriceDrop): boolean {
  return (
    drop.currency === standing.currency &&
    around(standing, drop.timestamp).some(
      (price) => price.currentPrice === drop.currentPrice && price.dropsRemaining === drop.dropsRemaining,
    )
  );
}

function priceIsRight(standing: DutchStanding, price: number, timestamp: string): boolean {
  return around(standing, timestamp).some(({ currentPrice }) => currentPrice === price);
}

/** The prices around a moment: moments are told in milliseconds, cut off, and drops come in between. */
function around(standing: DutchStanding, timestamp: string): DutchPrice[] {
  const at = Date.parse(timestamp);
  return [dutchPrice(standing, at - 1), dutchPrice(standing, at + 1)];
}

const LIFE: readonly Status[] = ["DRAFT", "SCHEDULED", "RUNNING", "ENDING_SOON"];

/** Whether one status can come after another: forwards only, and nothing after the end. */
function follows(before: Status, next: Status): boolean {
  const place = LIFE.indexOf(before);
  return place !== -1 && (next === "CANCELLED" || LIFE.indexOf(next) > place);
}

function earlier(moment: string | null, than: string): boolean {
  return moment !== null && Date.parse(moment) < Date.parse(than);
}

/** Whether a bid has left the lot to be bought at once: until the first one, or under a share of that price. */
function canStillBeBought({ currentBid, buyNowPrice, buyNowShare }: EnglishStanding): boolean {
  return buyNowPrice !== null && currentBid !== null && currentBid * 100 < buyNowPrice * buyNowShare;
}
