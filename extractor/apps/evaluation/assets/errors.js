// The list of errors, and the open error in its text. The address holds the state: "#kind=missed&field=dosing&error=12".

const SIDES = ["gold", "predicted"];
const NAMES = ["kind", "field", "text", "error"];

/** The URL hash for a state, without empty values. */
function writeState(state) {
  const stated = NAMES.filter((name) => state[name]);
  return `#${new URLSearchParams(stated.map((name) => [name, state[name]]))}`;
}

/** All words of an error, for searching and for its row. */
function listWords(error) {
  const sides = SIDES.map((side) => error[side]).filter(Boolean);
  return [error.record, error.field, ...sides.flatMap(({ said, quote, facts }) => [said, quote ?? "", facts])];
}

function selectErrors(errors, { kind, field, text }) {
  const words = splitWords(text);
  return errors.filter((error) =>
    (!kind || error.kind === kind) && (!field || `${error.field}.`.startsWith(`${field}.`)) && hasWords(listWords(error), words));
}

/** A link to an error, for the list. */
function makeRow(error, state, names) {
  const lines = SIDES.map((side, number) => make("span", { class: `line ${side}` }, `${names[number]}: ${error[side]?.said ?? "none"}`));
  const place = (error.gold ?? error.predicted).facts.split(",")[0];
  return make("a", { href: writeState({ ...state, error: error.id }) },
    make("span", {}, make("span", { class: "kind" }, error.kind), " ", make("span", { class: "field" }, error.field)),
    lines, make("span", { class: "line dim" }, `${error.record} · ${place}`));
}

/** One side of the open error; ``pieces`` are its words, with differences marked. */
function showSide(side, title, error, pieces) {
  const shown = error[side];
  if (!shown) return make("section", { class: `side ${side}`, "aria-label": title }, make("h4", {}, title), make("p", { class: "dim" }, "does not contain this item"));
  return make("section", { class: `side ${side}`, "aria-label": title },
    make("h4", {}, title), make("p", { class: "value" }, pieces),
    shown.quote && make("blockquote", {}, shown.quote), make("p", { class: "dim" }, shown.facts));
}

/** The sections with an error's marks, or the reason why there are none. */
function showSections(error, view, names) {
  if (!view) return make("p", { class: "notice" }, "The text of this record was not read. Specify the inputs with --records INPUT.");
  const own = error.marks.flat();
  if (own.length === 0) return make("p", { class: "notice" }, "No words of either side were found in the text.");
  const spans = view.spans.map((span, number) => (own.includes(number) ? span : [-1, 0, 0]));
  const drawn = showText({ ...view, spans }, (words, over) => {
    const quoting = SIDES.filter((_, number) => over.some((span) => error.marks[number].includes(span)));
    const title = quoting.map((side) => names[SIDES.indexOf(side)]).join(" and ");
    return make("mark", { class: quoting.join(" "), title }, make("span", { class: "sr" }, `[${title}: `), words, make("span", { class: "sr" }, "]"));
  }, "h4").filter((section) => section.querySelector("mark"));
  for (const section of drawn) {
    Object.assign(section.querySelector("pre"), { tabIndex: 0, role: "region", ariaLabel: `Text of ${section.firstChild.textContent}` });
  }
  return drawn;
}

function showDetail(detail, error, found, state, { views, names }) {
  if (!error) {
    detail.replaceChildren(make("p", { class: "dim empty" }, state.error ? "There is nothing at this address." : "Choose one to see it in its text."));
    return;
  }
  const place = found.indexOf(error);
  const link = (one) => one && writeState({ ...state, error: one.id });
  const said = SIDES.map((side) => error[side]?.said ?? "");
  const pieces = compareTexts(...said).map((side) => showDifference(side, "em"));
  detail.replaceChildren(
    make("p", { class: "steps" }, makeSteps("← List", writeState({ ...state, error: "" }), link(found[place - 1]), link(found[place + 1]))),
    make("h3", {}, make("span", { class: "kind" }, error.kind), " ", error.field), make("p", { class: "facts" }, `Record ${error.record}`),
    make("div", { class: "sides" }, SIDES.map((side, number) => showSide(side, names[number], error, pieces[number]))),
    make("div", { class: "texts" }, showSections(error, Object.hasOwn(views, error.record) && views[error.record], names)));
  detail.scrollTop = 0;
  for (const text of detail.querySelectorAll(".passage > pre")) {
    text.scrollTop = Math.max(0, text.querySelector("mark").offsetTop - text.clientHeight / 3);
  }
}

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (selector) => document.querySelector(selector);
  const form = find(".filters");
  const detail = find(".detail");
  let state = {};
  let found = [];
  const list = new List(find(".scroller"), (error) => makeRow(error, state, data.names), "Nothing matches.");

  function show(next) {
    state = next;
    found = selectErrors(data.errors, state);
    const error = data.errors.find(({ id }) => id === state.error);
    for (const name of ["kind", "field", "text"]) form[name].value = state[name] || "";
    find(".status").textContent = `${found.length} of ${data.errors.length}`;
    find(".browser").classList.toggle("opened", Boolean(state.error));
    showDetail(detail, error, found, state, data);
    list.current = error?.id;
    list.show(found);
    if (found.includes(error)) list.reveal(found.indexOf(error));
  }

  /** Show what the address names, unless it names a section of the page. */
  function follow() {
    const next = readQuery(NAMES, location.hash.slice(1));
    if (location.hash.length > 1 && Object.keys(next).length === 0) return;
    const last = state.error;
    show(next);
    if (next.error) detail.focus({ preventScroll: true });
    else if (last) list.focus(found.findIndex(({ id }) => id === last));
    if (location.hash.length > 1) (next.error && innerWidth < 900 ? detail : form).scrollIntoView({ block: "start" });
  }

  /** Follow a link at once: the next key may come before the browser follows a click. */
  function go(link) {
    if (!link) return;
    history.pushState(null, "", link.href);
    follow();
  }

  function filter(next) {
    show(next);
    history.replaceState(null, "", writeState(state));
  }

  fillFilters(form, data.errors, ({ kind, field }) => [`kind ${kind}`, ...nameField(field)], ["kind"]);
  wireFilters(form, () => filter({ kind: form.kind.value, field: form.field.value, text: form.text.value }), () => filter({}));
  listenToKeys({
    j: () => go(detail.querySelector(".next[href]")),
    k: () => go(detail.querySelector(".previous[href]")),
    "/": () => form.text.focus(),
  });
  addEventListener("hashchange", follow);
  show({});
  follow();
}

start();
