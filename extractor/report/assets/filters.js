// The list's rows, filters and order.

const TASKS = ["eligibility", "dosing", "endpoints"];

/** Fill the choices from the records' facts, each with its number of records. */
function fillFilters(form, rows) {
  const counts = new Map();
  for (const row of rows) {
    const names = row.facts.flatMap(([field, said]) => [`field ${field}`, `task ${field.split(".")[0]}`, said]);
    for (const name of new Set(names)) counts.set(name, (counts.get(name) || 0) + 1);
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
  for (const name of ["absence", "finding", "origin"]) {
    form[name].append(...names(name).sort().map((value) => option(value, toWords(value), `${name} ${value}`)));
  }
}

/** Rows that pass the filters, in order. The search for words is separate: they are in the records. */
function selectRows(rows, filters) {
  const found = rows.filter((row) => hasFacts(row, filters) && isDoubtful(row, filters));
  const orders = {
    doubt: (row) => leastSure(row, filters.field),
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
  const facts = row.facts.filter(([field]) => isWithin(field, filters.field));
  const asked = ["absence", "finding", "origin"].filter((name) => filters[name]);
  const isSaid = (name) => (filters[name] === "filled" ? (said) => said.startsWith("origin ") : (said) => said === `${name} ${filters[name]}`);
  return (facts.length > 0 || !filters.field) && asked.every((name) => facts.some(([, said]) => isSaid(name)(said)));
}

function isWithin(field, wanted) {
  return !wanted || field === wanted || field.startsWith(`${wanted}.`);
}

function isDoubtful(row, { below, field }) {
  return !below || leastSure(row, field) < Number(below);
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
  const sure = leastSure(row);
  const number = (count, word) => make("span", {}, make("b", {}, String(count)), ` ${word}${count === 1 ? "" : "s"}`);
  const findings = row.findings ? number(row.findings, "finding") : null;
  if (findings) findings.className = "has-findings";
  return make(
    "a",
    { href: writeRecord(row.id) },
    make("span", { class: "row-title" }, make("code", {}, row.id), " ", row.title),
    make(
      "span",
      { class: "row-note" },
      make("span", {}, make("b", {}, String(criteria)), criteria === 1 ? " criterion" : " criteria"),
      number(regimens, "regimen"),
      number(endpoints, "endpoint"),
      findings,
      make("span", {}, make("b", {}, String(row.empty)), " empty"),
      make("span", {}, "least confidence ", make("b", {}, sure.toFixed(2))),
    ),
  );
}
