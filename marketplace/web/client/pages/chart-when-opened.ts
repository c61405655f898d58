/** The chart of a page (`_chart.html`): most readers never open it, so what draws it comes when one does. */
import type { Standing } from "../src/index.js";
import { find } from "./dom.js";
import type { Live, Ticking } from "./live.js";

export function drawWhenOpened<S extends Standing>(
  root: HTMLElement,
  live: Live<S>,
  options: { time: Ticking; digits: number },
): void {
  const details = find<HTMLDetailsElement>(root, "[data-chart]");
  const problem = find(details, "[data-problem]");
  const loaded = new AbortController();
  const { signal } = loaded;
  const draw = async () => {
    if (!details.open) return;
    problem.hidden = true;
    try {
      const { showChart } = await import("./chart.js");
      if (!signal.aborted) showChart(root, live, options);
      loaded.abort();
    } catch {
      problem.hidden = false;
    }
  };
  details.addEventListener("toggle", () => void draw(), { signal });
  find(problem, "button").addEventListener("click", () => void draw(), { signal });
}
