/** The page of a Dutch auction: the price falls on a clock, and whoever takes an item first has it. */
import type { AuctionEvent, DutchStanding, Message } from "../src/index.js";
import { drawWhenOpened } from "./chart-when-opened.js";
import { connect } from "./connection.js";
import { data, find, put } from "./dom.js";
import { phaseOf, showDutchStanding } from "./dutch-standing.js";
import { dutchStandingWords } from "./dutch-words.js";
import { freshPage } from "./fresh-page.js";
import { showGallery } from "./gallery.js";
import { heldItems, type Reservation } from "./held.js";
import { computed, effect, follow, noteWhenGone, signal, ticking } from "./live.js";
import { localize, money } from "./numbers.js";
import { salesList } from "./sales.js";
import { showWhile } from "./standing.js";
import { takeForm } from "./take-form.js";
import { t } from "./text.js";
import { viewerId } from "./viewer.js";
import { showWatching } from "./watching.js";
import "./site.js";

/** What a screen reader is told about other people's purchases, at most this often. */
const ANNOUNCE_MS = 5_000;
/** All who watch read the page again when an item comes back, and for the proof: not all at once. */
const RETURN_SPREAD_MS = 3_000;
const END_SPREAD_MS = 5_000;
/** That items which were held are checked out is no event. While all are gone, it is asked for this often. */
const SOLD_OUT_POLL_MS = 20_000;
/** How long after its time a hold is asked for, should nobody have told that it is over. */
const OVERDUE_MS = 2_000;

const root = find(document, "#auction");
const digits = Number(root.dataset.digits);

const client = connect();
const time = ticking(client);
const lot = follow<DutchStanding>(client, root);
const { auction, standing } = lot;
const price = signal(auction.dutchPrice);
const phase = computed(() => phaseOf(standing.value, time.now.value));

const sales = salesList(root, digits);
/** Both for buyers only. */
const list = root.querySelector<HTMLElement>("[data-held]");
const held = list && heldItems(list, root.querySelector<HTMLTemplateElement>("#held-row"), digits);
const takes = root.querySelector<HTMLFormElement>("#take");

auction.on("change", look);
auction.on("event", happened);
// More happened than is worth replaying.
auction.on("reset", () => fresh.fetch());

/** The price follows from the terms and the clock, so nobody tells when it is another. */
function look(): void {
  price.value = auction.dutchPrice;
}

effect(() => {
  void time.now.value;
  look();
});

effect(() => {
  if (!price.value) return;
  showDutchStanding(root, standing.value, price.value, digits, time.now.value);
  time.at(price.value.nextDropAt);
});

effect(() => {
  find(root, ".standing").dataset.standing = phase.value;
  put(root, ".standing", dutchStandingWords(standing.value, phase.value));
});

effect(() => showWhile(root, standing.value, !["draft", "over", "cancelled"].includes(phase.value)));

effect(() => {
  const ends = find<HTMLTimeElement>(root, "[data-ends]");
  if (ends.dateTime === standing.value.endsAt) return;
  ends.dateTime = standing.value.endsAt;
  localize(ends);
});

if (takes) {
  takeForm(takes, {
    client,
    auctionId: auction.id,
    phase,
    price: computed(() => price.value?.currentPrice ?? standing.value.currentPrice),
    money: (amount) => money(amount, standing.value.currency, digits),
    onTaken: (answer) => hold(answer.seq, { ...answer, price: answer.amount } as unknown as Reservation),
    // Whatever it was, something has happened here that is not shown yet.
    onRefused: () => void auction.catchUp(),
  });
}

noteWhenGone(root, auction);
showWatching(root, client, lot);
showGallery(root);
drawWhenOpened(root, lot, { time, digits });

// --- what happens ---

function happened(event: AuctionEvent): void {
  const { name } = event;
  if (name === "item:sold") sales.addSale(event.data);
  if (name === "item:returned") {
    sales.addReturn(event.data);
    fresh.fetch(RETURN_SPREAD_MS);
  }
  if (name === "auction:end") fresh.fetch(END_SPREAD_MS);
  if (name === "item:sold" || name === "item:returned") announce();
}

const fresh = freshPage("#auction", (shown) => {
  const snapshot = data<DutchStanding>(shown, "auction");
  sales.takeOver(shown, snapshot.seq);
  const heldNow = shown.querySelector<HTMLElement>("[data-held]");
  if (heldNow) held?.takeOver(heldNow, snapshot.seq, client.clock.now());
  takeOverProof(shown);
  // The server has just said which items are held and which are sold: no event tells that.
  if (snapshot.heldItems !== standing.value.heldItems) void auction.poll();
});

/** It grows only while a Dutch auction that was over is open again. */
function takeOverProof(shown: HTMLElement): void {
  const [old, made] = [find(root, "[data-part=proof]"), find(shown, "[data-part=proof]")];
  const head = (proof: HTMLElement) => proof.querySelector(".hash")?.textContent;
  if (head(old) !== head(made)) old.replaceChildren(...made.childNodes);
}

function hold(seq: number, reservation: Reservation): void {
  sales.mine(seq);
  held?.add(reservation);
}

if (viewerId !== null) {
  const messages = client.userMessages();
  messages.on("message", told);
  // What was told while nobody listened is on the page that the server renders.
  let before = false;
  messages.on("subscribed", () => {
    if (before) fresh.fetch();
    before = true;
  });
}

/** Only I am told, perhaps because of what I did in another tab or on another device. */
function told({ name, data }: Message): void {
  if (data.auctionId !== auction.id) return;
  if (name === "bid:accepted") hold(Number(data.seq), { ...data, price: data.winningPrice } as unknown as Reservation);
  if (name === "reservation:expired") held?.expired(String(data.reservationId));
  if (name === "bid:rejected" && data.remainingItems !== standing.value.remainingItems) void auction.catchUp();
}

let announcing = false;

function announce(): void {
  if (announcing) return;
  announcing = true;
  setTimeout(() => {
    announcing = false;
    const now = money(price.value?.currentPrice ?? 0, standing.value.currency, digits);
    put(document, "#announcer", t("%(free)s left, at %(price)s now", { free: standing.value.remainingItems, price: now }));
  }, ANNOUNCE_MS);
}

// --- what nobody tells ---

let askedAt = 0;

effect(() => {
  const now = time.now.value;
  if (now === null) return;
  const due = held?.showTimes(now) ?? null;
  if (due === null || now - due <= OVERDUE_MS || now - askedAt <= OVERDUE_MS) return;
  askedAt = now;
  void auction.poll();
});

let pollAt: number | null = null;

effect(() => {
  const now = time.now.value;
  if (now === null || phase.value !== "sold-out" || !standing.value.heldItems || document.hidden) return;
  // The last item goes for all who watch in the same moment: they do not all ask together.
  pollAt ??= now + Math.random() * SOLD_OUT_POLL_MS;
  if (now < pollAt) return;
  pollAt = now + SOLD_OUT_POLL_MS;
  void auction.poll();
});
