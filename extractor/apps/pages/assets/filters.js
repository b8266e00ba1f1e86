// Filters of a list, its address, and keys of the whole page.

const PATIENCE = 150;

/** Fill the choices of a form, each with its number of rows. ``listNames`` lists what a row can be filtered by: "kind missed". */
function fillFilters(form, rows, listNames, choices) {
  const counts = new Map();
  for (const row of rows) {
    for (const name of new Set(listNames(row))) counts.set(name, (counts.get(name) || 0) + 1);
  }
  const listWords = (kind) => {
    const keys = [...counts.keys()].filter((key) => key.startsWith(`${kind} `));
    return keys.map((key) => key.slice(kind.length + 1)).sort();
  };
  const makeOption = (kind, word, label) => make("option", { value: word }, `${label} (${counts.get(`${kind} ${word}`)})`);
  const fields = listWords("field");
  for (const task of [...TASKS, "record"]) {
    if (!counts.has(`task ${task}`)) continue;
    const whole = makeOption("task", task, task === "record" ? "the record as a whole" : `all of ${task}`);
    const own = fields.filter((field) => field.startsWith(`${task}.`));
    const name = (field) => field.split(".").slice(1).map(toWords).join(".");
    const options = own.map((field) => makeOption("field", field, name(field)));
    form.field.append(make("optgroup", { label: task }, whole, options));
  }
  for (const kind of choices) {
    form[kind].append(...listWords(kind).map((word) => makeOption(kind, word, toWords(word))));
  }
}

/** Wire the form of the filters: call ``change`` a while after the last letter, or at once after a choice. */
function wireFilters(form, change, clear) {
  let waiting = 0;
  form.addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(change, event.target.type === "search" ? PATIENCE : 0);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.clear.addEventListener("click", () => {
    form.reset();
    clear();
  });
}

/** What a query says of these names; other names are left out. */
function readQuery(names, query) {
  const given = new URLSearchParams(query);
  const values = {};
  for (const name of names) {
    if (given.has(name)) values[name] = given.get(name);
  }
  return values;
}

/** The names of a field and of its task. */
function nameField(field) {
  return [`field ${field}`, `task ${field.split(".")[0]}`];
}

/** The words of a search. */
function splitWords(text) {
  return (text || "").toLowerCase().split(/\s+/).filter(Boolean);
}

/** Whether each of these words is part of one of the texts. */
function hasWords(texts, words) {
  if (words.length === 0) return true;
  const joined = texts.join("\n").toLowerCase();
  return words.every((word) => joined.includes(word));
}

/** Wire the keys of a page with a dialog of keys; in an input, Escape leaves it. */
function listenToKeys(page) {
  const dialog = document.querySelector("dialog.help");
  const actions = { ...page, "?": () => dialog.showModal() };
  document.addEventListener("keydown", (event) => {
    const isShortcutOfBrowser = event.ctrlKey || event.metaKey || event.altKey;
    if (isShortcutOfBrowser || dialog.open) return;
    if (!Object.hasOwn(actions, event.key)) return;
    const isTyping = event.target.closest("input, select, textarea");
    if (isTyping) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    event.preventDefault();
    actions[event.key]();
  });
  document.querySelector(".keys-button").addEventListener("click", () => dialog.showModal());
}
