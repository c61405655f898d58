/** The list: every card is live. */
import { connect } from "./connection.js";
import { showDutchStanding } from "./dutch-standing.js";
import { localize } from "./format.js";
import { everySecond, put, showClock, showStanding } from "./standing.js";

const POLL_MS = 30_000;

const live = connect({ pollMs: POLL_MS });

const ticks = [...document.querySelectorAll("[data-auction]")].map((card) => {
  const feed = live.watch(JSON.parse(card.dataset.auction), card.dataset.channel);
  const { format } = feed.auction;
  const digits = Number(card.dataset.digits);
  const show = format === "DUTCH" ? () => showDutchStanding(card, feed.auction, digits) : () => showEnglish(card, feed.auction, digits);
  for (const name of ["event", "reset", "standing", "price"]) feed.addEventListener(name, show);
  // A price that falls changes without an event.
  return format === "DUTCH" ? show : () => showClock(card, feed.auction);
});

function showEnglish(card, auction, digits) {
  showStanding(card, auction, digits);
  put(card, "[data-leader]", auction.bidderName ? ` · ${auction.bidderName}` : "");
  showClock(card, auction);
}

document.querySelectorAll("time[datetime]").forEach(localize);
everySecond(() => ticks.forEach((tick) => tick()));
