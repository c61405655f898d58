import Pusher, { type Options as PusherOptions } from "pusher-js";

/** What `setTimeout` gives and `clearTimeout` takes. */
export type Timer = unknown;

/** The part of a channel of pusher-js that is used here. */
export interface PusherChannel {
  subscriptionPending: boolean;
  subscribed: boolean;
  bind_global(callback: (event: string, data: unknown) => void): unknown;
  unbind_global(callback: (event: string, data: unknown) => void): unknown;
}

/** The part of pusher-js that is used here. */
export interface PusherClient {
  connection: {
    socket_id: string;
    state: string;
    bind(event: string, callback: (data: never) => void): unknown;
    unbind(event: string, callback: (data: never) => void): unknown;
  };
  subscribe(name: string): PusherChannel;
  unsubscribe(name: string): void;
  channel(name: string): PusherChannel | undefined;
  send_event(name: string, data: unknown): boolean;
  connect(): void;
  disconnect(): void;
}

/** Where the page itself tells what happens to it: `window` and `document`. */
export type PageEvents = Pick<EventTarget, "addEventListener" | "removeEventListener">;

/**
 * Everything outside this library. A browser has it all; tests, and programs without a browser, bring what they
 * want to replace.
 */
export interface Environment {
  fetch(url: string, init?: RequestInit): Promise<Response>;
  setTimeout(callback: () => void, milliseconds: number): Timer;
  clearTimeout(timer: Timer): void;
  /** Milliseconds that never go back, whatever is done to the device's clock; they may stand still in its sleep. */
  monotonic(): number;
  /** The device's own clock. Never believed: it only tells that time has passed while `monotonic` stood still. */
  wallClock(): number;
  /** From 0 to 1. */
  random(): number;
  /** A name that nobody else will ever think of. */
  uuid(): string;
  /** Before the next frame is painted; soon, too, where nothing is painted. */
  requestFrame(callback: () => void): void;
  createPusher(key: string, options: PusherOptions): PusherClient;
  /** Hand over a few bytes, even while the page is closing; false when they were not taken. */
  sendBeacon(url: string, body: string): boolean;
  /** Where bids outlive a reload; null for nowhere. */
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null;
  window: PageEvents;
  document: PageEvents & { readonly hidden: boolean };
  navigator: { readonly onLine: boolean };
}

/** A page that nobody sees paints no frames; then this many milliseconds will do. */
const UNPAINTED_MS = 250;

/** The environment of a page in a browser. */
export function browserEnvironment(): Environment {
  const { window, document, navigator } = globalThis;
  return {
    // Called as functions of the window, which is what they insist on.
    fetch: (url, init) => fetch(url, init),
    setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
    clearTimeout: (timer) => clearTimeout(timer as number),
    monotonic: () => performance.now(),
    wallClock: () => Date.now(),
    random: () => Math.random(),
    uuid: randomUuid,
    requestFrame: (callback) => {
      if (document.hidden) return void setTimeout(callback, UNPAINTED_MS);
      // A page that is hidden meanwhile would paint this one when it is seen again, in hours perhaps.
      const once = () => {
        cancelAnimationFrame(frame);
        document.removeEventListener("visibilitychange", once);
        callback();
      };
      const frame = requestAnimationFrame(once);
      document.addEventListener("visibilitychange", once);
    },
    createPusher: (key, options) => new Pusher(key, options) as unknown as PusherClient,
    sendBeacon: (url, body) => navigator.sendBeacon(url, new Blob([body], { type: "application/json" })),
    storage: sessionStorageIfAllowed(),
    window,
    document,
    navigator,
  };
}

/** `crypto.randomUUID` is there on secure origins only, and a development machine in the local network is none. */
function randomUuid(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** With cookies blocked, even to look at it throws. */
function sessionStorageIfAllowed(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
