// The start of the page, and notes on records whose text is not shown.

const NOTES = {
  missing: ["The text of this record could not be read from the run's input: only its quotes are shown, with dots between."],
  changed: ["The text of this record has changed since the run: only its quotes are shown, with dots between."],
};

unpack("index").then((index) => startPage(readRows(index), {
  select: selectRows,
  makeRow,
  listNames,
  choices: ["absence", "finding", "origin", "doubt"],
  listOwners: listQuoted,
  showValues: (record) => showValues(record, index.meanings),
  listFacts,
  listNotes: ({ text }) => NOTES[text] || [],
}));
