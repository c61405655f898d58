/** What a screen reader is told: what concerns me at once, what others do now and then. */

/** Other people's bids are told at most this often, in milliseconds, and only the latest. */
const PAUSE_MS = 5_000;

/** Tells. */
export interface Announcer {
  /** At once. */
  say(text: string): void;
  /** After a pause, and unless something else is to be told by then; the words are made at that moment. */
  sayLater(words: () => string): void;
}

/** `region` is an `aria-live` element. */
export function announcerIn(region: HTMLElement): Announcer {
  let latest: (() => string) | null = null;
  let timer = 0;
  return {
    say(text) {
      latest = null;
      region.textContent = text;
    },
    sayLater(words) {
      latest = words;
      if (timer) return;
      timer = window.setTimeout(() => {
        timer = 0;
        if (latest) region.textContent = latest();
        latest = null;
      }, PAUSE_MS);
    },
  };
}
