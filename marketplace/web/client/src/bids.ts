import { Backoff } from "./backoff.js";
import { Emitter, type Undo } from "./emitter.js";
import type { Environment, Timer } from "./environment.js";
import { type Answer, type Api, HttpProblem } from "./http.js";
import type { Metrics } from "./metrics.js";

/** How often a bid is sent before it is left until somebody asks for it again, or the network is back. */
const ATTEMPTS = 4;
/** The server itself waits for 12 seconds at most. */
const TIMEOUT_MS = 15_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;
/** For so long a bid is what the person has just said, and may be sent again without asking them. */
const FRESH_MS = 60_000;
/** First and longest pause before a bid is taken up again that waits, or whose outcome is not known. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
/** Said before a bid is looked at: of one that was sent before, such an answer tells nothing. `error` is a proxy's. */
const AT_THE_DOOR = new Set(["unauthenticated", "invalid_origin", "other_account", "not_found", "rate_limited", "error"]);
/** After a reload, a bid this old (milliseconds, by the device's clock) is forgotten: the server forgets its key, too. */
const FORGOTTEN_MS = 24 * 3_600_000;
const STORED_AS = "marketplace.bids";

/** What is bid, in the currency's minor unit: an exact amount, a maximum, or both. In a Dutch auction the price seen. */
export interface BidTerms {
  amount?: number;
  maxAmount?: number;
}

/**
 * - `waiting`: the page is offline; it will be sent on return
 * - `asking`: the price has moved meanwhile, or the page was loaded anew: the person has to say whether it still stands
 * - `sending`: it is on its way
 * - `repeating`: no answer came, and it is being sent again under the same key
 * - `unknown`: no answer came, after all attempts: nobody here knows whether it was placed
 * - `accepted`, `refused`: the server has said so
 * - `dropped`: it will not be sent any more; if it was (`attempts`), it may have been placed all the same
 */
export type BidState = "waiting" | "asking" | "sending" | "repeating" | "unknown" | "accepted" | "refused" | "dropped";

/** The answer to a bid that was accepted: how things stood right after it. A Dutch one has a `reservationId`, too. */
export interface BidAccepted {
  bidId: string;
  auctionId: number;
  seq: number;
  amount: number;
  currency: string;
  [fact: string]: unknown;
}

/** What a person is asked before a bid goes that has waited. */
export interface Question {
  /** `moved`: the price is another one. `unsure`: whether it was placed is not known, and it is some time ago. */
  reason: "moved" | "unsure";
  bid: Bid;
  /** The price that was shown when the bid was made, if one was. */
  priceThen: number | null;
  priceNow: number;
}

/** How an auction stands. */
export interface Situation {
  price: number;
  /** The least that would be accepted; of a Dutch auction, the price. */
  minimum: number;
  takesBids: boolean;
  dutch: boolean;
}

/** What is kept over a reload. */
interface Stored {
  key: string;
  auctionId: number;
  terms: BidTerms;
  priceThen: number | null;
  attempts: number;
  madeAt: number;
  userId: number | null;
}

/** What {@link Bids} need from the page. */
export interface BidServices {
  env: Environment;
  api: Api;
  metrics: Metrics;
  /** Whose bids these are; a bid stored by somebody else is not restored. */
  userId: number | null;
  socketId(): string | null;
  /** Whether a request has a chance now; so it has, too, if anything was heard after `since`, by the monotonic clock. */
  online(since: number): boolean;
  /** What the page shows as the price; null when it does not show this auction. */
  priceShown(auctionId: number): number | null;
  /** How an auction stands now: asked of the server; null when it does not answer, `gone` when there is none. */
  situation(auctionId: number): Promise<Situation | "gone" | null>;
  /** A bid of this auction was accepted as this event. */
  accepted(auctionId: number, seq: number): void;
}

/** A bid, from the moment it is made until it is known what became of it. */
export class Bid extends Emitter<{ state: BidState }> {
  /** Under which the server recognizes it: it is placed once at most, however often it is sent. */
  readonly key: string;
  readonly auctionId: number;
  readonly terms: BidTerms;
  /** What became of it: resolves with `accepted`, `refused` or `dropped`; never, while that is not known. */
  readonly settled: Promise<Bid>;
  #state: BidState = "waiting";
  #answer: BidAccepted | null = null;
  #problem: HttpProblem | null = null;
  #replayed = false;
  #attempts: number;
  #settle!: (bid: Bid) => void;

  /** @internal What the person has to be asked before it goes out; null when nothing. */
  doubt: Question["reason"] | null = null;
  /** @internal */
  priceThen: number | null;
  /** @internal When the person last said that they want it, by the device's clock and by the monotonic one. */
  wantedAt: readonly [number, number] = [0, 0];
  /** @internal Until when it is left alone, by the monotonic clock, should nothing happen before. */
  pauseUntil = 0;

  /** @internal */
  constructor(
    private readonly stored: Stored,
    private readonly desk: { send(bid: Bid): void; changed(bid: Bid): void },
  ) {
    super();
    this.key = stored.key;
    this.auctionId = stored.auctionId;
    this.terms = stored.terms;
    this.priceThen = stored.priceThen;
    this.#attempts = stored.attempts;
    if (stored.attempts > 0) this.#state = "unknown";
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** How it stands. */
  get state(): BidState {
    return this.#state;
  }

  /** The server's answer, once it is accepted. */
  get answer(): BidAccepted | null {
    return this.#answer;
  }

  /** Why it was refused, or dropped; while that is not known, why the server would not say. */
  get problem(): HttpProblem | null {
    return this.#problem;
  }

  /** Whether the server had accepted or refused it before, and the answer got lost. */
  get replayed(): boolean {
    return this.#replayed;
  }

  /** How often it was sent. Once it was, only the server knows whether it was placed. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Yes, send it: the answer to `asking`; or send it again, when it is `unknown`. */
  confirm(): void {
    if (this.#state !== "asking" && this.#state !== "unknown") return;
    this.doubt = null;
    this.become("waiting");
    this.desk.send(this);
  }

  /** Do not send it. Only before it was ever sent, or to give up on one that is `unknown`: that may still be placed. */
  drop(): void {
    if (["waiting", "asking", "unknown"].includes(this.#state)) this.become("dropped");
  }

  /** @internal */
  toStore(): Stored {
    return { ...this.stored, priceThen: this.priceThen, attempts: this.#attempts };
  }

  /** @internal */
  attempted(): void {
    this.#attempts += 1;
    this.become(this.#attempts > 1 ? "repeating" : "sending");
  }

  /** @internal */
  accept(answer: BidAccepted, replayed: boolean): void {
    this.#answer = answer;
    this.#problem = null;
    this.#replayed = replayed;
    this.become("accepted");
  }

  /** @internal */
  refuse(problem: HttpProblem, state: "refused" | "dropped" = "refused"): void {
    this.#problem = problem;
    this.become(state);
  }

  /** @internal The server did not say what became of it. */
  turnedAway(problem: HttpProblem): void {
    this.#problem = problem;
    this.doubt = "unsure";
  }

  /** @internal Another page has settled it, and may have sent it. */
  settledElsewhere(): void {
    this.#attempts += 1;
    this.become("dropped");
  }

  /** @internal */
  become(state: BidState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.desk.changed(this);
    this.emit("state", state);
    if (!this.over) return;
    this.#settle(this);
    this.forgetListeners();
  }

  /** Whether it is known what became of it. */
  get over(): boolean {
    return this.#state === "accepted" || this.#state === "refused" || this.#state === "dropped";
  }
}

/**
 * The bids of this page that are not settled. Made offline, a bid waits and is sent on return, if it still makes
 * sense; without an answer it is sent again under its key; and a reload does not lose it.
 */
export class Bids extends Emitter<{ change: Bid; question: Question }> {
  readonly #open = new Map<string, Bid>();
  /** Those about which the server is being asked. */
  readonly #judging = new Set<Bid>();
  readonly #pauses = new Map<Timer, Undo>();
  readonly #backoffs = new WeakMap<Bid, Backoff>();

  constructor(private readonly services: BidServices) {
    super();
    this.#restore();
    const { window } = services.env;
    window.addEventListener("pageshow", this.#shown);
    this.onDispose(() => {
      window.removeEventListener("pageshow", this.#shown);
      for (const [timer, go] of this.#pauses) {
        services.env.clearTimeout(timer);
        go();
      }
      this.#pauses.clear();
    });
  }

  /** The bids whose outcome is not known, oldest first. */
  get open(): readonly Bid[] {
    return [...this.#open.values()];
  }

  /** Bid. Sends it at once, or on return when the page is offline. */
  place(auctionId: number, terms: BidTerms): Bid {
    const { env, userId, metrics } = this.services;
    const priceThen = this.services.priceShown(auctionId);
    const bid = this.#add({ key: env.uuid(), auctionId, terms, priceThen, attempts: 0, madeAt: env.wallClock(), userId });
    metrics.count("bids");
    if (!this.#online(bid)) metrics.count("bidsDelayed");
    this.#changed(bid);
    this.#sendIfOnline(bid);
    return bid;
  }

  /** Go on with the bids that wait, or whose outcome is not known: at once, as the network may be back, or in their `pace`. */
  advance(pace: "at once" | "in time" = "at once"): void {
    const now = this.services.env.monotonic();
    for (const bid of this.open) {
      if (isStuck(bid) && this.#online(bid) && (pace === "at once" || now >= bid.pauseUntil)) void this.#advance(bid);
    }
  }

  #add(stored: Stored): Bid {
    const bid: Bid = new Bid(stored, {
      send: (confirmed) => {
        this.#wanted(confirmed);
        this.#sendIfOnline(confirmed);
      },
      changed: (changed) => this.#changed(changed),
    });
    this.#wanted(bid);
    this.#open.set(bid.key, bid);
    return bid;
  }

  #wanted(bid: Bid): void {
    const { env } = this.services;
    bid.wantedAt = [env.wallClock(), env.monotonic()];
  }

  /** Whether it is what the person has just said: not before a sleep, which one of the clocks has seen. */
  #fresh({ wantedAt: [wall, monotonic] }: Bid): boolean {
    const { env } = this.services;
    return Math.max(env.wallClock() - wall, env.monotonic() - monotonic) < FRESH_MS;
  }

  #online({ wantedAt: [, since] }: Bid): boolean {
    return this.services.online(since);
  }

  #changed(bid: Bid): void {
    if (bid.over) this.#open.delete(bid.key);
    this.#store();
    this.emit("change", bid);
  }

  #sendIfOnline(bid: Bid): void {
    if (this.#online(bid)) void this.#send(bid);
  }

  async #advance(bid: Bid): Promise<void> {
    if (this.#judging.has(bid)) return;
    this.#judging.add(bid);
    this.#pauseFor(bid);
    const situation = await this.services.situation(bid.auctionId);
    this.#judging.delete(bid);
    if (!situation || this.disposed || !isStuck(bid)) return;
    if (situation !== "gone") return bid.attempts > 0 ? this.#judgeSent(bid, situation) : this.#judge(bid, situation);
    if (bid.attempts === 0) this.#drop(bid, "not_found", "There is no such auction.");
  }

  #pauseFor(bid: Bid): void {
    const { env } = this.services;
    const backoff = this.#backoffs.get(bid) ?? new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, env.random);
    this.#backoffs.set(bid, backoff);
    bid.pauseUntil = env.monotonic() + backoff.next();
  }

  /** Whether the server may be asked without the person what became of a bid: if it was not placed, it is then. */
  #judgeSent(bid: Bid, { price, takesBids, dutch }: Situation): void {
    // Its own price says no more than that it may have been placed.
    const unmoved = price === bid.priceThen || price === bid.terms.amount;
    const harmless = !takesBids || (bid.doubt === null && unmoved && this.#fresh(bid));
    if (harmless && !dutch) void this.#send(bid);
    else this.#ask(bid, "unsure", price);
  }

  /** Whether a bid still makes sense that has waited. */
  #judge(bid: Bid, situation: Situation): void {
    const { price, minimum, takesBids, dutch } = situation;
    const most = bid.terms.maxAmount ?? bid.terms.amount ?? 0;
    if (!takesBids) return this.#drop(bid, "auction_ended", "It takes no bids any more.");
    if (!dutch && most < minimum) return this.#drop(bid, "bid_too_low", "Others went further.", { minimumNextBid: minimum });
    // A falling price is what one waits for in a Dutch auction, and nobody pays more than they agreed to.
    const moved = dutch ? price > most : price !== bid.priceThen;
    if (moved || bid.doubt) this.#ask(bid, "moved", price);
    else void this.#send(bid);
  }

  #ask(bid: Bid, reason: Question["reason"], priceNow: number): void {
    const { priceThen } = bid;
    // Confirmed, it stands for this price.
    bid.priceThen = priceNow;
    bid.become("asking");
    this.emit("question", { reason, bid, priceThen, priceNow });
  }

  #drop(bid: Bid, code: string, detail: string, facts: Record<string, unknown> = {}): void {
    bid.refuse(new HttpProblem(409, code, detail, facts), "dropped");
  }

  /** Send it until there is an answer; one that may be another the next time (5xx) is none. */
  async #send(bid: Bid): Promise<void> {
    const { env, metrics } = this.services;
    const backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS, env.random);
    for (let attempt = 1; ; attempt++) {
      if (bid.attempts > 0) metrics.count("bidsRepeated");
      bid.attempted();
      const wait = await this.#attempt(bid);
      if (bid.over || this.disposed) return;
      if (attempt === ATTEMPTS) return bid.become("unknown");
      bid.become("repeating");
      await this.#pause(Math.max(backoff.next(), Math.min(wait, LONGEST_RETRY_MS)));
      if (bid.over || this.disposed) return;
      if (!this.#fresh(bid)) break;
    }
    bid.become("unknown");
    void this.#advance(bid);
  }

  /** Send it once; returns after how many milliseconds the server would like to be asked again. */
  async #attempt(bid: Bid): Promise<number> {
    const { userId } = this.services;
    const socketId = this.services.socketId();
    const headers = {
      "Idempotency-Key": bid.key,
      ...(socketId && { "X-Socket-Id": socketId }),
      // In another tab, somebody else may have logged in meanwhile.
      ...(userId !== null && { "X-User-Id": `${userId}` }),
    };
    try {
      const answer = await this.services.api.send(`/api/auctions/${bid.auctionId}/bids`, {
        method: "POST",
        body: bid.terms,
        headers,
        timeout: TIMEOUT_MS,
      });
      if (!this.disposed && isAcceptance(answer)) {
        bid.accept(answer.body, answer.replayed);
        this.services.accepted(bid.auctionId, answer.body.seq);
      }
    } catch (error) {
      if (this.disposed || !(error instanceof HttpProblem)) return 0;
      if (error.status >= 500) return error.retryAfter;
      if (bid.attempts === 1 || !AT_THE_DOOR.has(error.code)) bid.refuse(error);
      else bid.turnedAway(error);
      return error.retryAfter;
    }
    return 0;
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.services.env.setTimeout(() => {
        this.#pauses.delete(timer);
        resolve();
      }, milliseconds);
      this.#pauses.set(timer, resolve);
    });
  }

  // --- over a reload ---

  #store(): void {
    const stored = this.open.map((bid) => bid.toStore());
    try {
      if (stored.length > 0) this.services.env.storage?.setItem(STORED_AS, JSON.stringify(stored));
      else this.services.env.storage?.removeItem(STORED_AS);
    } catch {
      // Full, or forbidden: then a reload loses it, as it would without this library.
    }
  }

  /** What a page before this one left. It is not fresh, so nothing goes out before the person is asked. */
  #restore(): void {
    for (const stored of this.#stored()) {
      const young = this.services.env.wallClock() - stored.madeAt < FORGOTTEN_MS;
      if (!young || stored.userId !== this.services.userId) continue;
      this.#add(stored).doubt = stored.attempts > 0 ? "unsure" : "moved";
    }
  }

  /** Back from the cache of pages one goes back to: another page has had these bids meanwhile. */
  readonly #shown = (event: Event): void => {
    if (!(event as PageTransitionEvent).persisted) return;
    const left = new Set(this.#stored().map(({ key }) => key));
    for (const bid of this.open) {
      bid.doubt = bid.attempts > 0 ? "unsure" : "moved";
      if (!left.has(bid.key)) bid.settledElsewhere();
    }
  };

  #stored(): Stored[] {
    try {
      const found: unknown = JSON.parse(this.services.env.storage?.getItem(STORED_AS) ?? "[]");
      return Array.isArray(found) ? found.filter(isStored) : [];
    } catch {
      return [];
    }
  }
}

/** Whether it goes on only when somebody sees to it. */
function isStuck({ state }: Bid): boolean {
  return state === "waiting" || state === "unknown";
}

function isStored(value: unknown): value is Stored {
  const { key, auctionId, terms, attempts, madeAt } = (value ?? {}) as Record<string, unknown>;
  const whole = typeof key === "string" && typeof attempts === "number" && typeof madeAt === "number";
  return whole && Number.isSafeInteger(auctionId) && typeof terms === "object" && terms !== null;
}

/** A portal that wants a login answers anything with a friendly 200; that is no acceptance. */
function isAcceptance(answer: Answer): answer is Answer & { body: BidAccepted } {
  const body = answer.body as Partial<BidAccepted> | null;
  return answer.status === 201 && typeof body?.bidId === "string" && Number.isSafeInteger(body.seq);
}
