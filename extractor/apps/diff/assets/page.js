// The changes in a trial next to the texts of both versions, and the list of trials.

const SIDES = ["old", "new"];

/** For each span, the changes that quote it. */
function listChanges({ changes, sections, spans }) {
  const owners = spans.map(() => []);
  changes.forEach(({ kind, field, spans: cited }, number) => {
    for (const span of cited) owners[span].push({ path: `changes[${number}]`, kind: sections[spans[span][0]].side, label: `${kind}: ${field}` });
  });
  return owners;
}

/** The changes as cards, with differing words marked. */
function showChanges(record) {
  return record.changes.map((change, number) => {
    const path = `changes[${number}]`;
    const stated = SIDES.filter((side) => change[side] !== null);
    const pieces = compareTexts(change.old ?? "", change.new ?? "").map((side) => showDifference(side, "em"));
    return make("div", { class: "card", role: "group", "aria-label": `${change.kind} ${change.field}` },
      make("header", {}, make("b", {}, change.kind), make("span", {}, change.field)),
      make("a", { class: "value sides", href: writeRecord(record.id, path), "data-path": path, "data-spans": change.spans.join(" ") },
        stated.map((side) => make("span", { class: `side ${side}` }, make("span", { class: "which" }, `${record.names[SIDES.indexOf(side)]} `), pieces[SIDES.indexOf(side)]))),
      change.note && make("p", { class: "dim" }, change.note));
  });
}

/** The trials with a change that matches all filters. */
function selectTrials(rows, { kind, field, text }) {
  const isWanted = ([ofKind, ofField]) => (!kind || ofKind === kind) && (!field || ofField === field || ofField.startsWith(`${field}.`));
  return rows.filter(({ id, title, changes }) => changes.some(isWanted) && hasWords([id, title], splitWords(text)));
}

function makeRow({ id, title, changes }) {
  return make("a", { href: writeRecord(id) },
    make("span", { class: "row-title" }, make("code", {}, id), " ", title),
    make("span", { class: "row-note" }, make("b", {}, count(changes.length, "change"))));
}

unpack("index").then((rows) => {
  if (!location.hash && rows.length === 1) history.replaceState(null, "", writeRecord(rows[0].id));
  startPage(rows, {
    select: selectTrials,
    makeRow,
    listNames: ({ changes }) => changes.flatMap(([kind, field]) => [...nameField(field), `kind ${kind}`]),
    choices: ["kind"],
    listOwners: listChanges,
    showValues: showChanges,
    listFacts: ({ id, title, changes }) => [title && id, count(changes.length, "change")].filter(Boolean),
    listNotes: ({ missing, names, doubt }) => [
      doubt && `Whether these belong together is doubtful: ${doubt}.`,
      ...missing.map((side) => `The text of the ${names[SIDES.indexOf(side)]} version is not available. Only its quotes are shown, separated by dots.`),
    ].filter(Boolean),
  });
});
