/** What is rare, or long, is rendered by the server only: the page fetches itself, and parts of it are taken over. */
import { find } from "./dom.js";
import { localizeAll } from "./numbers.js";

/** Fetches the page anew; asked again while it waits, it fetches once. */
export interface FreshPage {
  /** After events that everybody gets, wait for up to so many milliseconds: not everybody in the same moment. */
  fetch(spreadMs?: number): void;
}

/** Calls back with the `#auction` of the freshly rendered page. */
export function freshPage(path: string, takeOver: (fresh: HTMLElement) => void): FreshPage {
  let waiting = false;
  const fetchNow = async () => {
    waiting = false;
    try {
      const answer = await fetch(path);
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("auction");
      if (fresh) takeOver(fresh);
    } catch {
      // The page stays as it is, and everything in it comes again with the next change.
    }
  };
  return {
    fetch(spreadMs = 0) {
      if (waiting) return;
      waiting = true;
      window.setTimeout(() => void fetchNow(), Math.random() * spreadMs);
    },
  };
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
  part.replaceChildren(...made.children);
  localizeAll(part);
}
