/** Dates in the sell form: typed in the seller's time zone, sent as UTC. */

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
