/** Called with what an event carries. */
export type Listener<T> = (detail: T) => void;

/** Takes something back: a listener, a timer, a subscription. Calling it twice does no harm. */
export type Undo = () => void;

/** How long something lasts: until the signal is aborted. */
export interface Lasting {
  signal?: AbortSignal | undefined;
}

/** Something that can be let go of. */
export interface Disposable {
  /** Let go of everything. */
  dispose(): void;
  /** Do this, too, when it is disposed of. */
  onDispose(undo: Undo): void;
}

/** Something that tells typed events until it is disposed of. `Events` maps each name to what the event carries. */
export class Emitter<Events> implements Disposable {
  /** With each listener, how to take it back. */
  readonly #listeners = new Map<keyof Events, Map<Listener<never>, Undo>>();
  readonly #undo: Undo[] = [];
  #disposed = false;

  /** Whether it has let go of everything. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Let go of everything: listeners, timers, subscriptions. Nothing is told any more. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const undo of this.#undo.splice(0)) undo();
    this.forgetListeners();
  }

  /** Do this, too, when it is disposed of. */
  onDispose(undo: Undo): void {
    this.#undo.push(undo);
  }

  /**
   * Call `listener` at each event of that name.
   *
   * @param options - with a `signal`, until it is aborted
   * @returns takes the listener back
   */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>, options: Lasting = {}): Undo {
    // A wrapper of its own, so that the same function can be added twice and taken back once.
    const entry: Listener<Events[Name]> = (detail) => listener(detail);
    const listeners = this.#listeners.get(name) ?? new Map<Listener<never>, Undo>();
    this.#listeners.set(name, listeners);
    const undo = lasting(() => void listeners.delete(entry), options.signal);
    if (!options.signal?.aborted) listeners.set(entry, undo);
    return undo;
  }

  /** How many listeners there are. */
  get size(): number {
    let count = 0;
    for (const listeners of this.#listeners.values()) count += listeners.size;
    return count;
  }

  /** Tell everybody who listens. One who throws is reported and does not keep it from the others. */
  protected emit<Name extends keyof Events>(name: Name, detail: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name)?.keys() ?? [])]) {
      try {
        (listener as Listener<Events[Name]>)(detail);
      } catch (error) {
        report(error);
      }
    }
  }

  /** Forget everybody who listens. */
  protected forgetListeners(): void {
    // One by one, so that nothing of us stays behind at a signal that lasts longer.
    for (const listeners of this.#listeners.values()) for (const undo of [...listeners.values()]) undo();
    this.#listeners.clear();
  }
}

/** `undo`, done once at most: when it is called, or when the signal is aborted. */
export function lasting(undo: Undo, signal?: AbortSignal): Undo {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    signal?.removeEventListener("abort", once);
    undo();
  };
  if (signal?.aborted) once();
  else signal?.addEventListener("abort", once);
  return once;
}

/** An error in a page's own listener is shown where it shows its others. */
export function report(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}
