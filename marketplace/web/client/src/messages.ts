import type { Channels } from "./channels.js";
import { Emitter } from "./emitter.js";
import type { Metrics } from "./metrics.js";

/** So many messages are remembered, to tell repetitions. */
const REMEMBERED = 500;

/** Something told on a channel without history: to one user, or to everybody. */
export interface Message {
  /** Its name in the catalogue (docs/events.md), such as `bid:outbid`. */
  name: string;
  data: Readonly<Record<string, unknown>>;
}

/** What {@link Messages} tell. */
export interface MessagesEvents {
  /** A message: each once. */
  message: Message;
  /** Messages come from now on. Some may have been missed before: what they were about has to be asked for. */
  subscribed: undefined;
}

/** The messages of a channel without history: they are told once, and who was away has missed them. */
export class Messages extends Emitter<MessagesEvents> {
  readonly #seen = new Set<string>();
  #subscribed = false;

  constructor(
    channels: Channels,
    channel: string,
    private readonly metrics: Metrics,
  ) {
    super();
    const leave = channels.listen(channel, {
      event: (name, data) => this.#receive(name, data),
      subscribed: () => {
        this.#subscribed = true;
        this.emit("subscribed", undefined);
      },
      lost: () => {
        this.#subscribed = false;
      },
    });
    this.onDispose(leave);
  }

  /** Whether messages come now. */
  get subscribed(): boolean {
    return this.#subscribed;
  }

  #receive(name: string, data: unknown): void {
    if (name.startsWith("pusher:")) return;
    if (typeof data !== "object" || data === null || Array.isArray(data)) return this.metrics.count("malformed");
    if (this.#repeated(`${name} ${JSON.stringify(data)}`)) return this.metrics.count("stale");
    this.emit("message", { name, data: data as Message["data"] });
  }

  /** Channels delivers at least once. */
  #repeated(key: string): boolean {
    if (this.#seen.has(key)) return true;
    this.#seen.add(key);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.values().next().value as string);
    return false;
  }
}
