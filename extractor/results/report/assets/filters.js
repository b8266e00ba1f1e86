// The list's rows, filters and order.

/** What a row can be filtered by: its fields with their tasks, and what is said of these. */
function listNames({ facts }) {
  return facts.flatMap(([field, said]) => [...nameField(field), said]);
}

/** Rows that pass the filters, in order. The search for words is separate: they are in the records. */
function selectRows(rows, filters) {
  const { field, below } = filters;
  const found = rows.filter((row) => hasFacts(row, filters) && (!below || leastSure(row, field) < Number(below)));
  const orders = {
    doubt: (row) => leastSure(row, field),
    findings: (row) => -row.findings,
    empty: (row) => -row.empty,
  };
  const order = orders[filters.sort];
  if (filters.sort === "id") found.sort((one, other) => (one.id < other.id ? -1 : 1));
  else if (order) found.sort((one, other) => order(one) - order(other) || one.number - other.number);
  return found;
}

/** Whether the record has all chosen facts, about the chosen field if there is one. */
function hasFacts(row, filters) {
  const wanted = filters.field;
  const facts = row.facts.filter(([field]) => !wanted || field === wanted || field.startsWith(`${wanted}.`));
  const asked = ["absence", "finding", "origin"].filter((name) => filters[name]);
  const isSaid = (name) => (filters[name] === "filled" ? (said) => said.startsWith("origin ") : (said) => said === `${name} ${filters[name]}`);
  return (facts.length > 0 || !wanted) && asked.every((name) => facts.some(([, said]) => isSaid(name)(said)));
}

/** The least confidence of the items with the chosen field, or of all items without one. */
function leastSure(row, field) {
  const task = TASKS.indexOf((field || "").split(".")[0]);
  const known = (task < 0 ? row.sure : [row.sure[task]]).filter((sure) => sure !== null);
  return known.length ? Math.min(...known) : 1;
}

/** The words of each record, by its number: unpacked at the first search. */
let recordWords = null;

/** Rows of records that have all these words, or words that contain them. */
async function searchRows(rows, words) {
  recordWords ??= unpack("words");
  const known = await recordWords;
  return rows.filter(({ number }) => words.every((word) => known[number].includes(word)));
}

/** The link of a record in the list. */
function makeRow(row) {
  const [criteria, regimens, endpoints] = row.items;
  const findings = row.findings ? make("span", { class: "has-findings" }, count(row.findings, "finding")) : null;
  const numbers = [count(criteria, "criterion", "criteria"), count(regimens, "regimen"), count(endpoints, "endpoint")];
  return make(
    "a",
    { href: writeRecord(row.id) },
    make("span", { class: "row-title" }, make("code", {}, row.id), " ", row.title),
    make(
      "span",
      { class: "row-note" },
      numbers.map((words) => make("span", {}, words)),
      findings,
      make("span", {}, `${row.empty} empty`),
      make("span", {}, "least confidence ", make("b", {}, leastSure(row).toFixed(2))),
    ),
  );
}
