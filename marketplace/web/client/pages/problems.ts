/** Why the server refused, in the reader's words: the API answers in English. */
import type { HttpProblem } from "../src/index.js";
import { n, t } from "./text.js";

/** What went wrong, by its code; what no reader is expected to meet has one sentence for all. */
export function problemWords(problem: HttpProblem): string {
  switch (problem.code) {
    case "auction_not_running":
      return t("The auction has not started, so it takes no bids.");
    case "auction_ended":
      return t("The auction has ended.");
    case "auction_cancelled":
      return t("The auction was cancelled.");
    case "bid_too_low":
      return t("The bid is below the minimum next bid.");
    case "already_leading":
      return t("You already have the highest bid.");
    case "maximum_not_raised":
      return t("You lead already, and this maximum is not above your own.");
    case "price_changed":
      return t("The price is higher than the one you agreed to; nothing was bought.");
    case "sold_out":
      return t("Every item is taken; one that is held may still come back.");
    case "buyer_limit_reached":
      return t("You have as many of these items as one buyer may have.");
    case "buy_now_gone":
      return t("This lot cannot, or can no longer, be bought at once.");
    case "seller_cannot_bid":
      return t("Sellers cannot bid on their own auctions.");
    case "bidder_blocked":
      return t("The seller does not take bids from you.");
    case "other_account":
      return t("Somebody else is logged in here by now, so nothing was placed.");
    case "not_found":
      return t("There is no such thing here, or you may not see it.");
    case "busy":
      return t("Too many bids are waiting; this one was not placed. Try again shortly.");
    case "unavailable":
      return t("The service cannot answer right now; nothing was changed. Try again shortly.");
    case "too_many_watched":
      return t("You watch as many auctions as an account may; stop watching one that you do not need.");
    case "rate_limited":
      return n(
        "That was too often; wait a second, then try again.",
        "That was too often; wait %(num)s seconds, then try again.",
        Math.max(1, Math.ceil(problem.retryAfter / 1000)),
      );
    default:
      return t("Something went wrong.");
  }
}
