import { Emitter } from "./emitter.js";
import type { Environment, PageEvents, Timer } from "./environment.js";

/** How often the pulse beats, in milliseconds. */
const BEAT_MS = 5_000;
/** A pulse this late: the device slept, or the page was frozen. */
const ASLEEP_MS = 15_000;
/** Browsers let the timers of hidden pages run once a minute only. */
const ASLEEP_HIDDEN_MS = 90_000;
/** A page that was hidden for so long looks around when it is seen again. */
const AWAY_MS = 5_000;

/** What a page finds when it comes back. */
export interface Wake {
  /** Milliseconds since it was last known to be awake. */
  gap: number;
  /** Those of them that `monotonic` did not count, as far as the device's clock knows; negative if it was set back. */
  unseen: number;
}

/**
 * Notices that the page was not running: the device slept, the page was frozen or put aside, the network was away.
 * After such a gap nothing that is shown can be taken for current until somebody has looked.
 */
export class WakeDetector extends Emitter<{ beat: undefined; wake: Wake }> {
  #monotonic: number;
  #wall: number;
  #hiddenSince: number | null = null;
  #timer: Timer | null = null;

  constructor(private readonly env: Environment) {
    super();
    this.#monotonic = env.monotonic();
    this.#wall = env.wallClock();
    this.#listen(env.document, "visibilitychange", () => this.#visibilityChanged());
    this.#listen(env.document, "resume", () => this.#look(0));
    // Also from the cache of pages one goes back to.
    this.#listen(env.window, "pageshow", () => this.#look(BEAT_MS * 2));
    this.#listen(env.window, "online", () => this.#look(0));
    this.onDispose(() => env.clearTimeout(this.#timer));
    this.#beatLater();
  }

  #listen(target: PageEvents, name: string, listener: () => void): void {
    target.addEventListener(name, listener);
    this.onDispose(() => target.removeEventListener(name, listener));
  }

  #beatLater(): void {
    this.#timer = this.env.setTimeout(() => {
      this.#look(this.env.document.hidden ? ASLEEP_HIDDEN_MS : ASLEEP_MS);
      this.emit("beat", undefined);
      this.#beatLater();
    }, BEAT_MS);
  }

  #visibilityChanged(): void {
    const now = this.env.monotonic();
    if (this.env.document.hidden) {
      this.#hiddenSince = now;
      return;
    }
    const hidden = this.#hiddenSince === null ? 0 : now - this.#hiddenSince;
    this.#hiddenSince = null;
    this.#look(hidden > AWAY_MS ? 0 : ASLEEP_MS);
  }

  /** Wake if the pulse was away for longer than `tolerance` milliseconds. */
  #look(tolerance: number): void {
    const [monotonic, wall] = [this.env.monotonic(), this.env.wallClock()];
    const [passed, passedOnWall] = [monotonic - this.#monotonic, wall - this.#wall];
    [this.#monotonic, this.#wall] = [monotonic, wall];
    const gap = Math.max(passed, passedOnWall);
    if (gap >= tolerance) this.emit("wake", { gap, unseen: passedOnWall - passed });
  }
}
