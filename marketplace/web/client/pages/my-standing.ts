/** How an auction stands for whoever looks, in the words that the server renders, too (`web/english.py`). */
import type { EnglishStanding } from "../src/index.js";
import { t } from "./text.js";

/** As in `data-standing`. */
export type MyStanding = "won" | "leading" | "outbid" | "lost" | "over" | "cancelled" | "none";

/** Where I am; `leads` and `hasBid` as in `mine.ts`. */
export function myStanding({ status, outcome }: EnglishStanding, leads: boolean, hasBid: boolean): MyStanding {
  const over = status === "ENDED";
  if (leads) return outcome === "RESERVE_NOT_MET" ? "lost" : over ? "won" : "leading";
  if (over) return hasBid ? "lost" : "over";
  if (status === "CANCELLED") return "cancelled";
  return hasBid ? "outbid" : "none";
}

/** Shows it. Before the first bid, `none` says so to whoever may bid, which also keeps the room for what comes. */
export function showMyStanding(
  element: HTMLElement,
  state: MyStanding,
  standing: EnglishStanding,
  leads: boolean,
  money: (amount: number) => string,
): void {
  const text = words(state, standing, leads, money, element.dataset.noBid ?? "");
  element.dataset.standing = state;
  if (element.textContent !== text) element.textContent = text;
}

function words(
  state: MyStanding,
  standing: EnglishStanding,
  leads: boolean,
  money: (amount: number) => string,
  noBid: string,
): string {
  switch (state) {
    case "won":
      return t("You won this auction for %(price)s.", { price: money(standing.currentBid ?? 0) });
    case "leading":
      return standing.reserveMet === false
        ? t("You have the highest bid, but the reserve is not met yet.")
        : t("You have the highest bid.");
    case "outbid":
      return t("You were outbid. Bid %(price)s or more to lead again.", { price: money(standing.minimumNextBid) });
    case "lost":
      return lost(standing, leads, money);
    case "over":
      return over(standing, money);
    case "cancelled":
      return t("This auction was cancelled.");
    case "none":
      return noBid;
  }
}

function lost(standing: EnglishStanding, leads: boolean, money: (amount: number) => string): string {
  const { outcome, bidderName, currentBid } = standing;
  if (leads) return t("You had the highest bid. The reserve was not met, so it was not sold.");
  if (outcome === "RESERVE_NOT_MET") return t("You were outbid. The reserve was not met, so it was not sold.");
  if (outcome !== "SOLD") return t("You were outbid. It was not sold.");
  return t("You were outbid. %(name)s won for %(price)s.", { name: bidderName ?? "", price: money(currentBid ?? 0) });
}

function over({ outcome, bidderName, currentBid }: EnglishStanding, money: (amount: number) => string): string {
  if (outcome === "RESERVE_NOT_MET") return t("This auction has ended. The reserve was not met, so it was not sold.");
  if (outcome !== "SOLD") return t("This auction has ended. It was not sold.");
  return t("This auction has ended. %(name)s won for %(price)s.", { name: bidderName ?? "", price: money(currentBid ?? 0) });
}
