/** The sell form: dates are typed in the seller's time zone and sent as UTC, and a Dutch price shows how it will fall. */
import { dropsOf, priceAt } from "./dutch-price.js";
import { count, minor, money, span } from "./format.js";

/** Prices that are shown before it goes on to the floor: as many as without script. */
const PREVIEWED = 5;

const form = document.getElementById("terms-form");
const dates = [...form.querySelectorAll("[type=datetime-local]")];

for (const input of dates) {
  // The server writes UTC into the field.
  if (input.value) input.value = local(new Date(`${input.value}Z`));
}

form.querySelector("[data-zone]").textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
form.addEventListener("formdata", ({ formData }) => {
  for (const { name, value } of dates) if (value) formData.set(name, new Date(value).toISOString());
});

/** As `datetime-local` wants it. */
function local(moment) {
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}

/** The digits that the minor unit of each currency has, from the server. */
const digitsOf = JSON.parse(form.dataset.digits);

function showFall() {
  const given = (name) => form.elements[name].value.trim();
  const currency = given("currency");
  const digits = digitsOf[currency];
  const [startingPrice, floorPrice, dropAmount] = ["startingPrice", "floorPrice", "dropAmount"].map((name) => minor(given(name), digits));
  const dropEvery = /^[0-9]{1,5}$/.test(given("dropEvery")) ? Number(given("dropEvery")) : 0;
  const falls = [startingPrice, floorPrice].every((price) => price !== null) && floorPrice <= startingPrice && dropAmount > 0 && dropEvery > 0;
  const preview = document.getElementById("fall");
  preview.hidden = !falls;
  if (!falls) return;
  const terms = { startingPrice, floorPrice, dropAmount, dropEvery, startsAt: new Date(0).toISOString(), endsAt: new Date(8.64e15).toISOString() };
  const drops = dropsOf(terms);
  const steps = Array.from({ length: Math.min(PREVIEWED, drops + 1) }, (_, number) => {
    const after = number * dropEvery;
    return step(number ? `after ${span(after)}` : "at the start", money(priceAt(terms, after * 1000).amount, currency, digits));
  });
  preview.querySelector("[data-steps]").replaceChildren(...steps);
  preview.querySelector("[data-floor]").textContent = drops
    ? `It is at ${money(floorPrice, currency, digits)}, the floor, after ${count(drops, "drop", "drops")}: ${span(drops * dropEvery)} after the start, unless it ends before.`
    : "";
}

function step(when, price) {
  const row = document.createElement("li");
  const [words, amount] = ["span", "b"].map((name) => document.createElement(name));
  words.className = "quiet-text";
  words.textContent = when;
  amount.textContent = price;
  row.append(words, " ", amount);
  return row;
}

form.addEventListener("input", showFall);
showFall();
