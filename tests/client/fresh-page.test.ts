/** Pages that fetch themselves: what could not be had is asked for again. Without a browser, so with as little of a page as that. */
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

/** What the server answers next: a status, or nothing at all; then 200. */
let answers: (number | null)[] = [];
let asked: string[] = [];

Object.assign(globalThis, {
  window: globalThis,
  document: { documentElement: { lang: "en", dataset: {} }, body: { dataset: { here: "/auctions/7" } } },
  DOMParser: class {
    parseFromString = (html: string) => ({ querySelector: () => (html.includes("part") ? { html } : null) });
  },
  fetch: async (path: string) => {
    asked.push(path);
    const status = answers.length > 0 ? answers.shift() : 200;
    if (!status) throw new TypeError("the network is away");
    return new Response(status === 200 ? `the part, at the ${asked.length}. time` : "", { status });
  },
});
// Only now: where they are, modules look up at once.
const { freshPage } = await import("../../marketplace/web/client/pages/fresh-page.js");

beforeEach(() => {
  answers = [];
  asked = [];
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

/** Lets time pass, and what was asked for arrive. */
async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}

test("asked for at the page's own address, once however often within the wait", async () => {
  const taken: unknown[] = [];
  const page = freshPage("#part", (fresh) => taken.push(fresh));
  page.fetch(5_000);
  page.fetch(5_000);
  await pass(5_000);
  assert.deepEqual([asked, taken.length], [["/auctions/7"], 1]);
});

test("what could not be had is asked for again, with pauses that grow", async () => {
  const taken: unknown[] = [];
  answers = [503, null, 429];
  freshPage("#part", (fresh) => taken.push(fresh)).fetch();
  await pass(0);
  for (const [pause, times] of [
    [3_900, 1],
    [4_100, 2],
    [7_900, 2],
    [8_100, 3],
    [15_900, 3],
    [16_100, 4],
  ] as const) {
    await pass(pause);
    assert.equal(asked.length, times);
  }
  await pass(600_000);
  assert.deepEqual([asked.length, taken.length], [4, 1]);
});

test("something new ends the pause", async () => {
  answers = [503, 503, 503];
  const page = freshPage("#part", () => undefined);
  page.fetch();
  await pass(0);
  page.fetch();
  await pass(0);
  assert.equal(asked.length, 2);
});

test("a page that there is not is not asked for again", async () => {
  answers = [404];
  freshPage("#part", () => assert.fail("nothing came")).fetch();
  await pass(0);
  await pass(600_000);
  assert.equal(asked.length, 1);
});
