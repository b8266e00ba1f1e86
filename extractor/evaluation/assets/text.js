// Sections of a record with the words of gold and of the prediction marked.

/** The marks of both sides in one section. */
function listMarks(name, error) {
  return ["gold", "predicted"].flatMap((side) =>
    error.marks[side]
      .filter(([section]) => section === name)
      .map(([, start, end]) => ({ side, start, end })),
  );
}

/** One section with its marks. */
function showSection(name, text, error) {
  const marks = listMarks(name, error);
  const pieces = markText(text, marks, (words, over) => {
    const sides = [...new Set(over.map((mark) => mark.side))].sort();
    const side = sides.length === 2 ? "both" : sides[0];
    const spoken = side === "both" ? "gold and predicted" : side;
    const said = (text) => make("span", { class: "sr" }, text);
    return make("mark", { class: side, title: spoken }, said(`[${spoken}: `), words, said("]"));
  });
  return make(
    "section",
    { class: "record-text" },
    make("h4", {}, make("code", {}, name)),
    make("pre", { tabindex: "0", role: "region", "aria-label": `Text of ${name}` }, pieces),
  );
}

/** The sections that matter to an error, or the reason why there are none. */
function showTexts(error, texts) {
  const text = Object.hasOwn(texts, error.record) ? texts[error.record] : null;
  if (text === null) {
    const remedy = "The record's text was missing when this page was made: run again with --records INPUT.";
    return [make("p", { class: "notice" }, remedy)];
  }
  const lacking = ["gold", "predicted"].filter((side) => error[side].value !== null && error.marks[side].length === 0);
  const notes = lacking.map((side) => make("p", { class: "notice" }, explainLack(error, side)));
  const sections = error.sections.filter((name) => text[name] !== undefined);
  return [makeKey(error), ...notes, ...sections.map((name) => showSection(name, text[name], error))];
}

function explainLack(error, side) {
  const who = side === "gold" ? "Gold" : "The prediction";
  if (error[side].quote === null) return `${who} gives no quote for this value.`;
  return `${who}'s words are not found in this text: “${error[side].quote}”`;
}

function makeKey(error) {
  const sides = ["gold", "predicted"].filter((side) => error.marks[side].length > 0);
  const isShared = ([section, start, end]) =>
    listMarks(section, error).some((mark) => mark.side === "predicted" && mark.start < end && start < mark.end);
  if (error.marks.gold.some(isShared)) sides.push("both");
  return make("p", { class: "key-line" }, sides.map((side) => make("span", { class: `swatch ${side}` }, side)));
}
