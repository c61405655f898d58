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
    // Always grouped, as the server does it: 1 234,50 zł, too.
    format = new Intl.NumberFormat(language, { style: "currency", currency, useGrouping: "always", ...fraction });
    moneyFormats.set(key, format);
  }
  return format.format(amount / 10 ** digits);
}

/** `(15000, 2)` -> `150.00`: as an amount is put into a form. */
export function major(amount: number, digits: number): string {
  return (amount / 10 ** digits).toFixed(digits);
}

const decimalComma = new Intl.NumberFormat(language).format(0.5).includes(",");
const AMOUNT = decimalComma
  ? /^(?:\d{1,15}|\d{1,3}(?: \d{3}){1,4})(?:[.,](\d{1,4}))?$/
  : /^(?:\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.(\d{1,4}))?$/;
/** Thousands or decimals? */
const TWO_WAYS = /^\d{1,3},\d{3}$/;
/** What Urdu keyboards may write for 0123456789., */
const URDU = "۰۱۲۳۴۵۶۷۸۹٫٬";

/**
 * `("1,234.50", 2)` -> `123450`, in Polish `"1 234,50"`, too; null when it is no such amount. A text is never one amount in
 * one language and another one in the next: what could be read in two ways is refused. The server's forms read the same.
 */
export function minor(text: string, digits: number): number | null {
  const plain = latin(text.trim().replace(/[\u00a0\u202f]/g, " "));
  const match = AMOUNT.exec(plain);
  if (!match || (digits > 2 && TWO_WAYS.test(plain))) return null;
  const written = match[1] ?? "";
  const fraction = written.replace(/0+$/, "");
  // Three digits after a point or comma may be meant as thousands, even if they are zeros.
  if (fraction.length > digits || (written.length === 3 && digits < 3)) return null;
  const whole = plain.slice(0, plain.length - (written ? written.length + 1 : 0)).replace(/[ ,]/g, "");
  return Number(whole + fraction.padEnd(digits, "0"));
}

function latin(text: string): string {
  return language === "ur" ? text.replace(/[۰-۹٫٬]/g, (each) => "0123456789.,".charAt(URDU.indexOf(each))) : text;
}

/** The step that a bid over `amount` must make, in minor units. */
export function stepAfter(
  { incrementTable, minIncrement }: Pick<EnglishStanding, "incrementTable" | "minIncrement">,
  amount: number,
): number {
  return incrementTable?.findLast(([from]) => from <= amount)?.[1] ?? minIncrement ?? 1;
}

/** English is read everywhere: the month by its name between day and year, and 24 hours. */
export const dates = language === "en" ? "en-GB" : language;
const date = new Intl.DateTimeFormat(dates, { dateStyle: "medium" });
const hours = new Intl.DateTimeFormat(dates, { timeStyle: "short" });
const seconds = new Intl.DateTimeFormat(dates, { timeStyle: "medium" });

/** A `<time>` in the reader's zone; with `data-style="time"`, one of today by its time alone. */
export function localize(element: HTMLTimeElement): void {
  const moment = new Date(element.dateTime);
  const today = moment.toDateString() === new Date().toDateString();
  element.textContent =
    element.dataset.style === "time" && today
      ? seconds.format(moment)
      : t("%(date)s, %(time)s", { date: date.format(moment), time: hours.format(moment) });
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
