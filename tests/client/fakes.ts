/** A browser without a browser: time that passes when told to, a network that does as it is told. */

import type { ClientOptions } from "../../marketplace/web/client/src/client.js";
import { Client } from "../../marketplace/web/client/src/client.js";
import type { Environment, PusherChannel, PusherClient } from "../../marketplace/web/client/src/environment.js";
import { Random } from "./random.js";

/** When the tests take place, by the server. */
export const NOON = Date.parse("2026-11-20T12:00:00.000Z");

/** Lets everything happen that waits for nothing but its turn. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time: stands still until `pass` is called. */
export class FakeTime {
  /** By which everything here goes. */
  elapsed = 0;
  /** What the device's clock shows too much; a test that sets the clock sets this. */
  wallError = 0;
  /** What the server's clock shows more than has elapsed here. */
  #ahead = NOON;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();
  #last = 0;

  setTimeout = (callback: () => void, milliseconds: number): number => {
    this.#timers.set(++this.#last, { at: this.elapsed + Math.max(0, milliseconds), callback });
    return this.#last;
  };

  clearTimeout = (timer: unknown): void => {
    this.#timers.delete(timer as number);
  };

  monotonic = (): number => this.elapsed;
  wallClock = (): number => this.serverNow + this.wallError;

  /** What the server's clock shows. */
  get serverNow(): number {
    return this.#ahead + this.elapsed;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Let time pass, timer by timer. */
  async pass(milliseconds: number): Promise<void> {
    const until = this.elapsed + milliseconds;
    await settle();
    for (let next = this.#next(until); next !== null; next = this.#next(until)) {
      const timer = this.#timers.get(next);
      this.#timers.delete(next);
      this.elapsed = Math.max(this.elapsed, timer?.at ?? 0);
      timer?.callback();
      await settle();
    }
    this.elapsed = until;
  }

  /** The device sleeps: time passes and no timer runs; they all come late. */
  sleep(milliseconds: number, { monotonicToo = true } = {}): void {
    if (monotonicToo) this.elapsed += milliseconds;
    else this.#ahead += milliseconds;
  }

  #next(until: number): number | null {
    let found: number | null = null;
    let earliest = until;
    for (const [id, { at }] of this.#timers) {
      if (at < earliest || (at === earliest && found === null)) [found, earliest] = [id, at];
    }
    return found;
  }
}

/** An event target that knows how many listen. */
export class FakeTarget {
  hidden = false;
  readonly #listeners = new Map<string, Set<EventListenerOrEventListenerObject>>();

  addEventListener = (name: string, listener: EventListenerOrEventListenerObject | null): void => {
    if (listener) this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener));
  };

  removeEventListener = (name: string, listener: EventListenerOrEventListenerObject | null): void => {
    if (listener) this.#listeners.get(name)?.delete(listener);
  };

  fire(name: string, facts: object = {}): void {
    const event = Object.assign(new Event(name), facts);
    for (const listener of [...(this.#listeners.get(name) ?? [])]) (listener as EventListener)(event);
  }

  get size(): number {
    return [...this.#listeners.values()].reduce((sum, listeners) => sum + listeners.size, 0);
  }
}

class FakeChannel implements PusherChannel {
  subscriptionPending = false;
  subscribed = false;
  cancelled = false;
  readonly bindings = new Set<(event: string, data: unknown) => void>();

  bind_global(callback: (event: string, data: unknown) => void): this {
    this.bindings.add(callback);
    return this;
  }

  unbind_global(callback: (event: string, data: unknown) => void): this {
    this.bindings.delete(callback);
    return this;
  }

  emit(event: string, data: unknown): void {
    for (const callback of [...this.bindings]) callback(event, data);
  }
}

type Authorizer = (
  params: { socketId: string; channelName: string },
  callback: (error: Error | null, permission: unknown) => void,
) => void;

/** What becomes of a subscription: confirmed, refused by Channels, or never heard of. */
export type Fate = "confirmed" | "refused" | "lost";

/** pusher-js as far as the library uses it, with its habits: it resubscribes, and remembers what was cancelled. */
export class FakePusher implements PusherClient {
  readonly channels = new Map<string, FakeChannel>();
  readonly sent: string[] = [];
  /** Whether the server answers pings. */
  answersPings = true;
  /** Whether `connect()` succeeds by itself. */
  reachable = true;
  /** How long a connection and a subscription take. */
  delay = 5;
  fate: (channel: string) => Fate = () => "confirmed";
  members: { id: string; info: { name: string } }[] = [];
  readonly #bindings = new Map<string, Set<(data: never) => void>>();
  #attempt = 0;

  constructor(
    private readonly time: FakeTime,
    private readonly authorize: Authorizer,
    /** Whether there are any here. */
    private readonly webSockets: boolean,
  ) {
    if (webSockets) time.setTimeout(() => this.connect(), 0);
    else this.connect();
  }

  get state(): string {
    return this.connection.state;
  }

  readonly connection = {
    state: "connecting",
    socket_id: "1.1",
    bind: (event: string, callback: (data: never) => void): void => {
      this.#bindings.set(event, (this.#bindings.get(event) ?? new Set()).add(callback));
    },
    unbind: (event: string, callback: (data: never) => void): void => {
      this.#bindings.get(event)?.delete(callback);
    },
  };

  /** How many callbacks are bound, of the connection and of channels. */
  get bindings(): number {
    const sets = [...this.#bindings.values(), ...[...this.channels.values()].map(({ bindings }) => bindings)];
    return sets.reduce((sum, callbacks) => sum + callbacks.size, 0);
  }

  connect(): void {
    if (this.state === "connected") return;
    if (!this.webSockets) return this.become("failed");
    this.become("connecting");
    if (!this.reachable) return;
    const attempt = ++this.#attempt;
    this.time.setTimeout(() => attempt === this.#attempt && this.state === "connecting" && this.#connected(), this.delay);
  }

  disconnect(): void {
    this.#attempt++;
    this.become("disconnected");
  }

  /** The connection breaks; pusher-js tries to get it back. */
  break(): void {
    this.#attempt++;
    this.connection.socket_id = "";
    this.become("connecting");
    this.connect();
  }

  /** Channels cannot be reached. */
  goAway(): void {
    this.reachable = false;
    this.#attempt++;
    this.become("connecting");
    this.become("unavailable");
  }

  comeBack(): void {
    this.reachable = true;
    this.connect();
  }

  subscribe(name: string): FakeChannel {
    const channel = this.channels.get(name) ?? new FakeChannel();
    this.channels.set(name, channel);
    if (channel.subscriptionPending && channel.cancelled) channel.cancelled = false;
    else if (!channel.subscriptionPending && !channel.subscribed && this.state === "connected") this.#request(name, channel);
    return channel;
  }

  unsubscribe(name: string): void {
    const channel = this.channels.get(name);
    if (channel?.subscriptionPending) channel.cancelled = true;
    else this.channels.delete(name);
  }

  channel(name: string): FakeChannel | undefined {
    return this.channels.get(name);
  }

  send_event(name: string): boolean {
    this.sent.push(name);
    if (name === "pusher:ping" && this.answersPings) this.time.setTimeout(() => this.message("pusher:pong"), this.delay);
    return this.state === "connected";
  }

  /** Channels sends an event; who has not subscribed does not get it. */
  send(name: string, event: string, data: unknown): boolean {
    const channel = this.channels.get(name);
    if (this.state !== "connected" || !channel?.subscribed) return false;
    this.message(event);
    // Each receiver has an object of its own, as if it came over a network.
    channel.emit(event, structuredClone(data));
    return true;
  }

  message(event = "viewers:count"): void {
    if (this.state === "connected") this.#emit("message", { event });
  }

  become(state: string): void {
    if (state === this.state) return;
    this.connection.state = state;
    this.#emit("state_change", { current: state });
    if (state === "connecting" || state === "disconnected") {
      for (const channel of this.channels.values()) channel.subscriptionPending = channel.subscribed = false;
    }
  }

  #connected(): void {
    this.connection.socket_id = `${this.#attempt}.1`;
    this.become("connected");
    for (const [name, channel] of this.channels) if (!channel.subscriptionPending) this.#request(name, channel);
  }

  #request(name: string, channel: FakeChannel): void {
    channel.subscriptionPending = true;
    channel.cancelled = false;
    if (!/^(private|presence)-/.test(name)) return this.#answerLater(name, channel);
    this.authorize({ socketId: this.connection.socket_id, channelName: name }, (error) => {
      if (!error) return this.#answerLater(name, channel);
      channel.subscriptionPending = false;
      channel.emit("pusher:subscription_error", { type: "AuthError", error: error.message });
    });
  }

  #answerLater(name: string, channel: FakeChannel): void {
    const attempt = this.#attempt;
    const fate = this.fate(name);
    if (fate === "lost") return;
    this.time.setTimeout(() => {
      if (attempt !== this.#attempt || !channel.subscriptionPending) return;
      channel.subscriptionPending = false;
      if (fate === "refused") return channel.emit("pusher:subscription_error", { type: "AuthError", error: "nonsense" });
      channel.subscribed = true;
      if (channel.cancelled) this.unsubscribe(name);
      else channel.emit("pusher:subscription_succeeded", this.#confirmation(name));
    }, this.delay);
  }

  #confirmation(name: string): unknown {
    if (!name.startsWith("presence-")) return {};
    return { myID: "1", each: (callback: (member: unknown) => void) => this.members.forEach(callback) };
  }

  #emit(event: string, data: unknown): void {
    for (const callback of [...(this.#bindings.get(event) ?? [])]) callback(data as never);
  }
}

/** An answer that the fake network gives. */
export interface FakeAnswer {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Answers requests. Throwing is no answer. */
export type Handler = (path: string, init: RequestInit) => FakeAnswer | undefined;

/** Everything around a client, and the client. */
export class World {
  readonly time = new FakeTime();
  readonly random: Random;
  readonly window = new FakeTarget();
  readonly document = new FakeTarget();
  readonly navigator = { onLine: true };
  readonly stored = new Map<string, string>();
  readonly beacons: string[] = [];
  readonly requests: { path: string; init: RequestInit }[] = [];
  pusher!: FakePusher;
  /** How long a request takes on its way there, and back. */
  delay: () => [number, number] = () => [5, 5];
  takesBeacons = true;
  webSockets = true;
  /** Whether there is a network although the browser says otherwise. */
  answersOffline = false;
  readonly #handler: Handler;

  constructor(handler: Handler = () => undefined, random = new Random(1)) {
    this.#handler = handler;
    this.random = random;
  }

  readonly environment: Environment = {
    fetch: (url, init) => this.#fetch(url, init ?? {}),
    setTimeout: this.time.setTimeout,
    clearTimeout: this.time.clearTimeout,
    monotonic: this.time.monotonic,
    wallClock: this.time.wallClock,
    random: () => this.random.next(),
    uuid: () => `key-${this.random.integer(0, 2 ** 40)}`,
    requestFrame: (callback) => void this.time.setTimeout(callback, 16),
    createPusher: (_key, options) => {
      const authorization = options.channelAuthorization as unknown as { customHandler: Authorizer };
      this.pusher = new FakePusher(this.time, authorization.customHandler, this.webSockets);
      return this.pusher;
    },
    sendBeacon: (_url, body) => {
      if (this.takesBeacons) this.beacons.push(body);
      return this.takesBeacons;
    },
    storage: {
      getItem: (key) => this.stored.get(key) ?? null,
      setItem: (key, value) => void this.stored.set(key, value),
      removeItem: (key) => void this.stored.delete(key),
    },
    window: this.window,
    document: this.document,
    navigator: this.navigator,
  };

  client(options: Partial<ClientOptions> = {}): Client {
    return new Client({
      realtime: { key: "key", cluster: "test", wsHost: "localhost", wsPort: 1, forceTLS: false, authEndpoint: "/pusher/auth" },
      userId: 1,
      environment: this.environment,
      ...options,
    });
  }

  pass(milliseconds: number): Promise<void> {
    return this.time.pass(milliseconds);
  }

  /** How often a path was asked for. */
  asked(path: string | RegExp): number {
    return this.requests.filter((request) => (typeof path === "string" ? request.path === path : path.test(request.path))).length;
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    this.requests.push({ path, init });
    const [there, back] = this.delay();
    await this.#travel(there, init.signal);
    if (!this.navigator.onLine && !this.answersOffline) throw new TypeError("Failed to fetch");
    const { status = 200, body = null, headers = {} } = this.#answer(path, init);
    // Written now, whatever happens on the way back.
    const text = typeof body === "string" ? body : JSON.stringify(body);
    await this.#travel(back, init.signal);
    return { status, headers: new Headers(headers), text: async () => text } as Response;
  }

  #answer(path: string, init: RequestInit): FakeAnswer {
    const answer = this.#handler(path, init);
    if (answer) return answer;
    if (path === "/api/time") return { body: { timestamp: Math.floor(this.time.serverNow) } };
    if (path === "/pusher/auth") return { body: { auth: "key:signature" } };
    return { status: 404, body: { code: "not_found", detail: "There is no such thing here." } };
  }

  #travel(milliseconds: number, signal: AbortSignal | null | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.time.setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, milliseconds);
      const abort = () => {
        this.time.clearTimeout(timer);
        reject(new DOMException("aborted", "AbortError"));
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  }
}
