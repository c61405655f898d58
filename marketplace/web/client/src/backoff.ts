/** Pauses that grow from one failure to the next, with jitter, so that not everybody comes back at once. */
export class Backoff {
  #failures = 0;

  /**
   * @param first - milliseconds of the first pause
   * @param longest - milliseconds that no pause exceeds
   */
  constructor(
    private readonly first: number,
    private readonly longest: number,
    private readonly random: () => number,
  ) {}

  /** Milliseconds to wait now: between half and all of a time that doubles with each call. */
  next(): number {
    const full = Math.min(this.first * 2 ** Math.min(this.#failures++, 20), this.longest);
    return full / 2 + (full / 2) * this.random();
  }

  /** It has worked: begin with the first pause again. */
  reset(): void {
    this.#failures = 0;
  }
}
