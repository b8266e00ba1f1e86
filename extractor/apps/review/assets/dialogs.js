// Messages, and the dialogs of the history and of conflicts with other reviewers.

const messageBox = document.querySelector(".message");
let messageTimer = 0;

/** Show a message for a while, with an optional link; it stands between header and content, where it covers nothing. */
function say(words, link = null) {
  messageBox.replaceChildren(words, ...(link ? [" ", link] : []));
  messageBox.hidden = false;
  clearTimeout(messageTimer);
  messageTimer = setTimeout(hush, link ? 30000 : 8000);
}

/** Clear the message, also for screen readers. */
function hush() {
  messageBox.hidden = true;
  messageBox.replaceChildren();
}

/** Open the dialog, and return the reviewer's choice, or an empty string if it was closed. */
function openDialog(title, body, buttons = []) {
  hush();
  const dialog = document.querySelector("dialog.dialog");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector(".dialog-body").replaceChildren(...[body].flat());
  const form = dialog.querySelector("form");
  // The first button has the focus.
  form.replaceChildren(...buttons.map(([value, words]) => make("button", { value }, words)), make("button", { value: "" }, "Close"));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

/** A table with these words as its head. */
function makeTable(head, rows) {
  const cells = head.map((words) => make("th", { scope: "col" }, words));
  return make("table", {}, make("thead", {}, make("tr", {}, cells)), make("tbody", {}, rows));
}

/** Show what was done to a record, by whom and when. */
function showHistory(actions) {
  const rows = actions.map(({ time, reviewer, kind, path, name, was, now }) => {
    const hasField = path && kind !== "finish";
    const what = hasField ? `${kind} ${toWords(path)}` : kind;
    const change = was === null ? now : `${was} → ${now}`;
    const cells = [new Date(time).toLocaleString(), reviewer, what, name, change];
    return make("tr", {}, cells.map((words) => make("td", {}, words)));
  });
  const table = makeTable(["When", "Who", "What", "Item", "Old and new"], rows);
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Actions" }, table);
  return openDialog("History of the record", actions.length ? scroll : make("p", {}, "Nothing was done yet."));
}

/** Show another reviewer's change beside one's own, and return "mine" or "theirs". */
function showConflict({ message, theirs, rows }) {
  const lines = rows.map(([label, ...sides]) => {
    const cells = sides.map((words) => make("td", {}, words));
    return make("tr", {}, make("th", { scope: "row" }, label), cells);
  });
  const table = makeTable(["", `By ${theirs?.by || "others"}`, "Yours"], lines);
  const choices = theirs ? [["mine", "Use mine"], ["theirs", "Keep theirs"]] : [["theirs", "Go on"]];
  return openDialog("Somebody was faster", [make("p", {}, message), table], choices);
}

/** Ask whether a record is finished although fields are marked red. */
async function askToFinish(message) {
  const advice = "Correct what is wrong. If the text bears it out as it is, finish all the same.";
  const body = [make("p", {}, message), make("p", {}, advice)];
  const choices = [["", "Show the field"], ["anyway", "Finish all the same"]];
  const choice = await openDialog("Not all is in order", body, choices);
  return choice === "anyway";
}
