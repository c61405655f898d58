/** Connecting, and the badge that tells how the page is. */
import type { Client } from "../src/index.js";
import { pageClient } from "./client.js";
import { find, put } from "./dom.js";
import { effect, type PageState, stateOf } from "./live.js";
import { t } from "./text.js";

/** A list asks less often than a page that shows one auction, in milliseconds. */
export const LIST_POLL_MS = 30_000;

/** Connect, and show how it goes. To be called once on a page. */
export function connect(options: { pollEvery?: number } = {}): Client {
  const client = pageClient(options);
  const state = stateOf(client);
  for (const button of document.querySelectorAll("[data-refresh]")) button.addEventListener("click", () => client.refresh());
  effect(() => showState(state.value));
  return client;
}

function showState(state: PageState): void {
  const [text, title] = words(state);
  showBanner(state, title);
  const badge = document.getElementById("connection");
  if (!badge) return;
  badge.dataset.state = state;
  put(badge, "[data-text]", text);
  find(badge, "[data-text]").title = title;
}

/** Says that what is shown may be old, and why as far as is known. */
function showBanner(state: PageState, why: string): void {
  const banner = document.getElementById("stopped");
  if (!banner) return;
  const focused = banner.contains(document.activeElement);
  banner.hidden = state !== "stopped" && state !== "offline";
  if (!banner.hidden) put(banner, "[data-text]", why);
  else if (focused) document.getElementById("content")?.focus({ preventScroll: true });
}

function words(state: PageState): [string, string] {
  switch (state) {
    case "connecting":
      return [t("Not live"), t("The page is about to be live.")];
    case "live":
      return [t("Live"), t("You see every bid at once.")];
    case "polling":
      return [t("Polling"), t("The live connection is away: the page asks every few seconds.")];
    case "stopped":
      return [t("Stopped"), t("The server does not answer, so what you see may be old.")];
    case "offline":
      return [t("Offline"), t("You are offline, so what you see may be old.")];
  }
}
