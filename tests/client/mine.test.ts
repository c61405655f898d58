/** Whether I lead: from what the auction tells everybody, and what only I am told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { signal } from "@preact/signals-core";
import { mineOf } from "../../marketplace/web/client/pages/mine.js";
import type { EnglishStanding } from "../../marketplace/web/client/src/index.js";

const leading = { name: "Ann", leads: true, max: 1_000, hasBid: true };
const withdrawn = { seq: 3, bidderName: null };

function standing(seq: number, currentBid: number | null) {
  return signal({ seq, currentBid } as EnglishStanding);
}

test("whoever led until their only bid was withdrawn was outbid at no time", () => {
  const mine = mineOf(standing(2, 1_000), leading);
  mine.bidsWithdrawn(withdrawn);
  assert.deepEqual([mine.max.value, mine.hasBid.value], [null, false]);
  mine.told({ youLead: false, yourMaxAmount: null, hasBid: false }, 3);
  assert.deepEqual([mine.max.value, mine.hasBid.value], [null, false]);
});

test("somebody whose other bid stands is outbid once the server has said so", () => {
  const mine = mineOf(standing(2, 1_000), leading);
  mine.bidsWithdrawn({ ...withdrawn, bidderName: "Bob" });
  mine.told({ youLead: false, yourMaxAmount: null, hasBid: true }, 3);
  assert.deepEqual([mine.max.value, mine.hasBid.value], [null, true]);
});

test("what was asked before a bid of mine says nothing about it", () => {
  const mine = mineOf(standing(2, 900), {});
  mine.leads(3, 1_000);
  mine.told({ youLead: false, yourMaxAmount: null, hasBid: false }, 2);
  assert.deepEqual([mine.max.value, mine.hasBid.value], [1_000, true]);
});
