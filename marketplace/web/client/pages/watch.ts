/** The hearts, on any page: what the form does without script, at once and without leaving the page. */
import { find } from "./dom.js";

document.addEventListener("submit", (event) => {
  if (!(event.target instanceof HTMLFormElement) || event.target.dataset.watch === undefined) return;
  event.preventDefault();
  void toggle(event.target);
});

/** Shows it first. What the server refuses, the form is sent for again: the page that answers says why. */
async function toggle(form: HTMLFormElement): Promise<void> {
  const button = find<HTMLButtonElement>(form, "button");
  if (button.ariaBusy === "true") return;
  const watched = button.value === "yes";
  button.ariaBusy = "true";
  show(button, watched);
  const done = await save(`/api/auctions/${form.dataset.watch}/watch`, watched);
  button.ariaBusy = null;
  if (done) return;
  show(button, !watched);
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name: button.name, value: button.value });
  form.append(field);
  form.submit();
}

function show(button: HTMLButtonElement, watched: boolean): void {
  button.ariaPressed = String(watched);
  button.value = watched ? "no" : "yes";
}

async function save(address: string, watched: boolean): Promise<boolean> {
  try {
    return (await fetch(address, { method: watched ? "PUT" : "DELETE" })).ok;
  } catch {
    return false;
  }
}
