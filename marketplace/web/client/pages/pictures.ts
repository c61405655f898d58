/** The pictures of a draft: several are added at once, each with its progress; moved, described and removed in place. */
import { data, find, make, put } from "./dom.js";
import { freshPage } from "./fresh-page.js";
import { t } from "./text.js";
import { here } from "./viewer.js";

const section = find(document, "#pictures");
const list = find(section, "[data-list]");
const uploads = find(section, "[data-uploads]");
const adding = find<HTMLFormElement>(section, "[data-add]");
const chooser = find<HTMLInputElement>(adding, "[type=file]");
const most = Number(section.dataset.most);
const address = section.dataset.api ?? "";
/** Why the server may refuse, by its codes: the API answers in English. */
const refusals = data<Record<string, string>>(section, "refusals");

/** What is being saved. The draft is not published before. */
let saving: Promise<unknown> = Promise.resolve();
let pending = 0;

for (const each of section.querySelectorAll<HTMLElement>("[data-plain]")) each.hidden = true;
section.dataset.live = "";
chooser.multiple = true;
chooser.addEventListener("change", () => {
  void addAll([...(chooser.files ?? [])]);
  chooser.value = "";
});

list.addEventListener("change", () => save());
list.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("button") : null;
  const item = button?.closest("li");
  if (!button || !item) return;
  event.preventDefault();
  if ("remove" in button.dataset) void remove(item);
  else move(item, Number(button.dataset.move), button);
});
// Enter in a text is no button: it saves like leaving the field does.
find(section, "[data-arrange]").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});

// --- adding ---

/** One after the other: the server renders one at a time, and the order stays as it was chosen. */
async function addAll(files: File[]): Promise<void> {
  const free = Math.max(0, most - list.children.length);
  if (files.length > free) tell(t("Only the first %(number)s are added: there is no room for more.", { number: free }));
  const rows = files.slice(0, free).map((file) => ({ file, row: waiting(file) }));
  for (const { file, row } of rows) await during(add(file, row));
}

function waiting({ name }: File): HTMLElement {
  const row = make("li", {}, make("span", { text: name }), make("progress", { max: "1", value: "0", "aria-label": name }));
  uploads.append(row);
  return row;
}

async function add(file: File, row: HTMLElement): Promise<void> {
  const progress = find<HTMLProgressElement>(row, "progress");
  try {
    await upload(file, (share) => {
      // Sent is not done: while it is rendered, nobody knows how far it is.
      if (share < 1) progress.value = share;
      else progress.removeAttribute("value");
    });
    await takeOver();
    row.remove();
    tell(t("%(name)s was added.", { name: file.name }));
  } catch (error) {
    const close = make("button", { type: "button", class: "quiet small", text: t("Close") });
    close.addEventListener("click", () => {
      row.remove();
      chooser.focus();
    });
    progress.replaceWith(make("strong", { class: "error", role: "alert", text: said(error) }), close);
  }
}

/** Not fetch, which does not tell how much is sent. */
function upload(file: File, onProgress: (share: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file);
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
    request.addEventListener("load", () => {
      if (request.status === 201) resolve();
      else reject(new Refused(reasonIn(request.responseText)));
    });
    request.addEventListener("error", () => reject(new Refused()));
    request.open("POST", address);
    request.send(body);
  });
}

/** What the server shows and the page does not yet. */
async function takeOver(): Promise<void> {
  try {
    const answer = await fetch(here, { cache: "no-store" });
    if (!answer.ok) throw new Refused();
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // It was added all the same: sent again, it would be there twice.
    later.fetch();
  }
}

const later = freshPage("#pictures", show);

function show(fresh: ParentNode): void {
  for (const item of fresh.querySelectorAll<HTMLElement>("[data-picture]")) {
    if (!list.querySelector(`[data-picture="${item.dataset.picture}"]`)) list.append(item);
  }
  count();
}

// --- files that are dropped, and pictures that are dragged to another place ---

let dragged: HTMLElement | null = null;

section.addEventListener("dragstart", (event) => {
  dragged = event.target instanceof Element ? event.target.closest("li[data-picture]") : null;
});
section.addEventListener("dragend", () => {
  if (dragged) save();
  dragged = null;
});
section.addEventListener("dragover", (event) => {
  event.preventDefault();
  if (!dragged) return section.toggleAttribute("data-over", true);
  const over = event.target instanceof Element ? event.target.closest("li[data-picture]") : null;
  if (!over || over === dragged) return;
  const items = [...list.children];
  if (items.indexOf(dragged) < items.indexOf(over)) over.after(dragged);
  else over.before(dragged);
  count();
});
section.addEventListener("dragleave", () => section.removeAttribute("data-over"));
section.addEventListener("drop", (event) => {
  event.preventDefault();
  section.removeAttribute("data-over");
  if (!dragged) void addAll([...(event.dataTransfer?.files ?? [])]);
});

// --- moving, describing, removing ---

function move(item: HTMLElement, by: number, button: HTMLButtonElement): void {
  const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (!other) return;
  if (by < 0) other.before(item);
  else other.after(item);
  count();
  // At the end of the list its button is of no use any more; the other one is.
  const next = button.disabled ? item.querySelector<HTMLButtonElement>("[data-move]:not(:disabled)") : button;
  next?.focus();
  tell(t("Now picture %(number)s of %(all)s.", { number: [...list.children].indexOf(item) + 1, all: list.children.length }));
  save();
}

async function remove(item: HTMLElement): Promise<void> {
  try {
    await during(call("DELETE", `${address}/${item.dataset.picture}`));
  } catch (error) {
    return tell(said(error), true);
  }
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  count();
  (next?.querySelector<HTMLElement>("[data-remove]") ?? chooser).focus();
  tell(t("The picture was removed."));
}

/** The order and the texts, as they are on the page. Saves follow one another, so that the last one stays. */
function save(): void {
  void during(
    saving.then(async () => {
      try {
        await call("PUT", address, { items: [...list.children].map(asSaved) });
      } catch (error) {
        tell(said(error), true);
      }
    }),
  );
}

function asSaved(item: Element): { id: number; alt: string } {
  return { id: Number((item as HTMLElement).dataset.picture), alt: find<HTMLInputElement>(item, "[name=alt]").value.trim() };
}

async function call(method: string, path: string, body?: object): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const content = body && { body: JSON.stringify(body), headers };
  const answer = await fetch(path, { method, ...content }).catch(() => {
    throw new Refused();
  });
  if (!answer.ok) throw new Refused(reasonIn(await answer.text()));
}

/** Publishing waits for what is being saved: afterwards pictures stay as they are. */
async function during(work: Promise<unknown>): Promise<void> {
  pending += 1;
  saving = work.catch(() => undefined);
  try {
    await work;
  } finally {
    pending -= 1;
  }
}

document.addEventListener("submit", async (event) => {
  const { target, submitter } = event;
  if (!pending || event.defaultPrevented || !(target instanceof HTMLFormElement)) return;
  event.preventDefault();
  while (pending) await saving;
  target.requestSubmit(submitter);
});

// --- what is said ---

/** The server's reason, or that there was no answer. */
class Refused extends Error {
  constructor(detail = t("The server did not answer. Try again.")) {
    super(detail);
  }
}

function said(error: unknown): string {
  return error instanceof Refused ? error.message : t("The server did not answer. Try again.");
}

/** A problem document has its code; what something in between answers has none. */
function reasonIn(body: string): string | undefined {
  try {
    const { code } = JSON.parse(body);
    return refusals[code] ?? refusals.error;
  } catch {
    return undefined;
  }
}

function tell(text: string, wrong = false): void {
  const told = find(section, "[data-told]");
  told.className = wrong ? "note bad" : "visually-hidden";
  told.textContent = text;
}

/** Numbers, and which buttons lead nowhere, after the order has changed. */
function count(): void {
  const items = [...list.children];
  items.forEach((item, index) => {
    const number = index + 1;
    const [forward, back] = [...item.querySelectorAll<HTMLButtonElement>("[data-move]")];
    label(forward, t("Move picture %(number)s forward", { number }), index === 0);
    label(back, t("Move picture %(number)s back", { number }), number === items.length);
    label(item.querySelector<HTMLButtonElement>("[data-remove]"), t("Remove picture %(number)s", { number }), false);
  });
  put(section, "[data-count]", t("%(count)s of %(most)s", { count: items.length, most }));
  adding.hidden = items.length >= most;
}

function label(button: HTMLButtonElement | null | undefined, text: string, disabled: boolean): void {
  if (!button) return;
  button.setAttribute("aria-label", text);
  button.disabled = disabled;
}
