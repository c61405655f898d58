/** A list of which only what is in view is on the page. Its rows are equally high, so where each is follows by reckoning. */

/** The list. */
export interface Windowed {
  /** Show what there is now. `before`: so many rows have come on top of those that were there. */
  update(count: number, before?: number): void;
}

export interface WindowOptions {
  /** What scrolls, and in it the list. */
  scroller: HTMLElement;
  list: HTMLElement;
  /** How high a row is, in rem. */
  rowHeight: number;
  /** What stays the same row while its index changes. */
  key(index: number): number;
  /** Make a row, or fill the one that is there anew. */
  fill(index: number, row: HTMLElement | undefined): HTMLElement;
  /** These rows are in view now. */
  onShow(from: number, to: number): void;
}

/** Rows above and below what is in view, for the next turn of a wheel. */
const MARGIN = 10;

export function windowed({ scroller, list, rowHeight, key, fill, onShow }: WindowOptions): Windowed {
  const rows = new Map<number, HTMLElement>();
  let count = 0;
  let height = 0;

  function measure(): void {
    height = rowHeight * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    list.style.setProperty("--row", `${height}px`);
    list.style.blockSize = `${count * height}px`;
  }

  function show(): void {
    const first = Math.max(0, Math.floor(scroller.scrollTop / height) - MARGIN);
    const last = Math.min(count, Math.ceil((scroller.scrollTop + scroller.clientHeight) / height) + MARGIN) - 1;
    const left = new Set(rows.keys());
    for (let index = first; index <= last; index += 1) left.delete(key(index));
    for (const name of left) {
      rows.get(name)?.remove();
      rows.delete(name);
    }
    // From the end, and in their order: a screen reader goes by that, not by where they are seen.
    let next: HTMLElement | null = null;
    for (let index = last; index >= first; index -= 1) {
      const row = fill(index, rows.get(key(index)));
      row.style.translate = `0 ${index * height}px`;
      rows.set(key(index), row);
      if (row.parentElement !== list || row.nextElementSibling !== next) list.insertBefore(row, next);
      next = row;
    }
    if (last >= first) onShow(first, last);
  }

  scroller.addEventListener("scroll", show, { passive: true });
  new ResizeObserver(() => {
    measure();
    show();
  }).observe(scroller);

  return {
    update(now, before = 0) {
      count = now;
      measure();
      // Whoever reads further down goes on reading the same; at the top they see what comes.
      if (before > 0 && scroller.scrollTop > 0) scroller.scrollTop += before * height;
      show();
    },
  };
}
