import type { Undo } from "./emitter.js";
import type { Environment, Timer } from "./environment.js";

/** How often a beacon is sent, if there is something to tell. */
const BEACON_MS = 60_000;
/** Upper ends of the classes that latencies are counted in, in milliseconds; the last class has none. */
export const LATENCY_BOUNDS = [10, 25, 50, 75, 100, 150, 250, 500, 1_000, 2_500, 5_000] as const;
/** Of one field, in one beacon; the server refuses more. */
const MOST = 1_000_000;

/** What is counted. The server's `ClientMetricsIn` has the same fields. */
export const COUNTERS = [
  /** Connections made, the first one included. */
  "connects",
  /** Of these, those after the first. */
  "reconnects",
  /** Connections that were lost, or attempts that did not succeed in time. */
  "connectionFailures",
  /** Connections given up because nothing came any more. */
  "silences",
  /** Subscriptions refused or unanswered. */
  "subscriptionFailures",
  /** Requests that failed or were refused, bids apart. */
  "requestFailures",
  /** Times the page slept. */
  "wakes",
  /** Events taken over, from a channel or the feed. */
  "applied",
  /** Events that were known already: repeated, or older than the snapshot. */
  "stale",
  /** Events that are none: not of the form that the catalogue prescribes. */
  "malformed",
  /** Events that cannot be: a lower price without a retraction, more items than there are. */
  "impossible",
  /** Times an event was missing. */
  "gaps",
  /** Times the feed was asked for what was missed. */
  "catchUps",
  /** Times a snapshot took the place of the events in between. */
  "resets",
  /** Snapshots that were older than what was known. */
  "lateSnapshots",
  /** Snapshots asked for, to see whether anything has changed: while polling, and now and then besides. */
  "polls",
  /** Bids sent, repetitions apart. */
  "bids",
  /** Bids sent again because no answer came. */
  "bidsRepeated",
  /** Bids that waited because the page was offline. */
  "bidsDelayed",
] as const;

/** The name of a counter. */
export type Counter = (typeof COUNTERS)[number];

/** What one beacon carries: what has happened since the one before. */
export interface Beacon {
  counters: Partial<Record<Counter, number>>;
  /** From the server's timestamp of an event to the frame that shows it: how many in each class, and the sum. */
  latency: { counts: number[]; sumMs: number };
  /** From the start of the script to the first connection, in milliseconds; told once. */
  connectMs: number | null;
}

/** Counts what happens, and tells the server now and then, in a few hundred bytes. */
export class Metrics {
  readonly #totals = Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Record<Counter, number>;
  #untold: Beacon = nothing();
  #timer: Timer | null = null;
  readonly #undo: Undo[] = [];

  /** @param url - where beacons go; null to only count */
  constructor(
    private readonly env: Environment,
    private readonly url: string | null,
  ) {
    if (url === null) return;
    // The last moment at which a page can be sure to run.
    const hidden = () => env.document.hidden && this.flush();
    const gone = () => this.flush();
    env.document.addEventListener("visibilitychange", hidden);
    env.window.addEventListener("pagehide", gone);
    this.#undo.push(() => env.document.removeEventListener("visibilitychange", hidden));
    this.#undo.push(() => env.window.removeEventListener("pagehide", gone));
    this.#flushLater();
  }

  /** All that was counted since the start. */
  get totals(): Readonly<Record<Counter, number>> {
    return this.#totals;
  }

  /** One more, or several. */
  count(name: Counter, by = 1): void {
    this.#totals[name] += by;
    this.#untold.counters[name] = Math.min((this.#untold.counters[name] ?? 0) + by, MOST);
  }

  /** An event was shown so many milliseconds after the server wrote it. */
  shown(latencyMs: number): void {
    const { latency } = this.#untold;
    const found = LATENCY_BOUNDS.findIndex((bound) => latencyMs <= bound);
    const index = found === -1 ? LATENCY_BOUNDS.length : found;
    latency.counts[index] = Math.min((latency.counts[index] ?? 0) + 1, MOST);
    latency.sumMs = Math.min(latency.sumMs + Math.round(latencyMs), MOST * 1_000);
  }

  /** The first connection took so long. */
  connected(milliseconds: number): void {
    this.#untold.connectMs = Math.min(Math.round(milliseconds), MOST);
  }

  /** Tell the server now; what it does not take is told the next time. */
  flush(): void {
    if (this.url === null || isNothing(this.#untold)) return;
    if (this.env.sendBeacon(this.url, JSON.stringify(this.#untold))) this.#untold = nothing();
  }

  /** Tell the rest, and stop for good. */
  dispose(): void {
    this.flush();
    this.env.clearTimeout(this.#timer);
    for (const undo of this.#undo.splice(0)) undo();
  }

  #flushLater(): void {
    // With jitter: pages that were opened by the same link do not all tell at once.
    const pause = BEACON_MS * (0.75 + this.env.random() / 2);
    this.#timer = this.env.setTimeout(() => {
      this.flush();
      this.#flushLater();
    }, pause);
  }
}

function nothing(): Beacon {
  return { counters: {}, latency: { counts: Array<number>(LATENCY_BOUNDS.length + 1).fill(0), sumMs: 0 }, connectMs: null };
}

function isNothing({ counters, latency, connectMs }: Beacon): boolean {
  return Object.keys(counters).length === 0 && latency.counts.every((count) => count === 0) && connectMs === null;
}
