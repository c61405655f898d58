/** A list of which only what is in view is on the page: its rows stand in their order, however it was scrolled. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { windowed } from "../../marketplace/web/client/pages/window.js";

/** As much of an element as the list asks of its own. */
class Row {
  style = { translate: "" };
  list: List | null = null;

  constructor(readonly key: number) {}

  get parentElement(): List | null {
    return this.list;
  }

  get nextElementSibling(): Row | null {
    const rows = this.list?.rows ?? [];
    return rows[rows.indexOf(this) + 1] ?? null;
  }

  remove(): void {
    this.list?.rows.splice(this.list.rows.indexOf(this), 1);
    this.list = null;
  }
}

class List {
  rows: Row[] = [];
  moved = 0;
  style = { setProperty: () => undefined, blockSize: "" };

  insertBefore(row: Row, next: Row | null): void {
    row.remove();
    this.rows.splice(next ? this.rows.indexOf(next) : this.rows.length, 0, row);
    row.list = this;
    this.moved += 1;
  }
}

Object.assign(globalThis, {
  document: {},
  getComputedStyle: () => ({ fontSize: "10px" }),
  ResizeObserver: class {
    observe = () => undefined;
  },
});

test("rows stand in their order, and those that stay are left where they are", () => {
  let scroll = () => {};
  const list = new List();
  const scroller = {
    scrollTop: 5_000,
    clientHeight: 100,
    addEventListener: (_: string, listen: () => void) => (scroll = listen),
  };
  let count = 1_000;
  const shown = windowed({
    scroller: scroller as unknown as HTMLElement,
    list: list as unknown as HTMLElement,
    rowHeight: 1,
    // The newest is on top.
    key: (index) => count - 1 - index,
    fill: (index, row) => row ?? (new Row(count - 1 - index) as unknown as HTMLElement),
    onShow: () => undefined,
  });
  const inOrder = () => {
    const keys = list.rows.map(({ key }) => key);
    assert.deepEqual(
      keys,
      keys.toSorted((one, other) => other - one),
    );
    assert.equal(new Set(keys).size, keys.length);
  };
  shown.update(count);
  inOrder();
  assert.equal(list.rows.length, 30);
  for (const place of [4_950, 4_900, 5_100, 0]) {
    scroller.scrollTop = place;
    scroll();
    inOrder();
  }
  list.moved = 0;
  count += 1;
  shown.update(count, 1);
  inOrder();
  assert.equal(list.moved, 1);
});
