// The list of errors and its filters.

/** Fill the choices of the filters from the errors there are. */
function fillFilters(form, errors) {
  const count = (name) => {
    const numbers = new Map();
    for (const error of errors) numbers.set(error[name], (numbers.get(error[name]) || 0) + 1);
    return [...numbers].sort(([one], [other]) => compare(one, other));
  };
  const option = (value, label) => make("option", { value }, label);
  const kinds = count("kind").map(([kind, number]) => option(kind, `${toWords(kind)} (${number})`));
  form.kind.append(option("", "any"), ...kinds);
  form.field.append(option("", "any"));
  const fields = count("field");
  for (const task of [...new Set(fields.map(([field]) => field.split(".")[0]))]) {
    const own = fields.filter(([field]) => isTaskOf(task, field));
    const total = own.reduce((sum, [, number]) => sum + number, 0);
    const options = own.map(([field, number]) => option(field, `${field} (${number})`));
    form.field.append(make("optgroup", { label: task }, option(task, `all of ${task} (${total})`), options));
  }
  document.getElementById("record-ids").append(...count("record").map(([record]) => option(record, "")));
}

/** Show a state in the filters. */
function showFilters(form, state) {
  for (const name of ["kind", "field", "record", "text", "sort"]) {
    if (form[name].value !== (state[name] || "")) form[name].value = state[name] || "";
  }
}

/** The state of the filters. A cell of a confusion matrix applies only to its field. */
function readFilters(form, state) {
  const next = { ...state, error: undefined };
  for (const name of ["kind", "field", "record", "text", "sort"]) next[name] = form[name].value;
  if (next.field !== (state.field || "")) next.gold = next.predicted = undefined;
  return next;
}

/** The link of an error in the list. */
function makeRow(error, state) {
  const span = (name, ...children) => make("span", { class: name }, ...children);
  const line = (side) => span(`${side}-line`, shorten(toLine(error[side].value)));
  return make(
    "a",
    { href: writeState({ ...state, error: error.id }) },
    span("row-head", span("kind", toWords(error.kind)), span("field", error.field), span("harm", `harm ${error.harm}`)),
    span("row-values", line("gold"), span("sr", " in gold, predicted "), line("predicted")),
    span("row-record", error.record),
  );
}

/** Describe the list in words. */
function describe(found, all, state) {
  const isCell = state.gold !== undefined || state.predicted !== undefined;
  const name = (choice) => (choice === "" ? "(empty)" : choice);
  const cell = isCell ? ` where gold has ${name(state.gold)} and ${name(state.predicted)} is predicted` : "";
  return `${found.length} of ${all.length} errors${cell}`;
}

function shorten(text) {
  return text.length > 90 ? text.slice(0, 89) + "…" : text;
}
