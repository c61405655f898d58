import { Auction, type AuctionOptions, type AuctionServices } from "./auction.js";
import { type Bid, Bids, type BidTerms, type Question, type Situation } from "./bids.js";
import { ServerClock } from "./clock.js";
import { Connection, type RealtimeSettings } from "./connection.js";
import { type Disposable, Emitter, type Lasting, lasting } from "./emitter.js";
import { browserEnvironment, type Environment, type Timer } from "./environment.js";
import { Frames } from "./frames.js";
import { Api } from "./http.js";
import { Messages } from "./messages.js";
import { Metrics } from "./metrics.js";
import { Presence } from "./presence.js";
import { isDutch } from "./standing.js";
import { WakeDetector } from "./wake.js";

/** How often snapshots are asked for while Channels is away, in milliseconds; a list page may do with 30 s. */
const POLL_MS = 5_000;
/**
 * After so many of these, a live auction of which nothing was heard is asked after as well: should the last event
 * have been lost on a connection that lives on, nothing else would ever tell.
 */
const POLLS_PER_CHECK = 12;
/** Nobody looks at a hidden page. */
const HIDDEN_POLL_MS = 30_000;
/** So many milliseconds apart are the requests of several auctions that are asked for at once. */
const SPREAD_MS = 20;
const LONGEST_SPREAD_MS = 1_000;

/**
 * The one answer to "how is this page?":
 *
 * - `connecting`: at the start, and for a moment after a connection is lost
 * - `live`: connected, subscribed and caught up: every event is seen at once
 * - `polling`: Channels is away, or does not let us in: the server is asked every few seconds
 * - `stopped`: Channels has given us up, or the server does not answer either: what is shown may be old
 */
export type ClientState = "connecting" | "live" | "polling" | "stopped";

/** What a page tells its client. Everything else can be left out. */
export interface ClientOptions {
  /** As `GET /api/realtime` answers. */
  realtime: RealtimeSettings;
  /** Who is signed in; null for nobody. */
  userId?: number | null;
  /** Milliseconds from one poll to the next, while Channels is away. */
  pollEvery?: number;
  /** Where the API is, if not on the page's own server: `https://example.org`. */
  base?: string;
  /** Sent with each request to the API, such as `Authorization`. */
  headers?: () => Record<string, string>;
  /** Where beacons go; null for nowhere. */
  metricsUrl?: string | null;
  /** Replacements for parts of the browser. */
  environment?: Partial<Environment>;
}

/** What a {@link Client} tells. */
export interface ClientEvents {
  /** The page's state is another. */
  state: ClientState;
  /** A bid is in another state. */
  bid: Bid;
  /** Somebody has to say whether a bid that has waited still stands: `bid.confirm()` or `bid.drop()`. */
  question: Question;
}

/** The page's one client: one connection, one clock, one state. Make one for a page. */
export class Client extends Emitter<ClientEvents> {
  /** The server's clock. */
  readonly clock: ServerClock;
  /** What was counted so far. */
  readonly metrics: Metrics;
  readonly #env: Environment;
  readonly #api: Api;
  readonly #frames: Frames;
  readonly #wake: WakeDetector;
  readonly #connection: Connection;
  readonly #bids: Bids;
  readonly #userId: number | null;
  readonly #pollEvery: number;
  readonly #auctions = new Set<Auction>();
  readonly #parts = new Set<Disposable>();
  #state: ClientState = "connecting";
  #pollTimer: Timer | null = null;
  #polledAt = 0;

  constructor({ realtime, userId = null, pollEvery = POLL_MS, base = "", headers, metricsUrl, environment }: ClientOptions) {
    super();
    const env = environmentWith(environment);
    this.#env = env;
    this.#userId = userId;
    this.#pollEvery = pollEvery;
    this.#api = new Api(env, base, headers);
    this.#frames = new Frames(env);
    this.metrics = new Metrics(env, metricsUrl === undefined ? `${base}/api/client-metrics` : metricsUrl);
    this.clock = new ServerClock(env, this.#api);
    this.#wake = new WakeDetector(env);
    this.#connection = new Connection(env, this.#api, this.metrics, realtime);
    this.#bids = this.#makeBids();
    this.#connection.on("state", () => this.#judge());
    this.#judge();
    this.#wake.on("beat", () => {
      this.#connection.check();
      this.#bids.advance("in time");
    });
    this.#wake.on("wake", ({ unseen }) => this.#look(unseen));
    void this.clock.synchronize();
    this.onDispose(() => this.#dispose());
    this.#pollLater();
    // After the page has had the time to listen: what a page before it left.
    queueMicrotask(() => this.#bids.advance());
  }

  /** How the page is. */
  get state(): ClientState {
    return this.#state;
  }

  /** Milliseconds since the last message of the live connection, whatever it said; null before the first. */
  get quietFor(): number | null {
    const heard = this.#connection.lastHeard;
    return heard === null ? null : this.#env.monotonic() - heard;
  }

  /** When the last message came, in milliseconds since 1970 by the server's clock; null before the first. */
  get lastMessageAt(): number | null {
    const quiet = this.quietFor;
    return quiet === null ? null : this.clock.now() - quiet;
  }

  /** The bids of this page whose outcome is not known, oldest first; also those that a page before it left. */
  get openBids(): readonly Bid[] {
    return this.#bids.open;
  }

  /** Follow an auction; until it is disposed of, or the signal is aborted. */
  watch(options: AuctionOptions & Lasting): Auction {
    const auction = new Auction(this.#services, options, () => this.#judge());
    this.#auctions.add(auction);
    auction.onDispose(() => {
      this.#auctions.delete(auction);
      this.#judge();
    });
    this.#part(auction, options);
    this.#judge();
    return auction;
  }

  get #services(): AuctionServices {
    return {
      env: this.#env,
      api: this.#api,
      clock: this.clock,
      channels: this.#connection.channels,
      metrics: this.metrics,
      frames: this.#frames,
      spread: () => Math.max(this.#spread, this.#connection.spread),
      pollEvery: this.#pollEvery,
    };
  }

  /** What only the signed-in user is told. Throws when nobody is signed in. */
  userMessages(options: Lasting = {}): Messages {
    if (this.#userId === null) throw new Error("nobody is signed in");
    return this.#part(new Messages(this.#connection.channels, `private-user-${this.#userId}`, this.metrics), options);
  }

  /** Notices for everybody. */
  announcements(options: Lasting = {}): Messages {
    return this.#part(new Messages(this.#connection.channels, "announcements", this.metrics), options);
  }

  /** Who watches an auction, of those who are signed in; to them alone it is told. */
  watchers(auctionId: number, options: Lasting = {}): Presence {
    return this.#part(new Presence(this.#connection.channels, `presence-auction-${auctionId}`), options);
  }

  /** Bid. Nothing is thrown: what becomes of it is told by the bid. */
  placeBid(auctionId: number, terms: BidTerms): Bid {
    return this.#bids.place(auctionId, terms);
  }

  /** Connect anew and look at everything: for the button beside "stopped". */
  refresh(): void {
    this.#connection.reconnect();
    void this.clock.synchronize();
    this.#ask([...this.#auctions]);
  }

  /** A part of the client that a part of the page uses: it goes with either. */
  #part<Part extends Disposable>(part: Part, { signal }: Lasting): Part {
    this.#parts.add(part);
    part.onDispose(() => this.#parts.delete(part));
    part.onDispose(lasting(() => part.dispose(), signal));
    return part;
  }

  #makeBids(): Bids {
    const bids = new Bids({
      env: this.#env,
      api: this.#api,
      metrics: this.metrics,
      userId: this.#userId,
      socketId: () => this.#connection.socketId,
      // A browser may take itself for offline although messages come.
      online: (since) => this.#env.navigator.onLine || (this.#connection.lastHeard ?? 0) > since,
      priceShown: (auctionId) => this.#followed(auctionId)?.price ?? null,
      situation: (auctionId) => this.#situation(auctionId),
      accepted: (auctionId, seq) => {
        const auction = this.#followed(auctionId);
        if (auction?.standing && auction.standing.seq < seq) void auction.catchUp();
      },
    });
    bids.on("change", (bid) => this.emit("bid", bid));
    bids.on("question", (question) => this.emit("question", question));
    return bids;
  }

  #followed(auctionId: number): Auction | undefined {
    return [...this.#auctions].find(({ id }) => id === auctionId);
  }

  /** How an auction stands at this moment; null when nobody can say. */
  async #situation(auctionId: number): Promise<Situation | "gone" | null> {
    const followed = this.#followed(auctionId);
    // One that the page does not follow has no say in how the page is.
    const auction = followed ?? this.#part(new Auction(this.#services, { id: auctionId }, () => undefined), {});
    await auction.catchUp();
    const { standing, price, takesBids, freshness } = auction;
    if (!followed) auction.dispose();
    if (freshness === "gone") return "gone";
    if (standing === null || price === null || freshness !== "current") return null;
    const dutch = isDutch(standing);
    return { price, minimum: dutch ? price : standing.minimumNextBid, takesBids, dutch };
  }

  /** Look around, after a sleep or whatever it was. */
  #look(unseen: number): void {
    this.metrics.count("wakes");
    this.clock.doubt(unseen);
    this.#connection.doubt();
    this.#judge();
    this.#poll();
    this.#bids.advance();
  }

  #judge(): void {
    const state = this.disposed ? this.#state : this.#judged();
    if (state === this.#state) return;
    this.#state = state;
    this.emit("state", state);
    if (state === "live" || state === "polling") this.#bids.advance();
  }

  #judged(): ClientState {
    const there = [...this.#auctions].filter(({ freshness }) => freshness !== "gone");
    const followed = there.filter(({ unreadable }) => !unreadable);
    const connection = this.#connection.state;
    if (connection === "failed" || followed.some(({ failing }) => failing)) return "stopped";
    // One that cannot be read does not stop the others; but where there are no others, nothing that is shown is true.
    if (there.length > 0 && followed.length === 0) return "stopped";
    if (connection === "unavailable") return "polling";
    if (connection !== "connected") return "connecting";
    if (followed.some(({ refused }) => refused)) return "polling";
    // A gap that is being closed later is no reason to call the page anything but live.
    if (followed.every(({ settled }) => settled)) return "live";
    return this.#state === "polling" ? "polling" : "connecting";
  }

  #pollLater(): void {
    // With jitter: when Channels went away, everybody began to poll in the same moment.
    const pause = this.#pollEvery * (0.9 + this.#env.random() / 5);
    this.#pollTimer = this.#env.setTimeout(() => {
      // Whoever comes back to a hidden page does not wait for its next turn.
      if (!this.#env.document.hidden || this.#env.monotonic() - this.#polledAt > HIDDEN_POLL_MS - pause) this.#poll();
      this.#pollLater();
    }, pause);
  }

  /** Ask after every auction whose events do not come; and now and then after one of which nothing is heard. */
  #poll(): void {
    this.#polledAt = this.#env.monotonic();
    const away = this.#connection.state === "unavailable";
    const patience = this.#env.document.hidden ? Number.POSITIVE_INFINITY : this.#pollEvery * POLLS_PER_CHECK;
    const asked = [...this.#auctions].filter(
      ({ freshness, refused, unconfirmedFor, settled }) =>
        freshness !== "gone" && (away || refused || (settled && unconfirmedFor > patience)),
    );
    this.#ask(asked);
  }

  /** Ask after several auctions, one after the other. */
  #ask(auctions: Auction[]): void {
    for (const [index, auction] of auctions.entries()) auction.pollIn((index * this.#spread) / auctions.length);
  }

  get #spread(): number {
    return Math.min(this.#auctions.size * SPREAD_MS, LONGEST_SPREAD_MS);
  }

  #dispose(): void {
    this.#env.clearTimeout(this.#pollTimer);
    for (const part of [...this.#parts]) part.dispose();
    this.#bids.dispose();
    this.#wake.dispose();
    this.#connection.dispose();
    this.clock.dispose();
    this.metrics.dispose();
  }
}

function environmentWith(replacements: Partial<Environment> = {}): Environment {
  // In a program without a browser there is no window to ask for the rest.
  return { ...browserEnvironment(), ...replacements };
}
