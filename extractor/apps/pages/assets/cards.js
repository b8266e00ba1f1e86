// The extraction as cards: one for each criterion, regimen, endpoint and finding, with reasons for empty fields.

const LONG = ["quote", "measure", "description", "time_frame", "lead_in", "timing"];

/** All cards of a record. What a user's own field says of a criterion, regimen or endpoint stands in the card of that. */
function showValues(record, meanings) {
  const findings = record.findings.map((finding, number) => showFinding(record, finding, number, meanings));
  const groups = TASKS.map((task) => {
    const items = listItems(record.items, task);
    const paths = items.map(({ path }) => path);
    const lone = record.absences.filter(({ field }) => nameTask(field) === task && !paths.some((path) => isPartOf(field, path)));
    if (items.length + lone.length === 0) return null;
    return make(
      "section",
      { class: `group ${task}`, "aria-label": TITLES[task][0] },
      makeTitle("h3", task, record.items),
      lone.map((absence) => make("p", { class: "lone", "data-path": absence.field, tabindex: "-1" }, tellAbsence(absence, meanings))),
      task === "dosing" && record.grid && showGrid(record),
      drawNested(items, (item) => showCard(record, item, meanings), (path, drawn) => showTogether(record, path, drawn, meanings)),
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

/** The items of a group under their rule and the line that introduces them. */
function showTogether(record, path, drawn, meanings) {
  const group = record.items.flatMap(({ values }) => values).find((value) => value.path === path);
  return make("section", { class: "together", "aria-label": group.said },
    make("p", {}, makeValue(record, group, meanings)), make("ul", {}, drawn.map((one) => make("li", {}, one))));
}

/** What each arm gets, as a table, and the regimens whose arms are not told. */
function showGrid(record) {
  const { arms, given, untold } = record.grid;
  const link = ({ path, name, how }) => [make("a", { href: writeRecord(record.id, path) }, name), how && make("span", { class: "how" }, ` ${how}`)];
  const rows = arms.map((arm, place) => make("tr", {}, make("th", { scope: "row" }, arm),
    given.map(({ name, doses }) => make("td", { "data-label": name, class: !doses[place] && "none" }, doses[place] ?? "not given"))));
  const table = make("table", { class: "grid stacked" },
    make("caption", {}, "What each arm gets"),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "arm"), given.map((one) => make("th", { scope: "col" }, link(one))))),
    make("tbody", {}, rows));
  const rest = untold.map((one) => make("li", {}, link(one), one.doses[0] && ` ${one.doses[0]}`));
  return make("div", { class: "given", role: "region", "aria-label": "What each arm gets", tabindex: "0" }, table,
    rest.length > 0 && [make("p", {}, "Arms not told:"), make("ul", {}, rest)]);
}

/** Whether a field belongs to an item: "eligibility" has its own fields, not those of its criteria. */
function isPartOf(field, path) {
  const rest = field.startsWith(`${path}.`) ? field.slice(path.length + 1) : null;
  return rest !== null && rest !== "criteria" && !rest.startsWith("criteria[");
}

function showCard(record, item, meanings) {
  const empty = record.absences.filter(({ field }) => isPartOf(field, item.path));
  const { confidence } = item;
  // Groups are shown around their items.
  const said = headlinesFirst(item.values).filter(({ name, path }) => !path.startsWith("eligibility.groups") && !(name === "group" && item.groups.length));
  const rows = [...Map.groupBy(said, ({ name }) => name)].map(([name, values]) => [
    make("dt", {}, values[0].label),
    make("dd", { class: LONG.includes(name) && "wide" }, values.map((value) => makeValue(record, value, meanings))),
  ]);
  const title = "how likely the least sure of its fields is right";
  const sure = confidence !== null && make("span", { class: confidence < 0.5 ? "sure doubtful" : "sure", title }, `confidence ${confidence.toFixed(2)}`);
  return make(
    "div",
    { class: "card", role: "group", "data-path": item.path, "aria-label": item.path },
    make("header", {}, make("b", {}, item.name), item.origin && make("span", {}, item.origin), sure),
    rows.length ? make("dl", { class: "facts" }, rows) : null,
    record.items.filter(({ of }) => of === item.path).map((own) => showCard(record, own, meanings)),
    empty.length ? make("details", { class: "empties" },
      make("summary", {}, `${empty.length} empty: ${empty.map(({ label }) => label).join(", ")}`),
      make("ul", {}, empty.map((absence) => make("li", { "data-path": absence.field, tabindex: "-1" }, tellAbsence(absence, meanings))))) : null,
  );
}

/** A value: a link to its own address, which also shows its evidence. */
function makeValue(record, { path, said, support, spans }, meanings) {
  const isTold = support && support !== "literal";
  const places = spans.map((number) => {
    const [section, , , start, end] = record.spans[number];
    return `${record.sections[section].name}, characters ${start} to ${end}`;
  });
  return make(
    "a",
    { class: "value", href: writeRecord(record.id, path), title: places.join("\n"), "data-path": path, "data-spans": spans.join(" ") },
    said,
    isTold && make("span", { class: `how ${support}`, title: meanings[support] }, support),
  );
}

function tellAbsence({ label, reason, sections }, meanings) {
  const searched = sections.length ? `; searched: ${sections.join(", ")}` : "";
  return [make("b", {}, `No ${label}`), ": ", make("span", { title: meanings[reason] }, toWords(reason)), searched];
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
  return make(
    "div",
    { class: `card ${finding.severity}`, role: "group", "data-path": path, "aria-label": path, tabindex: "-1" },
    make("header", {}, make("b", { title: meanings[finding.kind] }, toWords(finding.kind)), make("span", {}, finding.severity), finding.field && make("code", {}, finding.field)),
    make("p", { class: "message" }, finding.message),
    quotes.length ? make("ul", { class: "quotes" }, quotes) : null,
    finding.sections.length ? make("p", { class: "message dim" }, `looked for in ${finding.sections.join(", ")}`) : null,
  );
}

/** What is quoted where: for each span the paths of values and findings, with task and label. */
function listQuoted(record) {
  const owners = listOwners(record).map((over) => over.map(({ item, value: { path, label, said } }) => {
    return { path, kind: nameTask(item.of ?? item.path), label: `${label}: ${said}` };
  }));
  record.findings.forEach((finding, number) => {
    finding.quotes.forEach(([, , span], place) => {
      if (span !== null) owners[span].push({ path: nameCitation(number, place), kind: "findings", label: finding.message });
    });
  });
  return owners;
}

function listFacts(record) {
  const facts = [...new Set([record.title && record.id, record.source])].filter(Boolean);
  if (record.coverage) {
    const [characters, claimed, boilerplate] = record.coverage;
    const said = characters - boilerplate;
    // Rounded down: 100 % means that nothing is left out.
    if (said > 0) facts.push(`${Math.floor((100 * claimed) / said)} % of the words are quoted (without headings and list marks)`);
  }
  const { calls, prompt_tokens = 0, cached_tokens, output_tokens = 0 } = record.usage;
  const cached = cached_tokens ? ` (${cached_tokens.toLocaleString("en")} cached)` : "";
  if (calls) facts.push(`${prompt_tokens.toLocaleString("en")} prompt${cached} and ${output_tokens.toLocaleString("en")} output tokens`);
  return facts;
}
