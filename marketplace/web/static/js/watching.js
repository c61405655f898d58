/** Who watches an auction: how many for everybody, some names for those who are signed in themselves. */
import { put } from "./standing.js";

const NAMES_SHOWN = 3;

const list = new Intl.ListFormat(document.documentElement.lang);

/** Keeps the page's words about its viewers true. */
export function showWatching(root, live, feed, { signedIn }) {
  let others = [];
  const show = () => {
    const { activeViewers } = feed.auction;
    const some = list.format(others.slice(0, NAMES_SHOWN));
    put(root, "[data-watching]", activeViewers < 2 ? "" : `${activeViewers} are watching${some && `, ${some} among them`}.`);
  };
  for (const name of ["viewers", "standing", "reset"]) feed.addEventListener(name, show);
  if (signedIn) {
    live.watchers(feed.auction.id, (names) => {
      others = names;
      show();
    });
  }
  show();
}
