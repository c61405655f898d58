/** Words for amounts and moments, in the reader's time zone. */

const moneyFormats = new Map();

/** `(15000, "USD", 2)` -> `$150.00`. The server says how many digits the currency has. */
export function money(amount, currency, digits) {
  const key = `${currency}${digits}`;
  if (!moneyFormats.has(key)) {
    const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    moneyFormats.set(key, new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency, ...fraction }));
  }
  return moneyFormats.get(key).format(amount / 10 ** digits);
}

/** `(15000, 2)` -> `150.00`: as an amount is put into a form. */
export function major(amount, digits) {
  return (amount / 10 ** digits).toFixed(digits);
}

/** `("1,234.50", 2)` -> `123450`; null when it is no such amount. */
export function minor(text, digits) {
  const match = /^(?:\d{1,13}|\d{1,3}(?:,\d{3}){1,4})(?:\.(\d+))?$/.exec(text.trim());
  if (!match) return null;
  const fraction = (match[1] ?? "").replace(/0+$/, "");
  if (fraction.length > digits) return null;
  const whole = text.trim().split(".")[0].replaceAll(",", "");
  return Number(whole + fraction.padEnd(digits, "0"));
}

/** The step that a bid over `amount` must make. */
export function stepAfter({ incrementTable, minIncrement }, amount) {
  return incrementTable?.findLast(([from]) => from <= amount)?.[1] ?? minIncrement;
}

export function count(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}

const full = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "medium" });

/** A `<time>` in the reader's zone: bids of today by their time alone. */
export function localize(element) {
  const moment = new Date(element.dateTime);
  const today = moment.toDateString() === new Date().toDateString();
  element.textContent = (element.dataset.style === "time" && today ? time : full).format(moment);
}

/** Seconds as `6 min 40 s`, `6 h 45 min`: their two largest units. */
export function span(seconds) {
  const parts = [];
  for (const [size, unit] of [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]]) {
    if (seconds >= size) parts.push(`${Math.floor(seconds / size)} ${unit}`);
    seconds %= size;
  }
  return parts.slice(0, 2).join(" ") || "0 s";
}

/** Milliseconds as `2 d 3 h`, `3 h 20 min`, `4:05`. */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const [d, h, m, s] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  if (d) return `${d} d ${h} h`;
  if (h) return `${h} h ${m} min`;
  return `${m}:${String(s).padStart(2, "0")}`;
}
