/** The page of one auction. */
import { BidForm } from "./bid-form.js";
import * as clock from "./clock.js";
import { connect } from "./connection.js";
import { localize, money } from "./format.js";
import { History } from "./history.js";
import { Mine } from "./mine.js";
import { everySecond, isOpen, put, showClock, showStanding, takesBids } from "./standing.js";

/** What a screen reader is told about other people's bids, at most this often. */
const ANNOUNCE_MS = 5_000;
/** How long after its time the end is asked for, should nobody have told. */
const OVERDUE_MS = 2_000;
/** All who watch read the page again when bids were withdrawn, and for the proof when it is over: not all at once. */
const RETRACTION_SPREAD_MS = 500;
const END_SPREAD_MS = 5_000;
const NAMES_SHOWN = 3;

const list = new Intl.ListFormat(document.documentElement.lang);
const root = document.getElementById("auction");
const digits = Number(root.dataset.digits);
const viewerId = document.getElementById("connection").dataset.viewerId;

const live = connect();
const feed = live.watch(JSON.parse(root.dataset.auction), root.dataset.channel);

const mine = new Mine(JSON.parse(root.dataset.me ?? "{}"), feed.auction.seq);
const myMax = () => mine.maxIfLeading(feed.auction.currentBid);

const formElement = document.getElementById("bid");
const form = formElement && new BidForm(formElement, {
  digits,
  onPlaced: ({ bidId, seq, youLead }, strength) => {
    mine.hasBid = true;
    if (youLead) mine.leads(seq, strength);
    show();
    if (feed.auction.seq < seq) feed.catchUp();
    // A further entry under a number was told to nobody: a raise, which is in the history for me alone.
    if (bidId.includes(".")) refresh();
    else history.isMine(seq);
  },
  onStale: askWhetherILead,
});

const history = new History(root, { digits });

feed.addEventListener("event", ({ detail: { name, data } }) => {
  if (name === "bid:new") {
    mine.bidPlaced(data);
    history.add(data);
  }
  if (name === "bid:retracted") {
    mine.bidsWithdrawn(data);
    refresh(RETRACTION_SPREAD_MS);
  }
  if (name === "auction:extend") noteExtension();
  if (name === "auction:end") refresh(END_SPREAD_MS);
  show();
  announce(name);
});

// More happened than is worth replaying.
feed.addEventListener("reset", () => {
  show();
  refresh();
});

live.addEventListener("direct", ({ detail: { name, data } }) => {
  if (data.auctionId !== feed.auction.id) return;
  if (name === "bid:outbid") mine.hasBid = true;
  if (name === "bid:winning") {
    // A bid of mine from another tab or device, or one that answered a rival's: how far it goes is told to me alone.
    const knew = myMax() !== null;
    mine.leads(data.seq, data.currentBid);
    history.isMine(data.seq);
    if (!knew) askWhetherILead();
  }
  if (name === "auction:won") mine.leads(data.seq, data.winningBid);
  show();
});

live.addEventListener("state", () => {
  if (live.state === "live" || live.state === "polling") askWhetherILead();
});

/** The names of the others who are signed in and watch; known to those who are signed in themselves. */
let others = [];

feed.addEventListener("viewers", showWatching);
if (viewerId) {
  live.watchers(feed.auction.id, (names) => {
    others = names;
    showWatching();
  });
}

function show() {
  const { auction } = feed;
  showStanding(root, auction, digits);
  showLeader(auction);
  showMine(auction);
  showClock(root, auction);
  showWatching();
  showBuyNow(auction);
  form?.show(auction, { max: myMax(), open: takesBids(auction) });
  const ends = root.querySelector("[data-ends]");
  ends.dateTime = auction.endsAt;
  localize(ends);
}

function showWatching() {
  const { activeViewers } = feed.auction;
  const some = list.format(others.slice(0, NAMES_SHOWN));
  put(root, "[data-watching]", activeViewers < 2 ? "" : `${activeViewers} are watching${some && `, ${some} among them`}.`);
}

function showLeader(auction) {
  const element = root.querySelector("[data-leader]");
  element.replaceChildren();
  if (!auction.bidderName) return;
  const name = document.createElement("b");
  name.textContent = auction.bidderName;
  element.append(auction.outcome === "SOLD" ? " · won by " : " · led by ", name);
}

function showMine(auction) {
  const over = auction.status === "ENDED";
  const unmet = auction.outcome === "RESERVE_NOT_MET";
  const leads = myMax() !== null;
  const standing =
    leads ? (unmet ? "lost" : over ? "won" : "leading")
    : over ? (mine.hasBid ? "lost" : "over")
    : auction.status === "CANCELLED" ? "cancelled"
    : mine.hasBid ? "outbid"
    : "none";
  const price = money(auction.currentBid ?? 0, auction.currency, digits);
  const minimum = money(auction.minimumNextBid, auction.currency, digits);
  const result =
    auction.outcome === "SOLD" ? `${auction.bidderName} won for ${price}.`
    : unmet ? "The reserve was not met, so it was not sold."
    : "It was not sold.";
  const element = root.querySelector(".standing");
  element.dataset.standing = standing;
  put(root, ".standing", {
    won: `You won this auction for ${price}.`,
    leading: `You have the highest bid${auction.reserveMet === false ? ", but the reserve is not met yet" : ""}.`,
    outbid: `You were outbid. Bid ${minimum} or more to lead again.`,
    lost: `${leads ? "You had the highest bid." : "You were outbid."} ${result}`,
    over: `This auction has ended. ${result}`,
    cancelled: "This auction was cancelled.",
    none: "",
  }[standing]);
}

function showBuyNow(auction) {
  const block = root.querySelector("[data-buy]");
  if (!block) return;
  block.hidden = !takesBids(auction) || auction.buyNowPrice === null;
  if (auction.buyNowPrice !== null) put(block, "[data-buy-price]", money(auction.buyNowPrice, auction.currency, digits));
}

function noteExtension() {
  root.querySelector("[data-extended]").hidden = false;
}

let announcing = null;

function announce(name) {
  if (name !== "bid:new" && name !== "bid:retracted") return;
  announcing ??= setTimeout(() => {
    announcing = null;
    const { bidderName, currentBid, currency } = feed.auction;
    const words = bidderName ? `${money(currentBid, currency, digits)}, bid by ${bidderName}` : "No bids stand any more";
    document.getElementById("announcer").textContent = words;
  }, ANNOUNCE_MS);
}

/** What only I may know: asked for when bids of mine may not have been told as mine. */
async function askWhetherILead() {
  if (!viewerId) return;
  const asked = feed.auction.seq;
  try {
    const answer = await fetch(`/api/auctions/${feed.auction.id}/me`);
    const { youLead, yourMaxAmount } = await answer.json();
    mine.told({ leads: youLead, max: yourMaxAmount }, asked);
    show();
  } catch {
    // It will be asked at the next change.
  }
}

let refreshing = null;

/** Take over what the server renders: the history, the proof, the way to the order, and whether the lot can be bought at once again. */
function refresh(spreadMs = 0) {
  refreshing ??= new Promise((resolve) => setTimeout(resolve, Math.random() * spreadMs)).then(async () => {
    refreshing = null;
    try {
      const answer = await fetch(`/auctions/${feed.auction.id}`);
      if (answer.ok) takeOver(new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("auction"));
    } catch {
      // The page stays as it is, and everything in it comes again with the next change.
    }
  });
}

function takeOver(fresh) {
  const auction = JSON.parse(fresh.dataset.auction);
  if (fresh.dataset.me) mine.told(JSON.parse(fresh.dataset.me), auction.seq);
  if (auction.seq === feed.auction.seq) feed.auction = { ...feed.auction, buyNowPrice: auction.buyNowPrice };
  history.replace(fresh, auction.seq);
  for (const name of ["order", "proof"]) {
    const part = root.querySelector(`[data-part=${name}]`);
    if (!part.childElementCount) part.replaceChildren(...fresh.querySelector(`[data-part=${name}]`).children);
  }
  show();
}

let askedForEnd = 0;

function askForEndIfOverdue() {
  const overdue = isOpen(feed.auction) && clock.isKnown() && clock.now() - Date.parse(feed.auction.endsAt);
  if (overdue > OVERDUE_MS && clock.now() - askedForEnd > OVERDUE_MS) {
    askedForEnd = clock.now();
    // Whoever reads an overdue auction closes it.
    feed.poll();
  }
}

document.querySelectorAll("time[datetime]").forEach(localize);
everySecond(() => {
  showClock(root, feed.auction);
  form?.show(feed.auction, { max: myMax(), open: takesBids(feed.auction) });
  history.showWithdrawals(feed.auction);
  askForEndIfOverdue();
});
show();
