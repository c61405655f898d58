/** The log of an auction, read page by page as somebody looks at it. */
import type { BidNew } from "../src/index.js";

/** A bid, or the withdrawal of one, as `GET /api/auctions/{id}/bids` tells it. */
export interface Entry {
  readonly bidId: string;
  readonly seq: number;
  readonly kind: string;
  readonly amount: number;
  readonly currency: string;
  readonly bidderName: string | null;
  readonly mine: boolean;
  readonly placedAt: string;
  readonly withdrawn: boolean;
  readonly reason: string | null;
  /** Whether it answered a bid that was withdrawn, so that its price does not stand either. */
  readonly void: boolean;
}

/** Entries by their position: how many are older. The log only grows, so positions stay, and new ones come on top. */
export interface BidLog {
  readonly total: number;
  /** The entry, if its page is here. */
  at(position: number): Entry | undefined;
  /** Somebody looks at these positions now; what they looked at before need not be fetched any more. */
  look(from: number, to: number): void;
  /** A bid that came live. */
  add(bid: BidNew): void;
  /** Begin anew, for what has changed further down. */
  reload(): Promise<void>;
  /** Ask again for what could not be had. */
  retry(): void;
}

interface Answer {
  items: Omit<Entry, "void">[];
  /** Null if it was not asked for: counting costs more than the page. */
  total: number | null;
}

const PAGE = 50;
/** Pages that are kept: what was scrolled past long ago is asked for again. */
const MOST_PAGES = 100;
/** So that whoever drags the scrollbar through a long log asks for where they stop, not for all they passed. */
const MOST_REQUESTS = 2;

/**
 * Read the log of an auction.
 *
 * @param guess - about how many entries there are
 * @param changed - called when entries have come; with a problem, when some could not be had
 */
export function bidLog(auctionId: number, guess: number, changed: (problem: unknown) => void): BidLog {
  const pages = new Map<number, Entry[]>();
  const asked = new Set<number>();
  const failed = new Set<number>();
  let waiting: BidNew[] = [];
  let total = guess;
  /** The number of the newest entry; 0 until the end of the log has been seen. */
  let newest = 0;
  let age = 0;
  let seen: [number, number] | null = null;

  async function load(page: number, { count = false } = {}): Promise<number> {
    const begun = age;
    asked.add(page);
    try {
      const answer = await fetchPage(auctionId, page, count);
      if (begun === age) keep(page, answer);
      changed(null);
      return answer.total ?? total;
    } catch (problem) {
      if (begun === age) {
        failed.add(page);
        changed(problem);
      }
      throw problem;
    } finally {
      if (begun === age) asked.delete(page);
    }
  }

  function keep(page: number, { items, total: found }: Answer): void {
    const entries = items.map((item, index) => ({ ...item, void: item.kind === "AUTO" && items[index - 1]?.withdrawn === true }));
    if (page > 0) entries.shift();
    pages.delete(page);
    pages.set(page, entries);
    for (const oldest of pages.keys()) {
      if (pages.size <= MOST_PAGES) break;
      pages.delete(oldest);
    }
    // Only an answer that reaches the end tells how many there are, and what comes after it.
    const last = entries.at(-1);
    const known = page * PAGE + entries.length;
    if (!last || last.seq < newest || (entries.length === PAGE && known !== found)) return;
    total = known;
    newest = last.seq;
    for (const bid of waiting.splice(0)) append(bid);
  }

  function append(bid: BidNew): void {
    if (bid.seq <= newest) return;
    newest = bid.seq;
    const entries = pages.get(Math.floor(total / PAGE));
    // A page that lacks an entry is asked for again when somebody looks.
    if (total % PAGE === 0) pages.set(total / PAGE, [entryOf(bid)]);
    else if (entries?.length === total % PAGE) entries.push(entryOf(bid));
    total += 1;
  }

  function missing(): number | undefined {
    if (!seen) return undefined;
    for (let page = Math.floor(seen[1] / PAGE); page >= Math.floor(seen[0] / PAGE); page -= 1) {
      const complete = (pages.get(page)?.length ?? 0) >= Math.min(PAGE, total - page * PAGE);
      if (!complete && !asked.has(page) && !failed.has(page)) return page;
    }
    return undefined;
  }

  function pump(): void {
    for (let page = missing(); newest > 0 && page !== undefined && asked.size < MOST_REQUESTS; page = missing()) {
      // What is wrong was told already.
      load(page).then(pump, () => {});
    }
  }

  async function findEnd(): Promise<void> {
    const begun = age;
    try {
      for (let found = total; newest === 0 && found > 0 && begun === age; ) {
        found = await load(Math.max(0, Math.ceil(found / PAGE) - 1), { count: true });
      }
      pump();
    } catch {
      // It was told already, and retry() begins again.
    }
  }

  return {
    get total() {
      return total;
    },
    at: (position) => pages.get(Math.floor(position / PAGE))?.[position % PAGE],
    look(from, to) {
      seen = [Math.max(0, from), Math.max(0, Math.min(to, total - 1))];
      pump();
    },
    add(bid) {
      if (newest === 0) waiting.push(bid);
      else append(bid);
      changed(null);
    },
    reload() {
      age += 1;
      newest = 0;
      waiting = [];
      for (const each of [pages, asked, failed]) each.clear();
      return findEnd();
    },
    retry() {
      failed.clear();
      if (newest === 0) void findEnd();
      else pump();
    },
  };
}

/** A page, after its first with the entry before: what an automatic bid answered. */
async function fetchPage(auctionId: number, page: number, count: boolean): Promise<Answer> {
  const before = page > 0 ? 1 : 0;
  const query = `position=${page * PAGE - before}&limit=${PAGE + before}${count ? "&count=true" : ""}`;
  const answer = await fetch(`/api/auctions/${auctionId}/bids?${query}`);
  if (!answer.ok) throw new Error(`the log answered ${answer.status}`);
  return answer.json();
}

function entryOf({ auctionId, seq, kind, currentBid, currency, bidderName, timestamp }: BidNew): Entry {
  const common = { mine: false, withdrawn: false, reason: null, void: false };
  return { ...common, bidId: `${auctionId}-${seq}`, seq, kind, amount: currentBid, currency, bidderName, placedAt: timestamp };
}
