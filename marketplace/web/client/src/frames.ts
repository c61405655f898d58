import { report } from "./emitter.js";
import type { Environment } from "./environment.js";

/**
 * Gathers what wants to be shown: however much happens, it is shown once a frame. The first thing after a pause is
 * shown at once, so that it is in the very next frame; what follows before that has been painted waits for the one after.
 */
export class Frames {
  readonly #waiting = new Set<() => void>();
  /** Whether something was shown that the browser has not painted yet. */
  #painting = false;
  #requested = false;

  constructor(private readonly env: Pick<Environment, "requestFrame" | "setTimeout">) {}

  /** Call back soon, with the next frame at the latest; once, however often it is asked for before that. */
  request(callback: () => void): void {
    this.#waiting.add(callback);
    if (this.#requested || this.#painting) return;
    this.#requested = true;
    // After what happens just now is over: a batch is one change.
    queueMicrotask(() => this.#show());
  }

  /** Take back a request. */
  cancel(callback: () => void): void {
    this.#waiting.delete(callback);
  }

  #show(): void {
    this.#requested = false;
    if (!this.#waiting.size) return;
    const callbacks = [...this.#waiting];
    this.#waiting.clear();
    this.#painting = true;
    // A frame is painted after its callbacks, and a timer comes after that.
    this.env.requestFrame(() => this.env.setTimeout(() => this.#painted(), 0));
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        report(error);
      }
    }
  }

  #painted(): void {
    this.#painting = false;
    this.#show();
  }
}
