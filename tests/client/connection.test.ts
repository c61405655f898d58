/** The page's one state, through everything that networks and laptops do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client, ClientOptions } from "../../marketplace/web/client/src/client.js";
import { type Handler, World } from "./fakes.js";
import { type ModelAuction, ModelEnglish, serving } from "./model.js";
import { Random } from "./random.js";

async function live({ handler = () => undefined, ...options }: Partial<ClientOptions> & { handler?: Handler } = {}) {
  const models: ModelAuction[] = [];
  const serve = serving(models);
  const world = new World((path, init) => handler(path, init) ?? serve(path, init));
  const model = new ModelEnglish(7, world.time, world.random);
  models.push(model);
  const client = world.client(options);
  const states = follow(client);
  const auction = client.watch({ id: 7, snapshot: model.snapshot() });
  await world.pass(500);
  assert.equal(client.state, "live");
  return { world, model, client, auction, states };
}

function follow(client: Client): string[] {
  const states: string[] = [client.state];
  client.on("state", (state) => states.push(state));
  return states;
}

const bidLive = (world: World, model: ModelEnglish) => {
  model.bid(model.minimum);
  world.pusher.send("auction-7", "bid:new", model.log.at(-1)?.data);
};

test("connecting, then live; without auctions, too", async () => {
  const { client, states } = await live();
  assert.deepEqual(states, ["connecting", "live"]);
  client.dispose();
  const empty = new World();
  const other = empty.client();
  await empty.pass(100);
  assert.equal(other.state, "live");
  other.dispose();
});

test("Channels that was away for a moment is tried again within seconds, whenever pusher-js would", async () => {
  const { world, client } = await live();
  world.pusher.goAway();
  world.pusher.reachable = true;
  await world.pass(2_500);
  assert.equal(client.state, "live");
  client.dispose();
});

test("Channels away: polling; back: live again, complete, without a reload", async () => {
  const { world, model, client, auction, states } = await live();
  world.pusher.goAway();
  assert.equal(client.state, "polling");
  model.bid(1_500);
  await world.pass(6_000);
  assert.equal(auction.price, 1_500);
  model.bid(1_700);
  world.pusher.comeBack();
  await world.pass(450);
  assert.equal(client.state, "live");
  assert.equal(auction.price, 1_700);
  assert.deepEqual(states, ["connecting", "live", "connecting", "polling", "live"]);
  client.dispose();
});

test("while pusher-js tries again, the page goes on polling and does not flicker", async () => {
  const { world, client, states } = await live();
  world.pusher.goAway();
  for (let attempt = 0; attempt < 5; attempt++) {
    await world.pass(2_000);
    world.pusher.become("connecting");
    await world.pass(2_000);
    world.pusher.become("unavailable");
  }
  assert.deepEqual(states, ["connecting", "live", "connecting", "polling"]);
  client.dispose();
});

test("polls every 5 seconds; as often as the page says; hidden pages more seldom", async () => {
  for (const [options, hidden, least, most] of [
    [{}, false, 11, 14],
    [{ pollEvery: 30_000 }, false, 2, 3],
    [{}, true, 1, 3],
  ] as const) {
    const { world, client } = await live(options);
    world.document.hidden = hidden;
    world.pusher.goAway();
    await world.pass(5_500);
    const before = world.asked("/api/auctions/7");
    await world.pass(60_000);
    const polls = world.asked("/api/auctions/7") - before;
    assert.ok(polls >= least && polls <= most, `${polls} polls with ${JSON.stringify(options)}`);
    client.dispose();
  }
});

test("failed: stopped, no polls; the button connects anew", async () => {
  const { world, client } = await live();
  world.pusher.reachable = false;
  world.pusher.become("failed");
  assert.equal(client.state, "stopped");
  const asked = world.asked(/auctions/);
  await world.pass(14_000);
  assert.equal(world.asked(/auctions/), asked);
  world.pusher.reachable = true;
  client.refresh();
  await world.pass(200);
  assert.equal(client.state, "live");
  client.dispose();
});

test("stopped is no dead end: after a while it tries by itself", async () => {
  const { world, client } = await live();
  // As after a close with 4001: pusher-js disconnects and leaves it at that.
  world.pusher.disconnect();
  assert.equal(client.state, "stopped");
  await world.pass(31_000);
  assert.equal(client.state, "live");
  client.dispose();
});

test("neither Channels nor the server answer: stopped; the server is back: polling", async () => {
  let down = false;
  const { world, model, client, auction } = await live({
    handler: (path) => {
      if (down && path.startsWith("/api")) throw new TypeError("Failed to fetch");
      return undefined;
    },
  });
  down = true;
  world.pusher.goAway();
  await world.pass(12_000);
  assert.equal(client.state, "stopped");
  model.bid(1_500);
  down = false;
  await world.pass(6_000);
  assert.equal(client.state, "polling");
  assert.equal(auction.price, 1_500);
  client.dispose();
});

test("a page is never live and frozen: a silent connection is asked, then replaced", async () => {
  const { world, model, client, auction } = await live();
  // The server is gone and nobody has said so; pusher-js is asleep, too.
  world.pusher.answersPings = false;
  await world.pass(36_000);
  assert.notEqual(client.state, "live");
  world.pusher.answersPings = true;
  model.bid(1_500);
  await world.pass(5_000);
  assert.equal(client.state, "live");
  assert.equal(auction.price, 1_500);
  assert.equal(client.metrics.totals.silences, 1);
  client.dispose();
});

test("an event that is lost although the connection lives on is found within a minute or so", async () => {
  const { world, model, client, auction } = await live();
  world.pusher.send("auction-7", "viewers:count", { auctionId: 7, timestamp: "2026-11-20T12:00:00.000Z", activeViewers: 3 });
  model.bid(1_500);
  for (let beat = 0; beat < 7; beat++) {
    await world.pass(10_000);
    world.pusher.message();
  }
  assert.equal(auction.price, 1_500);
  assert.ok(world.asked("/api/auctions/7") === 1);
  client.dispose();
});

test("it is known when the last message came", async () => {
  const { world, model, client } = await live();
  bidLive(world, model);
  await world.pass(4_000);
  assert.equal(client.quietFor, 4_000);
  assert.ok(Math.abs((client.lastMessageAt ?? 0) - (world.time.serverNow - 4_000)) < 10);
  client.dispose();
});

for (const monotonicToo of [true, false]) {
  test(`a laptop that slept (performance.now ${monotonicToo ? "ran on" : "stood still"}) is not live until it has asked`, async () => {
    const { world, model, client, auction, states } = await live();
    world.time.sleep(3_600_000, { monotonicToo });
    model.bid(1_500);
    // The socket is dead, but nobody has told.
    world.pusher.answersPings = false;
    world.document.fire("visibilitychange");
    await world.pass(100);
    if (client.state === "live") await world.pass(5_000);
    assert.notEqual(client.state, "live");
    world.pusher.answersPings = true;
    await world.pass(4_000);
    assert.equal(client.state, "live");
    assert.equal(auction.price, 1_500);
    assert.ok(states.includes("connecting"));
    assert.ok(Math.abs(client.clock.now() - world.time.serverNow) < 20);
    client.dispose();
  });
}

test("a frozen page whose connection has lived on asks for nothing: nothing was missed", async () => {
  const { world, client } = await live();
  const asked = world.asked(/auctions/);
  world.time.sleep(40_000);
  await world.pass(6_000);
  assert.equal(client.state, "live");
  assert.equal(client.metrics.totals.wakes, 1);
  assert.equal(world.asked(/auctions/), asked);
  client.dispose();
});

test("after a sleep, a message from before it is no answer", async () => {
  const { world, model, client, auction } = await live();
  world.pusher.answersPings = false;
  world.time.sleep(3_600_000);
  model.bid(1_500);
  world.document.fire("resume");
  world.pusher.message();
  assert.equal(client.state, "connecting");
  world.pusher.answersPings = true;
  await world.pass(4_000);
  assert.deepEqual([client.state, auction.price], ["live", 1_500]);
  client.dispose();
});

test("whoever comes back to a hidden page that polls does not wait for its next turn", async () => {
  const { world, client } = await live();
  world.pusher.goAway();
  world.document.hidden = true;
  world.document.fire("visibilitychange");
  await world.pass(12_000);
  world.document.hidden = false;
  world.document.fire("visibilitychange");
  await world.pass(100);
  const asked = world.asked("/api/auctions/7");
  await world.pass(5_600);
  assert.equal(world.asked("/api/auctions/7"), asked + 1);
  client.dispose();
});

test("a slow server is not asked again before it has answered, and not after everything at once", async () => {
  const models: ModelAuction[] = [];
  const world = new World(serving(models));
  const client = world.client();
  for (let id = 1; id <= 20; id++) {
    const model = new ModelEnglish(id, world.time, world.random);
    models.push(model);
    client.watch({ id, snapshot: model.snapshot() });
  }
  await world.pass(1_000);
  world.delay = () => [4_500, 4_500];
  world.pusher.goAway();
  const snapshots = /^\/api\/auctions\/\d+$/;
  await world.pass(12_000);
  assert.equal(world.asked(snapshots), 20);
  const first = world.requests.findIndex(({ path }) => snapshots.test(path));
  assert.ok(first >= 0);
  client.dispose();
});

test("the button asks after everything, also where Channels will never come", async () => {
  const { world, model, client, auction } = await live();
  world.pusher.reachable = false;
  world.pusher.become("failed");
  model.bid(1_500);
  client.refresh();
  await world.pass(100);
  assert.equal(auction.price, 1_500);
  client.dispose();
});

test("the server was away for long: live again within the time between two polls", async () => {
  let down = false;
  const { world, client } = await live({
    handler: (path) => {
      if (down && path.startsWith("/api")) throw new TypeError("Failed to fetch");
      return undefined;
    },
  });
  down = true;
  world.pusher.break();
  for (let second = 0; second < 90; second++) {
    await world.pass(1_000);
    world.pusher.message();
  }
  assert.equal(client.state, "stopped");
  down = false;
  await world.pass(5_100);
  assert.equal(client.state, "live");
  client.dispose();
});

test("switching tabs for a moment is no sleep", async () => {
  const { world, client } = await live();
  world.document.hidden = true;
  world.document.fire("visibilitychange");
  await world.pass(2_000);
  world.document.hidden = false;
  world.document.fire("visibilitychange");
  await world.pass(1_000);
  assert.equal(client.metrics.totals.wakes, 0);
  client.dispose();
});

test("a subscription that is refused, or lost, is tried again; meanwhile the page polls", async () => {
  for (const fate of ["refused", "lost"] as const) {
    const { world, model, client, auction } = await live();
    world.pusher.fate = () => fate;
    world.pusher.break();
    await world.pass(11_000);
    assert.equal(client.state, "polling");
    model.bid(1_500);
    await world.pass(6_000);
    assert.equal(auction.price, 1_500);
    world.pusher.fate = () => "confirmed";
    await world.pass(45_000);
    assert.equal(client.state, "live");
    client.dispose();
  }
});

test("permission that could not be had is asked for again; one that was refused much later", async () => {
  for (const [status, soon] of [
    [503, true],
    [403, false],
  ] as const) {
    let failing = true;
    const handler: Handler = (path) =>
      path === "/pusher/auth" && failing ? { status, body: { code: "no", detail: "No." } } : undefined;
    const world = new World(handler);
    const client = world.client();
    const messages = client.userMessages();
    await world.pass(200);
    assert.equal(messages.subscribed, false);
    failing = false;
    await world.pass(5_000);
    assert.equal(messages.subscribed, soon);
    await world.pass(60_000);
    assert.equal(messages.subscribed, true);
    client.dispose();
  }
});

test("permission for a connection that is lost concerns the next one no more", async () => {
  const models: ModelAuction[] = [];
  const world = new World(serving(models));
  const model = new ModelEnglish(7, world.time, world.random);
  models.push(model);
  let hanging = true;
  const { fetch } = world.environment;
  world.environment.fetch = (path, init) => {
    if (path !== "/pusher/auth" || !hanging) return fetch(path, init);
    return new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
  };
  const client = world.client();
  client.watch({ id: 7, snapshot: model.snapshot(), channel: "private-auction-7" });
  await world.pass(500);
  hanging = false;
  world.pusher.break();
  await world.pass(1_000);
  const states = follow(client);
  await world.pass(20_000);
  assert.deepEqual([states, client.metrics.totals.subscriptionFailures], [["live"], 0]);
  client.dispose();
});

test("where there are no WebSockets the page says so from the start", async () => {
  const world = new World();
  world.webSockets = false;
  const client = world.client();
  assert.equal(client.state, "stopped");
  client.dispose();
});

test("back after a restart, pages ask within 200 ms, not all at once; the first time at once", async () => {
  for (const channel of ["auction-7", "private-auction-7"]) {
    const waited = new Set<number>();
    for (let page = 1; page <= 20; page++) {
      const models: ModelAuction[] = [];
      const world = new World(serving(models), new Random(page));
      const model = new ModelEnglish(7, world.time, world.random);
      models.push(model);
      const client = world.client();
      client.watch({ id: 7, snapshot: model.snapshot(), channel });
      const asks = async () => {
        const before = world.asked(/auth|events/);
        const from = world.time.elapsed;
        while (world.asked(/auth|events/) === before) await world.pass(1);
        return world.time.elapsed - from;
      };
      assert.ok((await asks()) < 40);
      await world.pass(500);
      world.pusher.break();
      waited.add(Math.floor((await asks()) / 20));
      await world.pass(480);
      assert.equal(client.state, "live");
      client.dispose();
    }
    assert.ok(waited.size >= 6 && Math.max(...waited) <= 11, [...waited].join(" "));
  }
});

test("permission that is never answered does not hold the page up forever", async () => {
  const world = new World();
  let hanging = true;
  const { fetch } = world.environment;
  world.environment.fetch = (path, init) => {
    if (path !== "/pusher/auth" || !hanging) return fetch(path, init);
    return new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
  };
  const client = world.client();
  const messages = client.userMessages();
  await world.pass(5_000);
  hanging = false;
  await world.pass(10_000);
  assert.equal(messages.subscribed, true);
  client.dispose();
});

test("two parts of a page share a channel, which is left with the last of them", async () => {
  const { world, model, client, auction } = await live();
  const over = new AbortController();
  const second = client.watch({ id: 7, snapshot: model.snapshot(), signal: over.signal });
  await world.pass(100);
  assert.equal(world.pusher.channels.size, 1);
  assert.equal(second.freshness, "current");
  auction.dispose();
  bidLive(world, model);
  assert.deepEqual([auction.price, second.price], [1_000, model.price]);
  over.abort();
  assert.equal(second.disposed, true);
  assert.equal(world.pusher.channels.size, 0);
  client.dispose();
});

test("a channel that was left while pending is not subscribed to after a reconnection", async () => {
  const world = new World();
  const client = world.client();
  await world.pass(100);
  const announcements = client.announcements();
  announcements.dispose();
  world.pusher.break();
  await world.pass(1_000);
  assert.equal(world.pusher.channels.size, 0);
  client.dispose();
});

test("what is disposed of hears nothing more, and asks for nothing", async () => {
  const { world, model, client, auction } = await live();
  let heard = 0;
  auction.on("event", () => heard++);
  client.on("state", () => heard++);
  client.dispose();
  const asked = world.requests.length;
  model.bid(1_500);
  world.pusher.send("auction-7", "bid:new", model.log.at(-1)?.data);
  world.window.fire("online");
  await world.pass(600_000);
  assert.deepEqual([heard, world.requests.length - asked, world.time.timers], [0, 0, 0]);
  assert.equal(world.window.size + world.document.size, 0);
});
