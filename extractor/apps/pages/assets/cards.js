// The extraction as cards: one for each criterion, regimen, endpoint and finding, with reasons for empty fields.

const LONG = ["quote", "measure", "description", "time_frame", "lead_in", "timing"];

/** All cards of a record. What a user's own field says of a criterion, regimen or endpoint stands in the card of that. */
function showValues(record, meanings) {
  const explained = make("p", { class: "dim explained" },
    "“90 % sure”: the least sure field of the item, filled or empty, is right nine times out of ten. "
    + "A value without a note stands so in the text. Parsed: it is read from the text, as 2 years from “two years”. "
    + "Inferred: it follows from the text, as a category does. Click a value to see its words in the text.");
  const sections = [explained];
  if (record.findings.length) {
    const findings = record.findings.map((finding, number) => showFinding(record, finding, number, meanings));
    sections.push(make("section", { class: "group findings", "aria-label": "Findings" }, make("h3", {}, "Findings"), findings));
  }
  for (const task of TASKS) {
    const items = listItems(record.items, task);
    const absences = record.absences.filter(({ field }) => nameTask(field) === task);
    const lone = absences.filter(({ field }) => !items.some(({ path }) => isPartOf(field, path)));
    if (items.length || lone.length) sections.push(showTask(record, task, items, lone, meanings));
  }
  return sections;
}

/** The cards of a task. ``lone`` are its empty fields that belong to no item. */
function showTask(record, task, items, lone, meanings) {
  return make(
    "section",
    { class: `group ${task}`, "aria-label": TITLES[task][0] },
    makeTitle("h3", task, record.items),
    lone.map((absence) => make("p", { class: "lone", "data-path": absence.field, tabindex: "-1" }, tellAbsence(absence, meanings))),
    task === "dosing" && record.grid && showGrid(record),
    drawNested(items, (item) => showCard(record, item, meanings), (path, cards) => showTogether(record, path, cards, meanings)),
  );
}

/** The cards of a group under its rule and the line that introduces them. */
function showTogether(record, path, cards, meanings) {
  const values = record.items.flatMap((item) => item.values);
  const group = values.find((value) => value.path === path);
  return make("section", { class: "together", "aria-label": group.said },
    make("p", {}, makeValue(record, group, meanings)),
    make("ul", {}, cards.map((card) => make("li", {}, card))));
}

/** What each arm gets, as a table, and the regimens whose arms are not told. */
function showGrid(record) {
  const { arms, given, untold } = record.grid;
  const makeLink = ({ path, name, how }) => [
    make("a", { href: writeRecord(record.id, path) }, name),
    how && make("span", { class: "how" }, ` ${how}`),
  ];
  const heads = given.map((regimen) => make("th", { scope: "col" }, makeLink(regimen)));
  const rows = arms.map((arm, place) => {
    const cells = given.map(({ name, doses }) => {
      const dose = doses[place];
      return make("td", { "data-label": name, class: !dose && "none" }, dose ?? "not given");
    });
    return make("tr", {}, make("th", { scope: "row" }, arm), cells);
  });
  const table = make("table", { class: "grid stacked" },
    make("caption", {}, "What each arm gets"),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "arm"), heads)),
    make("tbody", {}, rows));
  const rest = untold.map((regimen) => {
    const [dose] = regimen.doses;
    return make("li", {}, makeLink(regimen), dose && ` ${dose}`);
  });
  return make("div", { class: "given", role: "region", "aria-label": "What each arm gets", tabindex: "0" }, table,
    rest.length > 0 && [make("p", {}, "Arms not told:"), make("ul", {}, rest)]);
}

/** Whether a field belongs to an item: "eligibility" has its own fields, not those of its criteria. */
function isPartOf(field, path) {
  if (!field.startsWith(`${path}.`)) return false;
  const rest = field.slice(path.length + 1);
  return rest !== "criteria" && !rest.startsWith("criteria[");
}

/** The card of an item, with the cards of what the user's own fields say of it, and its empty fields. */
function showCard(record, item, meanings) {
  // Groups are shown around their items.
  const isOfGroup = ({ name, path }) => path.startsWith("eligibility.groups") || (name === "group" && item.groups.length > 0);
  const values = headlinesFirst(item.values).filter((value) => !isOfGroup(value));
  const rows = [...Map.groupBy(values, ({ name }) => name)].map(([name, ofField]) => [
    make("dt", {}, ofField[0].label),
    make("dd", { class: LONG.includes(name) && "wide" }, ofField.map((value) => makeValue(record, value, meanings))),
  ]);
  const own = record.items.filter(({ of }) => of === item.path);
  const empty = record.absences.filter(({ field }) => isPartOf(field, item.path));
  return make(
    "div",
    { class: "card", role: "group", "data-path": item.path, "aria-label": item.path },
    make("header", {}, make("b", {}, item.name), item.origin && make("span", {}, item.origin), showConfidence(item)),
    rows.length > 0 && make("dl", { class: "facts" }, rows),
    own.map((ofItem) => showCard(record, ofItem, meanings)),
    empty.length > 0 && showEmpty(empty, meanings),
  );
}

/** The confidence of an item; null if it has none. */
function showConfidence({ confidence }) {
  if (confidence === null) return null;
  const title = "how likely the least sure of its fields is right";
  const isDoubtful = confidence < 0.5;
  return make("span", { class: isDoubtful ? "sure doubtful" : "sure", title }, `${toPercent(confidence)} sure`);
}

/** The empty fields of an item, with the reason for each. */
function showEmpty(absences, meanings) {
  const labels = absences.map(({ label }) => label).join(", ");
  const reasons = absences.map((absence) => (
    make("li", { "data-path": absence.field, tabindex: "-1" }, tellAbsence(absence, meanings))));
  return make("details", { class: "empties" },
    make("summary", {}, `${absences.length} empty: ${labels}`),
    make("ul", {}, reasons));
}

/** A value: a link to its own address, which also shows its evidence. */
function makeValue(record, { path, said, support, spans }, meanings) {
  const places = spans.map((number) => {
    const [, , , start, end] = record.spans[number];
    return `${nameOrigin(record, number)}, characters ${start} to ${end}`;
  });
  // That a value is as quoted goes without saying.
  const isSupportShown = support && support !== "literal";
  return make(
    "a",
    { class: "value", href: writeRecord(record.id, path), title: [...new Set(places)].join("\n"), "data-path": path, "data-spans": spans.join(" ") },
    said,
    isSupportShown && make("span", { class: `how ${support}`, title: meanings[support] }, support),
  );
}

/** Why a field is empty, and which sections were searched for it. */
function tellAbsence({ label, reason, sections }, meanings) {
  const searched = sections.length ? `; searched: ${sections.map(toWords).join(", ")}` : "";
  return [make("b", {}, `No ${label}`), ": ", make("span", { title: meanings[reason] }, toWords(reason)), searched];
}

/** The path of one side of a finding. */
function nameCitation(finding, place) {
  return `findings[${finding}].citations[${place}]`;
}

/** The card of a finding, with links to its quotes. */
function showFinding(record, finding, number, meanings) {
  const path = `findings[${number}]`;
  const quotes = finding.quotes.map(([section, quote, span], place) => {
    const citation = nameCitation(number, place);
    const attributes = {
      class: "value",
      href: writeRecord(record.id, citation),
      "data-path": citation,
      "data-spans": span === null ? "" : String(span),
    };
    return make("li", {}, make("a", attributes, `“${quote}”`), " ", make("code", {}, section));
  });
  const { kind, severity, field, message, sections } = finding;
  return make(
    "div",
    { class: `card ${severity}`, role: "group", "data-path": path, "aria-label": path, tabindex: "-1" },
    make("header", {}, make("b", { title: meanings[kind] }, toWords(kind)), make("span", {}, severity), field && make("code", {}, field)),
    make("p", { class: "message" }, message),
    quotes.length > 0 && make("ul", { class: "quotes" }, quotes),
    sections.length > 0 && make("p", { class: "message dim" }, `looked for in ${sections.join(", ")}`),
  );
}

/** What is quoted where: for each span the paths of values and findings, with task and label. */
function listQuoted(record) {
  const quoted = listOwners(record).map((owners) => owners.map(({ item, value }) => ({
    path: value.path,
    kind: nameTask(item.of ?? item.path),
    label: `${value.label}: ${value.said}`,
  })));
  record.findings.forEach((finding, number) => {
    finding.quotes.forEach(([, , span], place) => {
      if (span === null) return;  // its place is not known
      quoted[span].push({ path: nameCitation(number, place), kind: "findings", label: finding.message });
    });
  });
  return quoted;
}

/** Facts on a record as a whole: its id, where it comes from, how much is quoted, and what a model used. */
function listFacts(record) {
  const facts = [];
  if (record.title) facts.push(record.id);
  if (record.source && !facts.includes(record.source)) facts.push(record.source);
  if (record.coverage) {
    const [characters, claimed, boilerplate] = record.coverage;
    const words = characters - boilerplate;
    // Rounded down: 100 % means that nothing is left out.
    if (words > 0) facts.push(`${Math.floor((100 * claimed) / words)} % of the words are quoted (without headings and list marks)`);
  }
  const { calls, prompt_tokens = 0, cached_tokens, output_tokens = 0 } = record.usage;
  if (calls) {
    const cached = cached_tokens ? ` (${cached_tokens.toLocaleString("en")} cached)` : "";
    facts.push(`${prompt_tokens.toLocaleString("en")} prompt${cached} and ${output_tokens.toLocaleString("en")} output tokens`);
  }
  return facts;
}
