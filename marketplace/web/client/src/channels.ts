import { Backoff } from "./backoff.js";
import type { Undo } from "./emitter.js";
import type { Environment, PusherChannel, PusherClient, Timer } from "./environment.js";
import type { Metrics } from "./metrics.js";

/** A subscription that is not confirmed for so long, in milliseconds, got lost. */
const CONFIRMATION_MS = 10_000;
/** First and longest pause before a failed subscription is tried again. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
/** What was refused to us is asked for again this late: perhaps somebody has logged in meanwhile. */
const REFUSED_RETRY_MS = 60_000;

/** Who listens to a channel. */
export interface ChannelListener {
  /** An event; of Channels' own ones those of presence only. */
  event(name: string, data: unknown): void;
  /** What happens from now on will be told. `data` is the members of a presence channel. */
  subscribed?(data: unknown): void;
  /** The connection is gone: what happens from now on may not be told. */
  lost?(): void;
  /** The subscription was refused, or not answered; it is tried again. */
  failed?(): void;
}

interface Shared {
  channel: PusherChannel;
  listeners: Set<ChannelListener>;
  subscribed: boolean;
  /** What Channels said when it confirmed. */
  confirmation: unknown;
  receive: (name: string, data: unknown) => void;
  timer: Timer | null;
  backoff: Backoff;
}

/**
 * The channels of the one connection. Several parts of a page may listen to the same one: it is subscribed to with
 * the first and left with the last. Failed subscriptions, which pusher-js leaves at that, are tried again.
 */
export class Channels {
  readonly #shared = new Map<string, Shared>();
  /** Left while the subscription was pending: pusher-js would subscribe to them again after a reconnection. */
  readonly #leaving = new Set<string>();
  #connected = false;

  constructor(
    private readonly env: Environment,
    private readonly pusher: PusherClient,
    private readonly metrics: Metrics,
  ) {}

  /** How many channels there are. */
  get size(): number {
    return this.#shared.size;
  }

  /** Listen to a channel; the result ends that. */
  listen(name: string, listener: ChannelListener): Undo {
    const shared = this.#shared.get(name) ?? this.#join(name);
    shared.listeners.add(listener);
    if (shared.subscribed) queueMicrotask(() => shared.listeners.has(listener) && listener.subscribed?.(shared.confirmation));
    return () => {
      if (shared.listeners.delete(listener) && shared.listeners.size === 0) this.#leave(name, shared);
    };
  }

  /** The connection is there: pusher-js is about to subscribe to everything. To be called before it does. */
  connected(): void {
    this.#connected = true;
    for (const name of this.#leaving) this.pusher.unsubscribe(name);
    this.#leaving.clear();
    for (const [name, shared] of this.#shared) this.#expectConfirmation(name, shared);
  }

  /** The connection is gone. */
  disconnected(): void {
    this.#connected = false;
    for (const shared of this.#shared.values()) {
      this.env.clearTimeout(shared.timer);
      shared.subscribed = false;
      for (const listener of [...shared.listeners]) listener.lost?.();
    }
  }

  /** Leave all channels. */
  dispose(): void {
    for (const [name, shared] of this.#shared) {
      shared.listeners.clear();
      this.#leave(name, shared);
    }
  }

  #join(name: string): Shared {
    this.#leaving.delete(name);
    const receive = (event: string, data: unknown) => this.#receive(name, shared, event, data);
    const shared: Shared = {
      channel: this.pusher.subscribe(name),
      listeners: new Set(),
      subscribed: false,
      confirmation: null,
      receive,
      timer: null,
      backoff: new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS, this.env.random),
    };
    this.#shared.set(name, shared);
    shared.channel.bind_global(receive);
    if (this.#connected) this.#expectConfirmation(name, shared);
    return shared;
  }

  #leave(name: string, shared: Shared): void {
    this.#shared.delete(name);
    this.env.clearTimeout(shared.timer);
    shared.channel.unbind_global(shared.receive);
    this.pusher.unsubscribe(name);
    if (this.pusher.channel(name)) this.#leaving.add(name);
  }

  #receive(name: string, shared: Shared, event: string, data: unknown): void {
    if (event === "pusher:subscription_succeeded") this.#confirmed(shared, data);
    else if (event === "pusher:subscription_error")
      this.#failed(name, shared, Number((data as { error?: string } | null)?.error));
    else for (const listener of [...shared.listeners]) listener.event(event, data);
  }

  #confirmed(shared: Shared, data: unknown): void {
    this.env.clearTimeout(shared.timer);
    shared.backoff.reset();
    shared.subscribed = true;
    shared.confirmation = data;
    for (const listener of [...shared.listeners]) listener.subscribed?.(data);
  }

  /** @param status - with which permission was refused, if it was that */
  #failed(name: string, shared: Shared, status?: number): void {
    this.metrics.count("subscriptionFailures");
    this.env.clearTimeout(shared.timer);
    if (!this.#connected) return;
    shared.subscribed = false;
    for (const listener of [...shared.listeners]) listener.failed?.();
    const refused = status !== undefined && status >= 400 && status < 500 && status !== 429;
    const pause = Math.max(shared.backoff.next(), refused ? REFUSED_RETRY_MS : 0);
    shared.timer = this.env.setTimeout(() => this.#subscribeAgain(name, shared), pause);
  }

  #subscribeAgain(name: string, shared: Shared): void {
    // It has been confirmed after all, and pusher-js will not ask again.
    if (shared.channel.subscribed) return this.#confirmed(shared, shared.confirmation);
    // A subscription that was never answered counts as pending for pusher-js, which then waits for it forever.
    shared.channel.subscriptionPending = false;
    this.pusher.subscribe(name);
    this.#expectConfirmation(name, shared);
  }

  #expectConfirmation(name: string, shared: Shared): void {
    this.env.clearTimeout(shared.timer);
    shared.timer = this.env.setTimeout(() => this.#failed(name, shared), CONFIRMATION_MS);
  }
}
