/** One auction: in which order things are asked for, and what a page sees of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dutchPrice } from "../../marketplace/web/client/src/dutch.js";
import type { DutchStanding } from "../../marketplace/web/client/src/standing.js";
import { type Handler, NOON, World } from "./fakes.js";
import { iso, type ModelAuction, ModelDutch, ModelEnglish, serving } from "./model.js";

const CHANNEL = "auction-7";

function english(more: Handler = () => undefined, lasts?: number) {
  const models: ModelAuction[] = [];
  const serve = serving(models);
  const world = new World((path, init) => more(path, init) ?? serve(path, init));
  const model = new ModelEnglish(7, world.time, world.random, lasts);
  models.push(model);
  return { world, model };
}

function dutch(lasts?: number) {
  const models: ModelAuction[] = [];
  const world = new World(serving(models));
  const model = new ModelDutch(7, world.time, world.random, lasts);
  models.push(model);
  return { world, model };
}

test("subscribes first, then asks for the snapshot, then takes what comes", async () => {
  const { world, model } = english();
  const client = world.client();
  const auction = client.watch({ id: 7 });
  assert.equal(auction.freshness, "loading");
  assert.equal(auction.price, null);
  world.pusher.delay = 300;
  await world.pass(400);
  assert.equal(world.asked("/api/auctions/7"), 0, "nothing before the subscription is confirmed");
  await world.pass(400);
  assert.equal(auction.freshness, "current");
  assert.equal(client.state, "live");
  model.bid(1_000);
  world.pusher.send(CHANNEL, "bid:new", model.log.at(-1)?.data);
  assert.equal(auction.price, 1_000);
  assert.equal(world.asked(/auctions/), 1, "one request in all");
  client.dispose();
});

test("shows something although Channels takes its time", async () => {
  const { world } = english();
  const client = world.client();
  const auction = client.watch({ id: 7 });
  world.pusher.goAway();
  await world.pass(2_000);
  assert.equal(auction.price, 1_000);
  assert.equal(client.state, "polling");
  client.dispose();
});

test("goes on from what the page was rendered from", async () => {
  const { world, model } = english();
  const rendered = model.snapshot();
  model.bid(1_000);
  model.bid(1_200);
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: rendered, channel: CHANNEL });
  const heard: number[] = [];
  auction.on("event", ({ data }) => heard.push(data.seq));
  assert.equal(auction.freshness, "behind");
  await world.pass(100);
  assert.deepEqual(heard, [2, 3]);
  assert.equal(auction.price, 1_200);
  assert.equal(world.asked("/api/auctions/7"), 0);
  client.dispose();
});

test("an event that is not the next waits for the one before it", async () => {
  const { world, model } = english();
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(100);
  const heard: number[] = [];
  auction.on("event", ({ data }) => heard.push(data.seq));
  model.bid(1_000);
  model.bid(1_200);
  world.pusher.send(CHANNEL, "bid:new", model.log[2]?.data);
  assert.deepEqual([heard, auction.price, auction.freshness], [[], 1_000, "behind"]);
  assert.equal(client.state, "live", "a gap that is being closed is no reason for alarm");
  await world.pass(50);
  assert.deepEqual([heard, auction.price, auction.freshness], [[2, 3], 1_200, "current"]);
  assert.equal(client.metrics.totals.gaps, 1);
  client.dispose();
});

test("after a blip only what was missed is told, and nothing if nothing was", async () => {
  const { world, model } = english();
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(100);
  const told: string[] = [];
  auction.on("event", ({ name }) => told.push(name));
  auction.on("reset", () => told.push("reset"));
  world.pusher.break();
  await world.pass(100);
  assert.deepEqual(told, []);
  world.pusher.goAway();
  model.bid(1_000);
  world.pusher.comeBack();
  await world.pass(300);
  assert.deepEqual(told, ["bid:new"]);
  assert.equal(client.state, "live");
  client.dispose();
});

test("more than a page of missed events: the snapshot takes their place", async () => {
  const { world, model } = english();
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  let resets = 0;
  auction.on("reset", () => resets++);
  for (let bids = 0; bids < 150; bids++) model.bid(model.minimum);
  await world.pass(200);
  assert.deepEqual([resets, auction.standing?.seq], [1, model.seq]);
  client.dispose();
});

test("an event of a later catalogue is no dead end", async () => {
  const { world, model } = english((path) => {
    if (!path.includes("events?after=1")) return undefined;
    return { body: { items: [{ seq: 2, event: "auction:explode", data: { auctionId: 7, seq: 2 } }], nextCursor: null } };
  });
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  model.bid(1_500);
  await world.pass(200);
  assert.deepEqual([auction.price, auction.freshness], [1_500, "current"]);
  client.dispose();
});

test("a feed and a snapshot that contradict each other are not called current", async () => {
  const { world, model } = english((path) => {
    if (!path.includes("events")) return undefined;
    return { body: { items: [{ seq: 2, event: "bid:new", data: { auctionId: 7, seq: 2 } }], nextCursor: null } };
  });
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(10_000);
  assert.equal(auction.freshness, "behind");
  assert.equal(client.state, "stopped");
  client.dispose();
});

test("an auction that cannot be read does not stop the others", async () => {
  const { world, model } = english((path) => (path === "/api/auctions/8" ? { body: { id: 8, status: "PAUSED" } } : undefined));
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  const other = client.watch({ id: 8 });
  await world.pass(10_000);
  assert.deepEqual([auction.freshness, other.freshness, other.unreadable], ["current", "loading", true]);
  assert.equal(client.state, "live");
  auction.dispose();
  assert.equal(client.state, "stopped");
  client.dispose();
});

test("a server that goes back, as to its last backup, is believed when it says so twice", async () => {
  const { world, model } = english();
  const client = world.client();
  for (const amount of [1_000, 1_100, 1_200]) model.bid(amount);
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(100);
  let resets = 0;
  auction.on("reset", () => resets++);
  const answer = model.answer.bind(model);
  model.answer = (path, etag) => (path === "" ? { body: model.snapshot(2) } : answer(path, etag));
  void auction.poll();
  await world.pass(100);
  assert.deepEqual([auction.price, resets], [1_200, 0]);
  void auction.poll();
  await world.pass(100);
  assert.deepEqual([auction.price, auction.standing?.seq, resets], [1_000, 2, 1]);
  client.dispose();
});

test("a members-only auction moves to its own channel, which the snapshot tells", async () => {
  const { world, model } = english();
  const original = model.answer.bind(model);
  model.answer = (path, etag) => {
    const answer = original(path, etag);
    return path === "" && answer?.body ? { ...answer, body: { ...(answer.body as object), tenantId: 3 } } : answer;
  };
  const client = world.client();
  const auction = client.watch({ id: 7 });
  await world.pass(200);
  assert.deepEqual([...world.pusher.channels.keys()], ["private-auction-7"]);
  assert.equal(auction.freshness, "current");
  assert.equal(client.state, "live");
  client.dispose();
});

test("an auction that is not there is gone, and asked for no more", async () => {
  const world = new World();
  const client = world.client();
  const auction = client.watch({ id: 7 });
  await world.pass(60_000);
  assert.equal(auction.freshness, "gone");
  assert.equal(world.asked("/api/auctions/7"), 1);
  assert.equal(client.state, "live");
  client.dispose();
});

test("an auction that may be seen no more takes no bids, and is asked for no more", async () => {
  let signedIn = true;
  const { world, model } = english((path) => {
    if (signedIn || path === "/api/time") return undefined;
    return path === "/pusher/auth" ? { status: 401 } : { status: 404 };
  }, 120_000);
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: { ...model.snapshot(), tenantId: 3 } });
  let closed = 0;
  auction.on("closes", () => closed++);
  await world.pass(500);
  assert.equal(auction.takesBids, true);
  signedIn = false;
  world.pusher.break();
  await world.pass(20_000);
  assert.deepEqual([auction.freshness, auction.takesBids, closed], ["gone", false, 1]);
  const asked = world.asked("/api/auctions/7");
  await world.pass(300_000);
  assert.equal(world.asked("/api/auctions/7"), asked);
  signedIn = true;
  model.end();
  await world.pass(61_000);
  assert.deepEqual([auction.freshness, auction.standing?.status], ["current", "ENDED"]);
  client.dispose();
});

test("polling asks with the ETag, and hears what has changed", async () => {
  const { world, model } = english();
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(100);
  world.pusher.goAway();
  await world.pass(20_000);
  const polls = world.requests.filter(({ path }) => path === "/api/auctions/7");
  assert.ok(polls.length >= 3 && polls.length <= 5, `every five seconds: ${polls.length}`);
  const sent = polls.map(({ init }) => (init.headers as Record<string, string>)["If-None-Match"]);
  assert.equal(sent[0], undefined);
  assert.ok(sent.slice(1).every((etag) => etag === '"1-RUNNING"'));
  const heard: number[] = [];
  auction.on("event", ({ data }) => heard.push(data.seq));
  model.bid(1_300);
  await world.pass(6_000);
  assert.deepEqual([auction.price, heard], [1_300, [2]]);
  client.dispose();
});

test("closes by the server's clock, however wrong the device's is", async () => {
  const { world, model } = english(undefined, 10_000);
  world.time.wallError = 180_000;
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  let closed = 0;
  auction.on("closes", () => {
    closed += 1;
    assert.equal(auction.takesBids, false);
  });
  await world.pass(9_900);
  assert.deepEqual([auction.takesBids, closed], [true, 0]);
  await world.pass(150);
  assert.deepEqual([auction.takesBids, closed], [false, 1]);
  client.dispose();
});

test("an extension moves the closing; nobody told the end, so it is asked for", async () => {
  const { world, model } = english(undefined, 10_000);
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  let closed = 0;
  auction.on("closes", () => closed++);
  await world.pass(9_000);
  model.bid(1_000, { extends: true });
  for (const { event, data } of model.log.slice(1)) world.pusher.send(CHANNEL, event, data);
  await world.pass(20_000);
  assert.deepEqual([auction.takesBids, closed], [true, 0]);
  await world.pass(11_100);
  assert.deepEqual([auction.takesBids, closed], [false, 1]);
  model.end();
  await world.pass(4_000);
  assert.equal(auction.standing?.status, "ENDED");
  client.dispose();
});

for (const monotonicToo of [true, false]) {
  test(`closes also when its end was slept through (performance.now ${monotonicToo ? "ran on" : "stood still"})`, async () => {
    const { world, model } = english(undefined, 60_000);
    const client = world.client();
    const auction = client.watch({ id: 7, snapshot: model.snapshot() });
    let closed = 0;
    auction.on("closes", () => closed++);
    await world.pass(10_000);
    world.time.sleep(120_000, { monotonicToo });
    world.document.fire("resume");
    await world.pass(20_000);
    assert.deepEqual([auction.takesBids, closed], [false, 1]);
    client.dispose();
  });
}

test("closes also when its end came before the clock was known, or the server was quicker", async () => {
  const { world, model } = english(undefined, 400);
  world.delay = () => [300, 300];
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  let closed = 0;
  auction.on("closes", () => closed++);
  await world.pass(5_000);
  assert.equal(closed, 1);
  client.dispose();

  const early = english();
  const other = early.world.client();
  const ended = other.watch({ id: 7, snapshot: early.model.snapshot() });
  ended.on("closes", () => closed++);
  await early.world.pass(500);
  early.model.end();
  early.world.pusher.send(CHANNEL, "auction:end", early.model.log.at(-1)?.data);
  assert.equal(closed, 2);
  other.dispose();
});

test("latency is that of the oldest event in a frame, and hidden pages have none", async () => {
  const { world, model } = english();
  const client = world.client();
  client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(1_000);
  const told = async (hiddenThen: boolean, hiddenNow: boolean) => {
    world.document.hidden = hiddenThen;
    for (const pause of [0, 200]) {
      await world.pass(pause);
      model.bid(model.minimum);
    }
    for (const { data } of model.log.slice(-2)) world.pusher.send(CHANNEL, "bid:new", data);
    await world.time.pass(0);
    world.document.hidden = hiddenNow;
    await world.pass(1_000);
    client.metrics.flush();
    world.document.hidden = false;
    return JSON.parse(world.beacons.at(-1) ?? "").latency;
  };
  for (const [then, now] of [
    [true, true],
    [true, false],
    [false, true],
  ] as const) {
    assert.equal((await told(then, now)).sumMs, 0, `hidden ${then}, ${now}`);
  }
  const { counts, sumMs } = await told(false, false);
  assert.deepEqual([counts.reduce((sum: number, count: number) => sum + count), sumMs >= 200], [1, true]);
  client.dispose();
});

test("events are shown once a frame, however many come", async () => {
  const { world, model } = english();
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(1_000);
  let shown = 0;
  let events = 0;
  auction.on("change", () => shown++);
  auction.on("event", () => events++);
  for (let bids = 0; bids < 50; bids++) {
    model.bid(model.minimum);
    world.pusher.send(CHANNEL, "bid:new", model.log.at(-1)?.data);
  }
  await world.pass(1_000);
  assert.deepEqual([events, shown], [50, 1]);
  client.dispose();
});

test("a listener who throws does not keep events from the others", async (t) => {
  const { world, model } = english();
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  const report = t.mock.method(console, "error", () => undefined);
  await world.pass(100);
  let heard = 0;
  auction.on("event", () => {
    throw new Error("a page's own mistake");
  });
  auction.on("event", () => heard++);
  model.bid(1_000);
  world.pusher.send(CHANNEL, "bid:new", model.log.at(-1)?.data);
  assert.deepEqual([heard, auction.price, report.mock.callCount()], [1, 1_000, 1]);
  client.dispose();
});

test("counts viewers, the latest word counts", async () => {
  const { world, model } = english();
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(100);
  const tell = (at: number, activeViewers: number) =>
    world.pusher.send(CHANNEL, "viewers:count", { auctionId: 7, timestamp: iso(NOON + at), activeViewers });
  tell(2_000, 12);
  tell(1_000, 10);
  assert.equal(auction.standing?.activeViewers, 12);
  client.dispose();
});

test("a Dutch price falls on the second, by the server's clock, and never early", async () => {
  const { world, model } = dutch();
  world.time.wallError = -600_000;
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(500);
  const seen: [number, number][] = [];
  auction.on("change", () => seen.push([world.time.serverNow - NOON, auction.price ?? 0]));
  await world.pass(29_000);
  const drops = seen.filter(([, price], index) => price !== (seen[index - 1]?.[1] ?? 100_000));
  assert.deepEqual(
    drops.map(([, price]) => price),
    [98_500, 97_000, 95_500, 94_000],
  );
  for (const [index, [at]] of drops.entries()) {
    const due = (index + 1) * 7_000;
    assert.ok(at >= due && at <= due + 60, `${at} for ${due}`);
  }
  client.dispose();
});

test("before the clock is known, a Dutch price is what the server said", async () => {
  const { world, model } = dutch();
  world.time.wallError = 3_600_000;
  await world.pass(8_000);
  const told = { ...model.snapshot(), ...model.drop };
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: { ...told, id: 7 } });
  assert.equal(auction.price, 98_500);
  client.dispose();
});

test("the stock of a Dutch auction, sold out and back again", async () => {
  const { world, model } = dutch();
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(100);
  const publish = (from: number) => {
    for (const { event, data } of model.log.slice(from)) world.pusher.send(CHANNEL, event, data);
  };
  for (let taken = 0; taken < 6; taken++) model.take();
  publish(1);
  const standing = () => auction.standing as DutchStanding;
  assert.deepEqual([standing().remainingItems, standing().status, auction.takesBids], [0, "ENDED", false]);
  const known = model.seq;
  model.giveBack();
  publish(known);
  assert.deepEqual(
    [standing().remainingItems, standing().status, standing().outcome, auction.takesBids],
    [1, "RUNNING", null, true],
  );
  assert.equal(dutchPrice(standing(), world.time.serverNow).currentPrice, auction.price);
  client.dispose();
});
