// The list's rows, filters and order.

/** Rows of the list as objects. A row has the numbers of its facts, which all rows share. */
function readRows({ rows, facts: allFacts }) {
  return rows.map(([id, title, place, items, [empty, findings], sure, factNumbers], number) => {
    const facts = factNumbers.map((fact) => allFacts[fact]);
    return { id, title, place, items, empty, findings, sure, number, facts };
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
  const { field, below, sort } = filters;
  const words = splitWords(filters.text);
  let wordsOf = [];
  if (words.length) wordsOf = await (recordWords ??= unpack("words"));
  const selected = rows.filter((row) => {
    if (!hasFacts(row, filters)) return false;
    const isDoubtful = leastSure(row, field) < Number(below);
    if (below && !isDoubtful) return false;
    return words.every((word) => wordsOf[row.number].includes(word));
  });
  const sortBy = (measure) => selected.sort((one, other) => measure(one) - measure(other) || one.number - other.number);
  if (sort === "id") selected.sort((one, other) => (one.id < other.id ? -1 : 1));
  if (sort === "doubt") sortBy((row) => leastSure(row, field));
  if (sort === "findings") sortBy((row) => -row.findings);
  if (sort === "empty") sortBy((row) => -row.empty);
  return selected;
}

/** Whether the record has all chosen facts, about the chosen field if there is one. */
function hasFacts(row, filters) {
  const chosen = filters.field;
  const isOfChosen = (field) => field === chosen || field.startsWith(`${chosen}.`);
  const facts = chosen ? row.facts.filter(([field]) => isOfChosen(field)) : row.facts;
  if (chosen && facts.length === 0) return false;
  return ["absence", "finding", "origin"].every((name) => {
    const wanted = filters[name];
    if (!wanted) return true;
    if (wanted === "filled") return facts.some(([, fact]) => fact.startsWith("origin "));
    return facts.some(([, fact]) => fact === `${name} ${wanted}`);
  });
}

/** The least confidence of the items with the chosen field, or of all items without one; 1 without an item. */
function leastSure(row, field) {
  const task = TASKS.indexOf((field || "").split(".")[0]);
  const ofTasks = task < 0 ? row.sure : [row.sure[task]];
  const stated = ofTasks.filter((sure) => sure !== null);
  return stated.length ? Math.min(...stated) : 1;
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
      make("span", {}, "least sure item ", make("b", {}, toPercent(leastSure(row)))),
    ),
  );
}
