/**
 * The live client: keeps auctions true to the server, over Channels while that works and by polling while it
 * does not. It knows nothing of pages.
 *
 *     const live = new Live(realtime, { viewerId: 7 });
 *     live.addEventListener("state", () => badge.show(live.state));
 *     live.addEventListener("direct", ({ detail }) => ...);         // what only this viewer is told
 *     const feed = live.watch(standing, channel);                   // as GET /api/auctions/{id} answered
 *     feed.addEventListener("event", ({ detail: { name, data } }) => ...);   // each event once, in order
 *     feed.addEventListener("reset", () => ...);                    // too much was missed: read anew
 *     feed.addEventListener("viewers", () => ...);                  // feed.auction.activeViewers is another
 *     feed.addEventListener("price", () => ...);                    // feed.auction.currentPrice is another
 *     feed.addEventListener("standing", () => ...);                 // a poll has read it anew
 *
 * `feed.auction` is the standing after the events so far. Channels promises neither order nor that nothing is
 * lost, so every event carries a `seq`: one that is not the next waits while the missing ones are fetched.
 */
import * as clock from "./clock.js";

/** How often a standing is asked for while Channels is away: a bid is seen within two seconds. Most answers are
 * a 304, which costs the server next to nothing. */
const POLL_MS = 1_500;
/** How soon after a failed request it is tried again. */
const RETRY_MS = 2_000;
const REQUEST_TIMEOUT_MS = 10_000;

const EVENTS = [
  "bid:new", "bids:batch", "bid:retracted", "item:sold", "item:returned",
  "auction:status", "auction:extend", "auction:end", "auction:second-chance",
];
const DIRECT_EVENTS = ["bid:winning", "bid:outbid", "auction:won", "bid:accepted", "bid:rejected", "reservation:expired"];

/**
 * - `connecting`: at the start, and for a moment after a connection is lost
 * - `live`: connected, subscribed and caught up
 * - `polling`: Channels is away; the server is asked every few seconds
 * - `stopped`: the server does not answer either, so what is shown may be old
 */
export class Live extends EventTarget {
  state = "connecting";
  #feeds = new Set();
  #connected = false;
  #away = false;
  #pusher;
  #pollMs;

  constructor(realtime, { viewerId = null, pollMs = POLL_MS, Pusher = globalThis.Pusher } = {}) {
    super();
    this.#pollMs = pollMs;
    // Away until the first connection, if the client itself could not be loaded.
    this.#away = !Pusher;
    if (Pusher) this.#connect(Pusher, realtime, viewerId);
    // Timers stand still while a device sleeps or a page is kept aside: look at once when it comes back.
    document.addEventListener("visibilitychange", () => document.hidden || this.#catchUp());
    window.addEventListener("pageshow", (event) => event.persisted && this.#catchUp());
    window.addEventListener("online", () => this.#catchUp());
    this.#poll();
  }

  /** Follow an auction from a standing the server gave, on the channel it named: a members-only one has its own. */
  watch(standing, channelName) {
    const feed = new AuctionFeed(standing, () => this.#judge());
    this.#feeds.add(feed);
    const channel = this.#pusher?.subscribe(channelName);
    for (const name of EVENTS) channel?.bind(name, (data) => feed.receive(name, data));
    channel?.bind("viewers:count", (data) => feed.countViewers(data));
    channel?.bind("price:drop", (data) => feed.dropPrice(data));
    // Also after each reconnection. What happened before this moment is fetched, what comes after is sent.
    channel?.bind("pusher:subscription_succeeded", () => feed.subscribed());
    channel?.bind("pusher:subscription_error", () => feed.unsubscribed());
    return feed;
  }

  /** Our own connection: whoever acts through the API with it (`X-Socket-Id`) is not told what they did. */
  get socketId() {
    return this.#pusher?.connection.socket_id;
  }

  /** Who else, of those signed in, watches an auction; for signed-in viewers. Calls back with their names. */
  watchers(auctionId, callback) {
    const channel = this.#pusher?.subscribe(`presence-auction-${auctionId}`);
    for (const name of ["pusher:subscription_succeeded", "pusher:member_added", "pusher:member_removed"]) {
      channel?.bind(name, () => {
        const names = [];
        channel.members.each(({ id, info }) => id === channel.members.myID || names.push(info.name));
        callback(names);
      });
    }
  }

  #connect(Pusher, realtime, viewerId) {
    this.#pusher = new Pusher(realtime.key, {
      cluster: realtime.cluster,
      wsHost: realtime.wsHost,
      wsPort: realtime.wsPort,
      wssPort: realtime.wsPort,
      forceTLS: realtime.forceTLS,
      enabledTransports: ["ws", "wss"],
      // A connection that died without a word is noticed after these two, and given up for polling after the third.
      activityTimeout: 20_000,
      pongTimeout: 5_000,
      unavailableTimeout: 4_000,
      channelAuthorization: { endpoint: realtime.authEndpoint },
    });
    this.#pusher.connection.bind("state_change", ({ current }) => {
      this.#connected = current === "connected";
      if (this.#connected) this.#away = false;
      if (["unavailable", "failed", "disconnected"].includes(current)) this.#away = true;
      if (!this.#connected) for (const feed of this.#feeds) feed.unsubscribed();
      if (this.#away) this.#catchUp();
      this.#judge();
    });
    if (viewerId !== null) {
      const own = this.#pusher.subscribe(`private-user-${viewerId}`);
      for (const name of DIRECT_EVENTS) {
        own.bind(name, (data) => this.dispatchEvent(new CustomEvent("direct", { detail: { name, data } })));
      }
    }
  }

  #judge() {
    const feeds = [...this.#feeds];
    const state =
      this.#connected && feeds.every((feed) => feed.current) ? "live"
      : feeds.some((feed) => feed.failing) ? "stopped"
      : this.#away ? "polling"
      : "connecting";
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }

  #catchUp() {
    for (const feed of this.#feeds) feed.catchUp();
  }

  async #poll() {
    for (;;) {
      await pause(this.#pollMs);
      if (this.#away && !document.hidden) await Promise.all([...this.#feeds].map((feed) => feed.poll()));
    }
  }
}

/** One auction, as far as its events are known. */
export class AuctionFeed extends EventTarget {
  /** Whether nothing is missing as far as we know. */
  current = false;
  /** Whether the server did not answer the last time. */
  failing = false;
  #waiting = new Map();
  #etag = null;
  #busy = false;
  #again = false;
  #subscribed = false;
  #onChange;

  constructor(standing, onChange) {
    super();
    this.auction = standing;
    this.#onChange = onChange;
  }

  get #path() {
    return `/api/auctions/${this.auction.id}`;
  }

  subscribed() {
    this.#subscribed = true;
    this.catchUp();
  }

  unsubscribed() {
    this.#subscribed = false;
    this.current = false;
  }

  /** An event from the channel. */
  receive(name, data) {
    if (data?.auctionId !== this.auction.id || !Number.isSafeInteger(data.seq)) return;
    for (const event of unpacked(name, data)) this.#keep(event);
    this.#applyNext();
    if (this.#waiting.size) this.catchUp();
  }

  /** Not a step of the auction, so it has no `seq`: the latest one counts. */
  countViewers({ activeViewers }) {
    this.auction = { ...this.auction, activeViewers };
    this.dispatchEvent(new Event("viewers"));
  }

  /** No step either: the price follows from the terms and the clock. */
  dropPrice({ auctionId, timestamp, currentPrice, dropsRemaining, nextDropAt }) {
    if (auctionId !== this.auction.id) return;
    clock.heard(Date.parse(timestamp));
    this.auction = { ...this.auction, currentPrice, dropsRemaining, nextDropAt };
    this.dispatchEvent(new Event("price"));
  }

  /** Fetch what was missed. Asked again while at it, it looks once more afterwards. */
  async catchUp() {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = true;
    while (this.#again) {
      this.#again = false;
      await this.#attempt(() => this.#fetchMissed());
    }
    this.#busy = false;
  }

  /** Ask whether anything has changed, as cheaply as can be. */
  async poll() {
    let found = null;
    await this.#attempt(async () => {
      const headers = this.#etag ? { "If-None-Match": this.#etag } : {};
      const answer = await request(this.#path, { headers });
      if (answer.status === 304) return;
      found = { etag: answer.headers.get("ETag"), standing: await answer.json() };
    });
    if (!found) return;
    const { etag, standing } = found;
    if (standing.seq > this.auction.seq) await this.catchUp();
    // Only what has arrived may be called known: else the next poll hears "unchanged", and the page stays behind.
    this.#etag = standing.seq <= this.auction.seq ? etag : null;
    if (standing.seq !== this.auction.seq) return;
    // What no event tells: items that were held are checked out, viewers came and went.
    this.auction = standing;
    this.dispatchEvent(new Event("standing"));
  }

  async #attempt(work) {
    try {
      await work();
      this.failing = false;
      this.current = this.#subscribed && !this.#waiting.size;
    } catch {
      this.failing = true;
      this.current = false;
      // While polling, the next poll is soon enough; otherwise nobody else would ask again.
      if (this.#subscribed) setTimeout(() => this.catchUp(), RETRY_MS);
    }
    this.#onChange();
  }

  async #fetchMissed() {
    const answer = await request(`${this.#path}/events?after=${this.auction.seq}`);
    const { items, nextCursor } = await answer.json();
    if (nextCursor !== null) return this.#reset();
    for (const { seq, event, data } of items) this.#keep({ seq, name: event, data });
    this.#applyNext();
  }

  async #reset() {
    const answer = await request(this.#path);
    this.auction = await answer.json();
    for (const seq of this.#waiting.keys()) if (seq <= this.auction.seq) this.#waiting.delete(seq);
    this.dispatchEvent(new Event("reset"));
    this.#applyNext();
  }

  #keep(event) {
    if (event.seq > this.auction.seq) this.#waiting.set(event.seq, event);
  }

  #applyNext() {
    for (let event; (event = this.#waiting.get(this.auction.seq + 1)); ) {
      this.#waiting.delete(event.seq);
      this.auction = after(this.auction, event);
      this.dispatchEvent(new CustomEvent("event", { detail: event }));
    }
  }
}

/** The standing after an event. */
export function after(auction, { seq, name, data }) {
  const next = { ...auction, seq };
  switch (name) {
    case "bid:new":
      next.currentBid = data.currentBid;
      next.bidderName = data.bidderName;
      next.bidCount = data.bidCount;
      next.minimumNextBid = data.minimumNextBid;
      next.reserveMet = data.reserveMet;
      next.endsAt = data.extendedEndTime ?? auction.endsAt;
      if (!canStillBeBought(next)) next.buyNowPrice = null;
      break;
    // The one event after which the price may be lower.
    case "bid:retracted":
      next.currentBid = data.currentBid;
      next.bidderName = data.bidderName;
      next.bidCount = data.bidCount;
      next.minimumNextBid = data.minimumNextBid;
      next.reserveMet = data.reserveMet;
      break;
    case "item:sold":
      next.remainingItems = data.remainingItems;
      next.heldItems = auction.heldItems + 1;
      break;
    case "item:returned":
      next.remainingItems = data.remainingItems;
      next.outcome = data.outcome;
      // Whether it was held or checked out is not told: nearly always it was held.
      if (auction.heldItems) next.heldItems = auction.heldItems - 1;
      else next.soldItems = auction.soldItems - 1;
      break;
    case "auction:status":
      next.status = data.status;
      // A Dutch auction that was sold out opens again.
      next.outcome = null;
      next.startsAt = data.startsAt;
      next.endsAt = data.endsAt;
      break;
    case "auction:extend":
      next.endsAt = data.endsAt;
      break;
    case "auction:end":
      next.status = "ENDED";
      next.outcome = data.outcome;
      // Sold out is over only until an item comes back.
      if (data.reason !== "sold_out" && data.timestamp < auction.endsAt) next.endsAt = data.timestamp;
      break;
  }
  return next;
}

/** Whether a bid has left the lot to be bought at once: until the first one, or under a share of that price. */
function canStillBeBought({ currentBid, buyNowPrice, buyNowShare }) {
  return buyNowPrice !== null && currentBid * 100 < buyNowPrice * buyNowShare;
}

/** A batch of bids stands for the bids in it. */
function unpacked(name, data) {
  if (name !== "bids:batch") return [{ seq: data.seq, name, data }];
  return data.bids.map((bid) => ({ seq: bid.seq, name: "bid:new", data: bid }));
}

async function request(path, { headers } = {}) {
  const answer = await fetch(path, { headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  if (!answer.ok && answer.status !== 304) throw new Error(`${path}: ${answer.status}`);
  return answer;
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
