/**
 * What the signed-in user is told, and what everybody is, as notices on every page. What is about the auction that
 * the page itself shows, it shows in place.
 */
import type { Bid, Message } from "../src/index.js";
import { t } from "./text.js";
import { type Toast, toast } from "./toasts.js";

/** Told by the page of an auction in place. */
const IN_PLACE = new Set(["bid:outbid", "auction:won", "bid:accepted", "reservation:expired"]);

/** In their order, though some take a moment to find words for. */
let told = Promise.resolve();

/** Tells the signed-in user what they were told. */
export function tellUser(message: Message): void {
  told = told.then(() => tell(message));
}

/** Tells a notice for everybody. */
export function announce({ data: { text } }: Message): void {
  if (typeof text === "string") toast({ subject: "announcement", text, stays: true });
}

/** A bid that has waited needs an answer, on the page of its auction. */
export function tellOfWaiting({ auctionId }: Bid): void {
  if (auctionId !== auctionShown()) toast(waitingBid(auctionId));
}

/** What became of a bid that a page before this one left. */
export function tellOfSettled({ auctionId, state, problem }: Bid): void {
  if (auctionId === auctionShown() || (state === "dropped" && !problem)) return;
  const text = problem ? t("Your bid was not placed.") : t("Your bid was placed.");
  const href = `/auctions/${auctionId}`;
  toast({ subject: `${href}/bid`, kind: problem ? "bad" : "good", text, link: { href, text: t("To the auction") } });
}

async function tell(message: Message): Promise<void> {
  if (IN_PLACE.has(message.name) && message.data.auctionId === auctionShown()) return;
  // The page of an order shows how it goes on.
  if (message.name === "order:updated" && document.querySelector(`article[data-order-id="${message.data.orderId}"]`)) return;
  const words = await wordsOf(message);
  if (words) toast(words);
}

function auctionShown(): number | null {
  const standing = document.getElementById("auction")?.dataset.auction;
  return standing ? (JSON.parse(standing) as { id: number }).id : null;
}

async function wordsOf({ name, data }: Message): Promise<Toast | null> {
  const title = String(data.title ?? "");
  const auction = `/auctions/${data.auctionId}`;
  switch (name) {
    case "bid:outbid":
      return outbid(Number(data.auctionId));
    case "auction:won":
      return {
        subject: auction,
        kind: "good",
        text: t("You won: %(title)s", { title }),
        link: { href: auction, text: t("To the auction") },
      };
    case "bid:accepted": {
      const href = `/reservations/${data.reservationId}`;
      return { subject: href, kind: "good", text: t("An item is held for you."), link: { href, text: t("Check out") } };
    }
    case "reservation:expired":
      return {
        subject: `/reservations/${data.reservationId}`,
        kind: "bad",
        text: t("%(title)s is no longer held for you.", { title }),
        link: { href: auction, text: t("To the auction") },
      };
    case "second-chance":
      return secondChance(String(data.status), title, auction);
    case "order:updated":
    case "payment:to-refund": {
      const href = `/orders/${data.orderId}`;
      const text = name === "order:updated" ? orderWords(String(data.state), title) : refundWords(title);
      return { subject: href, text, link: { href, text: t("To the order") } };
    }
    default:
      return null;
  }
}

/** The message does not say what the auction is called: it goes out with every bid. */
async function outbid(auctionId: number): Promise<Toast> {
  const href = `/auctions/${auctionId}`;
  const title = await titleOf(auctionId);
  const text = title ? t("You were outbid: %(title)s", { title }) : t("You were outbid.");
  return { subject: href, kind: "bad", text, link: { href, text: t("Bid again") } };
}

const titles = new Map<number, string>();

async function titleOf(auctionId: number): Promise<string | undefined> {
  if (!titles.has(auctionId)) {
    try {
      const answer = await fetch(`/api/auctions/${auctionId}`);
      if (answer.ok) titles.set(auctionId, String(((await answer.json()) as { title: unknown }).title));
    } catch {
      // Then without a title.
    }
  }
  return titles.get(auctionId);
}

function secondChance(status: string, title: string, auction: string): Toast {
  const words: Record<string, string> = {
    OPEN: t("A second chance: %(title)s is offered to you.", { title }),
    ACCEPTED: t("Your offer was accepted: %(title)s", { title }),
    DECLINED: t("Your offer was declined: %(title)s", { title }),
  };
  return {
    subject: `${auction}/offer`,
    kind: status === "DECLINED" ? "plain" : "good",
    text: words[status] ?? title,
    link:
      status === "OPEN" ? { href: `${auction}#offer`, text: t("See the offer") } : { href: auction, text: t("To the auction") },
  };
}

function orderWords(state: string, title: string): string {
  const words: Record<string, string> = {
    AWAITING_PAYMENT: t("There is an order, to be paid: %(title)s", { title }),
    PAID: t("Paid: %(title)s", { title }),
    SHIPPED: t("On its way: %(title)s", { title }),
    DONE: t("Arrived: %(title)s", { title }),
    CANCELLED: t("The order was cancelled: %(title)s", { title }),
    UNPAID: t("Not paid in time: %(title)s", { title }),
  };
  return words[state] ?? title;
}

function refundWords(title: string): string {
  return t("Money came that has to go back to the buyer: %(title)s", { title });
}

function waitingBid(auctionId: number): Toast {
  const href = `/auctions/${auctionId}`;
  return { subject: `${href}/bid`, text: t("A bid of yours waits for your answer."), link: { href, text: t("To the auction") } };
}
