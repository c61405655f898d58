import { Backoff } from "./backoff.js";
import { Channels } from "./channels.js";
import { Emitter } from "./emitter.js";
import type { Environment, PusherClient, Timer } from "./environment.js";
import { type Api, HttpProblem } from "./http.js";
import type { Metrics } from "./metrics.js";

/** How to connect to Channels, as `GET /api/realtime` answers. */
export interface RealtimeSettings {
  key: string;
  cluster: string;
  wsHost: string;
  wsPort: number;
  forceTLS: boolean;
  authEndpoint: string;
}

/** After so many milliseconds without a message, pusher-js asks whether the server is there... */
const ACTIVITY_MS = 7_000;
/** ...and gives the connection up when it does not answer for so long. */
const PONG_MS = 4_000;
/** Without a connection for so long, the page polls. */
const UNAVAILABLE_MS = 3_000;
/** A connection that is silent for so long is not one, whatever pusher-js says: it may be asleep itself. */
const SILENCE_MS = 30_000;
/** How long the answer to a question of our own may take, after a sleep. */
const PROBE_MS = 3_000;
/** Everybody comes back when Channels does: they ask the server within so many milliseconds, not all at once. */
const RETURN_SPREAD_MS = 200;
/** First and longest pause before Channels is tried again: pusher-js waits 15 s for one that refuses at once. */
const FIRST_TRY_MS = 2_000;
const LONGEST_TRY_MS = 15_000;
/** First and longest pause before a connection is tried again that pusher-js has given up. */
const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 300_000;

/**
 * - `connecting`: at the start, and for a moment after a connection is lost
 * - `connected`: messages come
 * - `doubtful`: connected by all appearances, but it is being asked whether that is so
 * - `unavailable`: Channels cannot be reached; pusher-js keeps trying
 * - `failed`: pusher-js has given up: there are no WebSockets here, or Channels does not want us
 */
export type ConnectionState = "connecting" | "connected" | "doubtful" | "unavailable" | "failed";

/** The page's one connection to Channels. */
export class Connection extends Emitter<{ state: ConnectionState }> {
  readonly channels: Channels;
  #state: ConnectionState = "connecting";
  #lastHeard: number | null = null;
  #away = false;
  #everConnected = false;
  #spread = 0;
  /** While we close it ourselves in order to open it again. */
  #recycling = false;
  #probe: Timer | null = null;
  #retry: Timer | null = null;
  readonly #startedAt: number;
  readonly #pusher: PusherClient;
  readonly #backoff: Backoff;
  readonly #tries: Backoff;

  constructor(
    private readonly env: Environment,
    private readonly api: Api,
    private readonly metrics: Metrics,
    settings: RealtimeSettings,
  ) {
    super();
    this.#startedAt = env.monotonic();
    this.#backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS, env.random);
    this.#tries = new Backoff(FIRST_TRY_MS, LONGEST_TRY_MS, env.random);
    this.#pusher = env.createPusher(settings.key, {
      cluster: settings.cluster,
      wsHost: settings.wsHost,
      wsPort: settings.wsPort,
      wssPort: settings.wsPort,
      forceTLS: settings.forceTLS,
      // Without TLS there is nothing at the other end that would answer in it.
      enabledTransports: settings.forceTLS ? ["ws", "wss"] : ["ws"],
      activityTimeout: ACTIVITY_MS,
      pongTimeout: PONG_MS,
      unavailableTimeout: UNAVAILABLE_MS,
      channelAuthorization: {
        // Its own would wait for an answer forever.
        customHandler: ({ socketId, channelName }, callback) => {
          // Permission is for one connection: an answer that comes after the next was made concerns no subscription.
          const current = () => socketId === this.#pusher.connection.socket_id;
          this.#authorize(settings.authEndpoint, socketId, channelName).then(
            (permission) => current() && callback(null, permission),
            (error: Error) => current() && callback(error, null),
          );
        },
      },
    });
    this.channels = new Channels(env, this.#pusher, metrics);
    this.#pusher.connection.bind("state_change", this.#changed);
    this.#pusher.connection.bind("message", this.#heard);
    // It connects while it is made, and where there are no WebSockets it has failed by now.
    if (this.#pusher.connection.state === "failed") this.#failed();
    this.onDispose(() => this.#close());
  }

  /** How it is. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** The connection's id, for `X-Socket-Id`: its own buyer is not told of a sale. Null without a connection. */
  get socketId(): string | null {
    return this.#state === "connected" ? this.#pusher.connection.socket_id : null;
  }

  /** In how many milliseconds those may ask the server who do so because of this connection: the first need not wait. */
  get spread(): number {
    return this.#spread;
  }

  /** When the last message came, by the monotonic clock; null before the first. */
  get lastHeard(): number | null {
    return this.#lastHeard;
  }

  /** To be called every few seconds: finds a connection that says that it is one, and is silent. */
  check(): void {
    if (this.#state === "connected" && this.env.monotonic() - (this.#lastHeard ?? 0) > SILENCE_MS) this.doubt();
  }

  /** Ask whether the connection is alive. As long as it has not answered it does not count as one. */
  doubt(): void {
    if (this.#state !== "connected") return;
    this.#become("doubtful");
    // Messages arrive in order: with the answer, everything that was sent before has come.
    this.#pusher.send_event("pusher:ping", {});
    this.#probe = this.env.setTimeout(() => {
      this.metrics.count("silences");
      this.reconnect();
    }, PROBE_MS);
  }

  /** Make a new connection, whatever became of this one. */
  reconnect(): void {
    this.env.clearTimeout(this.#probe);
    this.env.clearTimeout(this.#retry);
    this.#recycling = true;
    this.#pusher.disconnect();
    this.#recycling = false;
    this.#pusher.connect();
  }

  readonly #changed = ({ current }: { current: string }): void => {
    this.env.clearTimeout(this.#probe);
    switch (current) {
      case "connected":
        this.#connected();
        break;
      case "connecting":
        this.#lost();
        this.#become(this.#away ? "unavailable" : "connecting");
        break;
      case "unavailable":
        this.#lost();
        this.#away = true;
        this.metrics.count("connectionFailures");
        this.#become("unavailable");
        this.#reconnectIn(this.#tries.next());
        break;
      default:
        this.#lost();
        if (!this.#recycling) this.#failed();
    }
  };

  readonly #heard = ({ event }: { event?: string }): void => {
    // After a sleep there may be messages from before it; the answer comes behind them.
    if (this.#state === "doubtful" && event !== "pusher:pong") return;
    this.#lastHeard = this.env.monotonic();
    if (this.#state !== "doubtful") return;
    this.env.clearTimeout(this.#probe);
    this.#become("connected");
  };

  #connected(): void {
    this.metrics.count("connects");
    if (this.#everConnected) {
      this.metrics.count("reconnects");
      this.#spread = RETURN_SPREAD_MS;
    } else this.metrics.connected(this.env.monotonic() - this.#startedAt);
    this.#everConnected = true;
    this.#away = false;
    this.#backoff.reset();
    this.#tries.reset();
    this.env.clearTimeout(this.#retry);
    this.#lastHeard = this.env.monotonic();
    this.channels.connected();
    this.#become("connected");
  }

  #lost(): void {
    if (this.#state === "connected" || this.#state === "doubtful") this.metrics.count("connectionFailures");
    this.channels.disconnected();
  }

  #failed(): void {
    this.#away = true;
    this.#become("failed");
    this.#reconnectIn(this.#backoff.next());
  }

  #reconnectIn(milliseconds: number): void {
    this.env.clearTimeout(this.#retry);
    this.#retry = this.env.setTimeout(() => this.reconnect(), milliseconds);
  }

  #close(): void {
    this.env.clearTimeout(this.#probe);
    this.env.clearTimeout(this.#retry);
    this.#pusher.connection.unbind("state_change", this.#changed);
    this.#pusher.connection.unbind("message", this.#heard);
    this.channels.dispose();
    this.#pusher.disconnect();
  }

  #become(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.emit("state", state);
  }

  async #authorize(endpoint: string, socketId: string, channelName: string): Promise<{ auth: string; channel_data?: string }> {
    if (this.#spread) await new Promise<void>((done) => this.env.setTimeout(done, this.env.random() * this.#spread));
    const body = new URLSearchParams({ socket_id: socketId, channel_name: channelName });
    try {
      const { body: permission } = await this.api.send(endpoint, { method: "POST", body });
      if (typeof (permission as { auth?: unknown } | null)?.auth !== "string") throw new Error("no permission in the answer");
      return permission as { auth: string; channel_data?: string };
    } catch (error) {
      this.metrics.count("requestFailures");
      // Of an error pusher-js passes only the message on: `Channels` reads the status from it.
      throw error instanceof HttpProblem ? new Error(String(error.status)) : error;
    }
  }
}
