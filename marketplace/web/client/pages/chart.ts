/** The price over time: what is needed to draw it is loaded when somebody wants to see it, and best this, too. */
import { type AuctionEvent, type DutchStanding, dutchPrice, isDutch, type Standing } from "../src/index.js";
import { find, make } from "./dom.js";
import { inNextFrame } from "./frames.js";
import { effect, type Live, type Ticking } from "./live.js";
import { localize, money } from "./numbers.js";
import type { Plot } from "./plot.js";
import { t } from "./text.js";

/** The price from a moment on, in milliseconds since 1970; null when no bid stands any more. */
export interface Point {
  at: number;
  price: number | null;
}

/** From so many on, what came live is asked for again in fewer points. */
const MOST_POINTS = 2_000;
/** More drops than this would be narrower than a pixel. */
const MOST_STEPS = 1_000;

interface Options {
  time: Ticking;
  digits: number;
}

/** Draws the chart of a page (`_chart.html`) once it is opened, and keeps it true. */
export function showChart(root: HTMLElement, { auction, standing }: Live<Standing>, { time, digits }: Options): void {
  const details = root.querySelector<HTMLDetailsElement>("[data-chart]");
  if (!details) return;
  const canvas = find(details, "[data-plot]");
  const nothing = find(details, "[data-nothing]");
  const problem = find(details, "[data-problem]");
  const table = find<HTMLDetailsElement>(details, "[data-table]");
  const amount = (price: number) => money(price, standing.value.currency, digits);
  let points: Point[] = [];
  /** The event up to which they tell. */
  let newest = 0;
  /** What came live while they were asked for; null when they are not. */
  let meanwhile: AuctionEvent[] | null = null;
  let plot: Plot | null = null;
  /** How many of them are in the table: whoever reads it keeps their place while others come on top. */
  let tabled = 0;

  async function begin(): Promise<void> {
    if (meanwhile) return;
    meanwhile = [];
    problem.hidden = true;
    try {
      const [{ plotOn }] = await Promise.all([import("./plot.js"), load()]);
      plot ??= plotOn(canvas, { label: isDutch(standing.value) ? t("What was paid") : t("Price"), amount });
    } catch {
      problem.hidden = false;
    }
    const came = meanwhile;
    meanwhile = null;
    for (const event of came) append(event);
    soon();
  }

  async function load(): Promise<void> {
    const answer = await fetch(`/api/auctions/${auction.id}/prices`);
    if (!answer.ok) throw new Error(`the prices answered ${answer.status}`);
    const found: { seq: number; points: { at: string; price: number | null }[] } = await answer.json();
    points = found.points.map(({ at, price }) => ({ at: Date.parse(at), price }));
    newest = found.seq;
    tabled = 0;
  }

  /** While it is closed nothing is kept: it is asked for again when it is opened. */
  function append(event: AuctionEvent): void {
    if (!details?.open) return;
    if (meanwhile) return void meanwhile.push(event);
    const { seq, timestamp } = event.data;
    const price = priceAfter(event);
    if (price === undefined || seq <= newest) return;
    newest = seq;
    points.push({ at: Date.parse(timestamp), price });
    if (points.length > MOST_POINTS) void begin();
    soon();
  }

  const showSoon = inNextFrame(show);
  function soon(): void {
    if (plot && details?.open) showSoon();
  }

  function show(): void {
    const { value } = standing;
    const now = time.now.peek();
    nothing.hidden = points.length > 0;
    canvas.hidden = !isDutch(value) && points.length === 0;
    if (isDutch(value)) plot?.show({ points, planned: staircase(value) });
    else plot?.show({ line: upToNow(points, value, now) });
    if (table.open) showTable();
  }

  function showTable(): void {
    const rows = points
      .slice(tabled)
      .reverse()
      .map(({ at, price }) => {
        const moment = make("time", { datetime: new Date(at).toISOString(), "data-style": "time" });
        localize(moment);
        return make("tr", {}, make("td", {}, moment), make("td", { text: price === null ? t("No bids") : amount(price) }));
      });
    const body = find(table, "tbody");
    if (tabled === 0) body.replaceChildren();
    body.prepend(...rows);
    tabled = points.length;
  }

  details.addEventListener("toggle", () => {
    if (details.open) void begin();
  });
  table.addEventListener("toggle", () => table.open && showTable());
  find(problem, "button").addEventListener("click", () => void begin());
  if (details.open) void begin();
  auction.on("event", append);
  auction.on("reset", () => details.open && void begin());
  // The line goes on while nobody bids.
  effect(() => {
    if (time.now.value !== null) soon();
  });
}

/** What an event makes the price; undefined when it has nothing to do with it. */
function priceAfter(event: AuctionEvent): number | null | undefined {
  if (event.name === "bid:new" || event.name === "bid:retracted") return event.data.currentBid;
  return event.name === "item:sold" ? event.data.price : undefined;
}

/** The last price stands until now, or until the end. */
function upToNow(points: Point[], { endsAt }: Standing, now: number | null): Point[] {
  const last = points.at(-1);
  if (!last || now === null) return points;
  return [...points, { at: Math.max(last.at, Math.min(now, Date.parse(endsAt))), price: last.price }];
}

/** The prices that the terms of a Dutch auction give, from its start to its end. */
function staircase(standing: DutchStanding): Point[] {
  if (standing.startsAt === null) return [];
  const [start, end] = [Date.parse(standing.startsAt), Date.parse(standing.endsAt)];
  // Of very many steps, every so many: those between them could not be told apart.
  const every = Math.ceil(dutchPrice(standing, start).dropsRemaining / MOST_STEPS) || 1;
  const steps: Point[] = [];
  for (let at = start; at < end; at += every * standing.dropEvery * 1000) {
    const { currentPrice, dropsRemaining } = dutchPrice(standing, at);
    steps.push({ at, price: currentPrice });
    if (dropsRemaining === 0) break;
  }
  const last = steps.at(-1);
  return last ? [...steps, { at: end, price: last.price }] : [];
}
