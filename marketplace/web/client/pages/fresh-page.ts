/** What is rare, or long, is rendered by the server only: the page fetches itself, and parts of it are taken over. */
import { find, keepFocus } from "./dom.js";
import { localizeAll } from "./numbers.js";
import { here } from "./viewer.js";

/** Fetches the page anew; asked again while it waits, it fetches once. */
export interface FreshPage {
  /** After events that everybody gets, wait for up to so many milliseconds: not everybody in the same moment. */
  fetch(spreadMs?: number): void;
}

/** What could not be had is asked for again after so many milliseconds, then after twice as many, up to sixteen times. */
const RETRY_MS = 4_000;

/** Calls back with the element of the freshly rendered page, this one or another. */
export function freshPage(selector: string, takeOver: (fresh: HTMLElement) => void, path = here): FreshPage {
  let timer = 0;
  let failures = 0;
  const fetchNow = async () => {
    timer = 0;
    const html = await htmlAt(path);
    // Nobody tells it a second time: without it there may be no way to the order, and no proof.
    if (html === null) return wait(RETRY_MS * (1 + Math.random()) * 2 ** Math.min(failures++, 4));
    failures = 0;
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector<HTMLElement>(selector);
    if (fresh) takeOver(fresh);
  };
  const wait = (ms: number) => {
    timer ||= window.setTimeout(() => void fetchNow(), ms);
  };
  return {
    fetch(spreadMs = 0) {
      // There is something new: no longer pause than it needs.
      if (failures) {
        clearTimeout(timer);
        timer = 0;
      }
      wait(Math.random() * spreadMs);
    },
  };
}

/** Null for no answer, or none for now. */
async function htmlAt(path: string): Promise<string | null> {
  try {
    const answer = await fetch(path);
    return answer.status === 429 || answer.status >= 500 ? null : await answer.text();
  } catch {
    return null;
  }
}

/** Takes over a part (`data-part`) that comes once and then stays. */
export function takeOverPart(root: HTMLElement, fresh: HTMLElement, name: string): void {
  const selector = `[data-part=${name}]`;
  const part = find(root, selector);
  if (part.childElementCount > 0) return;
  part.replaceChildren(...find(fresh, selector).children);
  localizeAll(part);
}

/** Takes over a part that comes and goes. While it is the same (`data-key`) it stays, as under the hands of who answers it. */
export function exchangePart(root: HTMLElement, fresh: HTMLElement, name: string, key: string): void {
  const selector = `[data-part=${name}]`;
  const [part, made] = [find(root, selector), find(fresh, selector)];
  const id = (shown: HTMLElement) => (shown.firstElementChild as HTMLElement | null)?.dataset[key];
  if (id(part) === id(made)) return;
  keepFocus(part, () => part.replaceChildren(...made.children));
  localizeAll(part);
}
