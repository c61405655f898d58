/** The hearts, on any page: what the form does without script, at once and without leaving the page. */
import { find, make } from "./dom.js";
import { t } from "./text.js";

/** How long it is told that there was no answer, in milliseconds. */
const TOLD_MS = 10_000;
const words = make("p", { text: t("The server did not answer. Try again.") });
const silence = make("div", { class: "toast", "data-kind": "bad" }, words);

document.addEventListener("submit", (event) => {
  if (!(event.target instanceof HTMLFormElement) || event.target.dataset.watch === undefined) return;
  event.preventDefault();
  void toggle(event.target);
});

/**
 * Shows it first. What the server refuses, the form is sent for again: the page that answers says why. Without an answer
 * nobody is sent away from the page that they have.
 */
async function toggle(form: HTMLFormElement): Promise<void> {
  const button = find<HTMLButtonElement>(form, "button");
  if (button.ariaBusy === "true") return;
  const watched = button.value === "yes";
  button.ariaBusy = "true";
  show(button, watched);
  const done = await save(`/api/auctions/${form.dataset.watch}/watch`, watched);
  button.ariaBusy = null;
  if (done) return;
  show(button, !watched);
  if (done === null) return tellOfSilence();
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name: button.name, value: button.value });
  form.append(field);
  form.submit();
}

function show(button: HTMLButtonElement, watched: boolean): void {
  button.ariaPressed = String(watched);
  button.value = watched ? "no" : "yes";
}

/** Whether it was done; null without an answer. */
async function save(address: string, watched: boolean): Promise<boolean | null> {
  try {
    return (await fetch(address, { method: watched ? "PUT" : "DELETE" })).ok;
  } catch {
    return null;
  }
}

/** What makes other notices (toasts.ts) may not be here yet, and cannot come now. */
function tellOfSilence(): void {
  find(document, "#toasts").append(silence);
  setTimeout(() => silence.remove(), TOLD_MS);
}
