// One error in full: both values, their places, and the text.

/** Draw an error with links to its neighbours in the list. */
function showDetail(page, error, found, state, views) {
  if (!error) {
    const gone = `No ${ENTRY} has this address: it was fixed, or left out of this page.`;
    const words = state.error ? gone : `Choose an ${ENTRY} to see it in its text.`.replace("an d", "a d");
    page.detail.replaceChildren(make("p", { class: "dim empty" }, words));
    return;
  }
  const place = found.indexOf(error);
  const link = (one) => one && writeState({ ...state, error: one.id });
  const lines = [error.gold, error.predicted].map(({ said }) => said);
  const isOne = lines.every((said) => said.length === 1) && /\s/.test(lines.join(""));
  const pieces = isOne ? compareTexts(...lines.flat()).map((side) => showDifference(side, "em")) : [null, null];
  page.detail.replaceChildren(
    make("p", { class: "steps" }, makeSteps("← List", writeState({ ...state, error: undefined }), link(found[place - 1]), link(found[place + 1]))),
    make("h3", {}, make("span", { class: "kind" }, toWords(error.kind)), " ", make("span", {}, error.field)),
    make("p", { class: "dim facts" }, error.harm === null ? `Record ${error.record}` : `Record ${error.record} · harm ${error.harm} of 10`),
    make("div", { class: "sides" }, showSide("gold", SIDES.gold.title, error, pieces[0]), showSide("predicted", SIDES.predicted.title, error, pieces[1])),
    error.belongsTo ? make("p", { class: "notice" }, `${SIDES.gold.who} has this value at `, sayPath(error.belongsTo), " (", make("code", {}, error.belongsTo), ").") : "",
    make("div", { class: "texts" }, showTexts(error, Object.hasOwn(views, error.record) ? views[error.record] : null)),
  );
  page.detail.scrollTop = 0;
  for (const text of page.detail.querySelectorAll(".passage > pre")) {
    const mark = text.querySelector("mark");
    if (mark) text.scrollTop = Math.max(0, mark.offsetTop - text.clientHeight / 3);
  }
}

function showSide(side, title, error, pieces) {
  const { said, path, quote } = error[side];
  const value = make("p", { class: said.length ? "value" : "nothing" }, pieces ?? sayAll({ said: said.slice(0, 1) }));
  return make(
    "section",
    { class: `side ${side}`, "aria-label": title },
    make("h4", {}, title),
    said.length > 1 ? make("ul", { class: "values" }, said.map((line) => make("li", { class: "value" }, line))) : value,
    quote && quote !== said[0] ? make("blockquote", {}, quote) : "",
    path ? make("p", { class: "path" }, sayPath(path), " ", make("code", {}, path)) : "",
    path ? "" : make("p", { class: "file dim" }, SIDES[side].absent),
    side === "predicted" && error.provenance ? make("p", { class: "file dim" }, `item: ${error.provenance}`) : "",
  );
}

/** The sections that matter to an error, or the reason why there are none. */
function showTexts(error, view) {
  if (view === null) {
    const remedy = "The record's text was missing when this page was made: run again with --records INPUT.";
    return [make("p", { class: "notice" }, remedy)];
  }
  const sides = ["gold", "predicted"];
  const notes = sides.filter((side) => error[side].said.length && !error.marks[side].length).map((side) => {
    const { who } = SIDES[side];
    const { quote } = error[side];
    return make("p", { class: "notice" }, quote === null ? `${who} gives no quote for this value.` : `${who}'s words are not found in this text: “${quote}”`);
  });
  const wanted = new Set(error.sections);
  const kinds = new Set(sides.filter((side) => error.marks[side].length));
  const own = new Set(sides.flatMap((side) => error.marks[side]));
  const spans = view.spans.map((span, number) => (own.has(number) ? span : [-1, 0, 0]));
  const text = showText({ ...view, spans }, (words, over) => {
    const found = sides.filter((side) => over.some((span) => error.marks[side].includes(span)));
    const side = found.length === 2 ? "both" : found[0];
    kinds.add(side);
    const spoken = side === "both" ? `${SIDES.gold.spoken} and ${SIDES.predicted.spoken}` : SIDES[side].spoken;
    const said = (more) => make("span", { class: "sr" }, more);
    return make("mark", { class: side, title: spoken }, said(`[${spoken}: `), words, said("]"));
  }, "h4").filter((_, number) => wanted.has(view.sections[number].name));
  for (const section of text) {
    const pre = section.querySelector("pre");
    Object.assign(pre, { tabIndex: 0, role: "region", ariaLabel: `Text of ${section.firstChild.textContent}` });
  }
  const key = make("p", { class: "key-line" }, [...kinds].map((side) => make("span", { class: `swatch ${side}` }, SIDES[side]?.quoted ?? "quoted by both")));
  return [key, ...notes, ...text];
}
