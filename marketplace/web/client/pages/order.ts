/**
 * An order, and the lists of what was bought and sold. When one moves on, the page fetches itself and takes over the
 * parts (`data-fresh`) that the server renders otherwise than before: what is being typed stays.
 */
import { connect, LIST_POLL_MS } from "./connection.js";
import { flash, keepFocus, put } from "./dom.js";
import { localizeAll } from "./numbers.js";
import { showCurrentTab } from "./tabs.js";
import { here } from "./viewer.js";
import "./site.js";

const client = connect({ pollEvery: LIST_POLL_MS });
/** The one that the page is about; a list is about all of them. */
const orderId = Number(document.querySelector<HTMLElement>("article[data-order-id]")?.dataset.orderId) || null;

showCurrentTab();

const messages = client.userMessages();
messages.on("message", ({ name, data }) => {
  const concerns = name === "order:updated" || name === "payment:to-refund";
  if (concerns && (orderId === null || data.orderId === orderId)) void takeOver();
});
// What was told while nobody listened, as between the page and its connection; and while nobody tells.
messages.on("subscribed", () => void takeOver());
setInterval(() => {
  if (client.state === "polling" && !document.hidden) void takeOver();
}, LIST_POLL_MS);

/** The parts as the server rendered them, by name. */
const known = new Map(parts(document).map((part) => [part.dataset.fresh, essence(part)]));

async function takeOver(): Promise<void> {
  try {
    const answer = await fetch(orderId === null ? here : `/orders/${orderId}`);
    // Not the page to log in.
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts(fresh)) replace(part);
  } catch {
    // The page stays as it is, and everything in it comes again with the next change.
  }
}

function parts(page: Document): HTMLElement[] {
  return [...page.querySelectorAll<HTMLElement>("[data-fresh]")];
}

function replace(fresh: HTMLElement): void {
  const name = fresh.dataset.fresh;
  const old = document.querySelector<HTMLElement>(`[data-fresh="${name}"]`);
  const html = essence(fresh);
  if (!old || known.get(name) === html) return;
  known.set(name, html);
  const again = [...chosenIn(old), ...typedIn(old)];
  const states = statesIn(old);
  keepFocus(old, () => {
    old.replaceChildren(...fresh.childNodes);
    for (const fill of again) fill(old);
  });
  if (fresh.dataset.changes) old.dataset.changes = fresh.dataset.changes;
  localizeAll(old);
  for (const [key, element] of changing(old)) if (states.get(key) !== element.dataset.changes) tell(element);
}

/** What the server has said in a part: not how times are written here, nor what the reader has opened. */
function essence(part: HTMLElement): string {
  const copy = part.cloneNode(true) as HTMLElement;
  for (const time of copy.querySelectorAll("time")) time.textContent = "";
  for (const details of copy.querySelectorAll("details")) details.removeAttribute("open");
  return copy.innerHTML;
}

type Field = HTMLInputElement | HTMLTextAreaElement;
/** Fills a part as it was before. */
type Fill = (part: HTMLElement) => void;

/** What was typed in a part, to be put into its fields again. */
function typedIn(part: HTMLElement): Fill[] {
  const fields = [...part.querySelectorAll<Field>("input[type=text], textarea")];
  const changed = fields.filter((field) => field.value !== field.defaultValue || field === document.activeElement);
  return changed.map(({ name, value, selectionStart, selectionEnd }) => {
    const focused = document.activeElement?.getAttribute("name") === name;
    return (fresh) => {
      const field = fresh.querySelector<Field>(`[name="${name}"]`);
      if (!field) return;
      field.value = value;
      field.closest("details")?.setAttribute("open", "");
      if (!focused) return;
      field.focus({ preventScroll: true });
      field.setSelectionRange(selectionStart, selectionEnd);
    };
  });
}

/** What was chosen in a part, such as the way to pay, to be chosen again. */
function chosenIn(part: HTMLElement): Fill[] {
  const choices = [...part.querySelectorAll<HTMLInputElement>("input[type=radio]:checked")];
  return choices
    .filter((choice) => !choice.defaultChecked || choice === document.activeElement)
    .map((choice) => {
      const focused = choice === document.activeElement;
      return (fresh) => {
        const same = fresh.querySelector<HTMLInputElement>(`[name="${choice.name}"][value="${choice.value}"]`);
        if (!same) return;
        same.checked = true;
        if (focused) same.focus({ preventScroll: true });
      };
    });
}

/** The elements of a part whose change is worth a sign: the part itself, or each order of a list. */
function changing(part: HTMLElement): [string, HTMLElement][] {
  const rows = [...part.querySelectorAll<HTMLElement>("[data-changes]")];
  return [part, ...rows].filter(({ dataset }) => dataset.changes).map((each) => [each.dataset.orderId ?? "", each]);
}

function statesIn(part: HTMLElement): Map<string, string | undefined> {
  return new Map(changing(part).map(([key, { dataset }]) => [key, dataset.changes]));
}

function tell(element: HTMLElement): void {
  flash(element);
  // In a list also which one it is.
  const words = [element.querySelector("h2 a"), element.querySelector("[data-order]")].map((part) => part?.textContent);
  put(document, "#announcer", words.filter(Boolean).join(", "));
}
