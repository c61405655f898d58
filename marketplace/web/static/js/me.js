/** One's own page, and that of checking out: how long what is held for one still is. */
import { Held } from "./held.js";
import "./moments.js";
import { everySecond } from "./standing.js";

const list = document.querySelector("[data-held]");
if (list) {
  const held = new Held(list);
  everySecond(() => {
    held.showTimes();
  });
}
