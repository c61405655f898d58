/** Connecting, and the badge that tells how the page is. */
import type { Client, ClientState } from "../src/index.js";
import { pageClient } from "./client.js";
import { find, put } from "./dom.js";
import { t } from "./text.js";

/** A list asks less often than a page that shows one auction, in milliseconds. */
export const LIST_POLL_MS = 30_000;

/** Connect, and show how it goes. To be called once on a page. */
export function connect(options: { pollEvery?: number } = {}): Client {
  const client = pageClient(options);
  const show = () => showState(client.state);
  client.on("state", show);
  for (const change of ["online", "offline"]) window.addEventListener(change, show);
  for (const button of document.querySelectorAll("[data-refresh]")) button.addEventListener("click", () => client.refresh());
  show();
  return client;
}

function showState(state: ClientState): void {
  showBanner(state);
  const badge = document.getElementById("connection");
  if (!badge) return;
  // The browser knows at once; that nothing is heard is noticed seconds later, and till then the page were green.
  const shown = navigator.onLine ? state : "offline";
  badge.dataset.state = shown;
  const [text, title] = words(shown);
  put(badge, "[data-text]", text);
  find(badge, "[data-text]").title = title;
}

/** Says that what is shown may be old, and why as far as the browser knows. */
function showBanner(state: ClientState): void {
  const banner = document.getElementById("stopped");
  if (!banner) return;
  const offline = t("You are offline, so what you see may be old.");
  put(banner, "[data-text]", navigator.onLine ? t("The server does not answer, so what you see may be old.") : offline);
  const focused = banner.contains(document.activeElement);
  banner.hidden = state !== "stopped" && navigator.onLine;
  if (focused && banner.hidden) document.getElementById("content")?.focus({ preventScroll: true });
}

function words(state: ClientState | "offline"): [string, string] {
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
