/** The sell form: dates are typed in the seller's time and sent as UTC, and the rules are read back while one types. */
import { find } from "./dom.js";
import { localizeAll } from "./numbers.js";
import "./site.js";

/** How long nothing is typed before the server is asked what the rules are, in milliseconds. */
const PAUSE_MS = 250;

const form = find<HTMLFormElement>(document, "#terms-form");
const preview = find(form, "#preview");
const dates = [...form.querySelectorAll<HTMLInputElement>("[type=datetime-local]")];

for (const input of dates) {
  // The server writes UTC into the field.
  if (input.value) input.value = local(new Date(`${input.value}Z`));
}
for (const zone of form.querySelectorAll("[data-zone]")) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;

form.addEventListener("formdata", ({ formData }) => {
  for (const { name, value } of dates) if (value) formData.set(name, new Date(value).toISOString());
});

let timer = 0;
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = window.setTimeout(showRules, PAUSE_MS);
});

/** As `datetime-local` wants it. */
function local(moment: Date): string {
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}

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
