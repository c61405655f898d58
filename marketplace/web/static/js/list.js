/** The list: every card is live. */
import { connect } from "./connection.js";
import { localize } from "./format.js";
import { everySecond, put, showClock, showStanding } from "./standing.js";

const POLL_MS = 30_000;

const live = connect({ pollMs: POLL_MS });

const cards = [...document.querySelectorAll("[data-auction]")].map((card) => {
  const feed = live.watch(JSON.parse(card.dataset.auction), card.dataset.channel);
  const show = () => {
    const { auction } = feed;
    showStanding(card, auction, Number(card.dataset.digits));
    put(card, "[data-leader]", auction.bidderName ? ` · ${auction.bidderName}` : "");
    showClock(card, auction);
  };
  feed.addEventListener("event", show);
  feed.addEventListener("reset", show);
  return { card, feed };
});

document.querySelectorAll("time[datetime]").forEach(localize);
everySecond(() => cards.forEach(({ card, feed }) => showClock(card, feed.auction)));
