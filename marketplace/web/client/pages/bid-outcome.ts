/** What became of a bid, in words; loaded by whoever bids. */
import type { Bid, BidAccepted, HttpProblem } from "../src/index.js";
import { problemWords } from "./problems.js";
import { t } from "./text.js";

/** The answer to a bid in an English auction. */
export interface Placed extends BidAccepted {
  maxAmount: number | null;
  currentBid: number;
  youLead: boolean;
}

/** What is said of a bid that was accepted, and whether that is bad news. */
export function acceptance(
  { amount, maxAmount, currentBid, youLead }: Placed,
  raised: boolean,
  amountWords: (amount: number) => string,
): [string, boolean] {
  const most = amountWords(maxAmount ?? amount);
  if (!youLead) {
    const words = t("Your bid of %(price)s was accepted and outbid at once: somebody goes further automatically.", {
      price: most,
    });
    return [words, true];
  }
  if (raised) return [t("You now go up to %(price)s.", { price: most }), false];
  if (maxAmount === null) return [t("Your bid of %(price)s was accepted.", { price: amountWords(amount) }), false];
  const values = { price: amountWords(currentBid), maximum: most };
  return [t("Accepted: you lead at %(price)s and go up to %(maximum)s.", values), false];
}

/** Why a bid was refused, or not sent at all after it had waited. */
export function refusal(bid: Bid, problem: HttpProblem, amountWords: (amount: number) => string): string {
  const values = {
    price: amountWords(bid.terms.maxAmount ?? bid.terms.amount ?? 0),
    minimum: amountWords(Number(problem.facts.minimumNextBid ?? 0)),
  };
  if (bid.state === "dropped") {
    return problem.code === "bid_too_low"
      ? t("Others went further, so your bid of %(price)s was not sent. Bid at least %(minimum)s.", values)
      : t("No bids are taken any more, so your bid of %(price)s was not sent.", values);
  }
  switch (problem.code) {
    case "bid_too_low":
      return t("That is too low by now: bid at least %(minimum)s.", values);
    case "maximum_not_raised":
      return t("You lead, and your maximum is not below this already. To go further, enter more.");
    case "already_leading":
      return t("You have the highest bid already. To go further, raise your maximum.");
    case "invalid_request":
      return t("This is too low or too high.");
    default:
      return problemWords(problem);
  }
}
