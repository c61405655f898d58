/** What is rare, or long, is rendered by the server only: the page fetches itself, and parts of it are taken over. */

/** Calls back with the `#auction` of a freshly rendered page; asked again while it waits, it fetches once. */
export class FreshPage {
  #path;
  #takeOver;
  #waiting = null;

  constructor(path, takeOver) {
    this.#path = path;
    this.#takeOver = takeOver;
  }

  /** After events that everybody gets: not everybody in the same moment. */
  fetch(spreadMs = 0) {
    this.#waiting ??= new Promise((resolve) => setTimeout(resolve, Math.random() * spreadMs)).then(async () => {
      this.#waiting = null;
      try {
        const answer = await fetch(this.#path);
        if (answer.ok) this.#takeOver(new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("auction"));
      } catch {
        // The page stays as it is, and everything in it comes again with the next change.
      }
    });
  }
}

/** A part that comes once and then stays. */
export function takeOverPart(root, fresh, name) {
  const part = root.querySelector(`[data-part=${name}]`);
  if (!part.childElementCount) part.replaceChildren(...fresh.querySelector(`[data-part=${name}]`).children);
}

/** The proof, which grows only while a Dutch auction that was over is open again. */
export function takeOverProof(root, fresh) {
  const [old, made] = [root, fresh].map((page) => page.querySelector("[data-part=proof]"));
  const head = (proof) => proof.querySelector(".hash")?.textContent;
  if (head(old) !== head(made)) old.replaceChildren(...made.children);
}
