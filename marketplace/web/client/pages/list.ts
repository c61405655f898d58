/** The list: every card is live. */
import { type EnglishStanding, isDutch, type Standing } from "../src/index.js";
import { connect, LIST_POLL_MS } from "./connection.js";
import { put } from "./dom.js";
import { showDutchStanding } from "./dutch-standing.js";
import { effect, follow, ticking } from "./live.js";
import { showClock, showStanding } from "./standing.js";
import "./filters.js";
import "./site.js";

const client = connect({ pollEvery: LIST_POLL_MS });
const time = ticking(client);

for (const card of document.querySelectorAll<HTMLElement>("[data-auction]")) keepTrue(card);

function keepTrue(card: HTMLElement): void {
  const { auction, standing } = follow<Standing>(client, card);
  const digits = Number(card.dataset.digits);
  effect(() => {
    const { value } = standing;
    const now = time.now.value;
    if (!isDutch(value)) return showEnglish(card, value, digits, now);
    const price = auction.dutchPrice;
    if (!price) return;
    showDutchStanding(card, value, price, digits, now);
    time.at(price.nextDropAt);
  });
}

function showEnglish(card: HTMLElement, standing: EnglishStanding, digits: number, now: number | null): void {
  showStanding(card, standing, digits);
  put(card, "[data-leader]", standing.bidderName ?? "");
  showClock(card, standing, now);
}
