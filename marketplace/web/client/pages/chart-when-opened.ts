/** The chart of a page (`_chart.html`): most readers never open it, so what draws it comes when one does. */
import type { Standing } from "../src/index.js";
import { find } from "./dom.js";
import type { Live, Ticking } from "./live.js";

export function drawWhenOpened<S extends Standing>(
  root: HTMLElement,
  live: Live<S>,
  options: { time: Ticking; digits: number },
): void {
  const draw = async () => {
    try {
      const { showChart } = await import("./chart.js");
      showChart(root, live, options);
    } catch {
      // When it is opened once more.
      drawWhenOpened(root, live, options);
    }
  };
  find(root, "[data-chart]").addEventListener("toggle", () => void draw(), { once: true });
}
