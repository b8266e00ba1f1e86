// The list's rows, filters and order.

/** Rows of the list as objects. */
function readRows({ rows, facts: known }) {
  return rows.map(([id, title, place, items, [empty, findings], sure, facts], number) => {
    return { id, title, place, items, empty, findings, sure, number, facts: facts.map((fact) => known[fact]) };
  });
}

/** What a row can be filtered by: its fields with their tasks, and what is said of these. */
function listNames({ facts }) {
  return facts.flatMap(([field, said]) => [...nameField(field), said]);
}

/** The words of each record, by its number: unpacked at the first search. */
let recordWords = null;

/** Rows that pass the filters, in order. A search finds records that have all its words, or words that contain them. */
async function selectRows(rows, filters) {
  const { field, below } = filters;
  const words = splitWords(filters.text);
  const known = words.length ? await (recordWords ??= unpack("words")) : [];
  const hasAll = ({ number }) => words.every((word) => known[number].includes(word));
  const found = rows.filter((row) => hasFacts(row, filters) && (!below || leastSure(row, field) < Number(below)) && hasAll(row));
  const orders = { doubt: (row) => leastSure(row, field), findings: (row) => -row.findings, empty: (row) => -row.empty };
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
