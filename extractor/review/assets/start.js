// Wires the page: the address says what is shown, keys and buttons act on it.

import { read, Refused } from "./api.js";
import { showKeys } from "./dialogs.js";
import { addressOf, findNext, showQueue } from "./queue.js";
import { RecordView } from "./record.js";

const FOLLOW_MS = 4000;
const main = document.querySelector("main");
const message = document.querySelector(".message");
let [form, queue, view, timer] = [null, null, null, 0];

function say(words, link = null) {
  message.replaceChildren(words, ...(link ? [" ", link] : []));
  message.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => { message.hidden = true; }, link ? 30000 : 8000);
}

async function show() {
  const id = new URLSearchParams(location.hash.slice(1)).get("record");
  if (id === null && location.hash === "#main") return main.focus();
  message.hidden = true;
  document.body.classList.toggle("in-record", id !== null);
  document.title = id === null ? "Extractor review" : `${id} – Extractor review`;
  queue = await read("queue");
  view = null;
  if (id === null) return showQueue(main, queue);
  form ??= await read("form");
  const opened = new RecordView(main, form, say);
  await opened.open(id);
  view = opened;
}

function go(step) {
  const rows = queue.records.filter((row) => row.progress.state !== "without_text");
  const place = rows.findIndex((row) => row.record === view?.record.record);
  const next = rows[place + step];
  if (next) location.hash = addressOf(next.record);
}

async function finish() {
  const { record } = view.record;
  if (!(await view.send("finish"))) return;
  queue = await read("queue");
  const next = findNext(queue, record);
  const link = next ? make("a", { href: addressOf(next.record) }, "Next record") : make("a", { href: "#queue" }, "To the queue");
  say(next ? "Finished: its gold is written." : "Finished: its gold is written. That was the last record.", link);
}

const ACTS = {
  help: showKeys,
  undo: () => view?.send("undo"),
  redo: () => view?.send("redo"),
  history: () => view?.showHistory(),
  certain: () => view?.acceptCertain(),
  finish: () => view && finish(),
};

const KEYS = {
  j: () => view?.step(1),
  k: () => view?.step(-1),
  n: () => view?.goToOpen(),
  a: () => view?.accept(),
  x: () => view?.rejectOrRestore(),
  e: () => view?.edit(),
  u: ACTS.undo,
  r: ACTS.redo,
  f: ACTS.finish,
  q: () => { location.hash = "#queue"; },
  "]": () => go(1),
  "[": () => go(-1),
  "/": () => document.getElementById("search")?.focus(),
  "?": showKeys,
};

// What is typed next must not be taken for keys.
const AT_ONCE = new Set(["/", "?"]);

/** Run something; what is refused or fails is said. */
async function run(act) {
  try {
    await act();
  } catch (error) {
    say(error.message);
    if (!(error instanceof Refused)) throw error;
  }
}

/** Leave a field; what was typed into it is forgotten. */
function leave(control) {
  if (control.matches("textarea, .control input")) control.value = control.defaultValue;
  control.blur();
}

/** Run something on what the actions before it leave: keys may be faster than answers. */
function inOrder(act) {
  return run(async () => {
    await view?.chain;
    await act();
  });
}

addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea, dialog");
  if (event.key === "Escape" && isTyping && !event.target.closest("dialog")) return leave(event.target);
  const act = KEYS[event.key];
  if (!act || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (AT_ONCE.has(event.key)) run(act);
  else inOrder(act);
});
for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => inOrder(ACTS[button.dataset.do]));
}
document.addEventListener("selectionchange", () => view?.noteSelection());
addEventListener("hashchange", () => run(show));
setInterval(() => document.visibilityState === "visible" && view && view.follow().catch(() => {}), FOLLOW_MS);
run(show);
