/**
 * The pages' numbers and words in one language, for test_numbers.py, which says in a file what the server makes of the same:
 * prints whatever differs, a line each.
 */
import { readFileSync } from "node:fs";
import { HttpProblem } from "../../marketplace/web/client/src/index.js";

interface Facts {
  language: string;
  money: [number, string, number, string][];
  moments: [string, string][];
  typed: [string, number, number | null][];
  spans: [number, string][];
  problems: Record<string, string>;
}

const facts = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Facts;
Object.assign(globalThis, { document: { documentElement: { lang: facts.language } } });
// Only now: what language the page is in, they look up at once.
const { localize, minor, money, span } = await import("../../marketplace/web/client/pages/numbers.js");
const { problemWords } = await import("../../marketplace/web/client/pages/problems.js");

function compare(what: unknown, ours: unknown, theirs: unknown): void {
  if (ours !== theirs) console.log(JSON.stringify({ what, ours, theirs }));
}

for (const [amount, currency, digits, text] of facts.money) compare([amount, currency], money(amount, currency, digits), text);
for (const [text, digits, amount] of facts.typed) compare([text, digits], minor(text, digits), amount);
for (const [seconds, text] of facts.spans) compare(seconds, span(seconds), text);
for (const [iso, text] of facts.moments) {
  const element = { dateTime: iso, dataset: {}, textContent: "" };
  localize(element as unknown as HTMLTimeElement);
  compare(iso, element.textContent, text);
}
for (const [code, message] of Object.entries(facts.problems)) {
  compare(code, problemWords(new HttpProblem(409, code, "as the server says it")), message);
}
