/**
 * Words in the reader's language, from the catalogue that the templates use, too (`marketplace/translations`). For each other
 * language the build makes scripts of their own, with its words in the place of the English ones.
 */

/** What goes into a text: `%(name)s` takes the value of that name. */
export type Values = Readonly<Record<string, string | number>>;

/** As `<html lang>` says. */
export const language = document.documentElement.lang;

const plurals = new Intl.PluralRules(language);
/** The forms in the order of the catalogues. For fractions there is "other", too, which nothing here needs besides. */
const categories = (["zero", "one", "two", "few", "many"] as const).filter((category) =>
  plurals.resolvedOptions().pluralCategories.includes(category),
);

/** A text in the reader's language: `t("You lead at %(price)s.", { price })`. */
export function t(text: string, values: Values = {}): string {
  return filled(text, values);
}

/** A text for a number: `n("%(num)s bid", "%(num)s bids", count)`; `%(num)s` is the number. In other languages `one` is all forms. */
export function n(one: string | readonly string[], many: string, number: number, values: Values = {}): string {
  const text = typeof one !== "string" ? formOf(one, number) : number === 1 ? one : many;
  return filled(text, { num: number, ...values });
}

function formOf(forms: readonly string[], number: number): string {
  const index = (categories as readonly string[]).indexOf(plurals.select(number));
  return forms[index] ?? forms[forms.length - 1] ?? "";
}

function filled(text: string, values: Values): string {
  return text.replace(/%\((\w+)\)s/g, (all, name: string) => String(values[name] ?? all)).replaceAll("%%", "%");
}
