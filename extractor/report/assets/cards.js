// The extraction as cards: one for each criterion, regimen, endpoint and finding, with reasons for empty fields.

const TITLES = {
  eligibility: ["Eligibility", (record) => count(record, "eligibility.criteria[", "criterion", "criteria")],
  dosing: ["Dosing", (record) => count(record, "dosing[", "regimen", "regimens")],
  endpoints: ["Endpoints", (record) => count(record, "endpoints[", "endpoint", "endpoints")],
  custom: ["Your own fields", (record) => count(record, "custom.", "value", "values")],
};
const HEADLINES = ["quote", "measure", "agent"];
const LONG = ["quote", "measure", "description", "time_frame", "lead_in", "timing"];
const TIME_UNITS = ["minute", "hour", "day", "week", "month", "year", "cycle"];

/** Keep the order, but put the item's own words first. */
function headlinesFirst(things, nameOf) {
  return things.sort((one, other) => HEADLINES.includes(nameOf(other)) - HEADLINES.includes(nameOf(one)));
}

function count(record, start, one, many) {
  const number = record.items.filter(({ path, of }) => path.startsWith(start) && !of).length;
  return `${number} ${number === 1 ? one : many}`;
}

/** All cards of a record. What a user's own field says of a criterion, regimen or endpoint stands in the card of that. */
function showValues(record, meanings) {
  const known = new Set(record.items.map(({ path }) => path));
  const findings = record.findings.map((finding, number) => showFinding(record, finding, number, meanings));
  const groups = TASKS.map((task) => {
    const items = record.items.filter(({ path, of }) => nameTask(path) === task && !known.has(of));
    const paths = items.map(({ path }) => path);
    const lone = record.absences.filter(([field]) => nameTask(field) === task && !paths.some((path) => isPartOf(field, path)));
    if (items.length + lone.length === 0) return null;
    const [title, tell] = TITLES[task];
    return make(
      "section",
      { class: `group ${task}`, "aria-label": title },
      make("h3", {}, title, make("span", { class: "dim" }, tell(record))),
      lone.map((absence) => make("p", { class: "lone", "data-path": absence[0], tabindex: "-1" }, tellAbsence(absence, meanings))),
      items.map((item) => showCard(record, item, meanings)),
    );
  });
  const first = findings.length
    ? make("section", { class: "group findings", "aria-label": "Findings" }, make("h3", {}, "Findings"), findings)
    : null;
  const explained = make("p", { class: "dim explained" },
    "Confidence, from 0 to 1, is how likely the least sure field of an item, filled or empty, is right. "
    + "A value is as quoted, parsed from its quote, inferred (decided by it), or unsupported (not found in it again). Point at a value to see its place.");
  return [explained, first, ...groups].filter(Boolean);
}

/** Whether a field belongs to an item: "eligibility" has its own fields, not those of its criteria. */
function isPartOf(field, path) {
  const rest = field.startsWith(`${path}.`) ? field.slice(path.length + 1) : null;
  return rest !== null && rest !== "criteria" && !rest.startsWith("criteria[");
}

function showCard(record, item, meanings) {
  const empty = record.absences.filter(([field]) => isPartOf(field, item.path));
  const byName = Map.groupBy(item.values, ({ name }) => name);
  const names = headlinesFirst([...byName.keys()], (name) => name);
  const rows = names.map((name) => [
    make("dt", {}, nameValue(item, name)),
    make("dd", { class: LONG.includes(name) && "wide" }, byName.get(name).map((value) => makeValue(record, value, meanings))),
  ]);
  return make(
    "div",
    { class: "card", role: "group", "data-path": item.path, "aria-label": item.path },
    make("header", {}, make("b", {}, nameItem(item)), item.origin && make("span", {}, tellOrigin(item.origin)), makeConfidence(item.confidence)),
    rows.length ? make("dl", { class: "facts" }, rows) : null,
    record.items.filter(({ of }) => of === item.path).map((own) => showCard(record, own, meanings)),
    empty.length ? showEmpty(empty, item.path, meanings) : null,
  );
}

function nameItem(item) {
  const own = item.path.match(/^custom\.(\w+)/)?.[1];
  if (own) return toWords(own);
  const kind = item.values.find(({ name }) => name === "kind")?.value;
  const [, number] = item.path.match(/\[(\d+)\]$/) || [];
  if (item.rank) return `${item.rank[0]} endpoint ${item.rank[1] + 1}`;
  if (kind) return `${kind} ${Number(number) + 1}`;
  return item.path.startsWith("dosing") ? `regimen ${Number(number) + 1}` : "who may take part";
}

/** The label of a value; the only one of a user's own field has the field's name. */
function nameValue(item, name) {
  return name === "value" ? nameItem(item) : toWords(name);
}

function tellOrigin(origin) {
  return { rule: "by rules", model: "by a model", both: "by rules and a model" }[origin] || origin;
}

function makeConfidence(confidence) {
  if (confidence === null) return null;
  const title = "how likely the least sure of its fields is right";
  return make("span", { class: confidence < 0.5 ? "sure doubtful" : "sure", title }, `confidence ${confidence.toFixed(2)}`);
}

/** A value: a link to its own address, which also shows its evidence. */
function makeValue(record, value, meanings) {
  const isTold = value.support && value.support !== "literal";
  const how = isTold ? make("span", { class: `how ${value.support}`, title: meanings[value.support] }, value.support) : null;
  return make(
    "a",
    {
      class: "value",
      href: writeRecord(record.id, value.path),
      title: tellPlaces(record, value.spans),
      "data-path": value.path,
      "data-spans": value.spans.join(" "),
    },
    toShown(value.value),
    how,
  );
}

/** Where the quotes of a value stand: "eligibility, characters 342 to 368". */
function tellPlaces(record, spans) {
  const places = spans.map((number) => {
    const [section, , , start, end] = record.spans[number];
    return `${record.sections[section].name}, characters ${start} to ${end}`;
  });
  return places.join("\n");
}

/** Format a value for readers: a choice as words, a time with its unit, a window with its quote. */
function toShown(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return toNumber(value);
  if (typeof value === "string") return /^[a-z]+(_[a-z]+)+$/.test(value) ? toWords(value) : value;
  const { quote, ...rest } = value;
  if (TIME_UNITS.includes(rest.unit) && rest.value !== 1) rest.unit += "s";
  const line = "comparator" in rest ? toLimit(rest) : toLine(rest);
  return quote ? `${line} (“${quote}”)` : line;
}

/** A limit: "ECOG 0 to 2", "age ≥ 18 years". */
function toLimit({ quantity, comparator, value, value_high: high, unit }) {
  const sign = { "<=": "≤", ">=": "≥", between: "" }[comparator] ?? comparator;
  const number = comparator === "between" ? `${toNumber(value)} to ${toNumber(high)}` : toNumber(value);
  return [quantity, sign, number, unit].filter(Boolean).join(" ");
}

function tellAbsence([field, reason, sections], meanings) {
  const name = field.replace(/^.*\./, "").replace(/\[\d+\]$/, "");
  const searched = sections.length ? `; searched: ${sections.join(", ")}` : "";
  const what = { dosing: "regimen", endpoints: "endpoint", criteria: "criterion" }[name] || toWords(name);
  return [make("b", {}, `No ${what}`), ": ", make("span", { title: meanings[reason] }, toWords(reason)), searched];
}

function showEmpty(empty, path, meanings) {
  const lines = empty.map((absence) => make("li", { "data-path": absence[0], tabindex: "-1" }, tellAbsence(absence, meanings)));
  const names = empty.map(([field]) => toWords(field.slice(path.length + 1).replace(/^custom\./, ""))).join(", ");
  return make("details", { class: "empties" }, make("summary", {}, `${empty.length} empty: ${names}`), make("ul", {}, lines));
}

/** The path of one side of a finding. */
function nameCitation(finding, place) {
  return `findings[${finding}].citations[${place}]`;
}

function showFinding(record, finding, number, meanings) {
  const path = `findings[${number}]`;
  const quotes = finding.quotes.map(([section, quote, span], place) => {
    const own = nameCitation(number, place);
    const attributes = { class: "value", href: writeRecord(record.id, own), "data-path": own, "data-spans": span === null ? "" : String(span) };
    return make("li", {}, make("a", attributes, `“${quote}”`), " ", make("code", {}, section));
  });
  const field = finding.field && make("code", {}, finding.field);
  return make(
    "div",
    { class: `card ${finding.severity}`, role: "group", "data-path": path, "aria-label": path, tabindex: "-1" },
    make("header", {}, make("b", { title: meanings[finding.kind] }, toWords(finding.kind)), make("span", {}, finding.severity), field),
    make("p", { class: "message" }, finding.message),
    quotes.length ? make("ul", { class: "quotes" }, quotes) : null,
    finding.sections.length ? make("p", { class: "message dim" }, `looked for in ${finding.sections.join(", ")}`) : null,
  );
}
