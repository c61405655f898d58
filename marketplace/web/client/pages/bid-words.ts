/** What kinds of bids and reasons are called; `_bids.html` and `web/history.py` say the same. */
import { t } from "./text.js";

const KINDS: Readonly<Record<string, string>> = {
  AUTO: t("automatic"),
  BUY_NOW: t("bought at once"),
  RAISE: t("maximum raised"),
  RETRACTION: t("Retracted"),
  CANCELLATION: t("Cancelled by the seller"),
};

const REASONS: Readonly<Record<string, string>> = {
  WRONG_AMOUNT: t("a wrong amount"),
  DESCRIPTION_CHANGED: t("the description has changed"),
  SELLER_UNREACHABLE: t("the seller cannot be reached"),
};

/** Of an automatic bid. */
export const VOID_WORDS = t("The bid that it answered does not stand");

/** What a kind of bid is called besides; empty for a plain one. */
export function kindWords({ kind }: { kind: string }): string {
  return KINDS[kind] ?? "";
}

/** Whether an entry of the log takes another one back. */
export function isWithdrawal({ kind }: { kind: string }): boolean {
  return kind === "RETRACTION" || kind === "CANCELLATION";
}

/** A bidder's reasons are of a list; a seller's are as they were typed. */
export function reasonWords(reason: string): string {
  return REASONS[reason] ?? reason;
}
