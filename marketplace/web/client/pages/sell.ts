/** The sell form: the rules are read back while one types. */
import { find } from "./dom.js";
import { localizeAll } from "./numbers.js";
import "./dates.js";

/** How long nothing is typed before the server is asked what the rules are, in milliseconds. */
const PAUSE_MS = 250;

const form = find<HTMLFormElement>(document, "#terms-form");
const preview = find(form, "#preview");
let timer = 0;
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = window.setTimeout(showRules, PAUSE_MS);
});

let asking = new AbortController();

/** The server finds the words, as it does for bidders later. Without an answer, those before it stay. */
async function showRules(): Promise<void> {
  asking.abort();
  asking = new AbortController();
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value);
  try {
    const answer = await fetch(form.dataset.preview ?? "", { method: "POST", body: fields, signal: asking.signal });
    if (!answer.ok || answer.redirected) return;
    const part = new DOMParser().parseFromString(await answer.text(), "text/html");
    preview.replaceChildren(...part.body.children);
    localizeAll(preview);
  } catch {
    // Somebody has typed on, or there is no network: the next pause asks again.
  }
}
