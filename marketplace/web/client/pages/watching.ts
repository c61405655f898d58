/** Who watches an auction: how many for everybody, some names for those who are signed in themselves. */
import type { Client, Standing } from "../src/index.js";
import { put } from "./dom.js";
import { effect, type Live, signal } from "./live.js";
import { language, n } from "./text.js";
import { viewerId } from "./viewer.js";

const NAMES_SHOWN = 3;

const list = new Intl.ListFormat(language);

/** Keeps the page's words about its viewers true. */
export function showWatching(root: HTMLElement, client: Client, { auction, standing }: Live<Standing>): void {
  const names = signal<readonly string[]>([]);
  if (viewerId !== null) {
    client.watchers(auction.id).on("change", (others) => {
      names.value = others.slice(0, NAMES_SHOWN).map(({ name }) => name);
    });
  }
  effect(() => {
    put(root, "[data-watching]", words(standing.value.activeViewers, list.format(names.value)));
  });
}

function words(viewers: number, names: string): string {
  if (viewers < 2) return "";
  if (!names) return n("%(num)s is watching.", "%(num)s are watching.", viewers);
  return n("%(num)s is watching, %(names)s among them.", "%(num)s are watching, %(names)s among them.", viewers, { names });
}
