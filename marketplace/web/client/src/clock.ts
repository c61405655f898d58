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
}

/**
 * The server's clock. The device's own is never believed: `performance.now()` counts on from the moment when the
 * server was asked, so that it does not matter when somebody sets the device's clock.
 */
export class ServerClock extends Emitter<{ change: undefined }> {
  #estimate: Estimate | null = null;
  /** Whether something has happened since, such as a sleep, after which the estimate may be wrong. */
  #doubtful = false;
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
      for (const alarm of this.#alarms) this.#stop(alarm);
      this.#alarms.clear();
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
    if (!this.#estimate || this.#doubtful) return Number.POSITIVE_INFINITY;
    return this.#estimate.error + (this.env.monotonic() - this.#estimate.madeAt) * DRIFT;
  }

  /** Ask the server now, and keep asking now and then. A second call while one is at it waits for the same answer. */
  synchronize(): Promise<void> {
    this.#synchronizing ??= this.#synchronize().finally(() => {
      this.#synchronizing = null;
    });
    return this.#synchronizing;
  }

  /**
   * The device may have slept, or its clock was set.
   *
   * @param unseen - milliseconds that passed while `monotonic` stood still, as far as the device's clock knows
   */
  doubt(unseen: number): void {
    if (this.#estimate) {
      this.#doubtful = true;
      // The best guess until the server has answered: a countdown goes on from where it is, not from where it was.
      this.#estimate = { ...this.#estimate, offset: this.#estimate.offset + Math.max(0, unseen) };
      this.#changed();
    }
    void this.synchronize();
  }

  /**
   * Call back when the server's clock shows `moment`, and not before; a correction of the clock moves it.
   *
   * @param moment - milliseconds since 1970; one that is past calls back soon
   * @returns takes it back
   */
  at(moment: number, ring: () => void, { signal }: Lasting = {}): Undo {
    const alarm: Alarm = { at: moment, ring, timer: null };
    this.#alarms.add(alarm);
    this.#wind(alarm);
    return lasting(() => {
      this.#alarms.delete(alarm);
      this.#stop(alarm);
    }, signal);
  }

  async #synchronize(): Promise<void> {
    this.env.clearTimeout(this.#timer);
    const best = await this.#ask();
    if (this.disposed) return;
    if (best) {
      this.#backoff.reset();
      // An old estimate from a quick round trip can still be better than a new one from a slow one.
      if (best.error < this.uncertainty) this.#adopt(best);
    }
    this.#timer = this.env.setTimeout(() => void this.synchronize(), best ? REFRESH_MS : this.#backoff.next());
  }

  #adopt(estimate: Estimate): void {
    this.#estimate = estimate;
    this.#doubtful = false;
    this.#changed();
  }

  /** The estimate from the quickest of several round trips; null when the server does not answer. */
  async #ask(): Promise<Estimate | null> {
    let best: Estimate | null = null;
    for (let sample = 0; sample < SAMPLES && !this.disposed; sample++) {
      const asked = this.env.monotonic();
      const timestamp = await this.#timestamp();
      if (timestamp === null) break;
      const heard = this.env.monotonic();
      // One more for the millisecond that the server cuts off.
      const error = (heard - asked) / 2 + 1;
      if (!best || error < best.error) best = { offset: timestamp - (asked + heard) / 2, error, madeAt: heard };
      // Any is better than none: a page on a slow network does not wait for the other three.
      if (!this.#estimate && !this.disposed) this.#adopt(best);
    }
    return best;
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
      this.#alarms.delete(alarm);
      alarm.ring();
    }, Math.ceil(left));
  }

  #stop(alarm: Alarm): void {
    this.env.clearTimeout(alarm.timer);
    alarm.timer = null;
  }
}
