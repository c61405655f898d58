/** Short notices at the edge of the page. They do not pile up: three at most, and one about each subject. */
import { find, keepFocus, make } from "./dom.js";
import { t } from "./text.js";

const MOST = 3;
/** How long one stays, in milliseconds, not counting while it is pointed at, has the focus, or nobody sees the page. */
const STAYS_MS = 10_000;

/** What is told. */
export interface Toast {
  /** What it is about: the next one about the same takes its place. */
  subject: string;
  text: string;
  /** Bad news are told as such. */
  kind?: "good" | "bad" | "plain";
  link?: { href: string; text: string };
  /** Stays until somebody closes it. */
  stays?: boolean;
}

interface Shown {
  element: HTMLElement;
  stop(): void;
}

const shown = new Map<string, Shown>();

/** Shows a notice. */
export function toast({ subject, text, kind = "plain", link, stays = false }: Toast): void {
  const region = document.getElementById("toasts");
  if (!region) return;
  close(subject);
  const oldest = shown.keys().next().value;
  if (shown.size >= MOST && oldest !== undefined) close(oldest);
  const button = make("button", { type: "button", class: "close", "aria-label": t("Close") });
  const element = make("div", { class: "toast", "data-kind": kind }, make("p", { text }), button);
  if (link) button.before(make("a", { ...link }));
  button.addEventListener("click", () => close(subject));
  region.append(element);
  shown.set(subject, { element, stop: stays ? () => undefined : closeAfterAWhile(element, () => close(subject)) });
}

/** Takes a notice away. */
export function close(subject: string): void {
  const found = shown.get(subject);
  if (!found) return;
  shown.delete(subject);
  found.stop();
  const beside = found.element.nextElementSibling ?? found.element.previousElementSibling;
  const next = beside?.querySelector<HTMLElement>("button") ?? find(document, "#content");
  keepFocus(next, () => found.element.remove());
}

/** Counts only the time in which it can be read in peace; returns how to stop counting. */
function closeAfterAWhile(element: HTMLElement, over: () => void): () => void {
  const listening = new AbortController();
  const { signal } = listening;
  let left = STAYS_MS;
  let since = performance.now();
  let timer = 0;
  const held = () => document.hidden || element.matches(":hover, :focus-within");
  const look = () => {
    clearTimeout(timer);
    const now = performance.now();
    if (timer) left -= now - since;
    since = now;
    timer = held() ? 0 : window.setTimeout(over, Math.max(0, left));
  };
  for (const event of ["pointerenter", "pointerleave", "focusin"]) element.addEventListener(event, look, { signal });
  // The focus is still inside while it leaves.
  element.addEventListener("focusout", () => setTimeout(look), { signal });
  document.addEventListener("visibilitychange", look, { signal });
  look();
  return () => {
    clearTimeout(timer);
    listening.abort();
  };
}
