/** Steps of an auction that should have been told by now: whoever reads an overdue auction takes them. */
import * as clock from "./clock.js";

/** How long after its time a step is asked for, should nobody have told. */
const OVERDUE_MS = 2_000;

/** Returns a function to be called every second with the moment of the next step, or null. */
export function overdueAsker(feed) {
  let asked = 0;
  return (due) => {
    if (due === null || !clock.isKnown()) return;
    if (clock.now() - due <= OVERDUE_MS || clock.now() - asked <= OVERDUE_MS) return;
    asked = clock.now();
    feed.poll();
  };
}
