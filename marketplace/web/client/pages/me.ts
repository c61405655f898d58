/** One's own lists: each lot that can still change is live, what is held counts down, and what is offered ends. */
import { type EnglishStanding, isDutch, type Standing } from "../src/index.js";
import { connect, LIST_POLL_MS } from "./connection.js";
import { data, find, put } from "./dom.js";
import { showDutchStanding } from "./dutch-standing.js";
import { heldItems } from "./held.js";
import { effect, follow, type Live, ticking } from "./live.js";
import { type Mine, mineOf, type Rendered, type Told } from "./mine.js";
import { closeLateOffers } from "./offers.js";
import { showClock, showStanding } from "./standing.js";
import { showCurrentTab } from "./tabs.js";
import { t } from "./text.js";
import { viewerId } from "./viewer.js";
import "./site.js";

const client = connect({ pollEvery: LIST_POLL_MS });
const time = ticking(client);
const messages = viewerId === null ? null : client.userMessages();

showCurrentTab();
for (const row of document.querySelectorAll<HTMLElement>("[data-auction]")) keepTrue(row);

const held = document.querySelector<HTMLElement>("[data-held]");
if (held) {
  const items = heldItems(held);
  effect(() => {
    if (time.now.value !== null) items.showTimes(time.now.value);
  });
}

effect(() => {
  if (time.now.value !== null) closeLateOffers(document, time.now.value);
});

function keepTrue(row: HTMLElement): void {
  const live = follow<Standing>(client, row);
  const { auction, standing } = live;
  const digits = Number(row.dataset.digits);
  const mine = row.dataset.me ? followMine(live as Live<EnglishStanding>, data<Rendered>(row, "me")) : null;
  effect(() => {
    const { value } = standing;
    const now = time.now.value;
    const price = auction.dutchPrice;
    if (isDutch(value)) {
      if (!price) return;
      showDutchStanding(row, value, price, digits, now);
      time.at(price.nextDropAt);
    } else {
      showStanding(row, value, digits);
      showClock(row, value, now);
      if (mine) showLead(find(row, "[data-lead]"), value, mine.max.value !== null);
    }
  });
}

/** Whether I lead there, from what the auction and what only I am told. */
function followMine({ auction, standing }: Live<EnglishStanding>, rendered: Rendered): Mine {
  const mine = mineOf(standing, rendered);
  auction.on("event", (event) => {
    if (event.name === "bid:new") mine.bidPlaced(event.data);
    if (event.name !== "bid:retracted") return;
    mine.bidsWithdrawn(event.data);
    void ask();
  });
  auction.on("reset", () => void ask());
  messages?.on("message", ({ name, data }) => {
    if (name === "bid:winning" && data.auctionId === auction.id) mine.leads(Number(data.seq), Number(data.currentBid));
  });
  // What was told while nobody listened.
  let before = false;
  messages?.on("subscribed", () => {
    if (before) void ask();
    before = true;
  });
  return mine;

  async function ask(): Promise<void> {
    const { seq } = standing.peek();
    try {
      const answer = await fetch(`/api/auctions/${auction.id}/me`);
      if (!answer.ok) return;
      mine.told((await answer.json()) as Told, seq);
    } catch {
      // With the next event, or when the page is live again.
    }
  }
}

function showLead(pill: HTMLElement, { status, outcome }: EnglishStanding, leads: boolean): void {
  const sold = outcome === "SOLD";
  // Nobody has won or lost what was not sold.
  pill.hidden = !sold && (status === "ENDED" || status === "CANCELLED");
  pill.dataset.lead = sold ? (leads ? "won" : "lost") : leads ? "leading" : "outbid";
  const words = sold ? (leads ? t("You won") : t("Not yours")) : leads ? t("You lead") : t("Outbid");
  put(pill.parentElement ?? pill, "[data-lead]", words);
}
