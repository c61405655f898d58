/** Bids: sent once, told truthfully, through lost answers, lost networks and reloads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Question } from "../../marketplace/web/client/src/bids.js";
import type { ClientOptions } from "../../marketplace/web/client/src/client.js";
import { type FakeAnswer, World } from "./fakes.js";
import { type ModelAuction, ModelDutch, ModelEnglish, serving } from "./model.js";

type Fault = "no answer" | "lost answer" | "busy" | "portal" | "logged out" | "proxy" | null;

/** A server that places bids, once for each key, and faults that happen on the way. */
class BidServer {
  readonly world: World;
  readonly model: ModelEnglish | ModelDutch;
  readonly faults: Fault[] = [];
  /** The keys of what arrived. */
  readonly arrived: string[] = [];
  /** How many bids were sent, whether or not they arrived. */
  sent = 0;
  readonly #answers = new Map<string, FakeAnswer>();

  constructor({ dutch = false, stored = new Map<string, string>() } = {}) {
    const models: ModelAuction[] = [];
    const serve = serving(models);
    this.world = new World((path, init) => (init.method === "POST" ? this.#bid(path, init) : serve(path, init)));
    for (const [key, value] of stored) this.world.stored.set(key, value);
    this.model = dutch
      ? new ModelDutch(7, this.world.time, this.world.random)
      : new ModelEnglish(7, this.world.time, this.world.random);
    models.push(this.model);
  }

  async page(options: Partial<ClientOptions> = {}) {
    const client = this.world.client(options);
    const auction = client.watch({
      id: 7,
      snapshot: { ...this.model.snapshot(), ...("drop" in this.model && this.model.drop), id: 7 },
    });
    const questions: Question[] = [];
    client.on("question", (question) => questions.push(question));
    await this.world.pass(500);
    return { client, auction, questions };
  }

  #bid(path: string, init: RequestInit): FakeAnswer | undefined {
    if (path !== "/api/auctions/7/bids") return undefined;
    this.sent += 1;
    const fault = this.faults.shift() ?? null;
    if (fault === "no answer") throw new TypeError("Failed to fetch");
    if (fault === "busy") return { status: 503, body: { code: "busy", detail: "Later." }, headers: { "Retry-After": "1" } };
    if (fault === "logged out") return { status: 401, body: { code: "unauthenticated", detail: "Log in." } };
    if (fault === "proxy") return { status: 408, body: "Request Timeout" };
    if (fault === "portal") return { body: "<!doctype html>Log in to this network" };
    const headers = init.headers as Record<string, string>;
    const key = headers["Idempotency-Key"] ?? "";
    this.arrived.push(key);
    const known = this.#answers.get(key);
    const answer = known ?? this.#place(JSON.parse(init.body as string) as { amount: number });
    this.#answers.set(key, answer);
    if (fault === "lost answer") throw new TypeError("Failed to fetch");
    return known ? { ...answer, headers: { "Idempotent-Replayed": "true" } } : answer;
  }

  #place({ amount }: { amount: number }): FakeAnswer {
    const { model } = this;
    if (model instanceof ModelDutch) model.take();
    else if (amount < model.minimum) {
      return { status: 409, body: { code: "bid_too_low", detail: "Too low.", minimumNextBid: model.minimum } };
    } else model.bid(amount);
    return { status: 201, body: { bidId: `7-${model.seq}`, auctionId: 7, seq: model.seq, amount, currency: "USD" } };
  }
}

test("a bid is answered, and the auction catches up with it", async () => {
  const server = new BidServer();
  const { client, auction } = await server.page();
  const states: string[] = [];
  client.on("bid", ({ state }) => states.push(state));
  const bid = client.placeBid(7, { amount: 1_000 });
  assert.equal(bid.state, "sending");
  await server.world.pass(100);
  assert.equal((await bid.settled).answer?.bidId, "7-2");
  assert.deepEqual(states, ["waiting", "sending", "accepted"]);
  assert.equal(auction.price, 1_000, "although Channels has said nothing yet");
  const { headers } = server.world.requests.find(({ path }) => path.endsWith("/bids"))?.init ?? {};
  assert.equal((headers as Record<string, string>)["X-Socket-Id"], "1.1");
  assert.equal((headers as Record<string, string>)["X-User-Id"], "1");
  assert.deepEqual([client.openBids, server.world.stored.size], [[], 0]);
  client.dispose();
});

test("a refusal is told with its facts", async () => {
  const server = new BidServer();
  const { client } = await server.page();
  const bid = client.placeBid(7, { amount: 5 });
  await server.world.pass(100);
  assert.deepEqual([bid.state, bid.problem?.code, bid.problem?.facts.minimumNextBid], ["refused", "bid_too_low", 1_000]);
  client.dispose();
});

test("a lost answer: sent again under the same key, placed once, and told as what it is", async () => {
  const server = new BidServer();
  server.faults.push("lost answer", "busy", "portal");
  const { client } = await server.page();
  const bid = client.placeBid(7, { amount: 1_000 });
  await server.world.pass(60);
  assert.equal(bid.state, "repeating");
  await server.world.pass(15_000);
  assert.deepEqual([bid.state, bid.replayed, bid.attempts], ["accepted", true, 4]);
  assert.equal(new Set(server.arrived).size, 1);
  assert.equal((server.model as ModelEnglish).bids.length, 1);
  assert.equal(client.metrics.totals.bidsRepeated, 3);
  client.dispose();
});

test("two bids have two keys", async () => {
  const server = new BidServer();
  const { client } = await server.page();
  client.placeBid(7, { amount: 1_000 });
  client.placeBid(7, { amount: 1_200 });
  await server.world.pass(100);
  assert.equal(new Set(server.arrived).size, 2);
  client.dispose();
});

test("no answer at all: unknown, and asked for again when the server is back", async () => {
  const server = new BidServer();
  server.faults.push("lost answer", "no answer", "no answer", "no answer");
  const { client } = await server.page();
  const bid = client.placeBid(7, { amount: 1_000 });
  await server.world.pass(4_200);
  assert.equal(bid.state, "unknown");
  server.world.pusher.goAway();
  server.world.pusher.comeBack();
  await server.world.pass(1_000);
  assert.deepEqual([bid.state, bid.replayed], ["accepted", true]);
  client.dispose();
});

test("unknown: the person may ask again, or give up", async () => {
  const server = new BidServer();
  server.faults.push(...Array<Fault>(8).fill("no answer"));
  const { client } = await server.page();
  const [first, second] = [client.placeBid(7, { amount: 1_000 }), client.placeBid(7, { amount: 1_100 })];
  await server.world.pass(4_200);
  assert.deepEqual([first.state, second.state], ["unknown", "unknown"]);
  second.drop();
  first.confirm();
  await server.world.pass(100);
  assert.deepEqual([first.state, second.state, server.arrived.length], ["accepted", "dropped", 1]);
  client.dispose();
});

test("no answer while Channels stays: taken up again by itself, in pauses that grow", async () => {
  const server = new BidServer();
  server.faults.push(...Array<Fault>(8).fill("no answer"));
  const { client } = await server.page();
  const bid = client.placeBid(7, { amount: 1_000 });
  await server.world.pass(45_000);
  assert.deepEqual([client.state, bid.state, bid.attempts], ["live", "accepted", 9]);
  client.dispose();
});

test("after a sleep, a bid that may not have been placed is not sent again before the person is asked", async () => {
  // Four attempts were over by then, or they were not.
  for (const awake of [4_200, 700]) {
    for (const monotonicToo of [true, false]) {
      const server = new BidServer();
      server.faults.push(...Array<Fault>(4).fill("no answer"));
      const { client, questions } = await server.page();
      const bid = client.placeBid(7, { amount: 3_000 });
      await server.world.pass(awake);
      const before = server.sent;
      server.world.time.sleep(1_800_000, { monotonicToo });
      await server.world.pass(20_000);
      assert.deepEqual(
        questions.map(({ reason, priceNow }) => [reason, priceNow]),
        [["unsure", 1_000]],
      );
      assert.deepEqual([bid.state, server.sent, server.arrived.length], ["asking", before, 0]);
      client.dispose();
    }
  }
});

test("nor is it once others have moved the price", async () => {
  const server = new BidServer();
  server.faults.push(...Array<Fault>(4).fill("no answer"));
  const { client, questions } = await server.page();
  const bid = client.placeBid(7, { amount: 3_000 });
  await server.world.pass(4_200);
  (server.model as ModelEnglish).bid(2_000);
  await server.world.pass(10_000);
  assert.deepEqual([bid.state, questions[0]?.reason, questions[0]?.priceNow], ["asking", "unsure", 2_000]);
  client.dispose();
});

test("once the auction is over nobody has to be asked what became of it", async () => {
  const server = new BidServer();
  server.faults.push("lost answer", "no answer", "no answer", "no answer");
  const { client, questions } = await server.page();
  const bid = client.placeBid(7, { amount: 1_000 });
  await server.world.pass(4_200);
  (server.model as ModelEnglish).bid(2_000);
  (server.model as ModelEnglish).end();
  await server.world.pass(10_000);
  assert.deepEqual([bid.state, bid.replayed, questions.length], ["accepted", true, 0]);
  client.dispose();
});

test("turned away at the door after an answer was lost: not refused, but asked about", async () => {
  for (const door of ["logged out", "proxy"] as const) {
    const server = new BidServer();
    server.faults.push("lost answer", door, door, door);
    const { client, questions } = await server.page();
    const bid = client.placeBid(7, { amount: 1_000 });
    await server.world.pass(4_200);
    assert.deepEqual([bid.state, bid.problem?.status], ["unknown", door === "proxy" ? 408 : 401]);
    assert.equal(server.world.stored.size, 1, "also after a login");
    await server.world.pass(10_000);
    assert.deepEqual([bid.state, questions[0]?.reason], ["asking", "unsure"]);
    bid.confirm();
    await server.world.pass(100);
    assert.deepEqual([bid.state, bid.replayed, bid.problem], ["accepted", true, null]);
    client.dispose();
  }
});

test("turned away at the door the first time, it was not placed", async () => {
  const server = new BidServer();
  server.faults.push("logged out");
  const { client } = await server.page();
  const bid = client.placeBid(7, { amount: 1_000 });
  await server.world.pass(100);
  assert.deepEqual([bid.state, bid.problem?.status, server.sent], ["refused", 401, 1]);
  client.dispose();
});

test("made offline, it waits visibly and goes on return", async () => {
  const server = new BidServer();
  const { client } = await server.page();
  server.world.navigator.onLine = false;
  const bid = client.placeBid(7, { amount: 1_000 });
  await server.world.pass(30_000);
  assert.deepEqual([bid.state, bid.attempts, client.openBids], ["waiting", 0, [bid]]);
  server.world.navigator.onLine = true;
  server.world.window.fire("online");
  await server.world.pass(1_000);
  assert.equal(bid.state, "accepted");
  assert.equal(client.metrics.totals.bidsDelayed, 1);
  client.dispose();
});

test("made offline, it goes although the server does not answer the first time it is asked how things stand", async () => {
  const server = new BidServer();
  const { client } = await server.page();
  server.world.navigator.onLine = false;
  const bid = client.placeBid(7, { amount: 1_000 });
  await server.world.pass(1_000);
  server.world.navigator.onLine = true;
  server.world.window.fire("online");
  // The requests that this caused do not come through.
  server.world.navigator.onLine = false;
  await server.world.pass(100);
  server.world.navigator.onLine = true;
  await server.world.pass(15_000);
  assert.equal(bid.state, "accepted");
  client.dispose();
});

test("a browser that takes itself for offline while messages come is not believed", async () => {
  const server = new BidServer();
  const { client } = await server.page();
  server.world.answersOffline = true;
  server.world.navigator.onLine = false;
  const bid = client.placeBid(7, { amount: 1_000 });
  await server.world.pass(1_000);
  assert.equal(bid.state, "waiting");
  server.world.pusher.message();
  await server.world.pass(10_000);
  assert.equal(bid.state, "accepted");
  client.dispose();
});

test("the price has moved meanwhile: the person is asked; a yes sends it, a no does not", async () => {
  for (const yes of [true, false]) {
    const server = new BidServer();
    const { client, questions } = await server.page();
    server.world.navigator.onLine = false;
    const bid = client.placeBid(7, { amount: 3_000 });
    (server.model as ModelEnglish).bid(2_000);
    await server.world.pass(10_000);
    server.world.navigator.onLine = true;
    server.world.window.fire("online");
    await server.world.pass(1_000);
    assert.equal(bid.state, "asking");
    assert.deepEqual(
      questions.map(({ reason, priceThen, priceNow }) => [reason, priceThen, priceNow]),
      [["moved", 1_000, 2_000]],
    );
    assert.equal(server.arrived.length, 0);
    if (yes) bid.confirm();
    else bid.drop();
    await server.world.pass(1_000);
    assert.deepEqual([bid.state, server.arrived.length], yes ? ["accepted", 1] : ["dropped", 0]);
    client.dispose();
  }
});

test("what makes no sense any more is not sent: outbid, or over", async () => {
  for (const [happens, code] of [
    [(model: ModelEnglish) => model.bid(5_000), "bid_too_low"],
    [(model: ModelEnglish) => model.end(), "auction_ended"],
  ] as const) {
    const server = new BidServer();
    const { client } = await server.page();
    server.world.navigator.onLine = false;
    const bid = client.placeBid(7, { amount: 3_000 });
    happens(server.model as ModelEnglish);
    server.world.navigator.onLine = true;
    server.world.window.fire("online");
    await server.world.pass(1_000);
    assert.deepEqual([bid.state, bid.problem?.code, server.arrived.length], ["dropped", code, 0]);
    client.dispose();
  }
});

test("a Dutch price that has fallen is what one waited for: nobody is asked", async () => {
  const server = new BidServer({ dutch: true });
  const { client, auction, questions } = await server.page();
  server.world.navigator.onLine = false;
  const bid = client.placeBid(7, { amount: auction.price ?? 0 });
  await server.world.pass(20_000);
  server.world.navigator.onLine = true;
  server.world.window.fire("online");
  await server.world.pass(1_000);
  assert.deepEqual([bid.state, questions.length], ["accepted", 0]);
  client.dispose();
});

test("it survives a reload, and then nothing goes out before the person is asked", async () => {
  const before = new BidServer();
  before.faults.push("no answer", "no answer", "no answer", "no answer");
  const first = await before.page();
  first.client.placeBid(7, { amount: 1_000 });
  await before.world.pass(50);
  before.world.navigator.onLine = false;
  first.client.placeBid(7, { amount: 1_200 });
  first.client.dispose();
  assert.equal(before.world.time.timers, 0);

  const after = new BidServer({ stored: before.world.stored });
  const { client, questions } = await after.page();
  assert.deepEqual(
    questions.map(({ reason, bid }) => [reason, bid.terms.amount, bid.state]),
    [
      ["unsure", 1_000, "asking"],
      ["moved", 1_200, "asking"],
    ],
  );
  assert.equal(after.arrived.length, 0);
  for (const { bid } of questions) bid.confirm();
  await after.world.pass(1_000);
  assert.deepEqual(client.openBids, []);
  assert.equal(after.arrived.length, 2);
  client.dispose();
});

test("what somebody else stored, or a day ago, or damaged, is not restored", async () => {
  const stored = { key: "k", auctionId: 7, terms: { amount: 1_000 }, priceThen: 1_000, attempts: 0, userId: 1 };
  const old = { ...stored, madeAt: Date.parse("2026-11-18T12:00:00Z") };
  const others = { ...stored, madeAt: Date.parse("2026-11-20T12:00:00Z"), userId: 2 };
  for (const text of [JSON.stringify([old, others, null, 5, {}]), "garbage", '{"a":1}']) {
    const server = new BidServer({ stored: new Map([["marketplace.bids", text]]) });
    const { client } = await server.page();
    assert.deepEqual(client.openBids, []);
    client.dispose();
  }
});

test("a browser that forbids storage loses only the reload", async () => {
  const server = new BidServer();
  server.world.environment.storage = {
    getItem: () => assert.fail("forbidden"),
    setItem: () => assert.fail("forbidden"),
    removeItem: () => assert.fail("forbidden"),
  };
  const { client } = await server.page();
  const bid = client.placeBid(7, { amount: 1_000 });
  await server.world.pass(100);
  assert.equal(bid.state, "accepted");
  client.dispose();
});

test("a bid on an auction that the page does not follow waits for what the server says of it", async () => {
  const server = new BidServer();
  const client = server.world.client();
  server.world.navigator.onLine = false;
  const bid = client.placeBid(7, { amount: 1_000 });
  server.world.navigator.onLine = true;
  server.world.window.fire("online");
  await server.world.pass(2_000);
  assert.equal(bid.state, "asking", "the price it was made for was never known");
  bid.confirm();
  await server.world.pass(1_000);
  assert.equal(bid.state, "accepted");
  client.dispose();
});

test("bids on auctions that are gone are dropped if they never went, and have no say in how the page is", async () => {
  const server = new BidServer();
  const { client } = await server.page();
  const states: string[] = [];
  client.on("state", (state) => states.push(state));
  server.world.navigator.onLine = false;
  const bids = [client.placeBid(8, { amount: 1_000 }), client.placeBid(9, { amount: 1_000 })];
  server.world.navigator.onLine = true;
  server.world.window.fire("online");
  await server.world.pass(30_000);
  assert.deepEqual(
    bids.map(({ state, problem }) => [state, problem?.code]),
    Array(2).fill(["dropped", "not_found"]),
  );
  assert.deepEqual([states, client.state], [["connecting", "live"], "live"]);
  assert.equal(server.world.asked(/auctions\/[89]/), 2);
  client.dispose();
});

test("back from the cache of pages: what another page has settled is not sent again", async () => {
  const server = new BidServer();
  server.faults.push(...Array<Fault>(8).fill("no answer"));
  const { client } = await server.page();
  const [settled, left] = [client.placeBid(7, { amount: 1_000 }), client.placeBid(7, { amount: 1_100 })];
  await server.world.pass(4_200);
  const stored = JSON.parse(server.world.stored.get("marketplace.bids") ?? "[]") as { key: string }[];
  server.world.stored.set("marketplace.bids", JSON.stringify(stored.filter(({ key }) => key === left.key)));
  server.world.window.fire("pageshow", { persisted: true });
  await server.world.pass(10_000);
  assert.deepEqual([settled.state, left.state, server.arrived.length], ["dropped", "asking", 0]);
  client.dispose();
});
