/** The page of a Dutch auction. */
import * as clock from "./clock.js";
import { connect } from "./connection.js";
import { phaseOf, priceNow, showDutchStanding } from "./dutch-standing.js";
import { FreshPage, takeOverProof } from "./fresh-page.js";
import { count, localize, money } from "./format.js";
import { Held } from "./held.js";
import { Log } from "./log.js";
import { overdueAsker } from "./overdue.js";
import { everySecond, isOpen, put } from "./standing.js";
import { TakeForm } from "./take-form.js";
import { showWatching } from "./watching.js";

/** What a screen reader is told about other people's purchases, at most this often. */
const ANNOUNCE_MS = 5_000;
/** All who watch read the page again when an item comes back, and for the proof: not all at once. */
const RETURN_SPREAD_MS = 3_000;
const END_SPREAD_MS = 5_000;
/** That items which were held are checked out is no event. While all are gone, it is asked for this often. */
const SOLD_OUT_POLL_MS = 20_000;

const root = document.getElementById("auction");
const digits = Number(root.dataset.digits);
const viewerId = document.getElementById("connection").dataset.viewerId;

const live = connect();
const feed = live.watch(JSON.parse(root.dataset.auction), root.dataset.channel);

const log = new Log(root);
const heldRows = root.querySelector("[data-held]");
const held = heldRows && new Held(heldRows, document.getElementById("held-row"));
/** The numbers of the takes that are mine, though the server may not have rendered them. */
const mine = new Set();

const formElement = document.getElementById("take");
const form = formElement && new TakeForm(formElement, {
  digits,
  socketId: () => live.socketId,
  onTaken: (answer) => {
    hold(answer.seq, { ...answer, price: answer.amount });
    // Everybody else hears of it from Channels.
    feed.receive("item:sold", { ...answer, price: answer.amount, timestamp: answer.receivedAt });
  },
  // Whatever it was, something has happened here that is not shown yet.
  onRefused: () => feed.catchUp(),
});

const freshPage = new FreshPage(`/auctions/${feed.auction.id}`, (fresh) => {
  const auction = JSON.parse(fresh.dataset.auction);
  if (auction.seq === feed.auction.seq) feed.auction = { ...feed.auction, ...auction };
  log.replace(fresh, auction.seq);
  held?.takeOver(fresh.querySelector("[data-held]"), auction.seq);
  takeOverProof(root, fresh);
  show();
});

feed.addEventListener("event", ({ detail: { name, data } }) => {
  if (name === "item:sold") addSale(data);
  if (name === "item:returned") {
    addReturn(data);
    freshPage.fetch(RETURN_SPREAD_MS);
  }
  if (name === "auction:end") freshPage.fetch(END_SPREAD_MS);
  show();
  announce(name);
});

// More happened than is worth replaying.
feed.addEventListener("reset", () => {
  show();
  freshPage.fetch();
});

feed.addEventListener("standing", show);
feed.addEventListener("price", show);

live.addEventListener("direct", ({ detail: { name, data } }) => {
  if (data.auctionId !== feed.auction.id) return;
  // Mine, perhaps from another tab or device.
  if (name === "bid:accepted") hold(data.seq, { ...data, price: data.winningPrice });
  if (name === "reservation:expired") held?.expired(data.reservationId);
  if (name === "bid:rejected" && data.remainingItems !== feed.auction.remainingItems) feed.catchUp();
});

showWatching(root, live, feed, { signedIn: Boolean(viewerId) });

function hold(seq, reservation) {
  mine.add(seq);
  log.row(seq)?.toggleAttribute("data-mine", true);
  held?.add(reservation, digits);
}

/** Returns when the price drops next, if it does. */
function show() {
  const { auction } = feed;
  const phase = phaseOf(auction);
  const nextDropAt = showDutchStanding(root, auction, digits);
  form?.show(auction, { phase, price: priceNow(auction) });
  const standing = root.querySelector(".standing");
  standing.dataset.standing = phase;
  put(root, ".standing", standingWords(auction, phase));
  const ends = root.querySelector("[data-ends]");
  if (ends.dateTime !== auction.endsAt) {
    ends.dateTime = auction.endsAt;
    localize(ends);
  }
  return nextDropAt;
}

function standingWords({ quantity, remainingItems, heldItems }, phase) {
  const gone = quantity - remainingItems;
  switch (phase) {
    case "sold-out":
      return heldItems
        ? `Sold out. ${count(heldItems, "item is", "items are")} only held: what is not checked out in time comes back.`
        : "Sold out: every item is checked out.";
    case "over":
      if (!gone) return "This auction has ended. Nothing was sold.";
      return `This auction has ended. ${gone} of ${count(quantity, "item", "items")} went${heldItems ? `, ${heldItems} of them still held` : ""}.`;
    case "cancelled":
      return "This auction was cancelled.";
    default:
      return "";
  }
}

function addSale({ seq, timestamp, price, currency }) {
  if (log.row(seq)) return;
  const row = log.newRow(seq, timestamp);
  row.dataset.kind = "TAKE";
  row.toggleAttribute("data-mine", mine.has(seq));
  put(row, "[data-who]", "Taken");
  put(row, "[data-amount]", money(price, currency, digits));
  log.insert(row);
}

function addReturn({ seq, timestamp }) {
  if (log.row(seq)) return;
  const row = log.newRow(seq, timestamp);
  row.dataset.kind = "RETURN";
  put(row, "[data-who]", "Came back");
  log.insert(row);
}

let announcing = null;

function announce(name) {
  if (name !== "item:sold" && name !== "item:returned") return;
  announcing ??= setTimeout(() => {
    announcing = null;
    const { remainingItems, currency } = feed.auction;
    const price = money(priceNow(feed.auction).amount, currency, digits);
    document.getElementById("announcer").textContent = `${remainingItems} left, at ${price} now`;
  }, ANNOUNCE_MS);
}

const askIfOverdue = overdueAsker(feed);
let pollAt = null;

function pollWhileSoldOut() {
  if (phaseOf(feed.auction) !== "sold-out" || !feed.auction.heldItems || document.hidden) return;
  // The last item goes for all who watch in the same moment: they do not all ask together.
  pollAt ??= clock.now() + Math.random() * SOLD_OUT_POLL_MS;
  if (clock.now() < pollAt) return;
  pollAt = clock.now() + SOLD_OUT_POLL_MS;
  feed.poll();
}

/** When somebody should have told something: that it has ended, or that a hold of mine is over. */
function nextStep(nextExpiry) {
  const ends = isOpen(feed.auction) ? Date.parse(feed.auction.endsAt) : null;
  return ends === null || nextExpiry === null ? (ends ?? nextExpiry) : Math.min(ends, nextExpiry);
}

document.querySelectorAll("time[datetime]").forEach(localize);
everySecond(() => {
  askIfOverdue(nextStep(held?.showTimes() ?? null));
  pollWhileSoldOut();
  return show();
});
document.addEventListener("visibilitychange", show);
