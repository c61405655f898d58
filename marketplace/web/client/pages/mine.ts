/**
 * Whether I lead, and how far I go. Nobody else is told a maximum, and names are not unique, so this follows from what
 * only I am told: the answers to my bids, `bid:winning`, and `GET /api/auctions/{id}/me`.
 */
import type { BidNew, BidRetracted, EnglishStanding } from "../src/index.js";
import { batch, computed, type ReadonlySignal, signal } from "./live.js";

/** What the page was rendered with (`data-me`); of somebody who is not signed in, nothing. */
export interface Rendered {
  name?: string;
  leads?: boolean;
  max?: number | null;
  hasBid?: boolean;
}

/** As `GET /api/auctions/{id}/me` answers. */
export interface Told {
  youLead: boolean;
  yourMaxAmount: number | null;
  hasBid: boolean;
}

/** How an auction concerns me. */
export interface Mine {
  /** How far I go, while I lead; null when I do not. */
  readonly max: ReadonlySignal<number | null>;
  /** Whether a bid of mine is or was among those that stand. */
  readonly hasBid: ReadonlySignal<boolean>;
  /** A bid of mine was accepted, or answered a rival's, as the event `seq`; it goes up to `max`. */
  leads(seq: number, max: number): void;
  /** A bid of mine was accepted, or outbid. */
  bid(): void;
  /** A bid came from somebody, perhaps me. */
  bidPlaced(bid: Pick<BidNew, "seq" | "kind">): void;
  /** Bids were withdrawn, perhaps mine; the server has to be asked. */
  bidsWithdrawn(bids: Pick<BidRetracted, "seq" | "bidderName">): void;
  /** What the server said, asked when `seq` was the latest event known here. */
  told(said: Told, seq: number): void;
}

/** Begin with what the page was rendered with. */
export function mineOf(
  standing: ReadonlySignal<EnglishStanding>,
  { name = "", leads = false, max = null, hasBid = false }: Rendered,
): Mine {
  const { seq } = standing.peek();
  /** That I led after the event `seq`, going up to `max`; null when I did not. */
  const lead = signal<{ seq: number; max: number } | null>(leads ? { seq, max: max ?? 0 } : null);
  /** The latest event that could have changed who leads. */
  const changed = signal(seq);
  const bids = signal(hasBid || leads);
  return {
    hasBid: bids,
    max: computed(() => (stands(lead.value, changed.value, standing.value) ? (lead.value?.max ?? null) : null)),
    leads(seq, max) {
      batch(() => {
        bids.value = true;
        const before = lead.peek();
        if (seq >= (before?.seq ?? 0)) lead.value = { seq, max: Math.max(max, before?.max ?? 0) };
      });
    },
    bid() {
      bids.value = true;
    },
    bidPlaced({ seq, kind }) {
      batch(() => {
        changed.value = seq;
        // The buyer pays a price of its own, which may be under my maximum.
        if (kind === "BUY_NOW") lead.value = null;
      });
    },
    bidsWithdrawn({ seq, bidderName }) {
      batch(() => {
        changed.value = seq;
        if (bidderName === name) return;
        // Whether it was mine that went, and the only one, is asked: until then nobody has outbid me.
        if (lead.peek()) bids.value = false;
        lead.value = null;
      });
    },
    told({ youLead, yourMaxAmount, hasBid }, seq) {
      if (!youLead && (lead.peek()?.seq ?? 0) > seq) return;
      batch(() => {
        bids.value = hasBid;
        lead.value = youLead ? { seq, max: yourMaxAmount ?? 0 } : null;
      });
    },
  };
}

/** A price up to my maximum cannot be a rival's lead: the earlier bid wins a tie. So an automatic answer never flickers. */
function stands(lead: { seq: number; max: number } | null, changed: number, { currentBid }: EnglishStanding): boolean {
  return lead !== null && (lead.seq >= changed || (currentBid !== null && currentBid <= lead.max));
}
