/** Prices drawn by uPlot, in the colours of the page. Loaded by chart.ts when it is needed. */
import uPlot from "uplot";
import type { Point } from "./chart.js";
import { dates } from "./numbers.js";
import { t } from "./text.js";

export interface Plot {
  /** Draw prices: a `line` of what was bid; or `points` where something was paid, and the line that was `planned`. */
  show(prices: { line?: Point[]; points?: Point[]; planned?: Point[] }): void;
}

interface Options {
  /** What the prices are. */
  label: string;
  amount(price: number): string;
}

const HEIGHT_PX = 240;
/** At least so far apart are the moments on the axis. */
const LABEL_PX = 90;
const DAY_S = 86_400;
/** What is shorter is labelled by the time of day. */
const LONG_S = 2 * DAY_S;

const day = new Intl.DateTimeFormat(dates, { day: "numeric", month: "short" });
const hour = new Intl.DateTimeFormat(dates, { hour: "numeric", minute: "2-digit" });
const second = new Intl.DateTimeFormat(dates, { hour: "numeric", minute: "2-digit", second: "2-digit" });
const moment = new Intl.DateTimeFormat(dates, { dateStyle: "medium", timeStyle: "medium" });

export function plotOn(element: HTMLElement, { label, amount }: Options): Plot {
  const colour = colours(element);
  const axis = (): uPlot.Axis => ({
    stroke: () => colour("--ink-2"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { stroke: () => colour("--line"), width: 1 },
    font: `12px ${getComputedStyle(element).fontFamily}`,
  });
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const value = (_: uPlot, price: number | null) => (price === null || price === undefined ? "–" : amount(price));
  const accent = () => colour("--accent");
  const plot = new uPlot(
    {
      width: Math.max(element.clientWidth, 1),
      height: HEIGHT_PX,
      series: [
        { label: t("Time"), value: (_, at) => (at === null ? "–" : moment.format(at * 1000)) },
        { label, value, stroke: accent, width: 2, paths: stepped, points: { show: false } },
        { label, value, stroke: accent, width: 0, paths: () => null, points: { show: true, size: 8, fill: accent }, show: false },
        {
          label: t("Planned price"),
          value,
          stroke: () => colour("--ink-2"),
          dash: [6, 4],
          paths: stepped,
          points: { show: false },
          show: false,
        },
      ],
      axes: [
        { ...axis(), values: (_, moments) => labels(moments), space: LABEL_PX },
        { ...axis(), values: (_, prices) => prices.map(amount), size: widest },
      ],
    },
    [[], [], [], []],
    element,
  );
  new ResizeObserver(() => plot.setSize({ width: Math.max(element.clientWidth, 1), height: HEIGHT_PX })).observe(element);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw());

  return {
    show(prices) {
      const tables = [prices.line, prices.points, prices.planned].map((series) => series ?? []).map(columns);
      plot.batch(() => {
        for (const [index, series] of [prices.line, prices.points, prices.planned].entries()) {
          const wanted = series !== undefined;
          if (plot.series[index + 1]?.show !== wanted) plot.setSeries(index + 1, { show: wanted });
        }
        plot.setData(uPlot.join(tables));
      });
    },
  };
}

/** As uPlot has them: the moments, in seconds, and the prices. Two of one moment would be one for it. */
function columns(points: Point[]): uPlot.AlignedData {
  const moments: number[] = [];
  const prices: (number | null)[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const { at, price } of points) {
    last = Math.max(at / 1000, last + 0.001);
    moments.push(last);
    prices.push(price);
  }
  return [moments, prices];
}

/** Moments of the axis: days, or times of one or two. */
function labels(moments: number[]): string[] {
  const [first = 0, next = first] = moments;
  const format = (moments.at(-1) ?? 0) - first > LONG_S ? day : next - first < 60 ? second : hour;
  return moments.map((at) => format.format(at * 1000));
}

/** As wide as the widest amount on the axis. */
function widest(plot: uPlot, values: string[] | null): number {
  if (!values?.length) return 50;
  plot.ctx.font = plot.axes[1]?.font?.[0] ?? "12px sans-serif";
  const width = Math.max(...values.map((text) => plot.ctx.measureText(text).width));
  return Math.ceil(width / devicePixelRatio) + 20;
}

/** The page's colours as they are now: `light-dark()` is resolved only where a colour is used. */
function colours(element: HTMLElement): (name: string) => string {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  return (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
}
