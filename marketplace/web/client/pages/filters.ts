/** The form of the list: shorter addresses, and a select box for the order that acts at once, unless keys move through it. */
import { find } from "./dom.js";

const form = find<HTMLFormElement>(document, "#filters");

const sort = find(document, "#sort");
const button = find(document, "[data-sort]");
/** Arrow keys pass over what is between: there the button acts. */
let byKeys = false;
sort.addEventListener("keydown", () => {
  byKeys = true;
});
sort.addEventListener("pointerdown", () => {
  byKeys = false;
});
sort.addEventListener("change", () => {
  if (byKeys) button.classList.add("needed");
  else form.requestSubmit();
});

// What was left empty need not be in the address.
form.addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
});

const results = find(document, "#results");
form.addEventListener("submit", () => {
  results.ariaBusy = "true";
});
// Back from another page, which the browser has kept as it was.
window.addEventListener("pageshow", () => {
  results.ariaBusy = null;
});
