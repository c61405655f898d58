import { Backoff } from "./backoff.js";
import type { ChannelListener, Channels } from "./channels.js";
import type { ServerClock } from "./clock.js";
import { type DutchPrice, dutchPrice } from "./dutch.js";
import { Emitter, type Undo } from "./emitter.js";
import type { Environment, Timer } from "./environment.js";
import { type AuctionEvent, isKnown, type PriceDrop, parseDrop, parseEvents, parseViewers } from "./events.js";
import type { Frames } from "./frames.js";
import { type Api, HttpProblem, NoAnswer } from "./http.js";
import type { Metrics } from "./metrics.js";
import {
  after,
  type DutchStanding,
  dropIsRight,
  dueAt,
  isDutch,
  isOpen,
  isPossible,
  parseStanding,
  type Standing,
} from "./standing.js";

/** Events that wait for one before them; more are left to the feed. */
const MOST_WAITING = 1_000;
/** First pause before a failed request is repeated, in milliseconds; the longest is that between polls. */
const FIRST_RETRY_MS = 1_000;
/** Garbage on a channel makes us ask the feed at most this often. */
const GARBAGE_PAUSE_MS = 1_000;
const GARBAGE_SPREAD_MS = 200;
/** How long after its time a step is asked for, should nobody have told: whoever reads an overdue auction takes it. */
const OVERDUE_MS = 2_000;
/** All who watch would ask in the same moment. */
const SPREAD_MS = 1_000;
/** So many failures in a row, and what is shown may be old. */
const FAILURES = 2;

/**
 * How far what is known can be trusted.
 *
 * - `loading`: nothing is known yet
 * - `current`: as far as anybody here can know, nothing is missing
 * - `behind`: something is missing, or may be, and is being asked for
 * - `gone`: the server says there is no such auction, or not for us
 */
export type Freshness = "loading" | "current" | "behind" | "gone";

/** What an {@link Auction} tells. */
export interface AuctionEvents {
  /** A step in its history: each once, in order, and after `standing` has taken it over. */
  event: AuctionEvent;
  /** A snapshot took the place of steps that will not be told: what is shown of the history has to be read again. */
  reset: Standing;
  /** Something that is shown has changed. Once a frame at most, however much happens. */
  change: undefined;
  /** It takes no more bids: by the server's clock, whether or not the server has said so yet, or because it says so. */
  closes: undefined;
}

/** What an {@link Auction} needs from the page. */
export interface AuctionServices {
  env: Environment;
  api: Api;
  clock: ServerClock;
  channels: Channels;
  metrics: Metrics;
  frames: Frames;
  /** In how many milliseconds they may ask who ask because of the same: the auctions of a page, or all pages. */
  spread(): number;
  /** Milliseconds from one poll to the next. */
  pollEvery: number;
}

/** Which auction to follow. */
export interface AuctionOptions {
  id: number;
  /** What the page was rendered from; without it, it is fetched. */
  snapshot?: unknown;
  /** Where its events come from; without it, what the snapshot's `tenantId` says. */
  channel?: string | undefined;
}

interface Waiting {
  event: AuctionEvent;
  /** Which request to the feed was the last before it came. */
  request: number;
  live: boolean;
}

/**
 * One auction, kept true to the server: it subscribes, then takes a snapshot, then every event by its `seq`. Channels
 * promises neither order nor that nothing is lost, so an event that is not the next waits while the missing ones are
 * fetched, and one that cannot be is refused.
 */
export class Auction extends Emitter<AuctionEvents> {
  readonly id: number;
  #standing: Standing | null = null;
  #viewersAt = "";
  #drop: PriceDrop | null = null;
  #freshness: Freshness = "loading";
  #subscribed = false;
  #settled = false;
  #refused = false;
  #failures = 0;
  #unreadable = false;
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #etag: string | null = null;
  #olderThanAsked = false;
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;
  #catchingUp: Promise<void> | null = null;
  #again = false;
  #channel: string;
  #leave: Undo;
  #alarm: Undo = () => undefined;
  #alarmAt: string | null = null;
  /** Whether it took bids when that was told last. */
  #took = false;
  #retry: Timer | null = null;
  #pollSoon: Timer | null = null;
  #garbagePause: Timer | null = null;
  #garbageWaits = false;
  #lastAsked = Number.NEGATIVE_INFINITY;
  /** When what is to be shown next was written, by the server; for the latency. */
  #writtenAt: number | null = null;
  readonly #backoff: Backoff;

  constructor(
    private readonly services: AuctionServices,
    { id, snapshot, channel }: AuctionOptions,
    /** Told whenever `freshness`, `subscribed` or `failing` may be another. */
    private readonly onStatus: () => void,
  ) {
    super();
    this.id = id;
    this.#backoff = new Backoff(FIRST_RETRY_MS, services.pollEvery, services.env.random);
    const rendered = snapshot === undefined ? null : parseStanding(snapshot, id);
    this.#channel = channel ?? channelOf(rendered ?? { id });
    this.#leave = services.channels.listen(this.#channel, this.#listener);
    const ignoreClock = services.clock.on("change", () => {
      this.#windAgain();
      services.frames.request(this.#show);
    });
    this.onDispose(ignoreClock);
    this.onDispose(() => this.#letGo());
    if (rendered) {
      this.#freshness = "behind";
      this.#replace(rendered);
    } else {
      // Subscribe first; but something has to be shown even where that takes its time.
      this.#retryIn(FIRST_RETRY_MS);
    }
  }

  /** Where it stands; null until the first snapshot is there. Never changed in place: each standing is another object. */
  get standing(): Standing | null {
    return this.#standing;
  }

  /** How far that can be trusted. */
  get freshness(): Freshness {
    return this.#freshness;
  }

  /** Whether its events are coming. */
  get subscribed(): boolean {
    return this.#subscribed;
  }

  /** Whether its events are coming, and everything before them is known. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Whether Channels did not let us subscribe; it is tried again. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Milliseconds since the server, or the next event, last confirmed that nothing was missing. */
  get unconfirmedFor(): number {
    return this.services.env.monotonic() - this.#confirmedAt;
  }

  /** Whether the server did not answer, more than once. */
  get failing(): boolean {
    return this.#failures >= FAILURES && !this.#unreadable;
  }

  /** Whether it did answer, but made no sense, more than once: that is about this auction alone. */
  get unreadable(): boolean {
    return this.#failures >= FAILURES && this.#unreadable;
  }

  /**
   * The price now, in the currency's minor unit: the highest bid, or the starting price before the first; of a Dutch
   * auction what the terms give by the server's clock. Null while nothing is known.
   */
  get price(): number | null {
    const standing = this.#standing;
    if (!standing) return null;
    return isDutch(standing) ? (this.dutchPrice?.currentPrice ?? null) : (standing.currentBid ?? standing.startingPrice);
  }

  /** The price of a Dutch auction now, and when it drops next; null for others. */
  get dutchPrice(): DutchPrice | null {
    const standing = this.#standing;
    if (!standing || !isDutch(standing)) return null;
    const { clock } = this.services;
    if (!clock.known) return this.#toldPrice(standing);
    // Rather too late than too early: who agrees to a price that is not there yet is refused.
    return dutchPrice(standing, clock.earliest);
  }

  /** Whether it takes bids now: by its status, and by the server's clock; and whether we may still see it. */
  get takesBids(): boolean {
    const standing = this.#standing;
    if (!standing || !isOpen(standing) || this.#freshness === "gone") return false;
    return !this.services.clock.known || this.services.clock.now() < Date.parse(standing.endsAt);
  }

  /** Fetch what was missed. Asked again while at it, it looks once more afterwards. */
  catchUp(): Promise<void> {
    this.#again = true;
    this.#catchingUp ??= this.#catchUp().finally(() => {
      this.#catchingUp = null;
    });
    return this.#catchingUp;
  }

  /** Ask whether anything has changed, as cheaply as can be, and fetch it if so. */
  async poll(): Promise<void> {
    this.services.metrics.count("polls");
    await this.#attempt(async () => {
      const known = this.#seq;
      const headers = this.#etag ? { "If-None-Match": this.#etag } : undefined;
      const { status, body, etag } = await this.services.api.send(this.#path, headers && { headers });
      if (status === 304 || this.disposed) return;
      const found = parseStanding(body, this.id);
      if (!found) throw this.#malformed();
      // The events in between are worth more than the snapshot, which takes their place if they cannot be had.
      if (this.#standing && found.seq > this.#standing.seq) await this.catchUp();
      if (this.disposed) return;
      this.#adopt(found, known);
      // Only what has arrived may be called known: else the next poll hears "unchanged", and we stay behind.
      this.#etag = this.#standing && this.#standing.seq >= found.seq ? etag : null;
    });
  }

  /** The same, in so many milliseconds, unless that is under way already: a slow server is not asked more and more. */
  pollIn(milliseconds: number): void {
    this.#pollSoon ??= this.services.env.setTimeout(() => {
      void this.poll().finally(() => {
        this.#pollSoon = null;
      });
    }, milliseconds);
  }

  get #path(): string {
    return `/api/auctions/${this.id}`;
  }

  #letGo(): void {
    this.#leave();
    this.#alarm();
    this.services.frames.cancel(this.#show);
    for (const timer of [this.#retry, this.#pollSoon, this.#garbagePause]) this.services.env.clearTimeout(timer);
    this.#waiting.clear();
  }

  // --- from the channel ---

  readonly #listener: ChannelListener = {
    event: (name, data) => this.#receive(name, data),
    subscribed: () => {
      this.#subscribed = true;
      this.#refused = false;
      // What happened before this moment is fetched, what comes after is told.
      this.#fallBehind();
      this.#retryIn(this.services.env.random() * this.services.spread());
    },
    lost: () => this.#unsubscribed(false),
    failed: () => this.#unsubscribed(true),
  };

  #unsubscribed(refused: boolean): void {
    this.#refused = refused;
    this.#subscribed = false;
    this.#settled = false;
    this.#fallBehind();
  }

  /** What is gone stays so until the server says otherwise. */
  #fallBehind(): void {
    if (this.#freshness !== "gone") this.#become(this.#standing ? "behind" : "loading");
  }

  #receive(name: string, data: unknown): void {
    if (name.startsWith("pusher:")) return;
    if (name === "viewers:count") return this.#countViewers(data);
    if (name === "price:drop") return this.#dropPrice(data);
    const events = parseEvents(name, data, this.id);
    if (!events) {
      // An event of a later catalogue is no mistake, but what it means only the snapshot knows.
      if (isKnown(name)) this.services.metrics.count("malformed");
      return this.#askBecauseOfGarbage();
    }
    const known = this.#seq;
    for (const event of events) this.#keep(event, true);
    this.#applyNext();
    if (this.#waiting.size > 0 && this.#standing) {
      if (this.#freshness === "current" || this.#seq !== known) this.services.metrics.count("gaps");
      this.#become("behind");
      void this.catchUp();
    }
  }

  #countViewers(data: unknown): void {
    const viewers = parseViewers(data, this.id);
    if (!viewers) return this.services.metrics.count("malformed");
    if (viewers.timestamp < this.#viewersAt) return this.services.metrics.count("stale");
    this.#viewersAt = viewers.timestamp;
    if (!this.#standing) return;
    this.#standing = { ...this.#standing, activeViewers: viewers.activeViewers };
    this.#changed();
  }

  #dropPrice(data: unknown): void {
    const drop = parseDrop(data, this.id);
    if (!drop) return this.services.metrics.count("malformed");
    if (this.#drop && drop.timestamp < this.#drop.timestamp) return this.services.metrics.count("stale");
    if (!this.#standing) return;
    if (!isDutch(this.#standing) || !dropIsRight(this.#standing, drop)) {
      this.services.metrics.count("impossible");
      return this.#askBecauseOfGarbage();
    }
    this.#drop = drop;
    this.#changed();
  }

  /** Perhaps it was an event that got damaged: the feed knows. Soon the first time, then now and then. */
  #askBecauseOfGarbage(): void {
    if (this.#garbagePause !== null) {
      this.#garbageWaits = true;
      return;
    }
    this.#garbageWaits = false;
    this.#garbagePause = this.services.env.setTimeout(() => {
      this.#garbagePause = null;
      if (this.#garbageWaits) this.#askBecauseOfGarbage();
    }, GARBAGE_PAUSE_MS);
    // Everybody got the same garbage.
    this.#retryIn(this.services.env.random() * GARBAGE_SPREAD_MS);
  }

  // --- events by their number ---

  get #seq(): number {
    return this.#standing?.seq ?? 0;
  }

  #keep(event: AuctionEvent, live: boolean): void {
    const { seq } = event.data;
    const repeated = live && this.#waiting.has(seq);
    if ((this.#standing && seq <= this.#seq) || repeated) return this.services.metrics.count("stale");
    if (live && this.#waiting.size >= MOST_WAITING) return;
    // What the feed says replaces what a channel said.
    this.#waiting.set(seq, { event, request: this.#requests, live });
  }

  /** Apply what is next, and what is next after that. */
  #applyNext(): void {
    if (!this.#standing) return;
    for (let next: Waiting | undefined; (next = this.#waiting.get(this.#seq + 1)); ) {
      const { event, live } = next;
      this.#waiting.delete(event.data.seq);
      if (!isPossible(this.#standing, event)) {
        this.services.metrics.count("impossible");
        this.#become("behind");
        if (!live) throw new Error("the feed holds what cannot be");
        this.#askBecauseOfGarbage();
        return;
      }
      this.#standing = after(this.#standing, event);
      this.services.metrics.count("applied");
      this.#confirmedAt = this.services.env.monotonic();
      // Of several in a frame the one that has waited longest; nobody waits for what a hidden page shows.
      if (live && !this.services.env.document.hidden) this.#writtenAt ??= Date.parse(event.data.timestamp);
      this.emit("event", event);
      // Somebody who was told may have disposed of us.
      if (this.disposed) return;
      this.#changed();
    }
  }

  // --- from the server ---

  async #catchUp(): Promise<void> {
    while (this.#again && !this.disposed) {
      this.#again = false;
      await this.#attempt(() => this.#fetchMissed());
    }
  }

  async #fetchMissed(): Promise<void> {
    if (!this.#standing) return this.#fetchSnapshot();
    this.services.metrics.count("catchUps");
    const request = ++this.#requests;
    const { body } = await this.services.api.send(`${this.#path}/events?after=${this.#seq}`);
    if (this.disposed) return;
    const { items, nextCursor } = (body ?? {}) as { items?: unknown; nextCursor?: unknown };
    if (!Array.isArray(items)) throw this.#malformed();
    // More was missed than is worth replaying.
    if (nextCursor !== null) return this.#fetchSnapshot();
    try {
      for (const item of items) this.#take(item);
      this.#applyNext();
      this.#refuseUnheardOf(request);
    } catch {
      // Damaged on its way, or of a later catalogue.
      await this.#insteadOfEvents();
    }
  }

  #take(item: unknown): void {
    const { event, data } = (item ?? {}) as { event?: unknown; data?: unknown };
    const events = typeof event === "string" ? parseEvents(event, data, this.id) : null;
    if (!events) throw this.#malformed();
    for (const each of events) this.#keep(each, false);
  }

  /** What still waits although the feed was asked after it had come: the feed has never heard of it. */
  #refuseUnheardOf(request: number): void {
    for (const [seq, waiting] of this.#waiting) {
      if (!waiting.live) throw this.#malformed();
      if (waiting.request >= request) this.#again = true;
      else if (this.#waiting.delete(seq)) this.services.metrics.count("impossible");
    }
  }

  /** The snapshot has to take the place of events that the feed has, and that cannot be used. */
  async #insteadOfEvents(): Promise<void> {
    for (const [seq, { live }] of this.#waiting) if (!live) this.#waiting.delete(seq);
    const before = this.#seq;
    await this.#fetchSnapshot();
    if (this.#seq === before && !this.disposed) throw new Error("neither the feed nor the snapshot goes on");
  }

  async #fetchSnapshot(): Promise<void> {
    const known = this.#seq;
    const { body } = await this.services.api.send(this.#path);
    if (this.disposed) return;
    const found = parseStanding(body, this.id);
    if (!found) throw this.#malformed();
    this.#adopt(found, known);
    this.#applyNext();
    // It may be older than the events that have come since: what is between them is asked for.
    if (this.#waiting.size > 0) this.#again = true;
  }

  /**
   * Take a snapshot over, unless it is older than what is known.
   *
   * @param known - the last step that was known when it was asked for
   */
  #adopt(found: Standing, known: number): void {
    // A snapshot may be overtaken; but a server that says it twice has gone back, as to its last backup.
    const wentBack = found.seq < known && this.#olderThanAsked;
    this.#olderThanAsked = found.seq < known && !wentBack;
    if (this.#standing && found.seq < this.#seq && !wentBack) return this.services.metrics.count("lateSnapshots");
    if (wentBack) this.#waiting.clear();
    const news = !this.#standing || found.seq !== this.#seq;
    const first = !this.#standing;
    this.#replace(found);
    if (!first && news) this.services.metrics.count("resets");
    if (news) this.emit("reset", found);
    if (!this.disposed) this.#moveTo(channelOf(found));
  }

  #replace(found: Standing): void {
    this.#standing = found;
    this.#drop = null;
    for (const seq of this.#waiting.keys()) if (seq <= found.seq) this.#waiting.delete(seq);
    this.#changed();
  }

  /** A members-only auction has a channel of its own, which only the snapshot tells. */
  #moveTo(channel: string): void {
    if (channel === this.#channel || this.#standing?.tenantId === undefined) return;
    this.#leave();
    this.#unsubscribed(false);
    this.#channel = channel;
    this.#leave = this.services.channels.listen(channel, this.#listener);
  }

  #malformed(): Error {
    this.services.metrics.count("malformed");
    return new Error("malformed answer");
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      if (this.disposed) return;
      this.#failures = 0;
      this.#confirmedAt = this.services.env.monotonic();
      this.#backoff.reset();
      if (this.#waiting.size === 0 && !this.#again) {
        this.#settled = this.#subscribed;
        this.#become("current");
      }
    } catch (error) {
      if (this.disposed) return;
      this.services.metrics.count("requestFailures");
      if (error instanceof HttpProblem && error.status === 404) return this.#become("gone");
      this.#failures += 1;
      this.#unreadable = !(error instanceof HttpProblem || error instanceof NoAnswer);
      this.#fallBehind();
      // While polling, the next poll is soon enough.
      if (this.#subscribed) this.#retryIn(this.#backoff.next());
    }
    this.onStatus();
  }

  #retryIn(milliseconds: number): void {
    this.services.env.clearTimeout(this.#retry);
    this.#retry = this.services.env.setTimeout(() => void this.catchUp(), milliseconds);
  }

  // --- what is shown ---

  #become(freshness: Freshness): void {
    if (freshness !== this.#freshness) {
      this.#freshness = freshness;
      this.#changed();
    }
    this.onStatus();
  }

  #changed(): void {
    this.#wind();
    this.services.frames.request(this.#show);
  }

  readonly #show = (): void => {
    this.emit("change", undefined);
    const writtenAt = this.#writtenAt;
    this.#writtenAt = null;
    const { env } = this.services;
    if (writtenAt !== null) env.requestFrame(() => env.document.hidden || this.#measure(writtenAt));
  };

  #measure(writtenAt: number): void {
    const { clock, metrics } = this.services;
    const latency = clock.now() - writtenAt;
    // Measured with a clock that is wrong by more than what is measured, it would say nothing.
    if (latency > -clock.uncertainty && clock.uncertainty < Math.max(10, latency)) metrics.shown(Math.max(0, latency));
  }

  /** Of a Dutch price, before the clock can be trusted: what the server said last. */
  #toldPrice(standing: DutchStanding): DutchPrice {
    const { currentPrice, dropsRemaining, nextDropAt } = this.#drop ?? standing;
    return { currentPrice, dropsRemaining, nextDropAt: nextDropAt === null ? null : Date.parse(nextDropAt) };
  }

  // --- what happens by the clock ---

  /** Set the alarm for what the clock does next: a drop of the price, the end, or a step that is overdue. */
  #wind(): void {
    const standing = this.#standing;
    if (!standing || this.disposed) return;
    const due = dueAt(standing);
    const drop = isDutch(standing) && isOpen(standing) ? `${standing.startsAt}` : "";
    const setFor = `${standing.status} ${due} ${drop} ${this.#freshness === "gone"}`;
    if (setFor === this.#alarmAt) return;
    this.#alarmAt = setFor;
    this.#windAgain();
  }

  #windAgain(): void {
    this.#alarm();
    this.#tellClosing();
    const standing = this.#standing;
    if (!standing || this.disposed) return;
    const { clock, env } = this.services;
    const due = dueAt(standing);
    // What we may not see is not asked for either.
    if (due === null || this.#freshness === "gone") return;
    const now = clock.now();
    if (clock.known && now >= due) {
      const asks = Math.max(due + OVERDUE_MS, this.#lastAsked + 2 * OVERDUE_MS) + env.random() * SPREAD_MS;
      this.#alarm = clock.at(asks, () => this.#askForOverdueStep());
      return;
    }
    const drop = isDutch(standing) && isOpen(standing) ? dutchPrice(standing, clock.earliest).nextDropAt : null;
    // Rather a little late than too early.
    const next = Math.min(due, drop === null ? due : drop + now - clock.earliest);
    this.#alarm = clock.at(next, () => {
      this.services.frames.request(this.#show);
      this.#windAgain();
    });
  }

  #tellClosing(): void {
    const took = this.#took;
    this.#took = this.takesBids;
    if (took && !this.#took) this.emit("closes", undefined);
  }

  #askForOverdueStep(): void {
    this.#lastAsked = this.services.clock.now();
    this.#windAgain();
    void this.poll();
  }
}

/** Where the events of an auction are told. */
export function channelOf({ id, tenantId }: Pick<Standing, "id" | "tenantId">): string {
  return tenantId === undefined || tenantId === null ? `auction-${id}` : `private-auction-${id}`;
}
