/** Auctions and the time as signals: what depends on them is shown again when they change, and only then. */
import { type ReadonlySignal, signal } from "@preact/signals-core";
import type { Auction, Client, ClientState, Standing } from "../src/index.js";
import { data, find } from "./dom.js";

export { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals-core";

/** An auction on the page, as the script goes on from where the server rendered it. */
export interface Live<S extends Standing> {
  readonly auction: Auction;
  /** How it stands: another object after each change, once a frame at most. */
  readonly standing: ReadonlySignal<S>;
}

/** Follow the auction that an element was rendered from (`data-auction`, `data-channel`). */
export function follow<S extends Standing>(client: Client, element: HTMLElement): Live<S> {
  const snapshot = data<S>(element, "auction");
  const channel = element.dataset.channel;
  const auction = client.watch({ id: snapshot.id, snapshot, ...(channel ? { channel } : {}) });
  const standing = signal(snapshot);
  auction.on("change", () => {
    if (auction.standing) standing.value = auction.standing as S;
  });
  return { auction, standing };
}

/** The session is over, or somebody took it away: the page of that auction says so, and nothing on it can be used. */
export function noteWhenGone(root: HTMLElement, auction: Auction): void {
  auction.on("change", () => {
    root.inert = auction.freshness === "gone";
    find(document, "#gone").hidden = !root.inert;
    find(document, "#connection").hidden = root.inert;
  });
}

/** How the page is. That it is offline the browser knows at once, and the client when nothing was heard for a while. */
export type PageState = ClientState | "offline";

/** How the page is, as its badge tells. */
export function stateOf(client: Client): ReadonlySignal<PageState> {
  const now = (): PageState => (navigator.onLine ? client.state : "offline");
  const state = signal(now());
  const look = () => {
    state.value = now();
  };
  client.on("state", look);
  for (const change of ["online", "offline"]) window.addEventListener(change, look);
  return state;
}

/** The server's time, in milliseconds since 1970, as often as its second begins; null while it is not known. */
export interface Ticking {
  readonly now: ReadonlySignal<number | null>;
  /** Look once more at that moment, as when a price drops; null for none. */
  at(moment: number | null): void;
}

/** A clock may be so wrong that waiting for certainty makes no sense. */
const LONGEST_DOUBT_MS = 1_000;

/** Starts the page's clock. */
export function ticking(client: Client): Ticking {
  const now = signal<number | null>(null);
  let extra = Number.POSITIVE_INFINITY;
  let timer = 0;
  const tick = () => {
    const time = client.clock.now();
    if (time >= extra) extra = Number.POSITIVE_INFINITY;
    now.value = client.clock.known ? time : null;
    wait();
  };
  const wait = () => {
    clearTimeout(timer);
    const time = client.clock.now();
    timer = window.setTimeout(tick, Math.max(1, Math.min(1000 - (time % 1000), extra - time)));
  };
  client.clock.on("change", tick);
  document.addEventListener("visibilitychange", tick);
  tick();
  return {
    now,
    at(moment) {
      if (moment === null) return;
      // Not before it has certainly come.
      const due = moment + Math.min(client.clock.uncertainty, LONGEST_DOUBT_MS) + 1;
      if (due >= extra || due <= client.clock.now()) return;
      extra = due;
      wait();
    },
  };
}
