/** Presence, messages to one user, announcements, and what is counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Beacon } from "../../marketplace/web/client/src/metrics.js";
import { World } from "./fakes.js";
import { ModelEnglish, serving } from "./model.js";

test("who watches: told, kept up to date, and unknown while the connection is away", async () => {
  const world = new World();
  const client = world.client();
  const watchers = client.watchers(7);
  const seen: string[][] = [];
  watchers.on("change", (others) => seen.push(others.map(({ name }) => name)));
  world.pusher.members = [
    { id: "1", info: { name: "Me" } },
    { id: "2", info: { name: "Ann" } },
  ];
  assert.equal(watchers.known, false);
  await world.pass(100);
  world.pusher.send("presence-auction-7", "pusher:member_added", { id: "3", info: { name: "Bob" } });
  world.pusher.send("presence-auction-7", "pusher:member_removed", { id: "2", info: { name: "Ann" } });
  assert.deepEqual(seen, [["Ann"], ["Ann", "Bob"], ["Bob"]]);
  world.pusher.goAway();
  assert.deepEqual([watchers.known, watchers.others], [false, []]);
  world.pusher.comeBack();
  await world.pass(300);
  assert.deepEqual(
    watchers.others.map(({ id }) => id),
    ["2"],
  );
  watchers.dispose();
  assert.equal(world.pusher.channels.size, 0);
  client.dispose();
});

test("messages to one user: each once, and a word when some may have been missed", async () => {
  const world = new World();
  const client = world.client({ userId: 5 });
  const messages = client.userMessages();
  const heard: string[] = [];
  messages.on("message", ({ name, data }) => heard.push(`${name} ${data.seq}`));
  messages.on("subscribed", () => heard.push("subscribed"));
  await world.pass(100);
  const send = (name: string, data: unknown) => world.pusher.send("private-user-5", name, data);
  send("bid:outbid", { auctionId: 7, seq: 3, currentBid: 5 });
  send("bid:outbid", { auctionId: 7, seq: 3, currentBid: 5 });
  send("bid:outbid", { auctionId: 7, seq: 4, currentBid: 6 });
  send("bid:outbid", "garbage");
  world.pusher.break();
  await world.pass(300);
  assert.deepEqual(heard, ["subscribed", "bid:outbid 3", "bid:outbid 4", "subscribed"]);
  assert.deepEqual([client.metrics.totals.stale, client.metrics.totals.malformed], [1, 1]);
  client.dispose();
});

test("nobody is signed in: nothing to listen to", () => {
  const client = new World().client({ userId: null });
  assert.throws(() => client.userMessages(), /nobody is signed in/);
  client.dispose();
});

test("announcements are for everybody", async () => {
  const world = new World();
  const client = world.client({ userId: null });
  const heard: string[] = [];
  client.announcements().on("message", ({ name }) => heard.push(name));
  await world.pass(100);
  world.pusher.send("announcements", "notice", { text: "Closed tonight" });
  assert.deepEqual(heard, ["notice"]);
  client.dispose();
});

test("beacons: what has happened since the last, in few bytes, and again if they were not taken", async () => {
  const world = new World();
  const client = world.client();
  await world.pass(1_000);
  world.takesBeacons = false;
  await world.pass(90_000);
  world.takesBeacons = true;
  world.pusher.break();
  await world.pass(90_000);
  const first = JSON.parse(world.beacons[0] ?? "") as Beacon;
  assert.deepEqual([first.counters.connects, first.counters.reconnects, first.connectMs], [2, 1, 5]);
  await world.pass(300_000);
  assert.equal(world.beacons.length, 1, "nothing happened, nothing is told");
  assert.ok((world.beacons[0] ?? "").length < 600);
  world.pusher.break();
  world.document.hidden = true;
  world.document.fire("visibilitychange");
  assert.equal((JSON.parse(world.beacons[1] ?? "") as Beacon).counters.connectionFailures, 1);
  client.dispose();
});

test("latency: from the server's timestamp to the frame that shows it, by the server's clock", async () => {
  const models: ModelEnglish[] = [];
  const world = new World(serving(models));
  world.time.wallError = 180_000;
  const model = new ModelEnglish(7, world.time, world.random);
  models.push(model);
  const client = world.client();
  client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(1_000);
  for (let bids = 0; bids < 5; bids++) {
    model.bid(model.minimum);
    const { data } = model.log.at(-1) as { data: unknown };
    world.time.setTimeout(() => world.pusher.send("auction-7", "bid:new", data), 40);
    await world.pass(1_000);
  }
  client.dispose();
  const { latency } = JSON.parse(world.beacons[0] ?? "") as Beacon;
  // 40 ms on the way, 16 to the next frame.
  assert.deepEqual(latency.counts, [0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.ok(Math.abs(latency.sumMs - 5 * 56) <= 25, `${latency.sumMs}`);
});

test("nothing stays behind at a signal that outlasts what it was for", async () => {
  const world = new World();
  const client = world.client();
  await world.pass(100);
  const { signal } = new AbortController();
  let listening = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (name: string, listener: EventListener) => {
    listening++;
    add(name, listener);
  };
  signal.removeEventListener = (name: string, listener: EventListener) => {
    listening--;
    remove(name, listener);
  };
  const announcements = client.announcements({ signal });
  announcements.on("message", () => undefined, { signal });
  client.clock.at(world.time.serverNow + 1_000, () => undefined, { signal });
  assert.equal(listening, 3);
  await world.pass(2_000);
  announcements.dispose();
  assert.equal(listening, 0);
  client.dispose();
});
