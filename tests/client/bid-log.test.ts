/** The log of an auction as its page reads it: by position, while it grows. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { type BidLog, bidLog } from "../../marketplace/web/client/pages/bid-log.js";
import type { BidNew } from "../../marketplace/web/client/src/index.js";

/** The server's log; an entry's amount is its position. */
let entries: { seq: number; amount: number; kind: string; withdrawn: boolean }[];
let asked: string[];
let broken: boolean;
/** While it is held, answers wait, with what they were read from. */
let hold: Promise<void>;

beforeEach(() => {
  entries = [];
  asked = [];
  broken = false;
  hold = Promise.resolve();
  globalThis.fetch = async (address) => {
    asked.push(String(address));
    if (broken) throw new TypeError("the network is away");
    const { searchParams } = new URL(String(address), "http://market");
    const position = Number(searchParams.get("position"));
    const items = entries.slice(position, position + Number(searchParams.get("limit")));
    const body = JSON.stringify({ items, total: searchParams.has("count") ? entries.length : null });
    await hold;
    return new Response(body);
  };
});

/** Numbers have gaps, as where an auction was extended. */
function grow(count: number): void {
  for (let n = 0; n < count; n += 1) {
    const seq = (entries.at(-1)?.seq ?? 0) + 1 + (entries.length % 3);
    entries.push({ seq, amount: entries.length, kind: "BID", withdrawn: false });
  }
}

/** One more bid, on the server and told. */
function bid(log: BidLog): void {
  grow(1);
  const { seq, amount, kind } = entries.at(-1) ?? assert.fail();
  log.add({ auctionId: 7, seq, kind, currentBid: amount, currency: "USD", bidderName: "Ann", timestamp: "" } as BidNew);
}

async function opened(guess: number, problems: unknown[] = []): Promise<BidLog> {
  const log = bidLog(7, guess, (problem) => problem && problems.push(problem));
  await log.reload();
  return log;
}

/** What is there for these positions, once nothing is awaited any more. */
async function seen(log: BidLog, from: number, to: number): Promise<(number | undefined)[]> {
  log.look(from, to);
  await settled();
  return Array.from({ length: to - from + 1 }, (_, index) => log.at(from + index)?.amount);
}

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

for (const [count, guess] of [
  [1, 1],
  [49, 49],
  [50, 50],
  [51, 51],
  [100, 40],
  [5_000, 4_711],
  [120, 400],
] as const) {
  test(`finds the end of ${count} entries from a guess of ${guess}`, async () => {
    grow(count);
    const log = await opened(guess);
    assert.equal(log.total, count);
    assert.ok(asked.length <= 2, `asked ${asked.length} times`);
    const from = Math.max(0, count - 10);
    assert.deepEqual(await seen(log, from, count - 1), range(from, count - 1));
  });
}

test("reads what is looked at, and no more", async () => {
  grow(5_000);
  const log = await opened(5_000);
  assert.deepEqual(await seen(log, 2_390, 2_410), range(2_390, 2_410));
  assert.equal(asked.length, 3);
  assert.equal(asked.filter((address) => address.includes("count=true")).length, 1);
});

test("whoever passes by on the way does not have it all fetched", async () => {
  grow(5_000);
  const log = await opened(5_000);
  for (let position = 4_900; position >= 0; position -= 50) log.look(position, position + 10);
  assert.deepEqual(await seen(log, 0, 10), range(0, 10));
  assert.ok(asked.length < 8, `asked ${asked.length} times`);
});

test("bids come on top, across the end of a page, and positions stay", async () => {
  grow(95);
  const log = await opened(95);
  for (let n = 0; n < 60; n += 1) bid(log);
  assert.equal(log.total, 155);
  assert.deepEqual(await seen(log, 90, 154), range(90, 154));
  assert.equal(asked.length, 1);
});

test("bids that come while the end is looked for are neither lost nor doubled", async () => {
  grow(60);
  let release = () => {};
  hold = new Promise((resolve) => (release = resolve));
  const log = bidLog(7, 60, () => {});
  const opening = log.reload();
  await settled();
  // Told before and after the server has read what it answers.
  for (let n = 0; n < 3; n += 1) bid(log);
  release();
  await opening;
  assert.equal(log.total, 63);
  assert.deepEqual(await seen(log, 50, 62), range(50, 62));
  const { seq, amount } = entries.at(-1) ?? assert.fail();
  log.add({ auctionId: 7, seq, kind: "BID", currentBid: amount } as BidNew);
  assert.equal(log.total, 63);
});

test("an answer that knows more than was told counts, and what is told then is no further bid", async () => {
  grow(60);
  const log = await opened(60);
  grow(1);
  await log.reload();
  assert.equal(log.total, 61);
  const { seq, amount } = entries.at(-1) ?? assert.fail();
  log.add({ auctionId: 7, seq, kind: "BID", currentBid: amount } as BidNew);
  assert.equal(log.total, 61);
});

test("what could not be had is told once, and had when asked again", async () => {
  grow(500);
  const problems: unknown[] = [];
  const log = await opened(500, problems);
  broken = true;
  assert.deepEqual(await seen(log, 100, 102), [undefined, undefined, undefined]);
  await seen(log, 100, 102);
  assert.equal(problems.length, 1);
  broken = false;
  log.retry();
  await settled();
  assert.equal(log.at(101)?.amount, 101);
});

test("an automatic bid does not stand when what it answered was withdrawn, on an earlier page, too", async () => {
  grow(120);
  for (const [position, changes] of [
    [49, { withdrawn: true }],
    [50, { kind: "AUTO" }],
    [70, { kind: "AUTO" }],
  ] as const)
    Object.assign(entries[position] ?? {}, changes);
  const log = await opened(120);
  await seen(log, 40, 80);
  assert.deepEqual(
    [50, 70, 71].map((position) => log.at(position)?.void),
    [true, false, false],
  );
});

test("reading anew forgets what has changed further down", async () => {
  grow(120);
  const log = await opened(120);
  await seen(log, 0, 10);
  Object.assign(entries[5] ?? {}, { withdrawn: true });
  grow(1);
  await log.reload();
  await seen(log, 0, 10);
  assert.equal(log.at(5)?.withdrawn, true);
  assert.equal(log.total, 121);
});
