// One error in full: both values, their places, and the text.

/** Draw an error with links to its neighbours in the list. */
function showDetail(page, error, found, state, texts) {
  if (!error) {
    const gone = "No error has this address: it was fixed, or left out of this page.";
    const words = state.error ? gone : "Choose an error to see it in its text.";
    page.detail.replaceChildren(make("p", { class: "dim empty" }, words));
    return;
  }
  const place = found.indexOf(error);
  page.detail.replaceChildren(
    make(
      "p",
      { class: "steps" },
      make("a", { class: "back", href: writeState({ ...state, error: undefined }) }, "← List"),
      makeStep("Previous", found[place - 1], state),
      makeStep("Next", found[place + 1], state),
    ),
    make("h3", {}, make("span", { class: "kind" }, toWords(error.kind)), " ", make("span", {}, error.field)),
    make("p", { class: "dim facts" }, `Record ${error.record} · harm ${error.harm}`),
    make("div", { class: "sides" }, showSide("gold", "Gold", error), showSide("predicted", "Predicted", error)),
    error.belongsTo
      ? make("p", { class: "notice" }, "Gold has this value at ", make("code", {}, error.belongsTo), ".")
      : "",
    make("div", { class: "texts" }, showTexts(error, texts)),
  );
  page.detail.scrollTop = 0;
  for (const text of page.detail.querySelectorAll("pre")) showFirstMark(text);
}

function makeStep(label, error, state) {
  const href = error ? writeState({ ...state, error: error.id }) : null;
  return make("a", { href, "aria-disabled": href ? null : "true", class: `step ${label.toLowerCase()}` }, label);
}

function showSide(side, title, error) {
  const { value, path, quote, file } = error[side];
  const values = [error.gold.value, error.predicted.value];
  const areTexts = values.every((one) => typeof one === "string") && /\s/.test(values.join(""));
  return make(
    "section",
    { class: `side ${side}`, "aria-label": title },
    make("h4", {}, title),
    areTexts ? make("p", { class: "value" }, showDifference(compareTexts(...values)[side === "gold" ? 0 : 1], "em")) : showValue(value),
    quote && quote !== value ? make("blockquote", {}, quote) : "",
    path ? make("p", { class: "path" }, make("code", {}, path)) : "",
    make("p", { class: "file dim" }, file || "not predicted"),
    side === "predicted" && error.provenance ? make("p", { class: "file dim" }, `item: ${error.provenance}`) : "",
  );
}

/** Scroll a long text to its first mark. */
function showFirstMark(text) {
  const mark = text.querySelector("mark");
  if (mark) text.scrollTop = Math.max(0, mark.offsetTop - text.clientHeight / 3);
}
