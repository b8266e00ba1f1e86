// Wires the page: the address is its state, keys and buttons act on it.

const FOLLOW_MS = 4000;
const main = document.querySelector("main");
const queue = new QueueView(main);
let form = null;
/** The record that is shown; null in the queue. */
let view = null;
let turns = 0;
/** The actions so far. */
let order = Promise.resolve();

/** Show the state in the address, unless it has changed when the answer arrives. */
async function show() {
  const id = new URLSearchParams(location.hash.slice(1)).get("record");
  if (id === null && location.hash === "#main") return main.focus();
  const turn = ++turns;
  hush();
  if (id === null) document.body.classList.remove("in-record");
  document.title = id === null ? "Extractor review" : `${id} – Extractor review`;
  view = null;
  if (id === null) return queue.show(() => turn === turns);
  const opening = setTimeout(() => turn === turns && say("Opening the record …"), 200);
  form ??= await read("form");
  const record = await read("record", { id }).catch((error) => {
    if (turn === turns) main.replaceChildren();  // another record must not stay under this address
    throw error;
  }).finally(() => clearTimeout(opening));
  if (turn !== turns) return;
  hush();
  // Not before the record is there: the queue, which stays until then, has other margins.
  document.body.classList.add("in-record");
  view = new RecordView(main, form, record);
  view.open();
  queue.last = id;
}

/** The id of the next, previous or next unfinished record of the queue; null if there is none. */
async function findRecord(id, direction) {
  const { record } = await read("find", { id, direction });
  return record;
}

/** Go to the next or the previous record. */
async function go(direction) {
  if (!view) return;
  const record = await findRecord(view.record.record, direction);
  if (record !== null) location.hash = addressOf(record);
  else say(direction === "next" ? "This is the last record of the queue." : "This is the first record of the queue.");
}

/** Finish the record, and offer the next one. */
async function finish() {
  const { record } = view.record;
  if (!(await view.send("finish"))) return;
  const next = await findRecord(record, "unfinished");
  if (next !== null) return say("Finished: its gold is written.", make("a", { href: addressOf(next) }, "Next record"));
  const { records } = await read("queue");
  say(`Finished: its gold is written. Nothing is left to do: ${tellFinished(records)}.`, make("a", { href: "#queue" }, "To the queue"));
}

const showKeys = () => document.querySelector("dialog.help").showModal();

const ACTS = {
  help: showKeys,
  queue: () => { location.hash = "#queue"; },
  previous: () => go("previous"),
  next: () => go("next"),
  undo: () => view?.undo(),
  redo: () => view?.send("redo"),
  history: () => view?.showHistory(),
  certain: () => view?.acceptCertain(),
  finish: () => view && finish(),
};

const KEYS = {
  j: () => (view || queue).step(1),
  k: () => (view || queue).step(-1),
  n: () => view?.goToOpen(),
  a: () => view?.accept(),
  x: () => view?.rejectOrRestore(),
  e: () => view?.edit(),
  u: ACTS.undo,
  r: ACTS.redo,
  f: ACTS.finish,
  q: ACTS.queue,
  "]": ACTS.next,
  "[": ACTS.previous,
  "/": () => document.getElementById("search")?.focus(),
  "?": showKeys,
};

// The next input must not act as keys.
const AT_ONCE = new Set(["/", "?"]);

/** Run something, and report refusals and failures. */
async function run(act) {
  try {
    await act();
  } catch (error) {
    say(error.message);
    if (!(error instanceof Refused)) throw error;
  }
}

/** Leave a field: discard typed text, and undo a choice. */
function leave(control) {
  if (control.matches("textarea, .control input")) control.value = control.defaultValue;
  const { id } = control;
  control.blur();
  if (control.matches("select")) inOrder(() => view?.takeBack(id));
}

/** Whether Escape applies to a field. An open menu handles Escape itself. */
function isControl(target) {
  if (!target.matches("input, select, textarea") || target.closest("dialog")) return false;
  const isOpenMenu = target.matches("select") && isForField(target);
  return !isOpenMenu;
}

/** Whether input is for a field, not the page. Only an open menu takes letters. */
function isForField(target) {
  if (target.matches("select") && CSS.supports("selector(:open)")) return target.matches(":open");
  return Boolean(target.closest("input:not([type=checkbox]), textarea, dialog[open]"));
}

/** Run something after the actions before it, each with its answer: keys may be faster than answers. */
function inOrder(act) {
  order = order.catch(() => {}).then(() => run(async () => {
    await view?.settled();
    await act();
  }));
  return order;
}

addEventListener("keydown", (event) => {
  const { target } = event;
  const isAccepting = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (isAccepting && view && !target.closest("dialog")) {
    event.preventDefault();
    target.blur(); // saves typed text first
    inOrder(() => view?.accept());
    return;
  }
  if (event.key === "Escape" && isControl(target)) {
    leave(target);
    return;
  }
  const act = KEYS[event.key];
  const isShortcutOfBrowser = event.ctrlKey || event.metaKey || event.altKey;
  // A closed dialog keeps the focus for a while; input is then for the page.
  if (!act || isShortcutOfBrowser || isForField(target)) return;
  event.preventDefault();
  if (AT_ONCE.has(event.key)) run(act);
  else inOrder(act);
});
for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => inOrder(ACTS[button.dataset.do]));
}
document.addEventListener("selectionchange", () => view?.noteSelection());
addEventListener("hashchange", () => run(show));

/** Save the text of the field that is being edited, marked as perhaps half of it: one that loses the focus is saved. */
function saveTyped() {
  const control = document.activeElement;
  if (!view || !control?.closest(".form") || !hasTyped(control)) return;
  view.isLeaving = true;
  control.blur();
  view.isLeaving = false;
}

// The page may be closed, or left behind another one, before its field is left.
addEventListener("beforeunload", saveTyped);
addEventListener("pagehide", saveTyped);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") saveTyped();
});
setInterval(() => {
  if (document.visibilityState !== "visible" || !view) return;
  // A review that was stopped is told at the next action.
  view.follow().catch(() => {});
}, FOLLOW_MS);
run(show);
