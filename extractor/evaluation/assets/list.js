// The list of errors and its filters.

const FILTERS = ["kind", "field", "record", "text", "sort"];

/** The state of the filters. A cell of a confusion matrix applies only to its field. */
function readFilters(form, state) {
  const next = { ...state, error: undefined };
  for (const name of FILTERS) next[name] = form[name].value;
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
