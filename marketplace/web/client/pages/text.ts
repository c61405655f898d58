/** Words in the reader's language, from the catalogue that the templates use, too (`marketplace/translations`). */

/** What goes into a text: `%(name)s` takes the value of that name. */
export type Values = Readonly<Record<string, string | number>>;

/** A catalogue as the build makes it: a text, or its forms by number, for each English text. */
export type Catalogue = Readonly<Record<string, string | readonly string[]>>;

/** As `<html lang>` says. */
export const language = document.documentElement.lang;

const address = document.documentElement.dataset.messages;
/** English needs none: its texts are their own keys. Should it not come, a page in English is better than a dead one. */
const catalogue: Catalogue = address ? ((await import(address).catch(() => null))?.default ?? {}) : {};

const plurals = new Intl.PluralRules(language);
/** The forms in the order of the catalogue. For fractions there is "other", too, which nothing here needs besides. */
const categories = (["zero", "one", "two", "few", "many"] as const).filter((category) =>
  plurals.resolvedOptions().pluralCategories.includes(category),
);

/** A text in the reader's language: `t("You lead at %(price)s.", { price })`. */
export function t(text: string, values: Values = {}): string {
  const found = catalogue[text] ?? text;
  // Some text may be the singular of another, too.
  return filled(typeof found === "string" ? found : formOf(found, 1), values);
}

/** A text for a number: `n("%(num)s bid", "%(num)s bids", count)`; `%(num)s` is the number. */
export function n(one: string, many: string, number: number, values: Values = {}): string {
  const forms = catalogue[one] ?? (number === 1 ? one : many);
  return filled(typeof forms === "string" ? forms : formOf(forms, number), { num: number, ...values });
}

function formOf(forms: readonly string[], number: number): string {
  const index = (categories as readonly string[]).indexOf(plurals.select(number));
  return forms[index] ?? forms[forms.length - 1] ?? "";
}

function filled(text: string, values: Values): string {
  return text.replace(/%\((\w+)\)s/g, (all, name: string) => String(values[name] ?? all)).replaceAll("%%", "%");
}
