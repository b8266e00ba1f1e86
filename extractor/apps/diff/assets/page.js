// The changes of a trial beside the texts of both versions, and the list of the trials.

const TONES = { major: "bad", minor: "doubtful", editorial: "" };

/** For each span the changes that cite it. */
function listChanges({ changes, sections, spans }) {
  const owners = spans.map(() => []);
  changes.forEach(({ item, kind, message, spans: cited }, number) => {
    const label = `${item} ${kind}: ${message}`;
    for (const span of new Set(cited)) owners[span].push({ path: `changes[${number}]`, kind: sections[spans[span][0]].side, label });
  });
  return owners;
}

/** The changes of meaning as cards, and those of wording below them. */
function showChanges(record) {
  const cards = record.changes.map((change, number) => [change.severity, showChange(record, change, number)]);
  const kept = cards.filter(([severity]) => severity !== "editorial").map(([, card]) => card);
  const reworded = cards.filter(([severity]) => severity === "editorial").map(([, card]) => card);
  const title = `${count(reworded.length, "passage")} reworded, with the same meaning`;
  return [...kept, ...(reworded.length ? [make("details", { class: "reworded" }, make("summary", {}, title), reworded)] : [])];
}

function showChange(record, change, number) {
  const { item, kind, severity, field, message, spans } = change;
  const sides = ["old", "new"];
  const both = sides.every((side) => change[side].said);
  const pieces = both ? compareTexts(change.old.said, change.new.said).map((side) => showDifference(side, "em")) : sides.map((side) => [change[side].said]);
  const path = `changes[${number}]`;
  const places = sides.flatMap((side) => change[side].places.map((place) => `${side}: ${place}`)).join("\n");
  return make("div", { class: `card ${severity}`, role: "group", "aria-label": `${item} ${kind}` },
    make("header", {}, make("b", {}, `${item} ${kind}`), field && make("span", {}, field), make("span", { class: `chip ${TONES[severity]}` }, severity)),
    make("p", { class: "message" }, message),
    make("a", { class: "value sides", href: writeRecord(record.id, path), "data-path": path, title: places, "data-spans": spans.join(" ") },
      sides.map((side, place) => make("span", { class: `side ${side}` },
        make("span", { class: "which" }, `${side} `), change[side].said ? pieces[place] : make("span", { class: "dim" }, "not stated")))));
}

/** Trials with a change that passes all filters. */
function selectTrials(rows, filters) {
  const words = splitWords(filters.text);
  const fits = (change) => ["item", "kind", "severity"].every((name, place) => !filters[name] || change[place] === filters[name]);
  return rows.filter(({ id, title, changes }) => changes.some(fits) && hasWords([id, title, ...changes.map(([, , , message]) => message)], words));
}

function makeRow({ id, title, changes }) {
  const numbers = Object.keys(TONES).map((severity) => [changes.filter((change) => change[2] === severity).length, severity]);
  const [item, kind, , message] = changes[0];
  return make("a", { href: writeRecord(id) },
    make("span", { class: "row-title" }, make("code", {}, id), " ", title),
    make("span", { class: "row-note" },
      numbers.filter(([number]) => number).map(([number, severity]) => make("span", {}, make("b", {}, `${number} ${severity}`))),
      make("span", {}, `${item} ${kind}: ${message}${changes.length > 1 ? ", …" : ""}`)));
}

unpack("index").then((rows) => {
  if (!location.hash && rows.length === 1) history.replaceState(null, "", writeRecord(rows[0].id));
  startPage(rows, {
    select: selectTrials,
    makeRow,
    listNames: ({ changes }) => changes.flatMap(([item, kind, severity]) => [`item ${item}`, `kind ${kind}`, `severity ${severity}`]),
    choices: ["item", "kind", "severity"],
    listOwners: listChanges,
    showValues: showChanges,
    listFacts: ({ id, title, changes }) => [title && id, count(changes.length, "change")].filter(Boolean),
    listNotes: ({ missing }) => missing.map((side) => `The text of the ${side} version is not at hand: only its quotes are shown, with dots between.`),
  });
});
