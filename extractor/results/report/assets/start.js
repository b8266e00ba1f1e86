// What the viewer shows of a run's record, and the start of the page.

const NOTES = {
  missing: ["The text of this record could not be read from the run's input: only its quotes are shown, with dots between."],
  changed: ["The text of this record has changed since the run: only its quotes are shown, with dots between."],
};

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
  const facts = [record.title && record.id, record.source].filter(Boolean);
  if (record.coverage) {
    const [characters, claimed, boilerplate] = record.coverage;
    const said = characters - boilerplate;
    if (said > 0) facts.push(`${Math.round((100 * claimed) / said)} % of the text is quoted`);
  }
  const { calls, prompt_tokens = 0, cached_tokens, output_tokens = 0 } = record.usage;
  const cached = cached_tokens ? ` (${cached_tokens.toLocaleString("en")} cached)` : "";
  if (calls) facts.push(`${prompt_tokens.toLocaleString("en")} prompt${cached} and ${output_tokens.toLocaleString("en")} output tokens`);
  return facts;
}

unpack("index").then((index) => startPage(readRows(index), {
  select: selectRows,
  makeRow,
  listNames,
  choices: ["absence", "finding", "origin"],
  listOwners: listQuoted,
  showValues: (record) => showValues(record, index.meanings),
  listFacts,
  listNotes: ({ text }) => NOTES[text] || [],
}));
