/**
 * The property that everything else here is for: whatever becomes of events on their way, no page ever shows what
 * was not so, or goes back; and when things calm down, it shows what the server has.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Auction } from "../../marketplace/web/client/src/auction.js";
import type { Client } from "../../marketplace/web/client/src/client.js";
import type { AuctionEvent } from "../../marketplace/web/client/src/events.js";
import { type FakeAnswer, World } from "./fakes.js";
import { iso, type ModelAuction, ModelDutch, ModelEnglish, type Step, serving } from "./model.js";
import { Random } from "./random.js";

const SEED = Number(process.env.CLIENT_SEED ?? Date.now() % 1_000_000);
const EVENTS = 10_000;
const ROUNDS = 10;
/** What is shown of an auction, and follows from its events alone. */
const SHOWN = {
  ENGLISH: [
    "currentBid",
    "bidderName",
    "bidCount",
    "minimumNextBid",
    "reserveMet",
    "endsAt",
    "status",
    "outcome",
    "extensionCount",
  ],
  DUTCH: ["remainingItems", "bidCount", "status", "outcome", "endsAt"],
};
/** How long everything may take to come right, once nothing goes wrong any more. */
const CALM_MS = 90_000;

/** Looks over the library's shoulder: at each thing it shows. */
class Witness {
  shown = 0;
  /** The first thing shown that was wrong. An error in a listener would only be reported. */
  wrong: unknown = null;
  #seq = 0;
  #reset = false;

  constructor(
    private readonly auction: Auction,
    private readonly model: ModelAuction,
    private readonly world: World,
    private readonly client: Client,
  ) {
    this.#seq = auction.standing?.seq ?? 0;
    auction.on("reset", () => {
      this.#reset = true;
      this.#note(() => this.look());
    });
    auction.on("event", (event) => {
      this.#note(() => this.#hear(event));
      this.#note(() => this.look());
    });
    auction.on("change", () => this.#note(() => this.look()));
  }

  #note(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.wrong ??= error;
    }
  }

  #hear({ name, data }: AuctionEvent): void {
    if (!this.#reset && this.#seq > 0) assert.equal(data.seq, this.#seq + 1, "each event once, in order");
    assert.deepEqual(data, this.model.log[data.seq - 1]?.data, "events are shown as they were");
    assert.equal(name, this.model.log[data.seq - 1]?.event);
    this.#reset = false;
  }

  /** What is shown is what was so, at the event it is said to be of; and never of an earlier one. */
  look(): void {
    const { standing } = this.auction;
    if (!standing) return;
    this.shown += 1;
    assert.ok(standing.seq >= this.#seq, `went back from ${this.#seq} to ${standing.seq}`);
    assert.ok(standing.seq <= this.model.seq, "knows what has not happened");
    this.#seq = standing.seq;
    const truth = this.model.snapshot(standing.seq);
    for (const field of SHOWN[standing.format ?? "ENGLISH"]) {
      assert.deepEqual((standing as unknown as Record<string, unknown>)[field], truth[field], `${field} after ${standing.seq}`);
    }
    if (this.model instanceof ModelDutch) this.#lookAtFallingPrice(this.model);
    else assert.equal(this.auction.price, truth.currentBid ?? truth.startingPrice);
  }

  /** It may lag behind the truth by what the clock does not know; it is never ahead of it. */
  #lookAtFallingPrice(model: ModelDutch): void {
    const { serverNow } = this.world.time;
    const price = this.auction.price ?? 0;
    assert.ok(price >= model.priceAt(serverNow).price, "a price that is not there yet");
    const { clock } = this.client;
    const lag = clock.known ? 2 * clock.uncertainty : 60_000;
    assert.ok(price <= model.priceAt(serverNow - lag).price, "a price that is over");
  }
}

/** What goes wrong between the server and the page. */
class Chaos {
  calm = false;

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {}

  /** Publish the steps of one transaction, or what becomes of them. */
  publish(model: ModelAuction, steps: readonly Step[]): void {
    const { random, world } = this;
    const send = (event: string, data: unknown) => {
      const delay = this.calm ? 5 : random.chance(0.2) ? random.integer(5, 3_000) : random.integer(5, 60);
      world.time.setTimeout(() => world.pusher.send(`auction-${model.id}`, event, data), delay);
    };
    for (const [event, data] of gathered(steps, random)) {
      const dropped = !this.calm && random.chance(0.08);
      if (!dropped) send(event, data);
      while (!this.calm && random.chance(0.12)) send(event, data);
      if (!this.calm && random.chance(0.08)) send(...damaged(event, data, random));
      if (!this.calm && random.chance(0.08)) send(...impossible(model, random));
      if (random.chance(0.1))
        send("viewers:count", {
          auctionId: model.id,
          timestamp: iso(world.time.serverNow),
          activeViewers: random.integer(0, 99),
        });
      if (model instanceof ModelDutch && random.chance(0.2)) send("price:drop", model.drop);
    }
  }

  /** What the server's answer has become on its way; no answer by throwing. */
  answer(answer: FakeAnswer | undefined): FakeAnswer | undefined {
    if (this.calm || !answer?.body) return answer;
    const dice = this.random.next();
    if (dice < 0.08) throw new TypeError("Failed to fetch");
    if (dice < 0.12) return { status: 503, body: { code: "unavailable", detail: "Later." } };
    if (dice < 0.14) return { body: "<!doctype html>Log in to this network" };
    if (dice < 0.2) return { ...answer, body: damagedAnswer(answer.body as Record<string, unknown>, this.random) };
    return answer;
  }

  /** Now and then the connection breaks, Channels goes away, or a subscription fails. */
  stir(): void {
    const { random, world } = this;
    const dice = random.next();
    if (dice < 0.02) world.pusher.break();
    else if (dice < 0.03) {
      world.pusher.goAway();
      world.time.setTimeout(() => world.pusher.comeBack(), random.integer(500, 20_000));
    } else if (dice < 0.035) world.document.hidden = !world.document.hidden;
    world.pusher.fate = () => (this.calm || random.chance(0.9) ? "confirmed" : random.pick(["refused", "lost"]));
  }
}

/** Consecutive bids may go as one message. */
function gathered(steps: readonly Step[], random: Random): [string, unknown][] {
  const bids = steps.filter(({ event }) => event === "bid:new").map(({ data }) => data);
  const [first, last] = [bids[0], bids.at(-1)];
  if (!first || !last || bids.length !== steps.length || bids.length < 2 || random.chance(0.3)) {
    return steps.map(({ event, data }) => [event, data]);
  }
  const { auctionId, seq, timestamp } = last;
  return [["bids:batch", { auctionId, seq, timestamp, fromSeq: first.seq, bids, latestBid: last }]];
}

/** Not of the form that the catalogue prescribes. */
function damaged(event: string, data: unknown, random: Random): [string, unknown] {
  const copy = structuredClone(data) as Record<string, unknown>;
  const field = random.pick(Object.keys(copy).filter((name) => name !== "latestBid"));
  const kinds: (() => unknown)[] = [
    () => null,
    () => "garbage",
    () => [copy],
    () => ({ ...copy, [field]: undefined }),
    () => ({ ...copy, [field]: { toString: "no" } }),
    () => ({ ...copy, seq: 1.5 }),
    () => ({ ...copy, seq: String(copy.seq) }),
    () => ({ ...copy, auctionId: 999 }),
    () => ({ ...copy, timestamp: "yesterday" }),
  ];
  return [random.chance(0.1) ? "auction:explode" : event, random.pick(kinds)()];
}

/** Of the right form, and cannot be. */
function impossible(model: ModelAuction, random: Random): [string, unknown] {
  const seq = model.seq + random.pick([-5, -1, 0, 1, 1, 1, 2, 50]);
  const now = iso(model.startsAt + random.integer(0, 3_600_000));
  const envelope = { auctionId: model.id, seq: Math.max(seq, 1), timestamp: now };
  if (model instanceof ModelDutch) {
    const remainingItems = random.pick([model.quantity + 1, model.remaining + 3, 0, model.remaining - 4]);
    const sold = { ...envelope, remainingItems, price: random.pick([1, 20_001, 99_999, 150_000]), currency: "USD" };
    const price = random.pick([model.floorPrice - 1, 77_777]);
    return random.pick<[string, unknown]>([
      ["item:sold", sold],
      ["item:returned", { ...envelope, remainingItems: model.quantity + 1, outcome: null }],
      ["price:drop", { ...model.drop, currentPrice: price }],
      ["auction:status", { ...envelope, status: "SCHEDULED", startsAt: now, endsAt: now }],
    ]);
  }
  const bid = { ...(model.log.findLast(({ event }) => event === "bid:new")?.data ?? {}), ...envelope };
  return random.pick<[string, unknown]>([
    ["bid:new", { ...bid, kind: "BID", currentBid: random.integer(0, 999), minimumNextBid: 1_000, bidCount: 1 }],
    ["bid:new", { ...bid, currency: "EUR" }],
    ["bid:new", { ...bid, bidCount: 1_000_000 }],
    ["bid:retracted", { ...bid, bidCount: 1_000_000 }],
    ["auction:extend", { ...envelope, endsAt: iso(model.startsAt - 1), extensionCount: 1 }],
    ["auction:status", { ...envelope, status: "SCHEDULED", startsAt: now, endsAt: now }],
    ["item:sold", { ...envelope, remainingItems: 1, price: 5, currency: "USD" }],
  ]);
}

function damagedAnswer(body: Record<string, unknown>, random: Random): unknown {
  if (!Array.isArray(body.items))
    return random.pick([null, {}, { ...body, seq: "many" }, { ...body, id: 999 }, { ...body, currency: 7 }]);
  const items = body.items as Step[];
  const lowered = items.map((item) => (item.event === "bid:new" ? { ...item, data: { ...item.data, bidCount: 0 } } : item));
  return random.pick([
    { ...body, items: null },
    { ...body, items: items.slice(1) },
    { ...body, items: [null, ...items] },
    { ...body, items: lowered },
  ]);
}

/** One auction in bad weather; returns what was counted. */
async function weather(seed: number, events: number): Promise<Record<string, number>> {
  const random = new Random(seed);
  const models: ModelAuction[] = [];
  const serve = serving(models);
  const world: World = new World((path, init) => chaos.answer(serve(path, init)), random);
  const chaos = new Chaos(world, random);
  world.delay = () =>
    chaos.calm ? [2, 2] : [random.integer(1, 40), random.chance(0.1) ? random.integer(40, 3_000) : random.integer(1, 40)];
  const dutch = random.chance(0.4);
  const model = dutch ? new ModelDutch(7, world.time, random) : new ModelEnglish(7, world.time, random);
  models.push(model);
  const client = world.client();
  const auction = client.watch(random.chance(0.5) ? { id: 7 } : { id: 7, snapshot: model.snapshot() });
  const witness = new Witness(auction, model, world, client);

  while (model.seq < events) {
    const before = model.seq;
    for (let steps = random.chance(0.2) ? random.integer(2, 6) : 1; steps > 0; steps--) model.step();
    chaos.publish(model, model.log.slice(before));
    chaos.stir();
    await world.pass(random.chance(0.02) ? random.integer(1_000, 20_000) : random.integer(1, 200));
    if (witness.wrong) throw witness.wrong;
  }
  if (model instanceof ModelEnglish && model.open) {
    model.end();
    chaos.publish(model, model.log.slice(-1));
  }
  chaos.calm = true;
  world.document.hidden = false;
  world.pusher.fate = () => "confirmed";
  await world.pass(CALM_MS);

  assert.equal(client.state, "live");
  assert.equal(auction.freshness, "current");
  assert.equal(auction.standing?.seq, model.seq, "knows everything in the end");
  witness.look();
  if (witness.wrong) throw witness.wrong;
  const totals = { ...client.metrics.totals, shown: witness.shown, events: model.seq };
  client.dispose();
  return totals;
}

test(`${EVENTS} events, shuffled, doubled, dropped, damaged: nothing wrong is ever shown`, async (t) => {
  t.diagnostic(`CLIENT_SEED=${SEED}`);
  const sums: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const seed = SEED * 100 + round;
    try {
      for (const [name, count] of Object.entries(await weather(seed, EVENTS / ROUNDS))) sums[name] = (sums[name] ?? 0) + count;
    } catch (error) {
      throw new Error(`CLIENT_SEED=${SEED}, round ${round}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  t.diagnostic(JSON.stringify(sums));
  // Bad weather it was: else the test would say nothing.
  for (const name of [
    "stale",
    "malformed",
    "impossible",
    "gaps",
    "reconnects",
    "resets",
    "lateSnapshots",
    "requestFailures",
    "polls",
  ]) {
    assert.ok((sums[name] ?? 0) > 0, `no ${name}`);
  }
  assert.ok((sums.events ?? 0) >= EVENTS);
});
