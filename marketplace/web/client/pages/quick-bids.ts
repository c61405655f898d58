/** Amounts that can be bid with one press less: the least, and two sensible steps above it. */
import type { EnglishStanding } from "../src/index.js";
import { stepAfter } from "./numbers.js";

/**
 * Three amounts, rising. The first is the least that does; the others are a step or more apart, and round: multiples
 * of the step of that price, then of twice the step. `(105, step 5)` -> 105, 110, 120.
 */
export function quickAmounts(terms: Pick<EnglishStanding, "incrementTable" | "minIncrement">, least: number): number[] {
  const step = stepAfter(terms, least);
  const second = roundUp(least + step, step);
  const next = stepAfter(terms, second);
  return [least, second, roundUp(second + next, 2 * next)];
}

function roundUp(amount: number, to: number): number {
  return Math.ceil(amount / to) * to;
}
