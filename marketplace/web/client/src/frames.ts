import { report } from "./emitter.js";
import type { Environment } from "./environment.js";

/** Gathers what wants to be shown until the next frame: however much happens, it is shown once a frame. */
export class Frames {
  readonly #waiting = new Set<() => void>();
  #requested = false;

  constructor(private readonly env: Pick<Environment, "requestFrame">) {}

  /** Call back with the next frame; once, however often it is asked for before that. */
  request(callback: () => void): void {
    this.#waiting.add(callback);
    if (this.#requested) return;
    this.#requested = true;
    this.env.requestFrame(() => this.#show());
  }

  /** Take back a request. */
  cancel(callback: () => void): void {
    this.#waiting.delete(callback);
  }

  #show(): void {
    this.#requested = false;
    const callbacks = [...this.#waiting];
    this.#waiting.clear();
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        report(error);
      }
    }
  }
}
