// The rows of the list, its filters and its order.

/** Rows of the list as objects. A row refers to its facts by numbers. */
function readRows({ rows, facts }) {
  return rows.map(([id, title, place, [criteria, regimens, endpoints, empty, findings], sure, numbers], number) => (
    { id, title, place, criteria, regimens, endpoints, empty, findings, sure, number, facts: numbers.map((fact) => facts[fact]) }));
}

/** What a row can be filtered by: its fields with their tasks, and their facts. */
function listNames({ facts }) {
  return facts.flatMap(([field, fact]) => [...nameField(field), fact]);
}

const ORDERS = {
  doubt: (row) => row.sure,
  findings: (row) => -row.findings,
  empty: (row) => -row.empty,
};

/** The words of each record, by its number: unpacked at the first search. */
let recordWords = null;

/** Rows that pass the filters, in order. A search finds records that have all its words, or words that contain them. */
async function selectRows(rows, filters) {
  const words = splitWords(filters.text);
  const wordsOf = words.length ? await (recordWords ??= unpack("words")) : [];
  const selected = rows.filter((row) => hasFacts(row, filters) && words.every((word) => wordsOf[row.number].includes(word)));
  const order = ORDERS[filters.sort];
  if (order) selected.sort((one, other) => order(one) - order(other) || one.number - other.number);
  if (filters.sort === "id") selected.sort((one, other) => (one.id < other.id ? -1 : 1));
  return selected;
}

/** Whether the record has all chosen facts, about the chosen field if there is one. */
function hasFacts(row, filters) {
  const { field: chosen } = filters;
  const facts = row.facts.filter(([field]) => !chosen || field === chosen || field.startsWith(`${chosen}.`));
  if (facts.length === 0 && chosen) return false;
  return ["absence", "finding", "origin", "doubt", "below"].every((kind) => {
    const wanted = filters[kind];
    return !wanted || facts.some(([, fact]) => fact === `${kind} ${wanted}` || fact.split(" ", 1)[0] === wanted);
  });
}

/** The link of a record in the list. */
function makeRow({ id, title, criteria, regimens, endpoints, findings, empty, sure }) {
  const notes = [
    count(criteria, "criterion", "criteria"),
    count(regimens, "regimen"),
    count(endpoints, "endpoint"),
    findings && make("b", { class: "has-findings" }, count(findings, "finding")),
    `${empty} empty`,
    ["lowest confidence ", make("b", {}, toPercent(sure))],
  ];
  return make("a", { href: writeRecord(id) },
    make("span", { class: "row-title" }, make("code", {}, id), " ", title),
    make("span", { class: "row-note" }, notes.filter(Boolean).map((note) => make("span", {}, note))));
}
