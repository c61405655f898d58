/** What events are, what cannot be, and the falling price: compared with the server's own code. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { type DutchTerms, dutchPrice } from "../../marketplace/web/client/src/dutch.js";
import { type AuctionEvent, parseEvents, parseViewers } from "../../marketplace/web/client/src/events.js";
import { COUNTERS, LATENCY_BOUNDS } from "../../marketplace/web/client/src/metrics.js";
import { isPossible, parseStanding, type Standing } from "../../marketplace/web/client/src/standing.js";
import { FakeTime } from "./fakes.js";
import { ModelDutch, ModelEnglish } from "./model.js";
import { Random } from "./random.js";

interface FromServer {
  prices: { terms: DutchTerms; at: number; price: number; remaining: number; next: number | null }[];
  events: { name: string; data: Record<string, unknown> }[];
  counters: string[];
  latencyBounds: number[];
}

/** Written by test_client.py. */
const server = JSON.parse(readFileSync(new URL("from-server.json", import.meta.url), "utf8")) as FromServer;

describe("against the server's code", () => {
  test("the price falls as in dutch.py", () => {
    assert.ok(server.prices.length >= 500);
    for (const { terms, at, price, remaining, next } of server.prices) {
      const found = dutchPrice(terms, at);
      assert.equal(found.currentPrice, price);
      assert.equal(found.dropsRemaining, remaining);
      // A drop after the end never comes.
      assert.equal(found.nextDropAt, next !== null && next <= Date.parse(terms.endsAt) ? next : null);
    }
  });

  test("every public event of the catalogue is known, and needs each of its fields", () => {
    assert.ok(server.events.length >= 8);
    for (const { name, data } of server.events) {
      assert.ok(parseEvents(name, data, 7), name);
      for (const field of Object.keys(data)) {
        const { [field]: _, ...rest } = data;
        assert.equal(parseEvents(name, rest, 7), null, `${name} without ${field}`);
      }
    }
  });

  test("the server takes exactly what is counted", () => {
    assert.deepEqual([...COUNTERS].sort(), server.counters);
    assert.deepEqual([...LATENCY_BOUNDS], server.latencyBounds);
  });
});

describe("what is no event", () => {
  const model = new ModelEnglish(7, new FakeTime(), new Random(1));
  for (let bids = 0; bids < 3; bids++) model.bid(model.minimum);
  const bids = model.log.filter(({ event }) => event === "bid:new").map(({ data }) => data);
  const batch = { ...bids[2], fromSeq: bids[0]?.seq, bids, latestBid: bids[2] };

  test("a batch stands for its bids", () => {
    assert.deepEqual(
      parseEvents("bids:batch", batch, 7)?.map(({ data }) => data),
      bids,
    );
  });

  for (const [what, data] of [
    ["with a hole", { ...batch, bids: [bids[0], bids[2]] }],
    ["out of order", { ...batch, bids: [bids[1], bids[0], bids[2]] }],
    ["without bids", { ...batch, bids: [] }],
    ["with a damaged bid", { ...batch, bids: [bids[0], { ...bids[1], currentBid: "1" }, bids[2]] }],
    ["of another auction", { ...batch, bids: bids.map((bid) => ({ ...bid, auctionId: 8 })) }],
    ["that is none", "garbage"],
  ] as const) {
    test(`a batch ${what}`, () => assert.equal(parseEvents("bids:batch", data, 7), null));
  }

  test("an amount that is a fraction, negative, or text", () => {
    for (const currentBid of [1.5, -1, "100", null, Number.NaN, 2 ** 60]) {
      assert.equal(parseEvents("bid:new", { ...bids[0], currentBid }, 7), null);
    }
  });

  test("a name from the object's prototype", () => {
    for (const name of ["constructor", "__proto__", "toString"]) assert.equal(parseEvents(name, bids[0], 7), null);
  });

  test("viewers of another auction", () => {
    const viewers = { auctionId: 8, timestamp: bids[0]?.timestamp, activeViewers: 1 };
    assert.equal(parseViewers(viewers, 7), null);
    assert.ok(parseViewers(viewers, 8));
  });
});

describe("what cannot be", () => {
  const time = new FakeTime();
  const english = new ModelEnglish(7, time, new Random(1));
  english.bid(1_000);
  english.bid(2_000);
  const dutch = new ModelDutch(8, time, new Random(1));
  dutch.take();
  dutch.take();

  const cases: [string, ModelEnglish | ModelDutch, AuctionEvent["name"], Record<string, unknown>][] = [
    ["a lower price", english, "bid:new", { currentBid: 1_999 }],
    ["another currency", english, "bid:new", { currency: "EUR" }],
    ["a minimum under the price", english, "bid:new", { minimumNextBid: 2_100 }],
    ["bids out of nowhere", english, "bid:new", { bidCount: 9 }],
    ["an earlier end", english, "bid:new", { extendedEndTime: "2026-11-20T12:00:01.000Z" }],
    ["an extension backwards", english, "auction:extend", { endsAt: "2026-11-20T12:00:01.000Z", extensionCount: 1 }],
    ["to run when it runs", english, "auction:status", { status: "RUNNING" }],
    ["sold at another price", english, "auction:end", { winningBid: 3_000 }],
    ["a second chance before the end", english, "auction:second-chance", { status: "OFFERED" }],
    ["a sale in an English auction", english, "item:sold", { remainingItems: 1, price: 1 }],
    ["a price that the terms do not give", dutch, "item:sold", { remainingItems: 3, price: 99_000 }],
    ["two items in one sale", dutch, "item:sold", { remainingItems: 2 }],
    ["more items than there are", dutch, "item:returned", { remainingItems: 7, outcome: null }],
    ["a bid in a Dutch auction", dutch, "bid:new", {}],
  ];
  for (const [what, model, name, changes] of cases) {
    test(what, () => {
      const standing = parseStanding(model.snapshot(), model.id) as Standing;
      const good = possible(model, name);
      if (good) assert.equal(isPossible(standing, good), true);
      const bad = { name, data: { ...(good?.data ?? envelope(model)), ...changes } } as AuctionEvent;
      assert.equal(isPossible(standing, bad), false);
    });
  }

  test("anything but the next", () => {
    const standing = parseStanding(english.snapshot(), 7) as Standing;
    const event = possible(english, "bid:new") as AuctionEvent;
    for (const seq of [1, standing.seq, standing.seq + 2]) {
      assert.equal(isPossible(standing, { ...event, data: { ...event.data, seq } } as AuctionEvent), false);
    }
  });

  function envelope(model: ModelEnglish | ModelDutch) {
    return { auctionId: model.id, seq: model.seq + 1, timestamp: "2026-11-20T12:00:00.000Z", currency: "USD" };
  }

  /** An event of that name which could be next; null when there is none. */
  function possible(model: ModelEnglish | ModelDutch, name: string): AuctionEvent | null {
    const ends = "2026-11-20T13:00:30.000Z";
    const standing = { bidderName: "Ann", bidCount: 3, reserveMet: null };
    const data: Record<string, Record<string, unknown>> = {
      "bid:new": { ...standing, kind: "BID", currentBid: 2_100, minimumNextBid: 2_150, extendedEndTime: ends },
      "auction:extend": { endsAt: ends, extensionCount: 1 },
      "auction:status": { status: "ENDING_SOON", startsAt: ends, endsAt: ends },
      "auction:end": { outcome: "SOLD", reason: "time_up", winnerName: "Ann", winningBid: 2_000 },
      "item:sold": { remainingItems: 3, price: 100_000 },
      "item:returned": { remainingItems: 5, outcome: null },
    };
    const facts = data[name];
    const fits = facts && model instanceof ModelDutch === name.startsWith("item:");
    return fits ? ({ name, data: { ...envelope(model), ...facts } } as AuctionEvent) : null;
  }
});

test("a snapshot is refused when it is damaged", () => {
  const snapshot = new ModelDutch(8, new FakeTime(), new Random(1)).snapshot();
  assert.ok(parseStanding(snapshot, 8));
  assert.equal(parseStanding(snapshot, 9), null);
  for (const changes of [{ seq: -1 }, { status: "OPEN" }, { remainingItems: 7 }, { dropEvery: 0 }, { endsAt: "soon" }]) {
    assert.equal(parseStanding({ ...snapshot, ...changes }, 8), null, JSON.stringify(changes));
  }
  assert.equal(parseStanding(null, 8), null);
});
