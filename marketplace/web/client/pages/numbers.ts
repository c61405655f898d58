/** Amounts, moments and spans, as the reader writes them; the server's templates write the same. */
import type { EnglishStanding } from "../src/index.js";
import { language, t } from "./text.js";

const moneyFormats = new Map<string, Intl.NumberFormat>();

/** `(15000, "USD", 2)` -> `$150.00`. The server says how many digits the currency has. */
export function money(amount: number, currency: string, digits: number): string {
  const key = `${currency}${digits}`;
  let format = moneyFormats.get(key);
  if (!format) {
    const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    format = new Intl.NumberFormat(language, { style: "currency", currency, ...fraction });
    moneyFormats.set(key, format);
  }
  return format.format(amount / 10 ** digits);
}

/** `(15000, 2)` -> `150.00`: as an amount is put into a form. */
export function major(amount: number, digits: number): string {
  return (amount / 10 ** digits).toFixed(digits);
}

/** `("1,234.50", 2)` -> `123450`; null when it is no such amount. */
export function minor(text: string, digits: number): number | null {
  const match = /^(?:\d{1,13}|\d{1,3}(?:,\d{3}){1,4})(?:\.(\d+))?$/.exec(text.trim());
  if (!match) return null;
  const fraction = (match[1] ?? "").replace(/0+$/, "");
  if (fraction.length > digits) return null;
  const [whole = ""] = text.trim().replaceAll(",", "").split(".");
  return Number(whole + fraction.padEnd(digits, "0"));
}

/** The step that a bid over `amount` must make, in minor units. */
export function stepAfter(
  { incrementTable, minIncrement }: Pick<EnglishStanding, "incrementTable" | "minIncrement">,
  amount: number,
): number {
  return incrementTable?.findLast(([from]) => from <= amount)?.[1] ?? minIncrement ?? 1;
}

const full = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const time = new Intl.DateTimeFormat(language, { timeStyle: "medium" });

/** A `<time>` in the reader's zone; with `data-style="time"`, one of today by its time alone. */
export function localize(element: HTMLTimeElement): void {
  const moment = new Date(element.dateTime);
  const today = moment.toDateString() === new Date().toDateString();
  element.textContent = (element.dataset.style === "time" && today ? time : full).format(moment);
}

/** Every `<time>` in a part of the page. */
export function localizeAll(root: ParentNode = document): void {
  for (const element of root.querySelectorAll<HTMLTimeElement>("time[datetime]")) localize(element);
}

/** Seconds as `6 min 40 s`, `6 h 45 min`: their two largest units. */
export function span(seconds: number): string {
  const [d, h, m, s] = parts(seconds);
  const all = [
    d && t("%(num)s d", { num: d }),
    h && t("%(num)s h", { num: h }),
    m && t("%(num)s min", { num: m }),
    s && t("%(num)s s", { num: s }),
  ];
  return all.filter(Boolean).slice(0, 2).join(" ") || t("%(num)s s", { num: 0 });
}

/** Milliseconds as `2 d 3 h`, `3 h 20 min`, `4:05`: for a countdown. */
export function duration(milliseconds: number): string {
  const [d, h, m, s] = parts(Math.max(0, Math.ceil(milliseconds / 1000)));
  if (d) return `${t("%(num)s d", { num: d })} ${t("%(num)s h", { num: h })}`;
  if (h) return `${t("%(num)s h", { num: h })} ${t("%(num)s min", { num: m })}`;
  return `${m}:${String(s).padStart(2, "0")}`;
}

function parts(seconds: number): [number, number, number, number] {
  return [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
}
