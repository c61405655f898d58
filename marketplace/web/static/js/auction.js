/** The page of one auction. */
import { BidForm } from "./bid-form.js";
import * as clock from "./clock.js";
import { connect } from "./connection.js";
import { localize, money } from "./format.js";
import { everySecond, isOpen, put, showClock, showStanding, takesBids } from "./standing.js";

/** What a screen reader is told about other people's bids, at most this often. */
const ANNOUNCE_MS = 5_000;
/** How long after its time the end is asked for, should nobody have told. */
const OVERDUE_MS = 2_000;
const NAMES_SHOWN = 3;

const list = new Intl.ListFormat(document.documentElement.lang);
const root = document.getElementById("auction");
const digits = Number(root.dataset.digits);
const bidsShown = Number(root.dataset.bidsShown);
const viewerId = document.getElementById("connection").dataset.viewerId;

const live = connect();
const feed = live.watch(JSON.parse(root.dataset.auction));

/** The seq of the latest bid that was shown, and of the latest one that is known to be mine. */
let lastBidSeq = Number(root.dataset.lastBidSeq);
let myBidSeq = Number(root.dataset.myBidSeq);

// My own bid may be known from its answer before it comes as an event: then mine is the later one.
const leads = () => myBidSeq > 0 && myBidSeq >= lastBidSeq;

const formElement = document.getElementById("bid");
const form = formElement && new BidForm(formElement, {
  digits,
  onPlaced: ({ seq }) => {
    isMine(seq);
    show();
    if (feed.auction.seq < seq) feed.catchUp();
  },
});

feed.addEventListener("event", ({ detail: { name, data } }) => {
  if (name === "bid:new") {
    lastBidSeq = data.seq;
    addBid(data);
  }
  if (name === "auction:extend") noteExtension();
  show();
  announce();
});

// More happened than is worth replaying.
feed.addEventListener("reset", async () => {
  show();
  const answer = await fetch(`/api/auctions/${feed.auction.id}/bids?limit=${bidsShown}`);
  const { items } = await answer.json();
  for (const bid of items) addBid({ ...bid, currentBid: bid.amount, timestamp: bid.placedAt });
  lastBidSeq = Math.max(lastBidSeq, ...items.map((bid) => bid.seq));
  show();
  askWhetherILead();
});

live.addEventListener("direct", ({ detail: { name, data } }) => {
  // A bid of mine from another tab or device.
  if (name === "bid:winning" && data.auctionId === feed.auction.id) {
    isMine(data.seq);
    show();
  }
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
  form?.show(auction, { leads: leads(), open: takesBids(auction) });
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
  const standing =
    myBidSeq && leads() ? (over ? "won" : "leading")
    : over ? (myBidSeq ? "lost" : "over")
    : auction.status === "CANCELLED" ? "cancelled"
    : myBidSeq ? "outbid"
    : "none";
  const price = money(auction.currentBid ?? 0, auction.currency, digits);
  const minimum = money(auction.minimumNextBid, auction.currency, digits);
  const result = auction.outcome === "SOLD" ? `${auction.bidderName} won for ${price}.` : "It was not sold.";
  const element = root.querySelector(".standing");
  element.dataset.standing = standing;
  put(root, ".standing", {
    won: `You won this auction for ${price}.`,
    leading: "You have the highest bid.",
    outbid: `You were outbid. Bid ${minimum} or more to lead again.`,
    lost: `You were outbid. ${result}`,
    over: `This auction has ended. ${result}`,
    cancelled: "This auction was cancelled.",
    none: "",
  }[standing]);
}

function isMine(seq) {
  myBidSeq = Math.max(myBidSeq, seq);
  root.querySelector(`[data-seq="${seq}"]`)?.toggleAttribute("data-mine", true);
}

function addBid({ seq, bidderName, currentBid, currency, timestamp }) {
  const bids = document.getElementById("bids");
  if (bids.querySelector(`[data-seq="${seq}"]`)) return;
  const [row, who, when, amount] = ["li", "span", "time", "strong"].map((tag) => document.createElement(tag));
  row.dataset.seq = seq;
  row.toggleAttribute("data-mine", seq === myBidSeq);
  row.className = "changed";
  who.className = "who";
  who.textContent = bidderName;
  when.dateTime = timestamp;
  when.dataset.style = "time";
  localize(when);
  amount.textContent = money(currentBid, currency, digits);
  row.append(who, when, amount);
  bids.insertBefore(row, [...bids.children].find((other) => Number(other.dataset.seq) < seq) ?? null);
  while (bids.children.length > bidsShown) bids.lastElementChild.remove();
  root.querySelector("[data-no-bids]").hidden = true;
}

function noteExtension() {
  root.querySelector("[data-extended]").hidden = false;
}

let announcing = null;

function announce() {
  announcing ??= setTimeout(() => {
    announcing = null;
    const { bidderName, currentBid, currency } = feed.auction;
    if (bidderName) document.getElementById("announcer").textContent = `${money(currentBid, currency, digits)}, bid by ${bidderName}`;
  }, ANNOUNCE_MS);
}

/** After a time without Channels: bids of mine from elsewhere were not told as mine. */
async function askWhetherILead() {
  if (!viewerId) return;
  const asked = lastBidSeq;
  try {
    const answer = await fetch(`/api/auctions/${feed.auction.id}/me`);
    const { youLead } = await answer.json();
    if (youLead && asked === lastBidSeq) {
      isMine(lastBidSeq);
      show();
    }
  } catch {
    // It will be asked at the next change.
  }
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
  form?.show(feed.auction, { leads: leads(), open: takesBids(feed.auction) });
  askForEndIfOverdue();
});
show();
