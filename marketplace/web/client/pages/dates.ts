/** Forms with dates: they are typed in the reader's time, and sent as UTC. */
import { find } from "./dom.js";
import "./site.js";

const form = find<HTMLFormElement>(document, "[data-dates]");
const dates = [...form.querySelectorAll<HTMLInputElement>("[type=datetime-local]")];

for (const input of dates) {
  // The server writes UTC into the field. What a browser has put back there after a reload is the reader's time already.
  if (input.value && input.value === input.defaultValue) input.value = local(new Date(`${input.value}Z`));
}
for (const zone of form.querySelectorAll("[data-zone]")) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;

form.addEventListener("formdata", ({ formData }) => {
  for (const { name, value } of dates) if (value) formData.set(name, new Date(value).toISOString());
});

/** As `datetime-local` wants it. */
function local(moment: Date): string {
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}
