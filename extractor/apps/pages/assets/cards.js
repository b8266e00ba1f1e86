// The extraction as cards: one for each criterion, regimen, endpoint and finding, with reasons for empty fields.

const LONG = ["quote", "measure", "description", "time_frame", "lead_in", "timing"];
const DOUBTFUL = 0.85;

/** All cards of a record. A user's own field of a criterion, regimen or endpoint is in the card of that. */
function showValues(record, meanings) {
  const findings = record.findings.map((finding, number) => showFinding(record, finding, number, meanings));
  const sections = [make("p", { class: "dim explained" },
    "“80 % sure”: the value is right with a probability of 80 %. “Parsed”: it is read from the text, as 2 years from “two years”. "
    + "“Inferred”: it follows from the text, as a category does. Click a value to see its words in the text.")];
  if (findings.length) sections.push(make("section", { class: "group findings", "aria-label": "Findings" }, make("h3", {}, "Findings"), findings));
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
  const values = record.items.flatMap((item) => item.values);
  return make("section", { class: `group ${task}`, "aria-label": TITLES[task][0] },
    makeTitle("h3", task, record.items),
    lone.map((absence) => showAbsence("p", absence, meanings)),
    drawNested(items, (item) => showCard(record, item, meanings), (path, cards) => {
      const group = values.find((value) => value.path === path);
      return make("section", { class: "together", "aria-label": group.said },
        make("p", {}, makeValue(record, group, meanings)),
        make("ul", {}, cards.map((card) => make("li", {}, card))));
    }));
}

/** Whether a field belongs to an item: "eligibility" has its own fields, not those of its criteria. */
function isPartOf(field, path) {
  return field.startsWith(`${path}.`) && !/^criteria(\[|$)/.test(field.slice(path.length + 1));
}

/** The card of an item, with the cards of the user's own fields that belong to it, and its empty fields. */
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
  return make("div", { class: "card", role: "group", "data-path": item.path, "aria-label": item.path },
    make("header", {}, make("b", {}, item.name), item.origin && make("span", {}, item.origin),
      item.doubt && make("span", { class: "how doubtful" }, `${toPercent(item.confidence)} sure: ${item.doubt}`)),
    rows.length > 0 && make("dl", { class: "facts" }, rows),
    own.map((ofItem) => showCard(record, ofItem, meanings)),
    empty.length > 0 && make("details", { class: "empties" },
      make("summary", {}, `${empty.length} empty: ${empty.map(({ label }) => label).join(", ")}`),
      make("ul", {}, empty.map((absence) => showAbsence("li", absence, meanings)))));
}

/** A value: a link to its own address, which also shows its evidence. */
function makeValue(record, { path, said, support, confidence, doubts = [], pages = [], spans }, meanings) {
  const places = spans.map((number) => {
    const [, , , start, end] = record.spans[number];
    return `${nameOrigin(record, number)}, characters ${start} to ${end}`;
  });
  const isDoubtful = confidence !== null && confidence < DOUBTFUL;
  const isSupportShown = support && support !== "literal";
  return make("a",
    { class: "value", href: writeRecord(record.id, path), title: [...new Set(places)].join("\n"), "data-path": path, "data-spans": spans.join(" ") },
    said,
    pages.length > 0 && make("span", { class: "how" }, `page ${pages.join(", ")}`),
    isSupportShown && make("span", { class: `how ${support}`, title: meanings[support] }, support),
    isDoubtful && make("span", { class: "how doubtful" }, `${toPercent(confidence)} sure${doubts.length ? `: ${doubts.join("; ")}` : ""}`));
}

/** Why a field is empty, and which sections were searched for it. */
function showAbsence(tag, { field, label, reason, sections }, meanings) {
  const searched = sections.length ? `; searched: ${sections.map(toWords).join(", ")}` : "";
  return make(tag, { class: tag === "p" && "lone", "data-path": field, tabindex: "-1" },
    make("b", {}, `No ${label}`), ": ", make("span", { title: meanings[reason] }, toWords(reason)), searched);
}

/** The path of one side of a finding. */
function nameCitation(finding, place) {
  return `findings[${finding}].citations[${place}]`;
}

/** The card of a finding, with links to its quotes. */
function showFinding(record, { kind, severity, field, message, sections, quotes }, number, meanings) {
  const path = `findings[${number}]`;
  const links = quotes.map(([section, quote, span], place) => {
    const citation = nameCitation(number, place);
    const attributes = { class: "value", href: writeRecord(record.id, citation), "data-path": citation, "data-spans": span === null ? "" : String(span) };
    return make("li", {}, make("a", attributes, `“${quote}”`), " ", make("code", {}, section));
  });
  return make("div", { class: `card ${severity}`, role: "group", "data-path": path, "aria-label": path, tabindex: "-1" },
    make("header", {}, make("b", { title: meanings[kind] }, toWords(kind)), make("span", {}, severity), field && make("code", {}, field)),
    make("p", { class: "message" }, message),
    links.length > 0 && make("ul", { class: "quotes" }, links),
    sections.length > 0 && make("p", { class: "message dim" }, `looked for in ${sections.join(", ")}`));
}

/** What is quoted where: for each span the paths of values and findings, with task and label. */
function listQuoted(record) {
  const quoted = listOwners(record).map((owners) => owners.map(({ item, value }) => (
    { path: value.path, kind: nameTask(item.of ?? item.path), label: `${value.label}: ${value.said}` })));
  record.findings.forEach(({ quotes, message }, number) => {
    quotes.forEach(([, , span], place) => {
      // without the text, the place of a quote may not be known
      if (span !== null) quoted[span].push({ path: nameCitation(number, place), kind: "findings", label: message });
    });
  });
  return quoted;
}

/** Facts on a record as a whole: its id, where it comes from, and how much is quoted. */
function listFacts({ id, title, source, coverage }) {
  const facts = [...new Set([title && id, source].filter(Boolean))];
  if (!coverage) return facts;
  const [characters, claimed, boilerplate] = coverage;
  const words = characters - boilerplate;
  // Rounded down: 100 % means that nothing is left out.
  if (words > 0) facts.push(`${Math.floor((100 * claimed) / words)} % of the words are quoted (without headings and list marks)`);
  return facts;
}
