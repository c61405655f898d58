/** The page's one client, and the badge that tells how the page is. */
import { Client, type ClientState, type RealtimeSettings } from "../src/index.js";
import { data, find, put } from "./dom.js";
import { t } from "./text.js";

/** Who is signed in; null for nobody. */
export const viewerId: number | null = document.body.dataset.viewerId ? Number(document.body.dataset.viewerId) : null;

/** A page that shows one auction asks this often while Channels is away, in milliseconds; a list less often. */
const POLL_MS = 5_000;
export const LIST_POLL_MS = 30_000;

/** Connect, and show how it goes. To be called once on a page. */
export function connect({ pollEvery = POLL_MS }: { pollEvery?: number } = {}): Client {
  const client = new Client({ realtime: data<RealtimeSettings>(document.body, "realtime"), userId: viewerId, pollEvery });
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
  badge.dataset.state = state;
  const [text, title] = words(state);
  put(badge, "[data-text]", text);
  find(badge, "[data-text]").title = title;
}

/** Says that what is shown may be old, and why as far as the browser knows. */
function showBanner(state: ClientState): void {
  const banner = document.getElementById("stopped");
  if (!banner) return;
  const offline = t("You are offline, so what you see may be old.");
  put(banner, "[data-text]", navigator.onLine ? t("The server does not answer, so what you see may be old.") : offline);
  banner.hidden = state !== "stopped" && navigator.onLine;
}

function words(state: ClientState): [string, string] {
  switch (state) {
    case "connecting":
      return [t("Connecting…"), t("The page is about to be live.")];
    case "live":
      return [t("Live"), t("You see every bid at once.")];
    case "polling":
      return [t("Polling"), t("The live connection is away: the page asks every few seconds.")];
    case "stopped":
      return [t("Stopped"), t("The server does not answer, so what you see may be old.")];
  }
}
