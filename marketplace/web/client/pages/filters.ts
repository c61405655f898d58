/** The form of the list: shorter addresses, and a select box for the order that acts at once. */
import { find } from "./dom.js";

const form = find<HTMLFormElement>(document, "#filters");

find(document, "#sort").addEventListener("change", () => form.requestSubmit());

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
