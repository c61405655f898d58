/** A server in miniature, written without the library: it makes true histories, and knows the standing at each step. */
import type { FakeAnswer, FakeTime } from "./fakes.js";
import type { Random } from "./random.js";

type Facts = Record<string, unknown>;

/** A step as it is stored. */
export interface Step {
  seq: number;
  event: string;
  data: Facts & { auctionId: number; seq: number; timestamp: string };
}

export const iso = (milliseconds: number): string => new Date(Math.floor(milliseconds)).toISOString();

const PAGE = 100;

/** What auctions of both formats have. */
export abstract class ModelAuction {
  readonly log: Step[] = [];
  /** The snapshot after each number of events; the first is that before any. */
  readonly snapshots: Facts[] = [];
  endsAt: number;
  status = "SCHEDULED";
  outcome: string | null = null;
  readonly startsAt: number;

  constructor(
    readonly id: number,
    protected readonly time: FakeTime,
    protected readonly random: Random,
    protected readonly lasts: number,
  ) {
    this.startsAt = time.serverNow;
    this.endsAt = this.startsAt + lasts;
  }

  get seq(): number {
    return this.log.length;
  }

  get open(): boolean {
    return this.status === "RUNNING" || this.status === "ENDING_SOON";
  }

  /** The standing after so many events. */
  snapshot(seq = this.seq): Facts {
    return this.snapshots[seq] as Facts;
  }

  /** Something happens; what, depends on how things stand. */
  abstract step(): void;

  protected abstract facts(): Facts;

  protected begin(): void {
    this.snapshots.push(this.view());
    this.tellStatus("RUNNING");
  }

  protected tell(event: string, facts: Facts): void {
    const seq = this.seq + 1;
    this.log.push({ seq, event, data: { auctionId: this.id, seq, timestamp: iso(this.time.serverNow), ...facts } });
    this.snapshots.push(this.view());
  }

  protected tellStatus(status: string): void {
    this.status = status;
    this.tell("auction:status", { status, startsAt: iso(this.startsAt), endsAt: iso(this.endsAt) });
  }

  protected view(): Facts {
    return {
      id: this.id,
      tenantId: null,
      title: "A watch",
      status: this.status,
      outcome: this.outcome,
      currency: "USD",
      startsAt: iso(this.startsAt),
      endsAt: iso(this.endsAt),
      seq: this.seq,
      activeViewers: 3,
      ...this.facts(),
    };
  }

  /** What the server answers to a path under the auction's own. */
  answer(path: string, etagSent: string | null): FakeAnswer | undefined {
    if (path === "") {
      const etag = `"${this.seq}-${this.status}"`;
      return etagSent === etag ? { status: 304, headers: { ETag: etag } } : { body: this.view(), headers: { ETag: etag } };
    }
    const after = /^\/events\?after=(\d+)$/.exec(path)?.[1];
    if (after === undefined) return undefined;
    const found = this.log.slice(Number(after), Number(after) + PAGE + 1);
    const items = found.slice(0, PAGE);
    return { body: { items, nextCursor: found.length > PAGE ? String(items.at(-1)?.seq) : null } };
  }
}

/** An English auction: bids, automatic answers, retractions, extensions, the end. */
export class ModelEnglish extends ModelAuction {
  price: number | null = null;
  bids: number[] = [];
  extensions = 0;
  bidder: string | null = null;

  constructor(id: number, time: FakeTime, random: Random, lasts = 3_600_000) {
    super(id, time, random, lasts);
    this.begin();
  }

  protected facts(): Facts {
    return {
      format: "ENGLISH",
      startingPrice: 1_000,
      currentBid: this.price,
      minimumNextBid: this.minimum,
      bidderName: this.bidder,
      bidCount: this.bids.length,
      reserveMet: this.price === null ? false : this.price > 50_000,
      buyNowPrice: null,
      buyNowShare: 0,
      extensionCount: this.extensions,
    };
  }

  get minimum(): number {
    return this.price === null ? 1_000 : this.price + 50;
  }

  step(): void {
    if (!this.open) {
      if (this.status === "ENDED" && this.random.chance(0.3)) this.tell("auction:second-chance", { status: "OFFERED" });
      return;
    }
    const dice = this.random.next();
    if (this.status === "RUNNING" && dice < 0.01) this.tellStatus("ENDING_SOON");
    else if (this.bids.length > 3 && dice < 0.06) this.retract();
    else this.bid(this.minimum + 10 * this.random.integer(0, 40), { extends: dice > 0.95 });
  }

  bid(amount: number, { extends: moves = false, kind = "BID" } = {}): void {
    this.bids.push(amount);
    this.price = amount;
    this.bidder = `Bidder ${this.random.integer(1, 9)}`;
    if (moves) [this.endsAt, this.extensions] = [this.endsAt + 30_000, this.extensions + 1];
    const extendedEndTime = moves ? iso(this.endsAt) : null;
    const { currentBid, bidderName, bidCount, minimumNextBid, reserveMet } = this.facts();
    // The snapshot after the bid has the new end, and the old count of extensions.
    if (moves) this.extensions -= 1;
    this.tell("bid:new", {
      kind,
      currentBid,
      currency: "USD",
      bidderName,
      bidCount,
      minimumNextBid,
      reserveMet,
      extendedEndTime,
    });
    if (!moves) return;
    this.extensions += 1;
    this.tell("auction:extend", { endsAt: iso(this.endsAt), extensionCount: this.extensions });
  }

  retract(): void {
    this.bids.splice(-this.random.integer(1, 2));
    this.price = this.bids.at(-1) ?? null;
    this.bidder = this.price === null ? null : `Bidder ${this.random.integer(1, 9)}`;
    const { currentBid, bidderName, bidCount, minimumNextBid, reserveMet } = this.facts();
    this.tell("bid:retracted", { currentBid, currency: "USD", bidderName, bidCount, minimumNextBid, reserveMet });
  }

  end(): void {
    this.status = "ENDED";
    this.outcome = this.price === null ? "UNSOLD" : "SOLD";
    this.endsAt = Math.min(this.endsAt, this.time.serverNow);
    const sold = this.outcome === "SOLD";
    const winner = { winnerName: sold ? this.bidder : null, winningBid: sold ? this.price : null };
    this.tell("auction:end", { outcome: this.outcome, reason: "ended_by_administrator", ...winner, currency: "USD" });
  }
}

/** A Dutch auction: items go and come back; sold out it closes, and opens again when one returns. */
export class ModelDutch extends ModelAuction {
  readonly startingPrice = 100_000;
  readonly floorPrice = 20_000;
  readonly dropAmount = 1_500;
  readonly dropEvery = 7;
  readonly quantity = 6;
  remaining = 6;
  takes = 0;

  constructor(id: number, time: FakeTime, random: Random, lasts = 3_600_000) {
    super(id, time, random, lasts);
    this.begin();
  }

  /** The price at a moment, drop by drop. */
  priceAt(at: number): { price: number; left: number; next: number | null } {
    let price = this.startingPrice;
    let next = this.startsAt + this.dropEvery * 1_000;
    for (; price > this.floorPrice && next <= Math.min(at, this.endsAt); next += this.dropEvery * 1_000) {
      price = Math.max(price - this.dropAmount, this.floorPrice);
    }
    const left = Math.ceil((price - this.floorPrice) / this.dropAmount);
    return { price, left, next: left > 0 ? next : null };
  }

  get drop(): Facts {
    const { price, left, next } = this.priceAt(this.time.serverNow);
    return {
      auctionId: this.id,
      timestamp: iso(this.time.serverNow),
      currentPrice: price,
      currency: "USD",
      dropsRemaining: left,
      nextDropAt: next === null ? null : iso(next),
    };
  }

  protected facts(): Facts {
    const { currentPrice, dropsRemaining, nextDropAt } = this.drop;
    return {
      format: "DUTCH",
      startingPrice: this.startingPrice,
      floorPrice: this.floorPrice,
      dropAmount: this.dropAmount,
      dropEvery: this.dropEvery,
      quantity: this.quantity,
      remainingItems: this.remaining,
      heldItems: this.quantity - this.remaining,
      soldItems: 0,
      bidCount: this.takes,
      currentPrice,
      dropsRemaining,
      nextDropAt,
    };
  }

  step(): void {
    const taken = this.quantity - this.remaining;
    if (this.status === "ENDED" || (taken > 0 && this.random.chance(0.45))) this.giveBack();
    else this.take();
  }

  take(): void {
    this.remaining -= 1;
    this.takes += 1;
    const price = this.priceAt(this.time.serverNow).price;
    this.tell("item:sold", { remainingItems: this.remaining, price, currency: "USD" });
    if (this.remaining > 0) return;
    [this.status, this.outcome] = ["ENDED", "SOLD"];
    this.tell("auction:end", { outcome: "SOLD", reason: "sold_out", winnerName: null, winningBid: null, currency: "USD" });
  }

  giveBack(): void {
    this.remaining += 1;
    const reopens = this.status === "ENDED";
    if (reopens) this.outcome = null;
    this.tell("item:returned", { remainingItems: this.remaining, outcome: null });
    if (reopens) this.tellStatus("RUNNING");
  }
}

/** What the auctions' server answers. */
export function serving(auctions: readonly ModelAuction[]): (path: string, init: RequestInit) => FakeAnswer | undefined {
  return (path, init) => {
    const [, id, rest] = /^\/api\/auctions\/(\d+)(.*)$/.exec(path) ?? [];
    const auction = auctions.find((each) => String(each.id) === id);
    const headers = (init.headers ?? {}) as Record<string, string>;
    return auction?.answer(rest ?? "", headers["If-None-Match"] ?? null);
  };
}
