/** The server's clock, on a device whose own is wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./fakes.js";

const MINUTE = 60_000;

test("the best of several round trips counts, with half of it as uncertainty", async () => {
  const world = new World();
  const trips: [number, number][] = [
    [200, 10],
    [3, 5],
    [10, 300],
    [50, 50],
  ];
  let sent = 0;
  world.delay = () => trips[sent++] ?? [50, 50];
  const { clock, ...client } = at(world);
  assert.equal(clock.known, false);
  await world.pass(2_000);
  assert.ok(Math.abs(clock.now() - world.time.serverNow) <= 5);
  assert.ok(clock.uncertainty >= 5 && clock.uncertainty <= 5.5);
  client.dispose();
});

test("the first answer is used at once: on a slow network nobody waits for the others", async () => {
  const world = new World();
  world.time.wallError = 3 * MINUTE;
  world.delay = () => [1_000, 1_000];
  const { clock, dispose } = at(world);
  await world.pass(2_100);
  assert.equal(world.asked("/api/time"), 2);
  assert.equal(clock.known, true);
  assert.ok(Math.abs(clock.now() - world.time.serverNow) <= clock.uncertainty);
  dispose();
});

test("it does not matter when somebody sets the device's clock", async () => {
  const world = new World();
  world.time.wallError = -3 * MINUTE;
  const { clock, dispose } = at(world);
  await world.pass(1_000);
  assert.ok(Math.abs(clock.now() - world.time.serverNow) <= clock.uncertainty);
  world.time.wallError = 3 * MINUTE;
  world.document.fire("resume");
  let rung = false;
  clock.at(world.time.serverNow + 2 * MINUTE, () => {
    rung = true;
  });
  for (let tenth = 0; tenth < 600; tenth++) {
    assert.ok(Math.abs(clock.now() - world.time.serverNow) < 20, `${tenth / 10} s later`);
    await world.pass(100);
  }
  assert.ok(Math.abs(clock.now() - world.time.serverNow) <= clock.uncertainty);
  assert.equal(rung, false);
  dispose();
});

test("while the server does not answer, the device's clock is a guess, and what is certain stays certain", async () => {
  let away = false;
  const world = new World((path) => (away && path === "/api/time" ? { status: 503 } : undefined));
  const { clock, dispose } = at(world);
  await world.pass(1_000);
  away = true;
  world.time.sleep(30 * MINUTE, { monotonicToo: false });
  const certain = clock.earliest;
  world.document.fire("resume");
  await world.pass(100);
  assert.ok(Math.abs(clock.now() - world.time.serverNow) < 20);
  assert.ok(Math.abs(clock.earliest - certain - 100) < 10);
  assert.equal(clock.uncertainty, Number.POSITIVE_INFINITY);
  dispose();
});

test("it is refreshed, and a slow answer does not spoil a good estimate", async () => {
  const world = new World();
  const { clock, dispose } = at(world);
  await world.pass(1_000);
  const before = clock.uncertainty;
  // A lopsided way: the estimate from it would be 450 ms off.
  world.delay = () => [950, 50];
  await world.pass(6 * MINUTE);
  assert.ok(world.asked("/api/time") >= 8);
  assert.ok(clock.uncertainty < before + 100);
  assert.ok(Math.abs(clock.now() - world.time.serverNow) < 20);
  dispose();
});

test("after a sleep in which performance.now stood still, it is right again with the first answer", async () => {
  const world = new World();
  const { clock, dispose } = at(world);
  await world.pass(1_000);
  world.time.sleep(30 * MINUTE, { monotonicToo: false });
  world.document.fire("resume");
  assert.equal(clock.uncertainty, Number.POSITIVE_INFINITY);
  await world.pass(20);
  assert.ok(clock.uncertainty < 20);
  assert.ok(Math.abs(clock.now() - world.time.serverNow) <= clock.uncertainty);
  dispose();
});

test("what was asked before a sleep says nothing afterwards", async () => {
  let down = false;
  const world = new World(() => {
    if (down) throw new TypeError("no network");
    return undefined;
  });
  const { clock, dispose } = at(world);
  await world.pass(1_000);
  world.delay = () => [100, 100];
  void clock.synchronize();
  await world.pass(450);
  down = true;
  world.time.sleep(60 * MINUTE, { monotonicToo: false });
  world.document.fire("resume");
  await world.pass(400);
  assert.equal(clock.uncertainty, Number.POSITIVE_INFINITY, "two answers from before do not make it certain");
  down = false;
  await world.pass(5_000);
  assert.ok(Math.abs(clock.now() - world.time.serverNow) <= clock.uncertainty);
  dispose();
});

test("an answer that is none is asked for again, with growing pauses", async () => {
  let fail = true;
  const world = new World((path) => (path === "/api/time" && fail ? { body: { timestamp: "noon" } } : undefined));
  const { clock, dispose } = at(world);
  await world.pass(10_000);
  assert.equal(clock.known, false);
  const asked = world.asked("/api/time");
  assert.ok(asked >= 3 && asked <= 6, `${asked}`);
  fail = false;
  await world.pass(30_000);
  assert.equal(clock.known, true);
  dispose();
});

test("an alarm rings when the server's clock shows the time, and never before", async () => {
  const world = new World();
  world.time.wallError = 3 * MINUTE;
  const { clock, dispose } = at(world);
  const rung: number[] = [];
  const moment = world.time.serverNow + 2_000;
  clock.at(moment, () => rung.push(clock.now()));
  const undo = clock.at(moment, () => assert.fail("it was taken back"));
  const over = new AbortController();
  clock.at(moment, () => assert.fail("it was aborted"), { signal: over.signal });
  undo();
  over.abort();
  await world.pass(1_950);
  assert.deepEqual(rung, []);
  await world.pass(100);
  assert.equal(rung.length, 1);
  assert.ok((rung[0] ?? 0) >= moment);
  dispose();
});

test("an alarm far away is not lost to the longest timer there is", async () => {
  const world = new World();
  const { clock, dispose } = at(world);
  const days = 40 * 24 * 60 * MINUTE;
  let rung = 0;
  await world.pass(1_000);
  clock.at(world.time.serverNow + days, () => rung++);
  world.time.sleep(days - MINUTE);
  await world.pass(30_000);
  assert.equal(rung, 0);
  await world.pass(MINUTE);
  assert.equal(rung, 1);
  dispose();
});

function at(world: World) {
  const client = world.client();
  return { clock: client.clock, dispose: () => client.dispose() };
}
