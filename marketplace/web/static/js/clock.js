/**
 * The server's clock. What the device's own clock says does not matter: it is only used to count on from the
 * moment the server was asked.
 */

const SAMPLES = 3;
const REFRESH_MS = 5 * 60_000;

let offset = Date.now() - performance.now();
let known = false;

/** Milliseconds since 1970, by the server. */
export function now() {
  return performance.now() + offset;
}

/** Whether the server has been asked yet. */
export function isKnown() {
  return known;
}

/** The server has told of something that happened at `timestamp`: it is that late at least. A device that slept, or
 * whose requests fail, learns the time from that. */
export function heard(timestamp) {
  if (known && timestamp <= now()) return;
  offset = timestamp - performance.now();
  known = true;
}

/** Ask a few times; the quickest answer is the one that aged least on its way. */
export async function synchronize() {
  let best = Infinity;
  for (let sample = 0; sample < SAMPLES; sample++) {
    try {
      const asked = performance.now();
      const { timestamp } = await (await fetch("/api/time", { cache: "no-store" })).json();
      const took = performance.now() - asked;
      if (took >= best) continue;
      best = took;
      offset = timestamp + took / 2 - performance.now();
      known = true;
    } catch {
      return; // the next time, then; until then the last offset is the best there is
    }
  }
}

synchronize();
setInterval(synchronize, REFRESH_MS);
document.addEventListener("visibilitychange", () => document.hidden || synchronize());
