/** The page's one live client, and the badge that tells how it is. */
import { Live } from "./live.js";

const TEXT = {
  connecting: ["Connecting…", "The page is about to be live."],
  live: ["Live", "You see every bid at once."],
  polling: ["Polling", "The live connection is away: the page asks every few seconds."],
  stopped: ["Stopped", "The server does not answer, so what you see may be old."],
};

export function connect(options = {}) {
  const badge = document.getElementById("connection");
  const { realtime, viewerId = null } = badge.dataset;
  const live = new Live(JSON.parse(realtime), { viewerId, ...options });
  const show = () => {
    badge.dataset.state = live.state;
    [badge.querySelector("[data-text]").textContent, badge.title] = TEXT[live.state];
  };
  live.addEventListener("state", show);
  show();
  return live;
}
