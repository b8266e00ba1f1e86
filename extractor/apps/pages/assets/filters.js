// Filters of a list, its address, and keys of the whole page.

const PATIENCE = 150;

/** Fill the choices of a form, each with its number of rows. ``listNames`` lists what a row can be filtered by: "kind missed". */
function fillFilters(form, rows, listNames, choices) {
  const counts = new Map();
  for (const row of rows) {
    for (const name of new Set(listNames(row))) counts.set(name, (counts.get(name) || 0) + 1);
  }
  const names = (start) => [...counts.keys()].filter((key) => key.startsWith(`${start} `)).map((key) => key.slice(start.length + 1));
  const option = (value, label, key) => make("option", { value }, `${label} (${counts.get(key)})`);
  const fields = names("field").sort();
  for (const task of [...TASKS, "record"].filter((task) => counts.has(`task ${task}`))) {
    const own = fields.filter((field) => field.startsWith(`${task}.`));
    const options = own.map((field) => option(field, toWords(field.slice(task.length + 1)), `field ${field}`));
    const whole = task === "record" ? "the record as a whole" : `all of ${task}`;
    form.field.append(make("optgroup", { label: task }, option(task, whole, `task ${task}`), options));
  }
  for (const name of choices) {
    form[name].append(...names(name).sort().map((value) => option(value, toWords(value), `${name} ${value}`)));
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

/** Those of these names that a query has. */
function readQuery(names, query) {
  const given = new URLSearchParams(query);
  return Object.fromEntries(names.filter((name) => given.has(name)).map((name) => [name, given.get(name)]));
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
  const joined = words.length ? texts.join("\n").toLowerCase() : "";
  return words.every((word) => joined.includes(word));
}

/** Wire the keys of a page with a dialog of keys; in an input, Escape leaves it. */
function listenToKeys(page) {
  const dialog = document.querySelector("dialog.help");
  const actions = { ...page, "?": () => dialog.showModal() };
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, select, textarea");
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isPlain || dialog.open || !Object.hasOwn(actions, event.key)) return;
    if (isTyping && event.key === "Escape") event.target.blur();
    if (isTyping) return;
    event.preventDefault();
    actions[event.key]();
  });
  document.querySelector(".keys-button").addEventListener("click", () => dialog.showModal());
}
