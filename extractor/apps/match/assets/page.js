// The verdicts on a trial's criteria next to its text, and the list of trials in the order of the answer.

const NOTES = {
  missing: "The text of this trial could not be read from the run's input: only its quotes are shown, with dots between.",
  changed: "The text of this trial has changed since the run: only its quotes are shown, with dots between.",
};

/** For each span, the verdicts that quote it. */
function listVerdicts({ cards, spans }) {
  const owners = spans.map(() => []);
  for (const { path, kind, verdict, spans: cited } of cards) {
    for (const span of cited) owners[span].push({ path, kind: verdict, label: `${kind}: ${toWords(verdict)}` });
  }
  return owners;
}

/** Lines beside a criterion, under their name; nothing if there are none. */
function showLines(name, lines) {
  if (lines.length === 0) return null;
  return make("div", { class: "beside" }, make("span", { class: "which" }, name), lines.map((line) => make("div", {}, line)));
}

/** The verdicts as cards: the words of the trial, the patient's facts, why, and what would decide it. */
function showVerdicts(trial) {
  return trial.cards.map((card) => make("div", { class: `card ${card.verdict}`, role: "group", "aria-label": `${toWords(card.verdict)}: ${card.kind}` },
    make("header", {}, make("b", {}, toWords(card.verdict)), make("span", {}, card.kind),
      card.origin === "model" && make("span", { class: "by-model" }, "by a model: check it")),
    make("a", { class: "value", href: writeRecord(trial.id, card.path), "data-path": card.path, "data-spans": card.spans.join(" ") },
      card.quote || "stated by the register"),
    showLines("The patient", card.facts),
    showLines("Why", card.why ? [card.why] : []),
    showLines("What would decide it", card.ask)));
}

/** The trials that match all filters, in the order of the answer. */
function selectTrials(rows, { answer, patient, text }) {
  return rows.filter((row) => (!answer || row.answer === answer) && (!patient || row.patient === patient)
    && hasWords([row.id, row.title], splitWords(text)));
}

function makeRow(row) {
  return make("a", { href: writeRecord(row.id) },
    make("span", { class: "row-title" }, make("code", {}, row.id), " ", row.title),
    make("span", { class: "row-note" }, make("span", { class: "answer" }, toWords(row.answer)),
      make("span", {}, `${row.met} met`), make("span", {}, `${row.not_met} not met`), make("span", {}, `${row.open} undecided`)));
}

unpack("index").then((rows) => {
  if (!location.hash && rows.length === 1) history.replaceState(null, "", writeRecord(rows[0].id));
  startPage(rows, {
    select: selectTrials,
    makeRow,
    listNames: ({ answer, patient }) => [`answer ${answer}`, `patient ${patient}`],
    choices: ["answer", "patient"],
    listOwners: listVerdicts,
    showValues: showVerdicts,
    listFacts: ({ id, title, answer }) => [title && id, toWords(answer)].filter(Boolean),
    listNotes: ({ text, doubts, findings }) => [NOTES[text], ...doubts.map((doubt) => `The list of criteria is doubtful: ${doubt}.`), ...findings].filter(Boolean),
  });
});
