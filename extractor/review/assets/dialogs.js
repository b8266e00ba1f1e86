// Dialogs: keys, history, and conflicts with other reviewers.

import { hush } from "./message.js";
import { nameItem, STATES, summarise } from "./summary.js";

const KEYS = [
  ["j, k", "next, previous item, or record of the queue"],
  ["n", "next item that is not decided"],
  ["a", "accept the item with all its fields, empty ones too, and go on; in a field, Ctrl+Enter"],
  ["x", "reject the item, or restore it"],
  ["e", "edit the item; Enter saves a field, Escape leaves it as it was, a menu too"],
  ["u, r", "undo, redo"],
  ["/", "find in the text, or in the queue"],
  ["f", "finish the record: write its gold"],
  ["], [", "next, previous record"],
  ["q", "back to the queue"],
  ["?", "these keys"],
];

/** Open the dialog, and return the reviewer's choice, or an empty string if it was closed. */
function open(title, body, buttons = []) {
  hush();
  const dialog = document.querySelector("dialog");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector(".dialog-body").replaceChildren(body);
  const form = dialog.querySelector("form");
  form.replaceChildren(...buttons.map(([value, words]) => make("button", { value }, words)), make("button", { value: "" }, "Close"));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

export function showKeys() {
  const rows = KEYS.map(([keys, meaning]) => [make("dt", {}, make("kbd", {}, keys)), make("dd", {}, meaning)]);
  const select = make("p", {}, "Select words in the text to use them for a field, or for a new criterion, dose or outcome.");
  return open("Keys", make("div", {}, make("dl", {}, rows), select));
}

export function showHistory(actions) {
  const rows = actions.map((action) => make("tr", {},
    make("td", {}, new Date(action.time).toLocaleString()),
    make("td", {}, action.reviewer),
    make("td", {}, `${action.kind}${action.path && action.kind !== "finish" ? ` ${toWords(action.path)}` : ""}`),
    make("td", {}, nameActed(action)),
    make("td", {}, describeValue(action, action.old), " → ", describeValue(action, action.new))));
  const head = make("tr", {}, ["When", "Who", "What", "Item", "Old and new"].map((words) => make("th", { scope: "col" }, words)));
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, rows));
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Actions" }, table);
  return open("History of the record", actions.length ? scroll : make("p", {}, "Nothing was done yet."));
}

/** The name of an action's item, as on its card; for finishing, the file. */
function nameActed({ item, path, old, new: now }) {
  const known = now?.kind ? now : old;
  return known?.kind ? nameItem({ id: item, ...known }) : path;
}

/** Describe an action's change: a field, the state, or a whole item, named by its words. */
function describeValue(action, item) {
  if (item === null || item === undefined) return "nothing";
  if (item.sha256) return "written";
  if (action.path) return toLine(item.value[action.path] ?? null);
  const { words } = action.old && action.new ? { words: null } : summarise(item);
  return words ? `${STATES[item.state]}: “${words}”` : STATES[item.state];
}

/** Show another reviewer's change beside one's own, and return "mine" or "theirs". */
export function showConflict(error, mine) {
  const { theirs } = error;
  const rows = mine.map(([name, own]) => make("tr", {},
    make("th", { scope: "row" }, toWords(name)),
    make("td", {}, theirs ? (name === "state" ? theirs.state : toLine(theirs.value[name] ?? null)) : "gone"),
    make("td", {}, own)));
  const head = make("tr", {}, ["", `By ${theirs?.by || "others"}`, "Yours"].map((words) => make("th", { scope: "col" }, words)));
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, rows));
  const choices = theirs ? [["mine", "Use mine"], ["theirs", "Keep theirs"]] : [["theirs", "Go on"]];
  return open("Somebody was faster", make("div", {}, make("p", {}, error.message), table), choices);
}
