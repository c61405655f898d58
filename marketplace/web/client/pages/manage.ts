/** The page on which a seller manages an auction: how it stands is live, the lists say when there is more. */
import { isDutch, type Standing } from "../src/index.js";
import { connect } from "./connection.js";
import { find } from "./dom.js";
import { showDutchStanding } from "./dutch-standing.js";
import { effect, follow, ticking } from "./live.js";
import { showClock, showStanding } from "./standing.js";
import "./site.js";

const client = connect();
const time = ticking(client);
const page = find(document, "#manage");
const digits = Number(page.dataset.digits);
const { auction, standing } = follow<Standing>(client, page);
const rendered = standing.value;

effect(() => {
  const { value } = standing;
  const now = time.now.value;
  // Not put under the hands of somebody who is just typing a reason.
  const known = value.bidCount === rendered.bidCount && value.status === rendered.status;
  find(page, "[data-news]").hidden = known;
  if (!isDutch(value)) {
    showStanding(page, value, digits);
    return showClock(page, value, now);
  }
  const price = auction.dutchPrice;
  if (!price) return;
  showDutchStanding(page, value, price, digits, now);
  time.at(price.nextDropAt);
});
