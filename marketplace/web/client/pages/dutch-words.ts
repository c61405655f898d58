/** What is said below the price of a Dutch auction, and when an item could not be taken; `web/dutch.py` says the same. */
import type { DutchStanding, HttpProblem } from "../src/index.js";
import type { Phase } from "./dutch-standing.js";
import { problemWords } from "./problems.js";
import { n, t } from "./text.js";

/** How it stands, in a sentence: there is always one, so that nothing moves when it becomes another. */
export function dutchStandingWords({ quantity, remainingItems, heldItems }: DutchStanding, phase: Phase): string {
  switch (phase) {
    case "selling":
      return t("Whoever takes an item first has it, at the price of that moment.");
    case "sold-out":
      if (!heldItems) return t("Sold out: every item is checked out.");
      return n(
        "Sold out. %(num)s item is only held: what is not checked out in time comes back.",
        "Sold out. %(num)s items are only held: what is not checked out in time comes back.",
        heldItems,
      );
    case "over":
      return overWords(quantity, quantity - remainingItems, heldItems);
    case "cancelled":
      return t("This auction was cancelled.");
    default:
      return t("It opens at the starting price, and falls from then on.");
  }
}

function overWords(quantity: number, gone: number, held: number): string {
  if (!gone) return t("This auction has ended. Nothing was sold.");
  if (!held) {
    return n(
      "This auction has ended. %(gone)s of %(num)s item went.",
      "This auction has ended. %(gone)s of %(num)s items went.",
      quantity,
      { gone },
    );
  }
  return n(
    "This auction has ended. %(gone)s of %(num)s item went, %(held)s of them still held.",
    "This auction has ended. %(gone)s of %(num)s items went, %(held)s of them still held.",
    quantity,
    { gone, held },
  );
}

/** Why nothing was taken, for somebody who agreed to pay `agreed`. */
export function refusalWords(problem: HttpProblem, agreed: number, money: (amount: number) => string): string {
  const { facts } = problem;
  const free = Number(facts.remainingItems);
  switch (problem.code) {
    case "price_changed":
      return t("Nothing was taken: the price is %(price)s, more than the %(agreed)s that you agreed to.", {
        price: money(Number(facts.currentPrice)),
        agreed: money(agreed),
      });
    case "sold_out":
      if (!facts.heldItems) return t("Somebody was faster: %(free)s left. All of them are sold.", { free });
      return n(
        "Somebody was faster: %(free)s left. %(num)s item is only held, and may come back.",
        "Somebody was faster: %(free)s left. %(num)s items are only held, and may come back.",
        Number(facts.heldItems),
        { free },
      );
    case "buyer_limit_reached":
      return n(
        "You have %(num)s item, as many as one buyer may have.",
        "You have %(num)s items, as many as one buyer may have.",
        Number(facts.limit),
      );
    default:
      return problemWords(problem);
  }
}
