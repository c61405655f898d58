/** Nothing stays behind: neither listeners nor timers nor channels nor memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { settle, World } from "./fakes.js";
import { ModelEnglish, serving } from "./model.js";

const MOUNTS = 200;
const EVENTS = 100;
/** What the heap may have grown by in an hour: less than an entry in a map for each event would take. */
const HOUR_SLACK_BYTES = 300_000;
/** What the heap may have grown by after all of it: what a thousandth of the events would weigh, were they kept. */
const SLACK_BYTES = 400_000;

function counts(world: World) {
  return {
    timers: world.time.timers,
    bindings: world.pusher.bindings,
    channels: world.pusher.channels.size,
    window: world.window.size,
    document: world.document.size,
  };
}

async function heap(): Promise<number> {
  assert.ok(globalThis.gc, "run with --expose-gc");
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await settle();
  }
  return process.memoryUsage().heapUsed;
}

test(`${MOUNTS} page parts come and go, ${MOUNTS * EVENTS} events pass: everything is as before`, async (t) => {
  const models: ModelEnglish[] = [];
  const world = new World(serving(models));
  const client = world.client();
  // The page's own listeners of the client, which outlive its parts.
  client.on("state", () => undefined);
  const announcements = client.announcements();
  await world.pass(1_000);

  const mount = async (id: number) => {
    const model = new ModelEnglish(id, world.time, world.random);
    models[0] = model;
    const over = new AbortController();
    const auction = client.watch({ id, signal: over.signal });
    const parts = [client.watchers(id, over), client.userMessages(over), client.announcements(over)];
    auction.on("event", () => undefined);
    auction.on("change", () => undefined, { signal: over.signal });
    client.on("bid", () => undefined, { signal: over.signal });
    client.clock.on("change", () => undefined, over);
    client.clock.at(world.time.serverNow + 3_600_000, () => undefined, over);
    // Half of them go while they are still subscribing.
    await world.pass(id % 2 ? 100 : 3);
    for (let bids = 0; bids < EVENTS; bids++) {
      model.bid(model.minimum);
      world.pusher.send(`auction-${id}`, "bid:new", model.log.at(-1)?.data);
      world.pusher.send("private-user-1", "bid:outbid", { auctionId: id, seq: bids });
    }
    if (id % 3 === 0) world.pusher.break();
    if (id % 2) await world.pass(50);
    over.abort();
    assert.ok(auction.disposed && parts.every(({ disposed }) => disposed));
    await world.pass(50);
    world.requests.length = 0;
    world.beacons.length = 0;
    world.pusher.sent.length = 0;
  };

  for (let id = 1; id <= 20; id++) await mount(id);
  await world.pass(30_000);
  const before = { ...counts(world), listeners: client.size + client.clock.size + announcements.size };
  const heapBefore = await heap();
  for (let id = 21; id <= 20 + MOUNTS; id++) await mount(id);
  await world.pass(30_000);
  const after = { ...counts(world), listeners: client.size + client.clock.size + announcements.size };
  const grown = (await heap()) - heapBefore;
  t.diagnostic(`heap ${grown} bytes, ${JSON.stringify(after)}`);
  assert.deepEqual(after, before);
  assert.ok(grown < SLACK_BYTES, `the heap has grown by ${grown} bytes`);

  client.dispose();
  await world.pass(100_000);
  assert.deepEqual(counts(world), { timers: 0, bindings: 0, channels: 0, window: 0, document: 0 });
});

test("an hour of a busy auction leaves the heap flat", async (t) => {
  const models: ModelEnglish[] = [];
  const world = new World(serving(models));
  const model = new ModelEnglish(7, world.time, world.random, 100 * 3_600_000);
  models.push(model);
  const client = world.client();
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(1_000);
  const minutes = async (count: number) => {
    for (let second = 0; second < 60 * count; second++) {
      for (let bids = 0; bids < 5; bids++) {
        model.bid(model.minimum);
        // One in twenty is lost, and fetched.
        if (world.random.chance(0.95)) world.pusher.send("auction-7", "bid:new", model.log.at(-1)?.data);
      }
      await world.pass(1_000);
      // The model's own memory is not what is measured here.
      for (let old = Math.max(0, model.seq - 400); old > 0 && model.log[old - 1]; old--) {
        delete model.log[old - 1];
        delete model.snapshots[old - 1];
        delete model.bids[old - 1];
      }
      world.requests.length = 0;
      world.beacons.length = 0;
      world.pusher.sent.length = 0;
    }
  };
  await minutes(10);
  const before = await heap();
  await minutes(50);
  const grown = (await heap()) - before;
  t.diagnostic(`heap ${grown} bytes after ${model.seq} events`);
  assert.equal(auction.standing?.seq, model.seq);
  assert.ok(grown < HOUR_SLACK_BYTES, `the heap has grown by ${grown} bytes`);
  client.dispose();
});
