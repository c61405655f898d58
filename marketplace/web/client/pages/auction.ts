/** The page of an English auction. */
import type { EnglishStanding } from "../src/index.js";
import { alertsOn } from "./alert-settings.js";
import type { Alerts } from "./alerts.js";
import { announcerIn } from "./announcer.js";
import { showBidBar } from "./bid-bar.js";
import { showBidForm } from "./bid-form.js";
import { connect } from "./connection.js";
import { data, find, present, put } from "./dom.js";
import { exchangePart, freshPage, takeOverPart } from "./fresh-page.js";
import { showGallery } from "./gallery.js";
import { showHistory } from "./history.js";
import { computed, effect, follow, noteWhenGone, ticking } from "./live.js";
import { mineOf, type Rendered, type Told } from "./mine.js";
import { type MyStanding, myStanding, showMyStanding } from "./my-standing.js";
import { localize, money, span } from "./numbers.js";
import { closeLateOffers } from "./offers.js";
import { showClock, showStanding, showWhile, takesBids } from "./standing.js";
import { t } from "./text.js";
import { viewerId } from "./viewer.js";
import { showWatching } from "./watching.js";
import "./site.js";

/** All who watch ask again when bids were withdrawn, and for the proof when it is over: not all at once. */
const RETRACTION_SPREAD_MS = 500;
const RETURN_SPREAD_MS = 200;
const END_SPREAD_MS = 5_000;
const OFFER_SPREAD_MS = 500;

const root = find(document, "#auction");
const digits = Number(root.dataset.digits);
const client = connect();
const time = ticking(client);
const live = follow<EnglishStanding>(client, root);
const { auction, standing } = live;
const amountWords = (amount: number) => money(amount, standing.peek().currency, digits);

const mine = mineOf(standing, root.dataset.me ? data<Rendered>(root, "me") : {});
const leads = computed(() => mine.max.value !== null);
const open = computed(() => takesBids(standing.value, time.now.value));
const where = computed(() => myStanding(standing.value, leads.value, mine.hasBid.value));

const history = showHistory(root, live, { client, time, digits });
const announcer = announcerIn(find(document, "#announcer"));

/** What the server renders when it is over: the way to the order, the proof, and perhaps a second chance. */
const afterTheEnd = freshPage("#auction", (fresh) => {
  for (const part of ["order", "proof"]) takeOverPart(root, fresh, part);
  exchangePart(root, fresh, "offer", "offered");
});

// --- what happens ---

auction.on("event", ({ name, data }) => {
  switch (name) {
    case "bid:new":
      mine.bidPlaced(data);
      history.add(data);
      return announceBids();
    case "bid:retracted":
      mine.bidsWithdrawn(data);
      history.refresh(RETRACTION_SPREAD_MS);
      // Whether it can be bought at once again, and perhaps whether I lead, only the server knows.
      window.setTimeout(askAgain, Math.random() * RETRACTION_SPREAD_MS);
      return announceBids();
    case "auction:extend":
      return noteExtension(data.endsAt);
    case "auction:end":
      history.refresh(END_SPREAD_MS);
      return afterTheEnd.fetch(END_SPREAD_MS);
    case "auction:second-chance":
      // To whom it is offered is told to them alone, who may not have heard it.
      if (mine.hasBid.value) afterTheEnd.fetch(OFFER_SPREAD_MS);
  }
});

/** The end as it was told last by itself: the bid that moves it has told the new one before. */
let toldEnd = standing.peek().endsAt;
/** The same for whoever listens. */
let saidEnd = toldEnd;

function noteExtension(endsAt: string): void {
  const by = Date.parse(endsAt) - Date.parse(toldEnd);
  toldEnd = endsAt;
  if (by <= 0) return;
  const time = span(Math.round(by / 1000));
  put(root, "[data-extended]", t("Late bid: +%(time)s", { time }));
}

function announceBids(): void {
  announcer.sayLater(() => {
    const late = toldEnd === saidEnd ? "" : find(root, "[data-extended]").textContent;
    saidEnd = toldEnd;
    return [bidWords(standing.peek()), late].filter(Boolean).join(", ");
  });
}

function bidWords({ bidderName, currentBid }: EnglishStanding): string {
  if (bidderName === null || currentBid === null) return t("No bids stand any more");
  return t("%(price)s, bid by %(name)s", { price: amountWords(currentBid), name: bidderName });
}

// More happened than is worth replaying.
auction.on("reset", ({ endsAt }) => {
  toldEnd = saidEnd = endsAt;
  history.refresh();
  void askWhetherILead();
  if (auction.standing?.status === "ENDED") afterTheEnd.fetch();
});

client.on("state", (state) => {
  // All who watch come back in the same moment.
  if (state === "live" || state === "polling") window.setTimeout(askWhetherILead, Math.random() * RETURN_SPREAD_MS);
});

if (viewerId !== null) {
  client.userMessages().on("message", ({ name, data }) => {
    if (data.auctionId !== auction.id) return;
    const seq = Number(data.seq);
    if (name === "bid:outbid") mine.bid();
    if (name === "bid:winning") {
      // A bid of mine from another tab or device, or one that answered a rival's: how far it goes is told to me alone.
      const knew = leads.value;
      mine.leads(seq, Number(data.currentBid));
      history.isMine(seq);
      if (!knew) void askWhetherILead();
    }
    if (name === "auction:won") mine.leads(seq, Number(data.winningBid));
    // To the bidder it has an answer; to the seller, once accepted, an order.
    if (name === "second-chance") afterTheEnd.fetch();
  });
}

function askAgain(): void {
  void auction.poll();
  void askWhetherILead();
}

/** What only I may know: asked for when bids of mine may not have been told as mine. */
async function askWhetherILead(): Promise<void> {
  if (viewerId === null) return;
  const asked = auction.standing?.seq ?? 0;
  try {
    const answer = await fetch(`/api/auctions/${auction.id}/me`);
    if (!answer.ok) return;
    mine.told((await answer.json()) as Told, asked);
  } catch {
    // It will be asked at the next change.
  }
}

// --- what is shown ---

const form = document.querySelector<HTMLFormElement>("#bid");
if (form) {
  showBidForm(form, {
    client,
    live,
    mine,
    open,
    digits,
    onPlaced({ bidId, seq, youLead }, strength) {
      mine.bid();
      if (youLead) mine.leads(seq, strength);
      // A further entry under a number was told to nobody: a raise, which is in the history for me alone.
      if (bidId.includes(".")) history.refresh();
      else history.isMine(seq);
    },
    onStale: () => void askWhetherILead(),
  });
}

effect(() => {
  showStanding(root, standing.value, digits);
  showLeader(standing.value);
});
const bar = root.querySelector<HTMLElement>("[data-bar]");
if (bar) showBidBar(bar, root, { standing, open, leads, digits });
effect(() => {
  showClock(root, standing.value, time.now.value);
  find(root, ".ends").classList.toggle("over", standing.value.status === "ENDED");
  if (bar) put(bar, "[data-bar-clock]", find(root, "[data-clock]").textContent?.trim() ?? "");
});
effect(() => {
  if (time.now.value !== null) closeLateOffers(root, time.now.value);
});
let alerts: Alerts | null = null;
const settings = document.getElementById("alerts");
if (settings) void alertsIn(settings, alertsOn().size > 0);

/** Few have any on; the others load what they are made of when they look at the switches, and do so again if it did not come. */
async function alertsIn(part: HTMLElement, now: boolean): Promise<void> {
  if (!now) await new Promise((resolve) => part.addEventListener("toggle", resolve, { once: true }));
  const loaded = await import("./alerts.js").catch(() => null);
  if (!loaded) return alertsIn(part, false);
  alerts = loaded.alertsOf(part);
}

let before: MyStanding = where.peek();
effect(() => {
  const element = find(root, ".standing");
  showMyStanding(element, where.value, standing.value, leads.value, amountWords);
  if (where.value === before) return;
  if (where.value === "outbid" && before === "leading") alerts?.outbid();
  else alerts?.quiet();
  before = where.value;
  const text = element.textContent ?? "";
  announcer.say(text);
  // In the dialog with all bids, too, beside which nothing else is told.
  put(root, "[data-standing-here]", text);
});
effect(() => showBuyNow(standing.value, open.value));
effect(() => showWhile(root, standing.value, open.value || standing.value.status === "SCHEDULED"));
effect(() => {
  for (const ends of root.querySelectorAll<HTMLTimeElement>("[data-ends]")) {
    ends.dateTime = standing.value.endsAt;
    localize(ends);
  }
});
noteWhenGone(root, auction);
showWatching(root, client, live);
showGallery(root);

function showLeader({ bidderName, outcome }: EnglishStanding): void {
  const name = bidderName ?? "";
  const words = outcome === "SOLD" ? t("won by %(name)s", { name }) : t("led by %(name)s", { name });
  put(root, "[data-leader]", name && words);
}

function showBuyNow({ buyNowPrice }: EnglishStanding, open: boolean): void {
  const block = root.querySelector<HTMLElement>("[data-buy]");
  if (!block) return;
  present(block, open && buyNowPrice !== null);
  if (buyNowPrice !== null) put(block, "[data-buy-price]", amountWords(buyNowPrice));
}
