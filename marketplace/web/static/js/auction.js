/** The page of an English auction. */
import { BidForm } from "./bid-form.js";
import { connect } from "./connection.js";
import { FreshPage, takeOverPart, takeOverProof } from "./fresh-page.js";
import { localize, money } from "./format.js";
import { History } from "./history.js";
import { Mine } from "./mine.js";
import { overdueAsker } from "./overdue.js";
import { everySecond, isOpen, put, showClock, showStanding, takesBids } from "./standing.js";
import { showWatching } from "./watching.js";

/** What a screen reader is told about other people's bids, at most this often. */
const ANNOUNCE_MS = 5_000;
/** All who watch read the page again when bids were withdrawn, and for the proof when it is over: not all at once. */
const RETRACTION_SPREAD_MS = 500;
const END_SPREAD_MS = 5_000;

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
    if (bidId.includes(".")) freshPage.fetch();
    else history.isMine(seq);
  },
  onStale: askWhetherILead,
});

const history = new History(root, { digits });

/** What the server renders: the history, the proof, the way to the order, and whether the lot can be bought at once again. */
const freshPage = new FreshPage(`/auctions/${feed.auction.id}`, takeOver);

feed.addEventListener("event", ({ detail: { name, data } }) => {
  if (name === "bid:new") {
    mine.bidPlaced(data);
    history.add(data);
  }
  if (name === "bid:retracted") {
    mine.bidsWithdrawn(data);
    freshPage.fetch(RETRACTION_SPREAD_MS);
  }
  if (name === "auction:extend") noteExtension();
  if (name === "auction:end") freshPage.fetch(END_SPREAD_MS);
  show();
  announce(name);
});

// More happened than is worth replaying.
feed.addEventListener("reset", () => {
  show();
  freshPage.fetch();
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

showWatching(root, live, feed, { signedIn: Boolean(viewerId) });

function show() {
  const { auction } = feed;
  showStanding(root, auction, digits);
  showLeader(auction);
  showMine(auction);
  showClock(root, auction);
  showBuyNow(auction);
  form?.show(auction, { max: myMax(), open: takesBids(auction) });
  const ends = root.querySelector("[data-ends]");
  ends.dateTime = auction.endsAt;
  localize(ends);
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

function takeOver(fresh) {
  const auction = JSON.parse(fresh.dataset.auction);
  if (fresh.dataset.me) mine.told(JSON.parse(fresh.dataset.me), auction.seq);
  if (auction.seq === feed.auction.seq) feed.auction = { ...feed.auction, buyNowPrice: auction.buyNowPrice };
  history.replace(fresh, auction.seq);
  takeOverPart(root, fresh, "order");
  takeOverProof(root, fresh);
  show();
}

const askIfOverdue = overdueAsker(feed);

document.querySelectorAll("time[datetime]").forEach(localize);
everySecond(() => {
  showClock(root, feed.auction);
  form?.show(feed.auction, { max: myMax(), open: takesBids(feed.auction) });
  history.showWithdrawals(feed.auction);
  askIfOverdue(isOpen(feed.auction) ? Date.parse(feed.auction.endsAt) : null);
});
show();
