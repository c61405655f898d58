import { Backoff } from "./backoff.js";
import { Emitter, type Lasting, lasting, type Undo } from "./emitter.js";
import type { Environment, Timer } from "./environment.js";
import type { Api } from "./http.js";

/** Round trips of one synchronization; the quickest says most. */
const SAMPLES = 4;
/** How long an offset is good enough, in milliseconds. */
const REFRESH_MS = 5 * 60_000;
/** How far a device's crystal goes wrong: 100 ppm is a bad one. */
const DRIFT = 100e-6;
/** Browsers take longer timers for none at all. */
const LONGEST_TIMER_MS = 2 ** 30;

interface Estimate {
  /** Server's time less `monotonic`. */
  offset: number;
  /** Half the round trip: so far the truth may be away on either side. */
  error: number;
  /** When it was made, by `monotonic`. */
  madeAt: number;
}

interface Alarm {
  at: number;
  ring: () => void;
  timer: Timer | null;
  undo: Undo;
}

/**
 * The server's clock. The device's own is never believed: `performance.now()` counts on from the moment when the
 * server was asked, so that it does not matter when somebody sets the device's clock.
 */
export class ServerClock extends Emitter<{ change: undefined }> {
  #estimate: Estimate | null = null;
  /** Whether something has happened since, such as a sleep, after which the estimate may be wrong. */
  #doubtful = false;
  /** How often that was so: what was asked before says nothing afterwards. */
  #doubts = 0;
  /** What the device's clock thinks has passed unseen; believed only while the server does not answer. */
  #unseen = 0;
  #synchronizing: Promise<void> | null = null;
  #timer: Timer | null = null;
  readonly #alarms = new Set<Alarm>();
  readonly #backoff: Backoff;

  constructor(
    private readonly env: Environment,
    private readonly api: Api,
  ) {
    super();
    this.#backoff = new Backoff(1_000, 60_000, env.random);
    this.onDispose(() => {
      env.clearTimeout(this.#timer);
      for (const alarm of this.#alarms) alarm.undo();
    });
  }

  /** Whether the server has been asked yet. Until then `now()` is the device's clock, which may be wrong by hours. */
  get known(): boolean {
    return this.#estimate !== null;
  }

  /** Milliseconds since 1970, by the server. */
  now(): number {
    return this.#estimate ? this.env.monotonic() + this.#estimate.offset : this.env.wallClock();
  }

  /** So many milliseconds `now()` may be wrong, on either side; infinite while that cannot be said. */
  get uncertainty(): number {
    return this.#estimate && !this.#doubtful ? this.now() - this.earliest : Number.POSITIVE_INFINITY;
  }

  /** The server's clock shows at least this: a device may sleep through time, but never counts too much of it. */
  get earliest(): number {
    const { error, madeAt } = this.#estimate ?? { error: 0, madeAt: 0 };
    return this.now() - error - (this.env.monotonic() - madeAt) * DRIFT;
  }

  /** Ask the server now, and keep asking now and then. A second call while one is at it waits for the same answer. */
  synchronize(): Promise<void> {
    this.#synchronizing ??= this.#synchronize().finally(() => {
      this.#synchronizing = null;
    });
    return this.#synchronizing;
  }

  /**
   * The device may have slept, or its clock was set: which of them, the server is asked first.
   *
   * @param unseen - milliseconds that passed while `monotonic` stood still, as far as the device's clock knows
   */
  doubt(unseen: number): void {
    this.#doubtful = true;
    this.#doubts++;
    this.#unseen += Math.max(0, unseen);
    void this.synchronize();
  }

  /**
   * Call back when the server's clock shows `moment`, and not before; a correction of the clock moves it.
   *
   * @param moment - milliseconds since 1970; one that is past calls back soon
   * @returns takes it back
   */
  at(moment: number, ring: () => void, { signal }: Lasting = {}): Undo {
    const alarm: Alarm = { at: moment, ring, timer: null, undo: () => undefined };
    this.#alarms.add(alarm);
    this.#wind(alarm);
    alarm.undo = lasting(() => {
      this.#alarms.delete(alarm);
      this.#stop(alarm);
    }, signal);
    return alarm.undo;
  }

  async #synchronize(): Promise<void> {
    this.env.clearTimeout(this.#timer);
    const answered = await this.#ask();
    if (this.disposed) return;
    if (answered) this.#backoff.reset();
    else if (this.#estimate && this.#unseen) this.#guess(this.#estimate);
    this.#timer = this.env.setTimeout(() => void this.synchronize(), answered ? REFRESH_MS : this.#backoff.next());
  }

  #adopt(estimate: Estimate): void {
    this.#estimate = estimate;
    this.#doubtful = false;
    this.#unseen = 0;
    this.#changed();
  }

  /** Without an answer a countdown goes on from where it probably is, not from where it was. */
  #guess({ offset, error, madeAt }: Estimate): void {
    this.#estimate = { offset: offset + this.#unseen, error: error + this.#unseen, madeAt };
    this.#unseen = 0;
    this.#changed();
  }

  /** Take the best of several round trips, if it is better than what is known; false when the server does not answer. */
  async #ask(): Promise<boolean> {
    const doubts = this.#doubts;
    let answered = false;
    for (let sample = 0; sample < SAMPLES && !this.disposed; sample++) {
      const asked = this.env.monotonic();
      const timestamp = await this.#timestamp();
      if (doubts !== this.#doubts) return this.#ask();
      if (timestamp === null || this.disposed) break;
      answered = true;
      const heard = this.env.monotonic();
      // One more for the millisecond that the server cuts off.
      const error = (heard - asked) / 2 + 1;
      // The first at once: a page on a slow network does not wait for the others. An old one from a quick round trip can
      // still be better than a new one from a slow one.
      if (error < this.uncertainty) this.#adopt({ offset: timestamp - (asked + heard) / 2, error, madeAt: heard });
    }
    return answered;
  }

  async #timestamp(): Promise<number | null> {
    try {
      const { body } = await this.api.send("/api/time");
      const timestamp = (body as { timestamp?: unknown } | null)?.timestamp;
      return typeof timestamp === "number" && Number.isFinite(timestamp) ? timestamp : null;
    } catch {
      return null;
    }
  }

  #changed(): void {
    for (const alarm of this.#alarms) this.#wind(alarm);
    this.emit("change", undefined);
  }

  #wind(alarm: Alarm): void {
    this.#stop(alarm);
    // By the device's own clock it might ring hours too early.
    if (!this.known || this.disposed) return;
    const left = Math.min(Math.max(alarm.at - this.now(), 0), LONGEST_TIMER_MS);
    alarm.timer = this.env.setTimeout(() => {
      // Timers come a little early now and then.
      if (this.now() < alarm.at) return this.#wind(alarm);
      alarm.undo();
      alarm.ring();
    }, Math.ceil(left));
  }

  #stop(alarm: Alarm): void {
    this.env.clearTimeout(alarm.timer);
    alarm.timer = null;
  }
}
