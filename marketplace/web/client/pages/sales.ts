/** The sales of a Dutch auction: rendered by the server, continued by what comes live. The latest is on top. */
import type { ItemReturned, ItemSold } from "../src/index.js";
import { find, put } from "./dom.js";
import { localize, localizeAll, money } from "./numbers.js";
import { t } from "./text.js";

/** The list on the page. */
export interface SalesList {
  addSale(sale: ItemSold): void;
  addReturn(back: ItemReturned): void;
  /** What was taken under this number is mine, though the server may not have rendered it. */
  mine(seq: number): void;
  /** The list as the server renders it, up to `seq`; what came live since then stays. */
  takeOver(fresh: HTMLElement, seq: number): void;
}

/** Goes on with the list that the server rendered. */
export function salesList(root: HTMLElement, digits: number): SalesList {
  const shown = Number(root.dataset.bidsShown);
  const mine = new Set<number>();
  const list = () => find(root, "#bids");
  const rows = () => [...list().children] as HTMLElement[];
  const row = (seq: number) => list().querySelector(`[data-seq="${seq}"]`);

  function add(kind: string, { seq, timestamp }: ItemSold | ItemReturned, who: string, amount = ""): void {
    if (row(seq)) return;
    const template = find<HTMLTemplateElement>(root, "#bid-row");
    const made = template.content.firstElementChild?.cloneNode(true) as HTMLElement;
    made.dataset.seq = String(seq);
    made.dataset.kind = kind;
    made.toggleAttribute("data-mine", mine.has(seq));
    made.className = "changed";
    put(made, "[data-who]", who);
    put(made, "[data-amount]", amount);
    const when = find<HTMLTimeElement>(made, "time");
    when.dateTime = timestamp;
    localize(when);
    insert(made);
  }

  function insert(made: HTMLElement): void {
    const after = rows().find((other) => Number(other.dataset.seq) < Number(made.dataset.seq));
    list().insertBefore(made, after ?? null);
    while (list().children.length > shown) list().lastElementChild?.remove();
    find(root, "[data-no-bids]").hidden = true;
  }

  return {
    addSale: (sale) => add("TAKE", sale, t("Taken"), money(sale.price, sale.currency, digits)),
    addReturn: (back) => add("RETURN", back, t("Came back")),

    mine(seq) {
      mine.add(seq);
      row(seq)?.toggleAttribute("data-mine", true);
    },

    takeOver(fresh, seq) {
      const later = rows().filter((each) => Number(each.dataset.seq) > seq);
      const part = find(root, "[data-part=bids]");
      part.replaceChildren(...find(fresh, "[data-part=bids]").childNodes);
      localizeAll(part);
      later.reverse().forEach(insert);
    },
  };
}
