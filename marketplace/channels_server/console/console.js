// Asks for the state twice a second and shows it. Everything is set as text: what passes here was written by others.

const POLL_MS = 500;
const MAX_ROWS = 300;

const byId = (id) => document.getElementById(id);
const happenings = byId("happenings");
const filter = byId("filter");
const pause = byId("pause");

let lastSeen = 0;
let shown = {};

function row(cells) {
  const tr = document.createElement("tr");
  for (const [text, className] of cells) {
    const td = document.createElement("td");
    td.textContent = text;
    if (className) td.className = className;
    tr.append(td);
  }
  return tr;
}

function fill(id, rows, columns) {
  // Only when something changed: text someone is selecting should stay selected.
  const state = JSON.stringify(rows);
  if (shown[id] === state) return;
  shown[id] = state;
  if (!rows.length) {
    const none = row([["None yet", "empty"]]);
    none.firstChild.colSpan = columns;
    byId(id).replaceChildren(none);
    return;
  }
  byId(id).replaceChildren(...rows.map(row));
}

function matches(tr) {
  return tr.textContent.toLowerCase().includes(filter.value.toLowerCase());
}

function showHappenings(list) {
  for (const { id, at, kind, channel, detail } of list) {
    lastSeen = id;
    const time = new Date(at).toISOString().slice(11, 23);
    const tr = row([[time], [kind.replaceAll("_", " ")], [channel], [detail]]);
    tr.hidden = !matches(tr);
    happenings.prepend(tr);
  }
  while (happenings.children.length > MAX_ROWS) happenings.lastChild.remove();
}

function show(state) {
  byId("app").textContent = `app ${state.appId} · key ${state.key}`;
  byId("channel-count").textContent = state.totals.channels;
  byId("connection-count").textContent = state.totals.connections;
  fill("channels", state.channels.map(({ name, subscribers, members }) => [
    [name], [String(subscribers), "number"],
    [members.map(({ id, tabs }) => (tabs > 1 ? `${id} (${tabs} tabs)` : id)).join(", ")],
  ]), 3);
  fill("connections", state.connections.map(({ socketId, userId, channels, channelCount }) => [
    [socketId], [userId ?? ""],
    [channels.join(", ") + (channelCount > channels.length ? `, ${channelCount - channels.length} more` : "")],
  ]), 3);
  byId("names").replaceChildren(...state.channels.map(({ name }) => new Option(name)));
  showHappenings(state.happenings);
}

function report(text, lost) {
  const status = byId("status");
  if (status.textContent !== text) status.textContent = text;
  status.classList.toggle("lost", lost);
}

async function poll() {
  try {
    const response = await fetch(`/console/state?after=${lastSeen}`);
    if (!response.ok) throw new Error(await response.text());
    const state = await response.json();
    if (pause.getAttribute("aria-pressed") === "false") show(state);
    report("Live", false);
  } catch {
    // A restarted server counts from one again.
    lastSeen = 0;
    report("No answer from the server; trying again", true);
  }
  setTimeout(poll, POLL_MS);
}

byId("send").addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  const fields = Object.fromEntries(new FormData(submitted.target));
  try {
    const response = await fetch("/console/events", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(fields),
    });
    byId("sent").textContent = response.ok ? "Sent" : await response.text();
  } catch {
    byId("sent").textContent = "Not sent: no answer from the server";
  }
});

pause.addEventListener("click", () => {
  const paused = pause.getAttribute("aria-pressed") === "false";
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Resume" : "Pause";
});

byId("clear").addEventListener("click", () => happenings.replaceChildren());

filter.addEventListener("input", () => {
  for (const tr of happenings.children) tr.hidden = !matches(tr);
});

poll();
